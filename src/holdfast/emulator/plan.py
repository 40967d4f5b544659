"""The faults in force: which connection suffers which, how often still, and by what chance.

What lives here: counting connections and occurrences; chance from a seed, the same for the same seed.
What never will: carrying a fault out.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from holdfast.emulator.spelling import FaultSpec, parse_fault


@dataclass(slots=True)
class _Armed:
    """A fault as asked for, and how often it may still happen."""

    spec: FaultSpec
    left: int | None


@dataclass(slots=True)
class FaultPlan:
    """The faults in force. Connections are counted from its making."""

    _armed: list[_Armed] = field(default_factory=list)
    _seed: int = 0
    _connections: int = 0

    @classmethod
    def of(cls, specs: Iterable[str | FaultSpec], seed: int = 0) -> FaultPlan:
        """A plan from spellings; raises `FaultSpelling`."""
        parsed = [parse_fault(spec) if isinstance(spec, str) else spec for spec in specs]
        return cls([_Armed(spec, spec.times) for spec in parsed], seed)

    @property
    def specs(self) -> list[FaultSpec]:
        """The faults as asked for, the spent ones too."""
        return [armed.spec for armed in self._armed]

    def next_connection(self) -> Misbehaviour:
        """What the connection that begins now must suffer; counts it."""
        self._connections += 1
        return self._for(self._connections, within_range=True)

    def for_running(self, number: int) -> Misbehaviour:
        """What a connection must suffer that was there before this plan. Ranges do not count for it."""
        return self._for(-number, within_range=False)

    def beside_connections(self) -> Misbehaviour:
        """What a request must suffer that is no connection of a session. Ranges do not count for it."""
        return self._for(0, within_range=False)

    def _for(self, number: int, *, within_range: bool) -> Misbehaviour:
        return Misbehaviour(
            [
                # No secret hangs on this chance, and the same seed shall give the same run.
                (armed, random.Random(f"{self._seed}:{number}:{index}"))  # noqa: S311
                for index, armed in enumerate(self._armed)
                if not within_range or _holds_for(armed.spec, number)
            ]
        )


def _holds_for(spec: FaultSpec, number: int) -> bool:
    return spec.first <= number and (spec.last is None or number <= spec.last)


class Misbehaviour:
    """The faults of one connection."""

    def __init__(self, armed: Sequence[tuple[_Armed, random.Random]] = ()) -> None:
        self._armed = armed

    @property
    def specs(self) -> list[FaultSpec]:
        """The faults as asked for, whether they still happen or not."""
        return [armed.spec for armed, _ in self._armed]

    def take(self, name: str, *first: str) -> FaultSpec | None:
        """The fault of that name, and with one of these first arguments where some are given, if it
        happens now. Counts it.
        """
        for armed, chance in self._armed:
            spec = armed.spec
            if spec.name == name and (not first or spec.arguments[0] in first) and _happens(armed, chance):
                return spec
        return None

    def at(self, moment: str, *, before: int = 0, now: int = 0) -> Iterator[FaultSpec]:
        """The faults that happen at a moment, in the order of asking. For moments that count something:
        those whose number was reached, after `before`, with `now`. Counts them.
        """
        for armed, chance in self._armed:
            spec = armed.spec
            if spec.moment is None:
                continue
            name, _, number = spec.moment.partition("=")
            is_due = name == moment and (not number or before < int(number) <= now)
            if is_due and _happens(armed, chance):
                yield spec


def _happens(armed: _Armed, chance: random.Random) -> bool:
    """Whether it happens this time; counts it if so."""
    if armed.left == 0 or (armed.spec.chance is not None and chance.random() >= armed.spec.chance):
        return False
    if armed.left is not None:
        armed.left -= 1
    return True
