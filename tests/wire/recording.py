"""Conversations in every dialect, recorded on both sides of the gateway's link.

What lives here: `python -m tests.wire.recording` writes `tests/wire/golden/*.jsonl` again; a test compares.
What the emulator speaks is recorded over a socket, what others say stands in `said/` and is translated. A
line: `who` speaks (`client` or `upstream`), what it `says`, what the other side has `heard` of it, and what
the gateway answers itself (`back`).
What never will: judging what is recorded (`test_golden`).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from holdfast.core.faults import Fault
from holdfast.emulator import DialectName, Emulator, EmulatorOptions
from holdfast.ports import UpstreamLine
from holdfast.providers.azure import azure_url
from holdfast.providers.openai import realtime_url
from holdfast.providers.realtime_link import Address, dial
from holdfast.wire.dialects import AZURE_PREVIEW, BETA, DIALECTS, GA, Dialect, Link, Own, link_of
from tests.server.gateway import tone

Json = dict[str, Any]
SAID: Final = Path(__file__).parent / "said"
"""What servers say that we cannot run here, shortened, from the sources that their tables name. What a GA
client asks of them stands in `asked.json`.
"""
FROM_SOURCES: Final = ("xai", "localai", "speaches", "huggingface", "vllm")
OLDER_MODEL: Final = "gpt-4o-realtime-preview"
"""One that the types of the older shape know."""
GOLDEN: Final = Path(__file__).parent / "golden"
TOOL: Final = {
    "type": "function",
    "name": "balance",
    "description": "What is owed",
    "parameters": {"type": "object", "properties": {}},
}
DETECTION: Final = {"type": "server_vad", "silence_duration_ms": 400}
SETTINGS: Final[Json] = {
    "type": "realtime",
    "instructions": "Be brief.",
    "output_modalities": ["audio"],
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "transcription": {"model": "whisper-1"},
            "turn_detection": DETECTION,
        },
        "output": {"voice": "coral"},
    },
    "tools": [TOOL],
    "truncation": "disabled",
    "max_output_tokens": 512,
}
EMULATED: Final[dict[DialectName, Dialect]] = {
    "openai": GA,
    "azure": GA,
    "azure-preview": AZURE_PREVIEW,
    "beta": BETA,
}
HEADERS: Final[dict[DialectName, dict[str, str]]] = {"beta": {"OpenAI-Beta": "realtime=v1"}}


class Untranslated:
    """GA's link, for the record."""

    def __init__(self) -> None:
        self.back: list[bytes] = []

    def up(self, raw: bytes) -> Sequence[bytes]:
        return (raw,)

    def down(self, raw: bytes) -> Sequence[bytes]:
        return (raw,)


class Tap:
    """A link that is listened to."""

    def __init__(self, inner: Link) -> None:
        self.lines: list[Json] = []
        self.back = inner.back
        self._inner = inner

    def up(self, raw: bytes) -> Sequence[bytes]:
        told = self._inner.up(raw)
        self._note("client", raw, told)
        return told

    def down(self, raw: bytes) -> Sequence[bytes]:
        told = self._inner.down(raw)
        self._note("upstream", raw, told)
        return told

    def _note(self, who: str, raw: bytes, told: Sequence[bytes]) -> None:
        line = {"who": who, "says": json.loads(raw), "heard": [json.loads(one) for one in told]}
        if self.back:
            line["back"] = [json.loads(one) for one in self.back]
        self.lines.append(line)


class Ear:
    """The sink of a link: what a client of the gateway would be told."""

    def __init__(self) -> None:
        self.line: UpstreamLine | None = None
        self.heard: Counter[str] = Counter()
        self._news = asyncio.Event()

    def upstream_opened(self, generation: int, line: UpstreamLine) -> None:
        del generation
        self.line = line

    def upstream_message(self, generation: int, raw: bytes) -> None:
        del generation
        self.heard[json.loads(raw)["type"]] += 1
        self._news.set()

    def upstream_lost(self, generation: int, cause: Fault) -> None:
        del generation, cause  # the conversation's end, or the wait for an event that never comes

    def upstream_paused(self, *, paused: bool) -> None:
        del paused

    def say(self, kind: str, **fields: Any) -> None:
        assert self.line is not None
        self.line.send_text(json.dumps({"type": kind, **fields}).encode())

    async def until(self, kind: str, count: int = 1) -> None:
        async with asyncio.timeout(5):
            while self.heard[kind] < count:
                self._news.clear()
                await self._news.wait()


