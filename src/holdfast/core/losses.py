"""Losses of input, gathered: neighbours become one range, told at most once a second.

What lives here: the open range. A flood that loses every frame costs one message a second, and no sample of
it goes unnamed.
What never will: deciding what is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field

TELL_EVERY_S = 1.0
NAMED_MAX = 256


@dataclass(frozen=True, slots=True)
class Loss:
    first: int
    last: int
    reason: str


@dataclass(slots=True)
class Losses:
    pending: Loss | None = None
    _named: list[tuple[int, int]] = field(default_factory=list)
    """Ranges that were entered before, in order of position."""
    _told_at: float = float("-inf")

    def fresh(self, first: int, last: int) -> list[tuple[int, int]]:
        """What of this range was never entered before; it is from here on. A loss has one name."""
        out: list[tuple[int, int]] = []
        at = first
        for known_first, known_last in self._named:
            if known_last <= at or known_first >= last:
                continue
            if at < known_first:
                out.append((at, known_first))
            at = max(at, known_last)
        if at < last:
            out.append((at, last))
        self._enter(first, last)
        return out

    def _enter(self, first: int, last: int) -> None:
        apart = [one for one in self._named if one[1] < first or one[0] > last]
        touching = [one for one in self._named if one[1] >= first and one[0] <= last]
        merged = (min([first, *(one[0] for one in touching)]), max([last, *(one[1] for one in touching)]))
        self._named = sorted([*apart, merged])[-NAMED_MAX:]

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
