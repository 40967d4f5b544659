"""The sound that comes back on one session, compared with what was sent: byte for byte, in order, once.

What lives here: a stream of PCM taken for frames again, and what is wrong with each. Pure.
What never will: messages. Whoever relays may join frames or cut them elsewhere; only their bytes count.

The compiled generator does the same (`native/check.c`); both are tried with the same faults.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from holdfast.bench import frames

_MARKED: Final = frames.MARK.size
_LIKELY: Final = _MARKED + 16
"""So many bytes at a frame's beginning say that it is one."""
NEAR: Final = 1_024
"""A frame so far from where the stream stands is none of it."""


@dataclass(slots=True)
class Faults:
    """What was wrong with the frames of many sessions."""

    altered: int = 0
    doubled: int = 0
    swapped: int = 0


@dataclass(slots=True)
class Stream:
    """One session's sound. `sent`: how many frames have been sent so far."""

    session: int
    frame_bytes: int
    faults: Faults
    sent: int = 0
    due: int = 0
    """The frame that is to come next."""
    missing: set[int] = field(default_factory=set)
    """Frames whose successors have come."""
    _rest: bytearray = field(default_factory=bytearray)
    _damaged: int = 0
    """Frames that came altered, so that nobody knows which they were."""

    @property
    def awaited(self) -> int:
        """Frames of which nothing has come, nor of a later one."""
        return max(0, self.sent - self.due - self._damaged)

    @property
    def unanswered(self) -> int:
        """Frames that have not come back, altered ones left out."""
        return self.awaited + len(self.missing)

    def take(self, pcm: bytes) -> None:
        """Sound that came back."""
        if not self._rest and self.due < self.sent and pcm == self._frame(self.due):
            self.due += 1
            return
        self._rest += pcm
        while self._step():
            pass

    def end(self) -> None:
        """Nothing more will come: what is no whole frame is an altered one."""
        if self._rest:
            self._rest.clear()
            self._damage()

    def _step(self) -> bool:
        """Take one frame off the rest, or bytes that are none; False when more must come first."""
        rest = self._rest
        if len(rest) < self.frame_bytes:
            return False
        number = self._number_at(0)
        if number is not None and rest[: self.frame_bytes] == self._frame(number):
            del rest[: self.frame_bytes]
            self._came(number)
            return True
        at = next((at for at in range(1, len(rest) - _LIKELY + 1) if self._number_at(at) is not None), 0)
        if at == 0 and len(rest) < self.frame_bytes + _LIKELY:
            return False
        del rest[: at or self.frame_bytes]
        self._damage()
        return True

    def _came(self, number: int) -> None:
        if number in self.missing:
            self.missing.remove(number)
            self.faults.swapped += 1
        elif number < self.due:
            self.faults.doubled += 1
        else:
            between = range(self.due, number)
            known = min(self._damaged, len(between))  # these came, altered
            self._damaged = 0
            self.missing.update(between[known:])
            self.due = number + 1

    def _damage(self) -> None:
        self.faults.altered += 1
        self._damaged += 1

    def _number_at(self, at: int) -> int | None:
        """The number of the frame of ours that seems to begin there."""
        if len(self._rest) < at + _LIKELY:
            return None
        session, number = frames.MARK.unpack_from(self._rest, at)
        if session != self.session or not self.due - NEAR <= number < self.sent:
            return None
        begins = self._rest[at : at + _LIKELY] == self._frame(number)[:_LIKELY]
        return number if begins else None

    def _frame(self, number: int) -> bytes:
        return frames.frame(self.session, number, self.frame_bytes)
