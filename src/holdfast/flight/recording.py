"""A recording: its header and its steps, as one file of JSON lines.

What lives here: putting one together from what a tap kept; reading one, and refusing what is none by name.
What never will: where files lie (`recorder`), running a core (`replay`).

    {"holdfast_recording": 1, "version": ..., "core": "session", "session": "hf_...", ...}
    {"step": 17, "at": ..., "kind": "event", "event": {...}, "booked": ..., "answers": [...], "due": [...]}
    {"end": 1, "check": "..."}

The file is compressed with gzip. The last line counts the steps and sums up everything before it.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from holdfast.core.relay_state import RelaySurroundings
from holdfast.core.state import Surroundings
from holdfast.flight.blanking import Blanking
from holdfast.flight.forms import Former
from holdfast.flight.lot import SOUND, FrozenLot
from holdfast.flight.names import Named, named
from holdfast.flight.short import due_of, event_of

FORMAT: Final = 1
KINDS: Final = ("event", "abort", "raised")
FILE_BYTES_MAX: Final = 256 * 1024 * 1024
"""Of a recording, packed or not: no file of ours is nearly as large, and no more of one is read."""
SUFFIX: Final = ".flight.jsonl.gz"
_LAST_S: Final = 253_402_300_800.0
"""The end of the year 9999."""
_WORD: Final = re.compile(r"[A-Za-z0-9_.:+-]{0,128}")
_encode: Final = msgspec.json.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder().decode


class NoRecordingError(Exception):
    """A file that is no recording, or is damaged: what, why, fix."""

    def __init__(self, what: str, why: str, fix: str) -> None:
        super().__init__(f"{what} {why}")
        self.what, self.why, self.fix = what, why, fix


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """The first line."""

    holdfast_recording: int
    version: str
    core: Literal["session", "relay"]
    session: str
    why: str
    """The code of the fault that it was written for; `asked` when somebody asked for it."""
    written: float
    """Seconds since 1970."""
    clock: float
    """What to add to a step's time for seconds since 1970."""
    surroundings: dict[str, Any]
    first: int
    """Number of the first step."""
    begins: list[Any] | None = None
    """The state before the first step; None for the beginning of a session."""


class Step(msgspec.Struct, frozen=True):
    """One step: what happened, what was booked and answered, what was decided."""

    step: int
    at: float
    kind: Literal["event", "abort", "raised"]
    event: dict[str, Any]
    booked: Any
    answers: list[tuple[str, Any]]
    due: list[dict[str, Any]]

    @property
    def name(self) -> str:
        """What happened, by its class."""
        return str(self.event.get("is", "")).rpartition(".")[2]


class _End(msgspec.Struct, frozen=True):
    end: int
    check: str


@dataclass(frozen=True, slots=True)
class Recording:
    """One session's last steps."""

    header: Header
    steps: tuple[Step, ...] = field(repr=False)

    def clock(self, step: Step) -> float:
        """When a step was: seconds since 1970."""
        return step.at + self.header.clock


