"""Many sessions that share `Endpoints`, in virtual time, and the books that no rule is broken.

What lives here: the world around the machine, and accounts of its own kept beside it.
What never will: looking into the machine for a verdict, except to see that what was taken is given back.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from holdfast.core.breaker import BreakerState
from holdfast.core.endpoints import Endpoints
from holdfast.core.faults import Fault, Retry, fault
from holdfast.core.limits import Limits
from holdfast.core.recovery import DialNow, NoHope, Recovery, WaitFor

LIMITS = Limits()
DOWN = fault("provider.unreachable")
TOO_LONG = fault("provider.handshake_timeout")
CUT = fault("provider.connection_lost")
GAPS = {Retry.BACKOFF: 4.0, Retry.WAIT: 1.0, Retry.NEVER: 60.0}
"""At least so long between a probe that failed and the next."""
SLIP_S = 0.02
"""What rounding may cost."""
TICK_S = 0.001
"""No two things happen at the same instant."""
LATE_S = 0.2
"""By how much timers are late where many things happen at once."""


@dataclass(eq=False)
class Caller:
    """A session: without an upstream, dialling, or live."""

    recovery: Recovery
    live_at: int | None = None
    lives_since: float = 0.0
    fell_at: float = 0.0
    wakes_at: float | None = None
    dials: list[tuple[float, int]] = field(default_factory=list)
    dial: DialNow | None = None
    has_place: bool = False
    failed_at: set[int] = field(default_factory=set)
    refused_by: set[int] = field(default_factory=set)
    not_before: dict[int, float] = field(default_factory=dict)
    spread_s: float = 0.0
    end: NoHope | None = None


@dataclass
class Ledger:
    """What the outside knows of one endpoint."""

    tokens: float = 100.0
    tokens_at: float = 0.0
    failures: int = 0
    """Dials that failed one after the other."""
    probe: Caller | None = None
    shut_at: float | None = None
    closed_until: float = float("-inf")
    closed_by: float = float("-inf")
    """When the dial began that found it well again."""
    dials: int = 0
    retries: int = 0
    """Of those, retries that needed a token."""
    probes: int = 0

    def move(self, now: float) -> None:
        self.tokens = min(100.0, self.tokens + (now - self.tokens_at) * 0.1)
        self.tokens_at = now


class Fleet:
    """The world."""

    def __init__(self, names: int = 1, seed: int = 0) -> None:
        self.endpoints = Endpoints([f"e{number}" for number in range(names)], LIMITS)
        self.ledgers = [Ledger() for _ in range(names)]
        self.random = random.Random(seed)
        self.now = 1000.0
        self.callers: list[Caller] = []
        self.asked = 0

    # what sessions do

    def start(self, budget_s: float = 35.0) -> Caller:
        caller = Caller(Recovery(self.now, was_live=False, budget_s=budget_s, is_first=True))
        self.callers.append(caller)
        self.ask(caller)
        return caller

    def ask(self, caller: Caller) -> DialNow | WaitFor | NoHope:
        recovery = caller.recovery
        deadline = recovery.began_at + recovery.budget_s
        decision = self.endpoints.decide(recovery, self.now, self.random.random())
        self.asked += 1
        caller.wakes_at = None
        match decision:
            case DialNow():
                self._check_dial(caller, decision, deadline)
            case WaitFor():
                most_s = 2.0 if decision.is_spread else LIMITS.outage_wait_s if decision.is_outage else 1.0
                assert 0 < decision.seconds <= most_s
                assert self.now + decision.seconds <= deadline + SLIP_S, "waits past its budget"
                caller.wakes_at = self.now + decision.seconds
                caller.spread_s += decision.seconds if decision.is_spread else 0.0
            case NoHope():
                late_s = self.now - max(deadline, caller.fell_at)
                assert late_s <= LATE_S, "told too late"
                assert decision.cause is not None
                caller.end = decision
                self.callers.remove(caller)
        return decision

    def _check_dial(self, caller: Caller, dial: DialNow, deadline: float) -> None:
        ledger = self.ledgers[dial.endpoint]
        assert caller.dial is None, "two dials of one recovery"
        assert self.now < deadline, "dials past its budget"
        assert 1.0 - SLIP_S <= dial.patience_s <= deadline - self.now + SLIP_S
        assert dial.endpoint not in caller.refused_by, "asks again where it was refused"
        assert self.now >= caller.not_before.get(dial.endpoint, 0.0), "earlier than the provider said"
        if dial.is_probe:
            assert ledger.probe is None or self._holds_nobody_up(ledger.probe), "a second probe"
            ledger.probe, ledger.probes = caller, ledger.probes + 1
        else:
            assert ledger.failures < 5, "the breaker does not open"
            self._check_retry(caller, dial.endpoint)
        assert self.now >= ledger.closed_until - SLIP_S, "dialled while it is to be left alone"
        ledger.dials += 1
        caller.dial = dial
        caller.wakes_at = self.now + dial.patience_s
        caller.dials.append((self.now, dial.endpoint))

    def _holds_nobody_up(self, prober: Caller) -> bool:
        """A probe that may take long is waited for no longer than any other."""
        assert prober.dial is not None
        is_patient = prober.dial.patience_s > LIMITS.patience_s
        return is_patient and self.now >= prober.dials[-1][0] + LIMITS.patience_s

    def _check_retry(self, caller: Caller, endpoint: int) -> None:
        is_retry = endpoint in caller.failed_at
        caller.has_place = is_retry or caller.recovery.no_worse_than is not None
        if caller.has_place:
            room = max(3, int(0.2 * self.live))
            assert self.places <= room, "more retries at once than allowed"
        if is_retry:
            ledger = self.ledgers[endpoint]
            ledger.move(self.now)
            assert ledger.tokens > 50 - 1e-6, "a retry without a token"
            ledger.retries += 1

    # what becomes of it

    def goes_live(self, caller: Caller) -> None:
        dial = self._end_dial(caller)
        ledger = self.ledgers[dial.endpoint]
        was_shut = self._state(dial.endpoint) is not BreakerState.CLOSED
        self.endpoints.went_live(dial.endpoint, caller.recovery, self.now)
        is_shut = self._state(dial.endpoint) is not BreakerState.CLOSED
        ledger.tokens = min(100.0, ledger.tokens + 0.1)
        if was_shut and not is_shut:
            ledger.tokens, ledger.closed_by = 100.0, caller.dials[-1][0]
            for other in self.callers:
                other.failed_at.discard(dial.endpoint)
        if not is_shut:
            ledger.failures = 0
            ledger.shut_at = None
            ledger.closed_until = float("-inf")
        if caller.live_at is not None:
            self.endpoints.left(caller.live_at)
        caller.live_at, caller.lives_since = dial.endpoint, self.now

    def fails(self, caller: Caller, cause: Fault = DOWN) -> None:
        dial = self._end_dial(caller)
        index, ledger = dial.endpoint, self.ledgers[dial.endpoint]
        began_at = caller.dials[-1][0]
        if cause.row.retry is not Retry.BACKOFF or began_at >= ledger.closed_by:
            ledger.tokens = max(0.0, ledger.tokens - 1.0)
            ledger.failures += 1
            if dial.is_probe and ledger.shut_at is not None and began_at >= ledger.shut_at:
                ledger.closed_until = max(ledger.closed_until, began_at + GAPS[cause.row.retry])
            caller.failed_at.add(index)
            self._note_words(caller, index, cause)
        self.endpoints.dial_failed(index, caller.recovery, cause, self.now, self.random.random())
        self._note_shut(index)
        if caller.live_at is None:
            self.ask(caller)

    def loses(self, caller: Caller, cause: Fault = CUT, *, is_young: bool = False) -> None:
        assert caller.live_at is not None
        self.now += TICK_S
        index, caller.live_at = caller.live_at, None
        if is_young:
            self.ledgers[index].move(self.now)
            if cause.row.retryable:
                self.ledgers[index].tokens = max(0.0, self.ledgers[index].tokens - 1.0)
            caller.failed_at.add(index)
        elif caller.dial is None:
            caller.recovery = Recovery(self.now, was_live=True, budget_s=15.0)
            caller.failed_at, caller.refused_by = set(), set()
            caller.not_before = {}
        if cause.row.retry is Retry.NEVER:
            caller.refused_by.add(index)
        caller.spread_s, caller.fell_at = 0.0, self.now
        self.endpoints.lost_live(index, caller.recovery, cause, self.now, self.random.random())
        self._note_shut(index)
        if caller.dial is None:
            self.ask(caller)

    def wishes(self, caller: Caller, no_worse_than: int) -> None:
        """A session with a link dials another beside it."""
        assert caller.live_at is not None
        assert caller.dial is None
        recovery = Recovery(self.now, was_live=False, budget_s=15.0, no_worse_than=no_worse_than)
        caller.failed_at, caller.refused_by, caller.not_before = set(), set(), {}
        caller.recovery = recovery
        decision = self.endpoints.decide(recovery, self.now, self.random.random())
        assert not isinstance(decision, WaitFor), "who has a link does not wait"
        if isinstance(decision, DialNow):
            assert decision.endpoint <= no_worse_than
            self._check_dial(caller, decision, self.now + 15.0)

    def leaves(self, caller: Caller) -> None:
        """The session ends, whatever it is doing."""
        if caller.dial is not None:
            self._end_dial(caller)
        self.endpoints.dropped(caller.recovery)
        if caller.live_at is not None:
            self.endpoints.left(caller.live_at)
        self.callers.remove(caller)

    def _end_dial(self, caller: Caller) -> DialNow:
        dial = caller.dial
        assert dial is not None
        caller.dial, caller.wakes_at, caller.has_place = None, None, False
        if self.ledgers[dial.endpoint].probe is caller:
            self.ledgers[dial.endpoint].probe = None
        self.now += TICK_S
        self.ledgers[dial.endpoint].move(self.now)
        return dial

    def _note_words(self, caller: Caller, index: int, cause: Fault) -> None:
        ledger = self.ledgers[index]
        if cause.row.retry is Retry.NEVER:
            caller.refused_by.add(index)
            ledger.closed_until = max(ledger.closed_until, caller.dials[-1][0] + GAPS[Retry.NEVER])
        if cause.retry_after_s is not None:
            caller.not_before[index] = self.now + cause.retry_after_s
            if cause.row.retry is Retry.WAIT:
                ledger.closed_until = max(ledger.closed_until, self.now + cause.retry_after_s)

    def _note_shut(self, index: int) -> None:
        ledger = self.ledgers[index]
        if ledger.shut_at is None and self._state(index) is not BreakerState.CLOSED:
            ledger.shut_at = self.now

    # time

    def run(self, seconds: float, each: Callable[[], None] | None = None) -> None:
        """Let time pass: who waits asks, and a dial that took too long is cut."""
        end = self.now + seconds
        while True:
            due = [one for one in self.callers if one.wakes_at is not None and one.wakes_at <= end]
            if not due:
                break
            first = min(due, key=lambda one: one.wakes_at or 0.0)
            assert first.wakes_at is not None
            self.now = max(self.now, first.wakes_at)
            if first.dial is None:
                self.ask(first)
            else:
                self.fails(first, TOO_LONG)
            if each is not None:
                each()
        self.now = max(self.now, end)  # what was done took its moments, too, and no clock goes back

    # views

    @property
    def live(self) -> int:
        return sum(one.live_at is not None for one in self.callers)

    @property
    def places(self) -> int:
        return sum(one.has_place for one in self.callers)

    @property
    def dialing(self) -> list[Caller]:
        return [one for one in self.callers if one.dial is not None]

    @property
    def waiting(self) -> list[Caller]:
        return [one for one in self.callers if one.wakes_at is not None and one.dial is None]

    def _state(self, index: int) -> BreakerState:
        return self.endpoints.status(self.now)[index].state

    def check_books(self) -> None:
        """What the machine holds is what is in use."""
        for index, status in enumerate(self.endpoints.status(self.now)):
            assert status.live == sum(one.live_at == index for one in self.callers)
            held = [one for one in self.dialing if one.dial and one.dial.endpoint == index]
            assert status.dialing == len(held)
            probes = [one.dials[-1][0] for one in held if one.dial and one.dial.is_probe]
            probed_at = self.endpoints._list[index].breaker.probed_at
            assert probed_at is None or probed_at == max(probes, default=None), "a probe is lost"
            waited_for = [at for at in probes if self.now < at + LIMITS.patience_s]
            assert not waited_for or probed_at == max(waited_for), "a probe is not waited for"
        assert self.endpoints._places.taken == self.places, "a place is lost"