async def emulated(name: DialectName) -> list[Json]:
    """One conversation with an emulator: settings, speech, text, a call and its result, a refusal."""
    dialect = EMULATED[name]
    model = "gpt-realtime-2.1" if dialect.is_ga else OLDER_MODEL
    inner = Untranslated() if dialect.is_ga else link_of(dialect, Own(model), lambda _left: None)
    tap, ear = Tap(inner), Ear()
    async with Emulator(EmulatorOptions(dialect=name, speed=0, char_ms=10)) as upstream:
        url = realtime_url(upstream.http_base, {"model": model})
        if name.startswith("azure"):
            version = "2025-04-01-preview" if name == "azure-preview" else ""
            url = azure_url(upstream.http_base, model, version, {})
        await dial(Address(url, "sk-test", translation=tap), 1, ear, HEADERS.get(name, {}))
        await converse(ear)
        assert ear.line is not None
        ear.line.close()
    return tap.lines


async def converse(ear: Ear) -> None:
    await ear.until("session.created")
    ear.say("session.update", session=SETTINGS)
    await ear.until("session.updated")
    pcm = tone(0.4) + bytes(48 * 600)
    ear.say("input_audio_buffer.append", audio=base64.b64encode(pcm).decode())
    await ear.until("response.done")
    content = [{"type": "input_text", "text": "call balance {}"}]
    said = [{"type": "output_text", "text": "Good day."}]
    ear.say(
        "conversation.item.create", item={"type": "message", "id": "a1", "role": "assistant", "content": said}
    )
    ear.say(
        "conversation.item.create", item={"type": "message", "id": "u1", "role": "user", "content": content}
    )
    ear.say("response.create", response={"output_modalities": ["text"], "metadata": {"mine": "1"}})
    await ear.until("response.done", 2)
    output = {"type": "function_call_output", "id": "o1", "call_id": "call_none", "output": "nine"}
    ear.say("conversation.item.create", item=output)
    ear.say("conversation.item.delete", item_id="u1")
    ear.say("session.update", event_id="bad", session={"type": "realtime", "audio": {"output": {"speed": 9}}})
    await ear.until("conversation.item.deleted")
    await ear.until("error")


def translated(name: str) -> list[Json]:
    """What a server says by its sources, and a client of GA beside it."""
    numbers: Counter[str] = Counter()

    def ids(prefix: str) -> str:
        numbers[prefix] += 1
        return f"{prefix}_{numbers[prefix]:020x}"

    dialect = DIALECTS[name]
    own = Own("whisper" if dialect.transcribes_only else "any", transcribes=dialect.transcribes_only)
    link = link_of(dialect, own, lambda _left: None, ids)
    tap = Tap(link)
    asked = json.loads((SAID / "asked.json").read_text())
    for line in map(json.loads, (SAID / f"{name}.jsonl").read_text().splitlines()):
        if "upstream" in line:
            tap.down(json.dumps(line["upstream"]).encode())
        else:
            event = line["client"]
            tap.up(json.dumps(asked[event] if isinstance(event, str) else event).encode())
        link.back.clear()
    return tap.lines


_ID: Final = re.compile(r"\b(sess|conv|item|resp|call|event)_([0-9a-f]{20,32})\b")
_SOUND: Final = frozenset({"audio", "delta"})
_SOUND_CHARS: Final = 120


def plain(lines: Iterable[Json]) -> Iterator[str]:
    """Lines that are the same each time: ids by their order, sound by its length and sum, no clock."""
    known: dict[str, str] = {}
    numbers: Counter[str] = Counter()

    def name(found: re.Match[str]) -> str:
        if found[0] not in known:
            numbers[found[1]] += 1
            known[found[0]] = f"{found[1]}_{numbers[found[1]]}"
        return known[found[0]]

    for line in lines:
        yield _ID.sub(name, json.dumps(_quiet(line), ensure_ascii=False))


def _quiet(value: Any) -> Any:
    if isinstance(value, list):
        return [_quiet(one) for one in value]
    if not isinstance(value, dict):
        return value
    shown = {key: _quiet(inner) for key, inner in value.items()}
    for key in _SOUND & value.keys():
        if isinstance(value[key], str) and len(value[key]) > _SOUND_CHARS:
            digest = hashlib.sha256(value[key].encode()).hexdigest()[:8]
            shown[key] = f"({len(value[key])} characters of sound, {digest})"
    if "expires_at" in value:
        shown["expires_at"] = 0
    return shown


def recorded(name: str) -> list[str]:
    """A conversation as it stands in its file."""
    lines = translated(name) if name in FROM_SOURCES else asyncio.run(emulated(name))  # type: ignore[arg-type] # the others
    return list(plain(lines))


NAMES: Final = (*EMULATED, *FROM_SOURCES)


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for name in NAMES:
        path = GOLDEN / f"{name}.jsonl"
        path.write_text("\n".join(recorded(name)) + "\n")
        print(path)


if __name__ == "__main__":
    main()