# writing


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a tap had kept at a moment: everything that a recording is made of, in another thread too."""

    session: str
    surroundings: Surroundings | RelaySurroundings
    blanking: Blanking
    lots: Sequence[FrozenLot]
    number: int
    """Of the step that comes next."""
    why: str
    written: float
    clock: float
    version: str


def write(frozen: Frozen) -> bytes:
    """The file. Milliseconds for each hundred steps: not for the event loop."""
    first, begins = frozen.lots[0].first, frozen.lots[0].begins
    is_session = isinstance(frozen.surroundings, Surroundings)
    header = Header(
        FORMAT,
        frozen.version,
        "session" if is_session else "relay",
        frozen.session,
        frozen.why,
        frozen.written,
        frozen.clock,
        _around(frozen.surroundings, Former(frozen.blanking)),
        first,
        _portrait(*_unpack(begins)) if begins else None,
    )
    lines = [_encode(header)]
    for lot in frozen.lots:
        lines += [_line(number, step) for number, step in enumerate(lot.unpacked(), lot.first)]
    body = b"\n".join(lines) + b"\n"
    return gzip.compress(body + _encode(_End(len(lines) - 1, _check(body))) + b"\n", 6)


def _portrait(state: Any, *lanes: Any) -> list[Named]:
    """A state is an object, a lane a bare list."""
    return [named(state), *lanes]


def _around(around: Surroundings | RelaySurroundings, former: Former) -> dict[str, Named]:
    told: dict[str, Any] = {
        "limits": named(former.form(around.limits)),
        "upstreams": named(former.form(around.upstreams)),
    }
    if isinstance(around, Surroundings):
        told["customer_id"] = former.form(around.customer_id, "customer_id")
        told["greeting"] = former.form(around.greeting, "greeting")
        told["durability"] = around.durability
        told["idempotent_tools"] = named(former.form(around.idempotent_tools, "idempotent_tools"))
    else:
        told["model"] = former.form(around.model, "model")
    return told


def _line(number: int, step: Sequence[Any]) -> bytes:
    kind, at, event, booked, *rest = step
    if kind == SOUND:
        return _encode(Step(number, at, "event", event_of(event), booked, [], due_of(rest[0])))
    answers, due = rest
    heard = [(question, _answer(question, answer)) for question, answer in answers]
    return _encode(Step(number, at, KINDS[kind], named(event), booked, heard, [named(one) for one in due]))


def _answer(question: str, answer: Any) -> Named:
    return answer if question == "measured" else named(answer)


def _check(body: bytes) -> str:
    return f"{zlib.crc32(body):08x}"


# reading


def read_file(path: Path) -> Recording:
    """What is in the file there. Raises NoRecordingError, OSError."""
    with path.open("rb") as file:
        return read(file.read(FILE_BYTES_MAX))


def read(data: bytes) -> Recording:
    """What is in a file. Raises NoRecordingError."""
    text = _unpacked(data)
    header = _header(text[: text.find(b"\n") + 1])
    lines = text.splitlines(keepends=True)
    try:
        end = msgspec.json.decode(lines[-1], type=_End)
    except msgspec.DecodeError as error:
        raise _damaged("its last line is missing") from error
    if end.check != _check(b"".join(lines[:-1])) or end.end != len(lines) - 2:
        raise _damaged("its sum does not fit its content")
    try:
        decode = msgspec.json.Decoder(Step).decode
        found = Recording(header, tuple(map(decode, lines[1:-1])))
    except msgspec.DecodeError as error:
        raise _damaged(str(error)) from error
    if not all(0 <= at < _LAST_S for at in (header.written, *map(found.clock, found.steps))):
        raise _damaged("its times are in no calendar")
    return found


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        unpacker = zlib.decompressobj(wbits=31)
        text = unpacker.decompress(data, FILE_BYTES_MAX)
    except zlib.error as error:
        raise _damaged("it can't be unpacked") from error
    if not unpacker.eof:
        raise _damaged("its end is missing")
    return text


def _header(line: bytes) -> Header:
    try:
        found = msgspec.json.decode(line)
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, Mapping) or "holdfast_recording" not in found:
        raise NoRecordingError(
            "this is no recording of a session.",
            "Its first line does not say so.",
            f"Recordings are the files *{SUFFIX} in the recorder's folder, or what the console gives out.",
        )
    if found["holdfast_recording"] != FORMAT:
        raise NoRecordingError(
            f"this recording is of format {_shown(found['holdfast_recording'])}.",
            f"This version reads format {FORMAT}.",
            f"Replay it with the version that wrote it: {_shown(found.get('version', 'not known'))}.",
        )
    try:
        header = msgspec.convert(found, Header)
    except msgspec.ValidationError as error:
        raise _damaged(str(error)) from error
    if not all(map(_WORD.fullmatch, (header.version, header.session, header.why))):
        # a file may be a stranger's, and a test is made of these
        raise _damaged("its first line holds what no recorder writes")
    return header


def _shown(told: object) -> str:
    """A stranger's word, for a terminal."""
    return "".join(filter(str.isprintable, str(told)[:40]))


def _damaged(why: str) -> NoRecordingError:
    return NoRecordingError(
        "the recording is damaged.",
        f"{why[:1].upper()}{why[1:]}.",
        "Take the file from where it was written.",
    )
