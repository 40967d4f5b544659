"""One session's way back to an upstream: what it has tried, what it may still try, what was decided.

What lives here: the account of one recovery, the three answers that `Endpoints.decide` gives, and what a
fault says about the endpoint where it was met.
What never will: dialling, the other sessions (`endpoints`).

A recovery begins when a session needs an upstream and has none: it starts, or its live link was lost. A
second fault on the way continues it with what is left of its budget (reliability reference, C, rule 1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from holdfast.core.breaker import Trouble
from holdfast.core.faults import Fault, Party, Retry

DIAL_LEAST_S: Final = 1.0
"""A dial with less time than that is load without hope, and would be held against its endpoint."""


@dataclass(frozen=True, slots=True)
class DialNow:
    """Dial this endpoint. The dial counts as begun: tell `Endpoints` what becomes of it, whatever it is."""

    endpoint: int
    is_probe: bool
    patience_s: float
    """How long it may take until it is live. Then cut it: others wait for its answer, or its place. Earlier
    where `Endpoints.patience_left` says so."""


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Ask again after so long. The world may have changed by then: most waits are cut into short ones."""

    seconds: float
    reason: str
    expected_s: float
    """How long the wait will be in all, as far as it is known: for the user."""
    is_spread: bool = False
    """Deliberate: so many fell at once that they must not come back at once."""
    is_outage: bool = False
    """Nobody can be reached: only the answer to a probe is waited for, and not for long."""
    cause: Fault | None = None
    """What is wrong then."""


@dataclass(frozen=True, slots=True)
class NoHope:
    """Nothing more to try within the budget."""

    cause: Fault
    reason: str
    retry_after_s: float | None
    """When a new session may do better; None when somebody must change something first."""
    is_outage: bool = False
    """Nobody can be reached, which is known: this session has not even tried."""


@dataclass(frozen=True, slots=True)
class Tries:
    """What one recovery met at one endpoint."""

    failures: int = 0
    failed_at: float = 0.0
    not_before: float = 0.0
    """Our own delay, with jitter."""
    told_until: float = 0.0
    """The provider's own delay."""
    comes_last: bool = False
    """It took long to fail, or went live and died at once: others come first."""
    is_refused: bool = False
    """It will not have us: never again in this recovery."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """The dial that is under way, and what it holds."""

    endpoint: int
    began_at: float
    ends_at: float
    is_probe: bool
    has_place: bool


@dataclass(slots=True)
class Recovery:
    """One session's account. It belongs to the session; `Endpoints` keeps it."""

    began_at: float
    was_live: bool
    budget_s: float
    no_worse_than: int | None = None
    """The session's link still works: this dial is for a better one, or a younger one no worse than this.
    It never waits, and takes a retry's place, so that not all move at once."""
    has_own_wishes: bool = False
    """The client chose the model: that it does not exist says nothing to other sessions."""
    is_first: bool = False
    """The session never had an upstream: nothing is lost by telling it at once that there is none."""
    attempts: int = 0
    """Dials so far."""
    cause: Fault | None = None
    """The last fault: why we are here."""
    spread_until: float | None = None
    under_way: UnderWay | None = None
    tries: dict[int, Tries] = field(default_factory=dict)

    @property
    def deadline(self) -> float:
        """When the budget ends."""
        return self.began_at + self.budget_s

    @property
    def last_dial_at(self) -> float:
        """The last moment to begin a dial that has a chance. Whoever has only just begun always has one."""
        return max(self.began_at, self.deadline - DIAL_LEAST_S)

    @property
    def failed_at(self) -> float:
        """When a dial of its own failed last; its beginning, where none has."""
        return max((met.failed_at for met in self.tries.values()), default=self.began_at)

    def at(self, endpoint: int) -> Tries:
        """What was met at one endpoint."""
        return self.tries.get(endpoint, _UNTRIED)

    def book(self, endpoint: int, cause: Fault, now: float, delay_s: float, *, comes_last: bool) -> None:
        """Enter a failure: not there again before `delay_s`, nor before the provider's own delay."""
        met = self.at(endpoint)
        self.tries[endpoint] = Tries(
            failures=met.failures + 1,
            failed_at=now,
            not_before=now + delay_s,
            told_until=now + (cause.retry_after_s or 0.0),
            comes_last=met.comes_last or comes_last,
            is_refused=met.is_refused or not cause.row.retryable,
        )


_UNTRIED: Final = Tries()
_OWN: Final = frozenset({"configuration.session_refused", "gateway.internal", "gateway.out_of_resources"})
"""About what one session sent or did, and no other, or about ourselves."""
_OWN_IF_WISHED: Final = frozenset({"configuration.model_not_found", "configuration.no_access"})

_TROUBLES: Final = {
    Retry.BACKOFF: Trouble.FAILING,
    Retry.WAIT: Trouble.THROTTLED,
    Retry.NEVER: Trouble.REFUSED,
}


def trouble_of_dial(cause: Fault, *, has_own_wishes: bool) -> Trouble | None:
    """What a failed dial says about the endpoint; None when it is about this session alone.

    One client that asks for nonsense must not close the door to all.
    """
    if cause.code in _OWN or (has_own_wishes and cause.code in _OWN_IF_WISHED):
        return None
    return _TROUBLES[cause.row.retry]


def trouble_of_loss(cause: Fault, *, has_own_wishes: bool) -> Trouble | None:
    """What the end of a live link says to those who dial: a break nothing, and one user's offence nothing.

    What is left is a provider that asks us to wait, and a key that no longer holds.
    """
    trouble = trouble_of_dial(cause, has_own_wishes=has_own_wishes)
    is_offence = trouble is Trouble.REFUSED and cause.row.party is not Party.CONFIGURATION
    return None if trouble is Trouble.FAILING or is_offence else trouble


def backoff_s(failures: int, chance: float, base_s: float, cap_s: float) -> float:
    """Full jitter: a share by chance of a bound that doubles, so that who fell together comes back apart."""
    return chance * min(cap_s, base_s * 2.0 ** min(failures - 1, 32))
