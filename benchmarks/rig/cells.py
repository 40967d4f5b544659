"""The cells of the fault matrix that are timed: a fault, and the state in which it strikes.

What lives here: the tables of faults and states, as the emulator spells them, and what must come of each.
What never will: running them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Outcome = Literal["held", "ended"]

MOMENTS: Final[Mapping[str, str]] = {
    "CN": "connecting",
    "WC": "created",
    "WU": "updated",
    "ID": "idle",
    "US": "speaking=400",
    "CM": "committed",
    "RS": "response",
    "TR": "tool",
}
"""States of the matrix (reliability reference, C) and the emulator's moment in each."""

STARTING: Final = frozenset({"CN", "WC", "WU"})


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault. `{m}` in its spellings is the moment. `ends`: whether the connection is over with it, or must
    be found out to be dead; `needs_own`: a gateway that has seen it treats its upstream differently then.
    """

    name: str
    spellings: tuple[str, ...]
    outcome: Outcome = "held"
    states: tuple[str, ...] = tuple(MOMENTS)
    ends: bool = True
    needs_own: bool = False


_SOCKET: Final = tuple(state for state in MOMENTS if state != "CN")
_LIVE: Final = tuple(state for state in MOMENTS if state not in STARTING)

TROUBLES: Final = (
    Trouble("reset", ("reset:{m}@1",)),
    Trouble("drop", ("drop:{m}@1",)),
    Trouble("close 1000", ("close:1000:{m}@1",), states=_SOCKET),
    Trouble("close 1001", ("close:1001:{m}@1",), states=_SOCKET),
    Trouble("close 1011", ("close:1011:{m}@1",), states=_SOCKET),
    Trouble("close 1012", ("close:1012:{m}@1",), states=_SOCKET),
    Trouble("close 1013", ("close:1013:{m}@1",), states=_SOCKET, needs_own=True),
    Trouble("close 1007", ("close:1007:{m}@1",), states=_SOCKET),
    Trouble("close 1008", ("close:1008:{m}:policy@1",), "ended", ("WC", "WU", "ID"), needs_own=True),
    Trouble("expired", ("error:session_expired:{m}@1", "close:1001:{m}:expired@1"), states=_SOCKET),
    Trouble("reset, 503", ("reset:{m}@1", "http:503:1@2-2"), states=_LIVE, needs_own=True),
    Trouble("reset, 429", ("reset:{m}@1", "http:429:1@2-2"), states=_LIVE, needs_own=True),
    Trouble("reset, reset", ("reset:{m}@1", "reset:created@2-2"), states=_LIVE, needs_own=True),
    Trouble("503", ("http:503:1@1",), states=("CN",), needs_own=True),
    Trouble("401", ("http:401",), "ended", ("CN",), needs_own=True),
    Trouble("404", ("http:404",), "ended", ("CN",), needs_own=True),
    Trouble("quota", ("http:429:quota",), "ended", ("CN",), needs_own=True),
    Trouble("reset, 401", ("reset:{m}@1", "http:401@2-"), "ended", _LIVE, needs_own=True),
    Trouble("half-open", ("half-open:{m}@1",), states=("ID", "US", "CM", "RS", "TR"), ends=False),
    Trouble("mute", ("mute:{m}@1",), states=("WC", "WU", "CM", "RS"), ends=False),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault in one state."""

    trouble: Trouble
    state: str

    @property
    def faults(self) -> list[str]:
        """As the emulator spells them."""
        return [spelling.format(m=MOMENTS[self.state]) for spelling in self.trouble.spellings]

    def __str__(self) -> str:
        return f"{self.trouble.name} in {self.state}"


def cells(troubles: str | None, states: str | None) -> list[Cell]:
    """Those wanted, by names with commas between; None is all. ValueError for a name that is none."""
    known = [trouble.name for trouble in TROUBLES]
    wanted = known if troubles is None else [name.strip() for name in troubles.split(";")]
    where = list(MOMENTS) if states is None else [name.strip() for name in states.split(",")]
    strange = [name for name in wanted if name not in known] + [name for name in where if name not in MOMENTS]
    if strange:
        raise ValueError(
            f"not known: {', '.join(strange)}; faults: {'; '.join(known)}; states: {', '.join(MOMENTS)}"
        )
    return [
        Cell(trouble, state)
        for trouble in TROUBLES
        if trouble.name in wanted
        for state in where
        if state in trouble.states
    ]
