"""How each fault that has a moment is carried out.

What lives here: one short function for each, and the table from name to function.
What never will: deciding that it is time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from holdfast.emulator.faults import CLOSE_REASONS, ERRORS
from holdfast.emulator.spelling import FaultSpec
from holdfast.wire.realtime import new_id

if TYPE_CHECKING:
    from holdfast.emulator.session import EmulatedSession

Act = Callable[["EmulatedSession", FaultSpec], None]

_NO_RESPONSE: Final = "resp_that_never_began"


def _drop(session: EmulatedSession, _fault: FaultSpec) -> None:
    session.abort()


def _reset(session: EmulatedSession, _fault: FaultSpec) -> None:
    session.abort(reset=True)


def _half_open(session: EmulatedSession, fault: FaultSpec) -> None:
    session.freeze(float(fault.arguments[1]) if len(fault.arguments) > 1 else None)


def _mute(session: EmulatedSession, _fault: FaultSpec) -> None:
    session.mute()


def _late(session: EmulatedSession, fault: FaultSpec) -> None:
    session.hold(float(fault.arguments[0]))


def _slow_reader(session: EmulatedSession, fault: FaultSpec) -> None:
    session.read_slowly(int(fault.arguments[0]))


def _close(session: EmulatedSession, fault: FaultSpec) -> None:
    session.close(int(fault.arguments[0]), CLOSE_REASONS[fault.arguments[2]])


def _error(session: EmulatedSession, fault: FaultSpec) -> None:
    name = fault.arguments[0]
    kind, code, message = ERRORS[name]
    named = session.newest_event_id if name == "invalid_request" else None
    session.host.fail(kind, code, message, event_id=named)


def _end_response(session: EmulatedSession, fault: FaultSpec) -> None:
    session.end_response(fault.arguments[0])


def _malformed(session: EmulatedSession, _fault: FaultSpec) -> None:
    session.send("(malformed)", b'{"type":"session.updated","event_id":')


def _wrong_types(session: EmulatedSession, _fault: FaultSpec) -> None:
    wrong = {"type": "response.output_audio.delta", "event_id": 7, "response_id": ["x"], "delta": {"a": None}}
    session.send("(wrong types)", msgspec.json.encode(wrong))


def _unknown_event(session: EmulatedSession, _fault: FaultSpec) -> None:
    strange = {"type": "emulator.strange", "event_id": new_id("event"), "detail": {"answer": 42}}
    session.send("emulator.strange", msgspec.json.encode(strange))


def _oversized(session: EmulatedSession, fault: FaultSpec) -> None:
    large = {"type": "emulator.large", "event_id": new_id("event"), "pad": ""}
    room = int(fault.arguments[1]) - len(msgspec.json.encode(large))
    session.send("emulator.large", msgspec.json.encode({**large, "pad": "x" * max(0, room)}))


def _stray(session: EmulatedSession, _fault: FaultSpec) -> None:
    kind = "response.output_audio.delta"
    where = {
        "response_id": _NO_RESPONSE,
        "item_id": "item_that_never_began",
        "output_index": 0,
        "content_index": 0,
    }
    session.send(
        kind, msgspec.json.encode({"type": kind, "event_id": new_id("event"), **where, "delta": "AAAA"})
    )


ACTS: Final[Mapping[str, Act]] = {
    "drop": _drop,
    "reset": _reset,
    "half-open": _half_open,
    "mute": _mute,
    "late": _late,
    "slow-reader": _slow_reader,
    "close": _close,
    "error": _error,
    "end-response": _end_response,
    "malformed": _malformed,
    "wrong-types": _wrong_types,
    "unknown-event": _unknown_event,
    "oversized": _oversized,
    "stray": _stray,
}
"""Faults with a moment, by name."""
