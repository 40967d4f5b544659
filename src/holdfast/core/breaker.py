"""One endpoint's breaker: whether dials may go there, and the one dial that asks whether they may again.

What lives here: closed, open, half open, refused; pauses that grow; the probe and its patience.
What never will: which endpoint is dialled (`endpoints`), what a fault means for it (`recovery`).

Three troubles shut a breaker. They differ in how many dials must meet them and in how long they last. When
the pause is over the breaker is half open: one dial, the probe, goes through, and what becomes of it decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Final

PATIENT_EVERY: Final = 5
"""Of probes that ran out of time one after the other, every fifth is given all the time there is. Without it
an endpoint that came back slow is never found; with more of them one that hung is found late."""

ALMOST: Final = 0.9
"""Clocks round: a probe that was cut at its time is recognised by this share of it."""


class Trouble(Enum):
    """Why an endpoint is not dialled."""

    FAILING = auto()  # it does not answer, or badly
    THROTTLED = auto()  # it told us to slow down
    REFUSED = auto()  # it will say no to everybody until somebody changes something


class BreakerState(StrEnum):
    """What a breaker looks like from outside."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Pause:
    """How many failures in a row shut a breaker, and how long; doubled by each probe that fails."""

    after: int
    first_s: float
    cap_s: float


@dataclass(slots=True)
class Breaker:
    pauses: Mapping[Trouble, Pause]
    alone_s: float
    """An endpoint that fails while no other can take its place is asked at least this often."""
    patience_s: float
    """How long a probe may take, as a rule."""
    trouble: Trouble | None = None
    """What shut it; None while it is closed."""
    failures: int = 0
    """Dials that failed one after the other, while it was closed."""
    shut_at: float = 0.0
    pause_s: float = 0.0
    told_until: float = 0.0
    """The provider's own word about when to come back: no pause is shorter."""
    closed_at: float = float("-inf")
    """When a dial's success last closed it."""
    closed_by: float = float("-inf")
    """When the dial began that last closed it."""
    failing_since: float = 0.0
    """When it was shut, if no dial has gone live since."""
    probed_at: float | None = None
    """When the probe that is out began. It outlives a breaker that closes meanwhile, so that there is no
    second, except beside a patient one.
    """
    is_patient: bool = False
    """It has all the time there is."""
    slow_probes: int = 0
    """Probes that ran out of time, one after the other."""

    def opens_at(self, *, is_alone: bool) -> float:
        """When the next probe may go."""
        pause_s = self.pause_s
        if is_alone and self.trouble is Trouble.FAILING:
            pause_s = min(pause_s, self.alone_s)
        return max(self.shut_at + pause_s, self.told_until)

    def state(self, now: float, *, is_alone: bool) -> BreakerState:
        """Closed, open, half open or refused, as of now."""
        if self.trouble is None:
            return BreakerState.CLOSED
        if now >= self.opens_at(is_alone=is_alone):
            return BreakerState.HALF_OPEN
        return BreakerState.REFUSED if self.trouble is Trouble.REFUSED else BreakerState.OPEN

    def is_probed(self, now: float) -> bool:
        """Whether a probe's answer is waited for. A patient one holds up nobody longer than any other."""
        return self.probed_at is not None and not (
            self.is_patient and now >= self.probed_at + self.patience_s
        )

    def probe(self, now: float) -> float | None:
        """Send the probe. Answers how long it may take; None for as long as it likes."""
        assert self.trouble is not None, "a closed breaker needs no probe"
        assert not self.is_probed(now), "a second probe"
        if self.probed_at is not None:
            # A patient one is still out: what becomes of it counts only if it goes live.
            self.slow_probes += 1
            self.shut_at = now
        self.probed_at = now
        self.is_patient = self.slow_probes % PATIENT_EVERY == PATIENT_EVERY - 1
        return None if self.is_patient else self.patience_s

    def release(self, began_at: float) -> None:
        """A probe is over, whatever became of it."""
        if began_at == self.probed_at:
            self.probed_at = None

    def asked_next_at(self, *, is_alone: bool) -> float:
        """When one who comes may learn more: the next probe begins, or the present one must have answered."""
        answered_at = float("-inf") if self.probed_at is None else self.probed_at + self.patience_s
        return max(self.opens_at(is_alone=is_alone), answered_at)

    def has_overtaken(self, began_at: float) -> bool:
        """Whether a dial that began later has closed it: this one hangs where others are served."""
        return self.closed_by > began_at

    def succeeded(self, began_at: float, now: float) -> bool:
        """A dial went live. Answers whether that closed the breaker.

        Dials that began before a throttle say nothing about it: the endpoint let some in and stopped others.
        """
        self.failures = 0
        is_throttled = self.trouble is Trouble.THROTTLED or now < self.told_until
        if self.trouble is None or (is_throttled and began_at < self.shut_at):
            return False
        self.trouble = None
        self.slow_probes = 0
        self.closed_at, self.closed_by = now, began_at
        return True

    def failed(
        self, trouble: Trouble, began_at: float, now: float, retry_after_s: float | None, *, is_probe: bool
    ) -> None:
        """A dial failed. Only the probe's failure makes a pause longer: others began before it was shut."""
        if self.trouble is None:
            self.failures += 1
            if self.failures >= self.pauses[trouble].after:
                self._shut(trouble, now)
        elif is_probe and began_at >= self.shut_at:
            is_slow = now - began_at >= ALMOST * self.patience_s
            self.slow_probes = self.slow_probes + 1 if is_slow else 0
            # From its beginning, so that a probe that hangs does not make the rounds longer; a refusal is no
            # silence, and counts from when it was said.
            self._shut(trouble, now if trouble is Trouble.REFUSED else began_at)
        elif trouble is Trouble.REFUSED:
            self._shut(trouble, now)
        if trouble is Trouble.THROTTLED:
            self.told(now, retry_after_s)

    def told(self, now: float, retry_after_s: float | None) -> None:
        """The provider named a time."""
        if retry_after_s is not None:
            self.told_until = max(self.told_until, now + retry_after_s)

    def warned(self, trouble: Trouble, now: float, retry_after_s: float | None) -> None:
        """A live link ended with what shuts a breaker at once; no dial failed, so nothing is counted."""
        if self.trouble is None or trouble is Trouble.REFUSED:
            self._shut(trouble, now)
        self.told(now, retry_after_s)

    def _shut(self, trouble: Trouble, at: float) -> None:
        pause = self.pauses[trouble]
        is_again = trouble is self.trouble
        if self.trouble is None:
            self.failing_since = at
        self.pause_s = min(pause.cap_s, 2 * self.pause_s) if is_again else pause.first_s
        self.trouble = trouble
        self.shut_at = at
