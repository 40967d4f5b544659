"""What a session says, on its way out: held back, swallowed, doubled, put out of order.

What lives here: the gate and the queue, and the order in which events pass it.
What never will: deciding that something breaks; that is the owner's, who is asked at each step.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Any, Final, Protocol

import msgspec

from holdfast.emulator.moments import DELTAS
from holdfast.emulator.options import Tamper

HELD_EVENTS_MAX: Final = 10_000
"""Events kept back by a delay; a session beyond it is dropped."""

_BEFORE_A_DELTA: Final = frozenset(
    {"response.output_item.added", "conversation.item.added", "response.content_part.added"}
)
_ANY_DELTA: Final = DELTAS | {
    "response.output_audio_transcript.delta",
    "response.function_call_arguments.delta",
}

Event = tuple[str, bytes]
_Held = tuple[str, bytes, bool]  # the last: whether the event's moment has passed already


class Gate(Enum):
    """Whether events pass."""

    OPEN = "open"
    HOLDING = "holding"
    SHUT = "shut"


class Owner(Protocol):
    """The session, as far as its outflow must know it."""

    def is_due(self, kind: str) -> None:
        """An event of this type is about to go out; what is to break before it breaks now."""

    def send(self, kind: str, payload: bytes) -> None:
        """Put it on the wire."""

    def has_passed(self, kind: str) -> None:
        """It went out; what is to break after it breaks now."""

    def takes(self, name: str, *first: str) -> bool:
        """Whether a fault of that name, with one of these first arguments, happens now."""

    def overflows(self) -> None:
        """More is held back than may be."""


class Outflow:
    """The way out of one session."""

    def __init__(self, owner: Owner, tamper: Tamper | None = None) -> None:
        self._owner = owner
        self._tamper = tamper
        self.gate = Gate.OPEN
        self._held: deque[_Held] = deque()
        self._in_response = False
        self._delayed: list[Event] = []
        self._last_delta: Event | None = None
        self._reorders_delta = self._reorders_done = False

    def emit(self, payload: bytes) -> None:
        """An event of the host."""
        if self._tamper is None:
            self._take(kind_of(payload), payload)
            return
        for event in self._tamper(msgspec.json.decode(payload, type=dict[str, Any])):
            self._take(str(event.get("type", "")), msgspec.json.encode(event))

    def hold(self) -> None:
        """Keep everything back from now on."""
        if self.gate is Gate.OPEN:
            self.gate = Gate.HOLDING

    def shut(self) -> None:
        """Swallow everything from now on."""
        self.gate = Gate.SHUT
        self._held.clear()

    def release(self) -> None:
        """Let out what was held back, in order, and everything after it."""
        if self.gate is not Gate.HOLDING:
            return
        self.gate = Gate.OPEN
        held, self._held = self._held, deque()
        for kind, payload, was_due in held:
            (self._pass if was_due else self._take)(kind, payload)

    def _take(self, kind: str, payload: bytes) -> None:
        is_due = self.gate is Gate.OPEN
        if is_due:
            self._owner.is_due(kind)
        if self.gate is Gate.HOLDING:
            self._held.append((kind, payload, is_due))
            if len(self._held) > HELD_EVENTS_MAX:
                self._owner.overflows()
        elif self.gate is Gate.OPEN:
            self._pass(kind, payload)

    def _pass(self, kind: str, payload: bytes) -> None:
        if kind == "response.created":
            self._in_response = True
            self._reorders_delta = self._owner.takes("reorder", "delta")
            self._reorders_done = not self._reorders_delta and self._owner.takes("reorder", "done")
        if self._in_response and self._postpone(kind, payload):
            return
        self._say(kind, payload)
        if kind in _ANY_DELTA:
            delayed, self._delayed = self._delayed, []
            self._reorders_delta = False
            for event in delayed:
                self._say(*event)
        elif kind == "response.done":
            self._in_response = False
            late, self._last_delta = [*self._delayed, self._last_delta], None
            self._delayed.clear()
            for event in filter(None, late):
                self._say(*event)

    def _postpone(self, kind: str, payload: bytes) -> bool:
        """Keep an event back for one that should come after it."""
        if self._reorders_delta and kind in _BEFORE_A_DELTA:
            self._delayed.append((kind, payload))
            return True
        if self._reorders_done and kind in _ANY_DELTA:
            earlier, self._last_delta = self._last_delta, (kind, payload)
            if earlier is not None:
                self._say(*earlier)
            return True
        return False

    def _say(self, kind: str, payload: bytes) -> None:
        if self._owner.takes("omit", kind) or (
            kind == "session.updated" and self._owner.takes("silent-updated")
        ):
            return
        self._owner.send(kind, payload)
        if self._owner.takes("duplicate", kind, "all") or (
            kind == "response.done" and self._owner.takes("duplicate-done")
        ):
            self._owner.send(kind, payload)
        self._owner.has_passed(kind)


def kind_of(payload: bytes) -> str:
    """The type of one of our own events: the encoder writes it first."""
    return payload[9 : payload.index(b'"', 9)].decode()
