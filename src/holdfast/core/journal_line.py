"""The session's line to its journal: what was written, what is durable, and what waits for that.

What lives here: numbers without holes, the promise that `durable` moves only after the write.
What never will: a store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Durability = Literal["none", "local", "shared"]


@dataclass(slots=True)
class JournalLine:
    durability: Durability = "none"
    number: int = 0
    """Of the last line written."""
    durable: int = 0
    """Input position before which nothing is needed again, as the journal has it."""
    is_degraded: bool = False
    _positions: list[tuple[int, int]] = field(default_factory=list)
    _calls: list[tuple[int, str]] = field(default_factory=list)
    _noted: int = 0

    def next_number(self) -> int:
        """The number of the next line."""
        self.number += 1
        return self.number

    def advances(self, position: int) -> bool:
        """Whether `position` is news for the journal."""
        return position > self._noted

    def position(self, position: int) -> None:
        """The line just numbered says that everything before `position` is settled."""
        self._noted = position
        self._positions.append((self.number, position))

    def call(self, call_id: str) -> None:
        """The line just numbered is the intent of a call, which may start when it is durable."""
        self._calls.append((self.number, call_id))

    def recorded(self, number: int) -> list[str]:
        """Everything up to `number` is durable. Answers the calls that may start now."""
        while self._positions and self._positions[0][0] <= number:
            self.durable = self._positions.pop(0)[1]
        if self.durability == "none":
            self.durable = 0
        started = []
        while self._calls and self._calls[0][0] <= number:
            started.append(self._calls.pop(0)[1])
        return started
