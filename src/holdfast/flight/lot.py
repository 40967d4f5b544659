"""Steps behind each other: the objects of those that wait, bytes of the others.

What lives here: a lot, which fills, and one as it was at a moment.
What never will: when a lot is full (`tap`), files (`recording`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec

from holdfast.flight.answers import Answer, told_answers
from holdfast.flight.forms import Form, Former
from holdfast.flight.starts import Starts, unpressed

EVENT, ABORT, RAISED, SOUND = 0, 1, 2, 3
"""What a step was: an event; the end that a bug of ours made; an event in which the core raised; an event
about sound, in short.
"""
_FIXARRAY: Final = 16
"""Arrays of fewer have a head of one byte, those of less than 65,536 of three."""
packed: Final = msgspec.msgpack.Encoder().encode
"""A step, or a portrait, in bytes."""

ShortStep = tuple[int, float, tuple[Any, ...], Any, int]
"""SOUND, when, the event's fields that matter, what was booked, which effects (`recording.SHORT`)."""
WaitingStep = tuple[int, float, Any, Form, Sequence[Answer], Sequence[Any]]
"""EVENT, when, the event, what was booked, the answers, the effects: as they were."""


class Lot:
    """Steps behind each other, from a place where a replay can begin."""

    __slots__ = ("begins", "count", "first", "known", "pressed", "steps", "waiting")

    def __init__(self, first: int, begins: bytes = b"") -> None:
        self.first = first
        """Number of the first step."""
        self.begins = begins
        """A portrait; empty for the beginning of the session."""
        self.count = 0
        """Of those in `pressed` and `steps`."""
        self.pressed = self.known = b""
        """How the session started, and what that was pressed with (`Starts.press`)."""
        self.steps: bytearray | None = None
        """What followed."""
        self.waiting: list[ShortStep | WaitingStep] | None = None
        """What happened behind these, and is not written yet."""

    @property
    def number(self) -> int:
        """Of the step that comes next."""
        return self.first + self.count + (len(self.waiting) if self.waiting else 0)

    @property
    def size(self) -> int:
        """Bytes of what is written."""
        return len(self.pressed) + (len(self.steps) if self.steps else 0)

    def add(self, step: bytes) -> None:
        """One that is written, behind all others."""
        if self.steps is None:
            self.steps = bytearray()
        self.steps += step
        self.count += 1

    def settle(self, former: Former, starts: Starts) -> None:
        """Write what waits, as one array without its head: steps stand behind each other. A session that was
        silent so far has nothing else, so its start is pressed.
        """
        waiting, self.waiting = self.waiting, None
        if not waiting:
            return
        count = len(waiting)
        steps = packed([_told(step, former) for step in waiting])[1 if count < _FIXARRAY else 3 :]
        is_start = not self.count and waiting[0][0] != SOUND
        self.count += count
        if is_start:
            self.pressed, self.known = starts.press(steps)
        elif self.steps is None:
            self.steps = bytearray(steps)
        else:
            self.steps += steps

    def frozen(self) -> FrozenLot:
        """As it is now: nothing waits."""
        steps = bytes(self.steps or b"")
        return FrozenLot(self.first, self.count, self.begins, steps, self.pressed, self.known)


def _told(step: ShortStep | WaitingStep, former: Former) -> tuple[Any, ...]:
    """A step as it is written."""
    if step[0] != EVENT:
        return step
    kind, now, event, booked, answers, due = cast("WaitingStep", step)
    return (kind, now, former.form(event), booked, told_answers(answers, former), former.forms(due))


@dataclass(frozen=True, slots=True)
class FrozenLot:
    """A lot as it was at a moment."""

    first: int
    count: int
    begins: bytes
    steps: bytes
    pressed: bytes
    known: bytes

    def unpacked(self) -> list[Any]:
        """The steps, one by one: they stand behind each other as in one array."""
        start = unpressed(self.pressed, self.known) if self.pressed else b""
        steps = b"\xdd" + self.count.to_bytes(4, "big") + start + self.steps
        return list(msgspec.msgpack.decode(steps))
