"""Losses of input, gathered: neighbours become one range, told at most once a second.

What lives here: the open range. A flood that loses every frame costs one message a second, and no sample of
it goes unnamed.
What never will: deciding what is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

TELL_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Loss:
    first: int
    last: int
    reason: str


@dataclass(slots=True)
class Losses:
    pending: Loss | None = None
    _told_at: float = float("-inf")

    def add(self, first: int, last: int, reason: str, now: float) -> list[Loss]:
        """Enter a loss; answers what is to be told now."""
        told = []
        held = self.pending
        if held is not None and held.last == first and held.reason == reason:
            self.pending = Loss(held.first, last, reason)
        else:
            if held is not None:
                told.append(held)
            self.pending = Loss(first, last, reason)
        if now - self._told_at >= TELL_EVERY_S:
            told += self.flush(now)
        return told

    def flush(self, now: float) -> list[Loss]:
        """What has not been told yet."""
        held, self.pending = self.pending, None
        if held is None:
            return []
        self._told_at = now
        return [held]

    @property
    def untold(self) -> int:
        """Samples in the open range."""
        return 0 if self.pending is None else self.pending.last - self.pending.first
