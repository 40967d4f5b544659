"""Virtual time: a heap of what is due, and nothing else that moves.

What lives here: order in time, and among equals the order in which it was asked for.
What never will: a real clock, sleeping.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

Entry = list[Any]
"""when, number, what to call (None: taken back), with what"""


class Clock:
    """The one clock of a world."""

    __slots__ = ("_heap", "_number", "now", "steps")

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now
        self.steps = 0
        self._heap: list[Entry] = []
        self._number = 0

    def at(self, when: float, call: Callable[..., None], *args: Any) -> Entry:
        """Call when the time has come."""
        self._number += 1
        entry: Entry = [max(self.now, when), self._number, call, args]
        heappush(self._heap, entry)
        return entry

    def after(self, seconds: float, call: Callable[..., None], *args: Any) -> Entry:
        """Call in so many seconds."""
        return self.at(self.now + seconds, call, *args)

    @staticmethod
    def cancel(entry: Entry) -> None:
        """Never call it."""
        entry[2] = None

    def run(self, until: float, is_over: Callable[[], bool]) -> None:
        """Let time pass until nothing is left to do, or `until`, or `is_over`."""
        heap = self._heap
        while heap and heap[0][0] <= until and not is_over():
            when, _, call, args = heappop(heap)
            if call is not None:
                self.now = when
                self.steps += 1
                call(*args)

    def stall(self, seconds: float) -> None:
        """The process stood still: time has passed and everything that was due comes late, in order."""
        self.now += seconds
        self._heap.sort()
        for entry in self._heap:
            self._number += 1
            entry[:2] = max(entry[0], self.now), self._number
