"""What was spent, as the console shows it: today, per minute, rebuilt and wasted apart.

What lives here: sums of charges, corrections included; bounded.
What never will: prices and rules (`accounts`), keeping (`store`).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from holdfast.ledger.shapes import Money
from holdfast.ports.charges import NANOS_PER_USD, Charge

CHARGES_REMEMBERED: Final = 4_096
"""So that a correction replaces what it corrects."""
RATE_S: Final = 300.0
"""Over which "per minute" is taken."""
BUCKET_S: Final = 10.0
BUCKETS: Final = int(RATE_S / BUCKET_S)
DAY_S: Final = 86_400.0


@dataclass(slots=True)
class Spent:
    """Nano-dollars, of all whose price is known; `rebuilt` and `wasted` are contained in `cost`."""

    cost: int = 0
    rebuilt: int = 0
    wasted: int = 0
    estimated: int = 0
    """How many rest on an estimate."""
    unpriced: int = 0
    """How many have no price."""

    @classmethod
    def of(cls, charge: Charge) -> Spent:
        """One charge."""
        is_unpriced = charge.cost is None
        return cls(
            charge.cost or 0, charge.rebuild, charge.wasted, int(charge.is_estimated), int(is_unpriced)
        )

    def add(self, other: Spent, sign: int = 1) -> None:
        """More of it, or less."""
        self.cost += sign * other.cost
        self.rebuilt += sign * other.rebuilt
        self.wasted += sign * other.wasted
        self.estimated += sign * other.estimated
        self.unpriced += sign * other.unpriced

    def as_object(self) -> dict[str, object]:
        """For the session's document."""
        return {
            "total_usd": self.cost / NANOS_PER_USD,
            "rebuilt_usd": self.rebuilt / NANOS_PER_USD,
            "wasted_usd": self.wasted / NANOS_PER_USD,
            "estimated": self.estimated > 0,
            "unpriced": self.unpriced,
        }


class Purse:
    """Of one process."""

    def __init__(self) -> None:
        self._day = 0
        self._before = 0
        self._today = Spent()
        self._known: OrderedDict[tuple[str, str, str], Spent] = OrderedDict()
        self._buckets: dict[int, int] = {}
        """Nano-dollars of the last minutes, in pieces of `BUCKET_S`."""

    def begin(self, before: int, at: float) -> None:
        """So many nano-dollars an earlier process has spent on the day of that moment of the wall's clock."""
        self._before, self._day = before, int(at // DAY_S)

    def take(self, charge: Charge) -> tuple[Spent, Spent]:
        """One more, or a correction: what it is now, and what it was before."""
        day = int(charge.at // DAY_S)
        if day > self._day:
            self._day, self._before, self._today = day, 0, Spent()
        now, was = Spent.of(charge), self._known.pop(charge.key, Spent())
        self._known[charge.key] = now
        if len(self._known) > CHARGES_REMEMBERED:
            self._known.popitem(last=False)
        self._today.add(was, -1)
        self._today.add(now)
        self._bucket(charge.at, now.cost - was.cost)
        return now, was

    def _bucket(self, at: float, cost: int) -> None:
        number = int(at // BUCKET_S)
        self._buckets[number] = self._buckets.get(number, 0) + cost
        while len(self._buckets) > BUCKETS:
            del self._buckets[min(self._buckets)]

    def money(self, at: float) -> Money:
        """At this moment of the wall's clock."""
        since = int(at // BUCKET_S) - BUCKETS
        lately = sum(cost for number, cost in self._buckets.items() if number > since)
        is_today = int(at // DAY_S) == self._day
        before, today = (self._before, self._today) if is_today else (0, Spent())
        return Money(
            today=(before + today.cost) / NANOS_PER_USD,
            per_minute=lately / NANOS_PER_USD * 60 / RATE_S,
            rebuilt=today.rebuilt / NANOS_PER_USD,
            wasted=today.wasted / NANOS_PER_USD,
            estimated=today.estimated > 0,
            unpriced=today.unpriced,
        )


def together(parts: list[Money]) -> Money:
    """Of several processes."""
    return Money(
        today=sum(one.today for one in parts),
        per_minute=sum(one.per_minute for one in parts),
        rebuilt=sum(one.rebuilt for one in parts),
        wasted=sum(one.wasted for one in parts),
        estimated=any(one.estimated for one in parts),
        unpriced=sum(one.unpriced for one in parts),
    )
