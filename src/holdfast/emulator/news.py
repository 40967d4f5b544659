"""What a person watching an emulator wants to know: which sessions began, which ended, and how.

What lives here: noticing and wording. What never will: printing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import takewhile
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
    key = "any key will do" if emulator.options.api_key is None else "the key of --api-key alone"
    variable = "OPENAI_BASE_URL; " if emulator.options.dialect == "openai" else ""
    lines = [
        f"realtime  {emulator.url}",
        f"base URL  {emulator.http_base}   ({variable}{key})",
        f"control   {control}/sessions",
        f"faults    {', '.join(faults) or 'none'}",
    ]
    document = {"url": emulator.url, "base_url": emulator.http_base, "control": control, "faults": faults}
    return News("\n".join(lines), {"event": "listening", **document})


async def follow(emulator: Emulator) -> AsyncIterator[News]:
    """Begins and ends of sessions, as they happen, without end."""
    standing: dict[str, SessionRecord] = {}
    newest: SessionRecord | None = None

    def fresh() -> list[SessionRecord]:
        """What began since the last look, youngest first."""
        books = (session.record for session in reversed(emulator.sessions))
        return list(takewhile(lambda record: record is not newest, books))

    def over() -> list[SessionRecord]:
        return [record for record in standing.values() if not record.is_open]

    while True:
        await emulator.wait_for(lambda: bool(fresh() or over()), timeout_s=None)
        for record in reversed(fresh()):
            newest = standing[record.id] = record
            faults = " ".join(record.faults)
            text = f"{record.id}  began  {record.model or record.intent}  {faults}".rstrip()
            yield News(text, {"event": "began", **record.summary()})
        for record in over():
            del standing[record.id]
            heard = f"{record.message_count} messages, {record.audio_bytes} bytes of audio"
            heard += f"; broken: {', '.join(record.broken)}" if record.broken else ""
            text = f"{record.id}  ended  {record.close_code} by the {record.closed_by}; {heard}"
            yield News(text, {"event": "ended", **record.summary()})
