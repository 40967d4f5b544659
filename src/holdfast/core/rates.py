"""How fast a client may be: token buckets, the flood watch, and the throttle of our own error messages.

What lives here: arithmetic on `now`.
What never will: a clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast.core.notices import Error


@dataclass(slots=True)
class TokenBucket:
    """`rate` tokens a second, at most `burst`. Starts full."""

    rate: float
    burst: float
    level: float = field(init=False)
    at: float | None = None

    def __post_init__(self) -> None:
        self.level = self.burst

    def take(self, amount: float, now: float) -> bool:
        """Take `amount`; False, and nothing taken, when there is not enough."""
        level = self.level
        if self.at is not None:
            level += (now - self.at) * self.rate
            if level > self.burst:  # noqa: PLR1730 - a call of min() for each message is not free
                level = self.burst
        self.at = now
        if amount > level:
            self.level = level
            return False
        self.level = level - amount
        return True


@dataclass(slots=True)
class FloodWatch:
    """A flood is refusals that never pause for a second, `patience_s` long."""

    patience_s: float
    began: float | None = None
    last: float = 0.0

    def refused(self, now: float) -> bool:
        """Note a refusal; True when the flood has lasted too long."""
        if self.began is None or now - self.last > 1.0:
            self.began = now
        self.last = now
        return now - self.began >= self.patience_s


@dataclass(slots=True)
class _Held:
    at: float
    suppressed: int = 0
    latest: Error | None = None


@dataclass(slots=True)
class ErrorThrottle:
    """At most one error a second and code; what was held back is counted and told with the next."""

    interval_s: float = 1.0
    is_waiting: bool = False
    """Whether a deadline for `due` has been set."""
    _held: dict[str, _Held] = field(default_factory=dict)

    def admit(self, error: Error, now: float) -> bool:
        """Whether `error` may go out now; if not it is counted."""
        held = self._held.get(error.code)
        if held is None or (now - held.at >= self.interval_s and not held.suppressed):
            self._held[error.code] = _Held(now)
            return True
        held.suppressed += 1
        held.latest = error
        return False

    def due(self, now: float) -> list[tuple[Error, int]]:
        """What was held back for an interval: the latest of each code, with the others' number.

        A clock may fire a little early: 5 ms count as none.
        """
        out = []
        for code, held in self._held.items():
            if held.latest is not None and now - held.at >= self.interval_s - 0.005:
                out.append((held.latest, held.suppressed - 1))
                self._held[code] = _Held(now)
        return out

    @property
    def holds_any(self) -> bool:
        """Whether something is still held back."""
        return any(held.latest is not None for held in self._held.values())
