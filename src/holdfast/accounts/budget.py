"""Caps: how much may be spent, by whom, until when; and what to say when it is.

What lives here: the rules, on whole nano-dollars and wall-clock seconds. A day begins at midnight UTC.
What never will: ending a session (the core does), clocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from holdfast.core.faults import Fault, fault
from holdfast.ports.charges import NANOS_PER_USD

DAY_S: Final = 86_400
Scope = Literal["session", "customer", "total"]


@dataclass(frozen=True, slots=True)
class Caps:
    """The operator's caps; None is no cap. Dollars as nano-dollars."""

    session: int | None = None
    customer_per_day: int | None = None
    total_per_day: int | None = None
    session_s: float | None = None
    warn_at: float = 0.8
    """The share of a cap from which it is told that it comes near."""

    @property
    def is_any(self) -> bool:
        """Whether there is anything to watch."""
        caps = (self.session, self.customer_per_day, self.total_per_day, self.session_s)
        return any(cap is not None for cap in caps)


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a cap is used. `setting` is its name under [budget]."""

    scope: Scope
    setting: str
    used: float
    cap: float

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left."""
        return self.used >= self.cap

    def fact(self) -> str:
        """As evidence: the setting, and how much of it is used."""
        if self.setting == "session_minutes":
            return f"{self.setting}: {self.used / 60:.1f} of {self.cap / 60:g} minutes"
        return f"{self.setting}: {self.used / NANOS_PER_USD:.6g} of {self.cap / NANOS_PER_USD:g} USD"


def as_fault(reached: Reached, wall: float) -> Fault:
    """The end by this cap, with when it opens again."""
    if reached.scope == "session":
        return fault("configuration.session_budget", [reached.fact()])
    opens = midnight(wall) + DAY_S
    when = datetime.fromtimestamp(opens, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    evidence = [reached.fact(), f"opens again at {when}"]
    return fault(f"configuration.{reached.scope}_budget", evidence, retry_after_s=opens - wall)


def midnight(wall: float) -> float:
    """When the day of that moment began."""
    return wall - wall % DAY_S


@dataclass(slots=True)
class Spending:
    """What was spent today: by this process, and by the others that share the customers with it."""

    customers_max: int
    day: float = 0.0
    total: int = 0
    by_customer: dict[str, int] = field(default_factory=dict)
    others: Mapping[str, int] = field(default_factory=dict)
    """Of other processes, by customer."""
    uncounted: int = 0
    """Customers for whom there was no room: the other caps hold for them."""
    _others_total: int = 0

    def begin(self, spent: Mapping[str, int], wall: float) -> None:
        """What the store has of today."""
        self.day, self.total, self.by_customer, self.uncounted = midnight(wall), 0, {}, 0
        self.take_up(spent)

    def take_up(self, spent: Mapping[str, int]) -> None:
        """What was spent today before. Where there is no room for all, there is for those who spent most."""
        for customer_id in sorted(spent, key=spent.__getitem__, reverse=True):
            self.add(customer_id, spent[customer_id])

    def roll(self, wall: float) -> bool:
        """Whether a new day has begun: then nothing is spent of it."""
        if midnight(wall) <= self.day:
            return False
        self.day, self.total, self.by_customer, self.uncounted = midnight(wall), 0, {}, 0
        self.heard_of_others({})
        return True

    def heard_of_others(self, spent: Mapping[str, int]) -> None:
        """What other processes have spent today."""
        self.others, self._others_total = spent, sum(spent.values())

    def add(self, customer_id: str, nanos: int) -> None:
        """Something was billed."""
        self.total += nanos
        if customer_id in self.by_customer or len(self.by_customer) < self.customers_max:
            self.by_customer[customer_id] = self.by_customer.get(customer_id, 0) + nanos
        else:
            self.uncounted += 1

    def of(self, customer_id: str) -> int:
        """What this customer has spent today."""
        return self.by_customer.get(customer_id, 0) + self.others.get(customer_id, 0)

    @property
    def of_all(self) -> int:
        """What all have spent today."""
        return self.total + self._others_total

    def reached(self, caps: Caps, customer_id: str) -> Iterator[Reached]:
        """The caps of the day, as far as they are used."""
        if caps.customer_per_day is not None:
            used = self.of(customer_id)
            yield Reached("customer", "customer_usd_per_day", used, caps.customer_per_day)
        if caps.total_per_day is not None:
            yield Reached("total", "total_usd_per_day", self.of_all, caps.total_per_day)


def reached_by_session(caps: Caps, spent: int, lasted_s: float) -> Iterator[Reached]:
    """The caps of one session, as far as they are used."""
    if caps.session is not None:
        yield Reached("session", "session_usd", spent, caps.session)
    if caps.session_s is not None:
        yield Reached("session", "session_minutes", lasted_s, caps.session_s)
