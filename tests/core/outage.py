"""An upstream that goes away and comes back, and the sessions of a node, in virtual time.

What lives here: the clock, the endpoints' health, clients that come back when they were told to.
What never will: a rule of the machine.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from holdfast.core.endpoints import Endpoints
from holdfast.core.faults import Fault, fault
from holdfast.core.limits import Limits
from holdfast.core.recovery import DialNow, NoHope, Recovery, WaitFor

REFUSED = fault("provider.unreachable")
CUT = fault("provider.connection_lost")
TOO_LONG = fault("provider.handshake_timeout")
RESTART = fault("provider.closed")
HANDSHAKE_S = 0.25
FAILS_S = 0.01
HANGS_S = Limits().dial_s
PATIENCE_S = Limits().patience_s
TIMER_LATE_S = 0.005


@dataclass
class Spell:
    """One endpoint's trouble from `begin` to `end`: dials fail at once with `cause`, or hang for None."""

    endpoint: int
    begin: float
    end: float
    cause: Fault | None = REFUSED


@dataclass(eq=False)
class Person:
    recovery: Recovery
    live_at: int | None = None
    fell_at: float | None = None
    spread_s: float = 0.0


@dataclass
class Outage:
    names: int
    people: int
    spells: list[Spell]
    recovery_budget_s: float = 15.0
    start_budget_s: float = 35.0
    seed: int = 1
    now: float = 0.0
    attempts: list[tuple[float, int]] = field(default_factory=list)
    asks: int = 0
    told_late_s: list[float] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    live_since: list[tuple[float, int]] = field(default_factory=list)
    away_s: list[float] = field(default_factory=list)
    """From a loss to being live again, spreading left out."""
    spread: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.endpoints = Endpoints([f"e{number}" for number in range(self.names)], Limits())
        self.crowd = [Person(self._recovery(was_live=False)) for _ in range(self.people)]
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()
        for person in self.crowd:
            self._ask(person)
        self.run(5.0)
        assert self.live == self.people
        self.attempts.clear()

    @property
    def live(self) -> int:
        return sum(person.live_at is not None for person in self.crowd)

    def cut(self, people: int, *, endpoint: int = 0, cause: Fault = CUT) -> None:
        """So many live links die in this moment."""
        falling = [person for person in self.crowd if person.live_at == endpoint][:people]
        for person in falling:
            person.live_at, person.fell_at, person.spread_s = None, self.now, 0.0
            person.recovery = self._recovery(was_live=True)
            self.endpoints.lost_live(endpoint, person.recovery, cause, self.now, self.random.random())
            self._ask(person)

    def start(self, people: int) -> None:
        """So many new sessions come."""
        for _ in range(people):
            person = Person(self._recovery(was_live=False))
            self.crowd.append(person)
            self._ask(person)

    def run(self, until: float) -> None:
        while self._heap and self._heap[0][0] <= until:
            self.now, _, act = heapq.heappop(self._heap)
            act()
        self.now = until

    def _recovery(self, *, was_live: bool) -> Recovery:
        budget_s = self.recovery_budget_s if was_live else self.start_budget_s
        return Recovery(self.now, was_live=was_live, budget_s=budget_s, is_first=not was_live)

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        late_s = self.random.random() * TIMER_LATE_S
        heapq.heappush(self._heap, (self.now + seconds + late_s, next(self._number), act))

    def _ask(self, person: Person) -> None:
        self.asks += 1
        decision = self.endpoints.decide(person.recovery, self.now, self.random.random())
        match decision:
            case DialNow():
                self._dial(person, decision)
            case WaitFor():
                person.spread_s += decision.seconds if decision.is_spread else 0.0
                self.spread += decision.is_spread
                self._later(decision.seconds, lambda: self._ask(person))
            case NoHope():
                self.told[decision.cause.code] += 1
                self.told_late_s.append(self.now - person.recovery.deadline)
                if decision.retry_after_s is not None:
                    self._later(decision.retry_after_s, lambda: self._come_back(person))

    def _come_back(self, person: Person) -> None:
        person.recovery = self._recovery(was_live=False)
        self._ask(person)

    def _dial(self, person: Person, dial: DialNow) -> None:
        self.attempts.append((self.now, dial.endpoint))
        spell = next((one for one in self.spells if self._is_in(one, dial.endpoint)), None)
        if spell is None:
            self._later(HANDSHAKE_S, lambda: self._live(person, dial.endpoint))
        elif spell.cause is None:
            end = self.now + HANGS_S
            self._later(min(dial.patience_s, PATIENCE_S), lambda: self._look(person, dial.endpoint, end))
        else:
            cause = spell.cause
            self._later(FAILS_S, lambda: self._fail(person, dial.endpoint, cause))

    def _look(self, person: Person, endpoint: int, end: float) -> None:
        left_s = min(self.endpoints.patience_left(person.recovery, self.now), end - self.now)
        if left_s > 0:
            self._later(left_s, lambda: self._look(person, endpoint, end))
        else:
            self._fail(person, endpoint, TOO_LONG)

    def _is_in(self, spell: Spell, endpoint: int) -> bool:
        return spell.endpoint == endpoint and spell.begin <= self.now < spell.end

    def _live(self, person: Person, endpoint: int) -> None:
        self.endpoints.went_live(endpoint, person.recovery, self.now)
        person.live_at = endpoint
        self.live_since.append((self.now, endpoint))
        if person.fell_at is not None:
            self.away_s.append(self.now - person.fell_at - person.spread_s)
            person.fell_at = None

    def _fail(self, person: Person, endpoint: int, cause: Fault) -> None:
        self.endpoints.dial_failed(endpoint, person.recovery, cause, self.now, self.random.random())
        self._ask(person)
