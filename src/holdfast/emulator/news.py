"""What a person watching an emulator wants to know: which sessions began, which ended, and how.

What lives here: noticing and wording. What never will: printing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from holdfast.emulator.record import SessionRecord
from holdfast.emulator.server import Emulator


@dataclass(frozen=True, slots=True)
class News:
    """One line for people and the same for machines."""

    text: str
    document: dict[str, Any]


def listening(emulator: Emulator) -> News:
    """Where it listens and what it was told."""
    faults = [str(spec) for spec in emulator.plan.specs]
    control = emulator.control_url if emulator.control_port else None
    lines = [
        f"realtime  {emulator.url}",
        f"base URL  {emulator.http_base}   (OPENAI_BASE_URL; any key will do)",
        f"control   {control}/sessions",
        f"faults    {', '.join(faults) or 'none'}",
    ]
    document = {"url": emulator.url, "base_url": emulator.http_base, "control": control, "faults": faults}
    return News("\n".join(lines), {"event": "listening", **document})


async def follow(emulator: Emulator) -> AsyncIterator[News]:
    """Begins and ends of sessions, as they happen, without end."""
    told: dict[str, bool] = {}  # by id: whether its end was told, too

    def is_news(record: SessionRecord) -> bool:
        return record.id not in told or (not record.is_open and not told[record.id])

    while True:
        await emulator.wait_for(lambda: any(map(is_news, emulator.records)), timeout_s=None)
        records = emulator.records
        for record in filter(is_news, records):
            if record.id not in told:
                told[record.id] = False
                faults = " ".join(record.faults)
                text = f"{record.id}  began  {record.model or record.intent}  {faults}".rstrip()
                yield News(text, {"event": "began", **record.summary()})
            if not record.is_open:
                told[record.id] = True
                heard = f"{record.message_count} messages, {record.audio_bytes} bytes of audio"
                heard += f"; broken: {', '.join(record.broken)}" if record.broken else ""
                text = f"{record.id}  ended  {record.close_code} by the {record.closed_by}; {heard}"
                yield News(text, {"event": "ended", **record.summary()})
        for forgotten in told.keys() - {record.id for record in records}:
            del told[forgotten]
