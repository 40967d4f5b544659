"""Faults of all processes under numbers that rise by one, as long as the gateway runs.

What lives here: which faults are new, the newest of them; bounded.
What never will: who looks at them (`board` begins anew with whoever does, numbers do not).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from holdfast.ledger.shapes import FaultSeen


class NumberedFaults:
    """The newest `most`. A process numbers its own from 1, and may tell them again."""

    def __init__(self, most: int) -> None:
        self._newest: deque[FaultSeen] = deque(maxlen=most)
        self._heard: dict[int, int] = {}
        """By process: its own number of the last one."""
        self._number = 0

    def take(self, process: int, told: Iterable[FaultSeen]) -> list[FaultSeen]:
        """Those that were not told before, numbered."""
        new: list[FaultSeen] = []
        for fault in told:
            if fault.id > self._heard.get(process, 0):
                self._heard[process] = fault.id
                self._number += 1
                new.append(msgspec.structs.replace(fault, id=self._number))
        self._newest.extend(new)
        return new

    def lost(self, process: int) -> None:
        """It has ended: whoever comes in its place begins at 1."""
        self._heard.pop(process, None)

    def since(self, number: int) -> list[FaultSeen]:
        """Those beyond that number."""
        return [one for one in self._newest if one.id > number]

    def newest(self, most: int) -> list[FaultSeen]:
        """The last so many."""
        return list(self._newest)[-most:]
