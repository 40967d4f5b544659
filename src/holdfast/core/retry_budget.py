"""How much trying again a node allows itself: tokens for each endpoint, places for all.

What lives here: two counters.
What never will: which dials are retries (`endpoints`).

Without them a node whose upstream half fails doubles that upstream's load at the worst moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class RetryTokens:
    """A failure costs one, a success pays a tenth, time a little; a retry needs more than `least` to be left.

    Time pays because sessions are few and long: the five hundred successes that would make up for fifty
    failures may take a quiet node weeks.
    """

    most: float
    least: float
    gain: float
    per_s: float
    level: float = field(init=False)
    at: float | None = None

    def __post_init__(self) -> None:
        self.level = self.most

    def wait_s(self, now: float) -> float:
        """How long until a retry is allowed by time alone; 0 for now."""
        if self.left(now) > self.least:
            return 0.0
        # A hundredth of a token more than the bound, which must be passed, not reached.
        return (self.least - self.level + 0.01) / self.per_s

    def left(self, now: float) -> float:
        """How many there are."""
        self._move(now)
        return self.level

    def failed(self, now: float) -> None:
        """A dial failed."""
        self._move(now)
        self.level = max(0.0, self.level - 1.0)

    def succeeded(self, now: float) -> None:
        """A dial went live."""
        self._move(now)
        self.level = min(self.most, self.level + self.gain)

    def restore(self) -> None:
        """The endpoint is well again: what the outage cost is forgotten, or its victims could not return."""
        self.level = self.most

    def _move(self, now: float) -> None:
        if self.at is not None:
            self.level = min(self.most, self.level + (now - self.at) * self.per_s)
        self.at = now


@dataclass(slots=True)
class RetryPlaces:
    """How many retries may be under way at once: a share of what is live, and never fewer than a few."""

    share: float
    floor: int
    taken: int = 0

    def has_room(self, live: int) -> bool:
        """Whether one more may begin."""
        return self.taken < max(self.floor, int(self.share * live))

    def take(self) -> None:
        """One begins."""
        self.taken += 1

    def release(self) -> None:
        """One is over."""
        assert self.taken > 0, "a place was given back twice"
        self.taken -= 1
