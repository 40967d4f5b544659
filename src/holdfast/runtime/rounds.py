"""Visits to all sessions again and again: what is due for all of them is done for several in a row.

What lives here: whose turn it is.
What never will: what is done there (`core.audio_side.due`, `server.console.overview`).

A step costs a hundred microseconds where the caches know nothing of it, and much less right after another. A
client is told twice a second what was received: each session at its own moment, that was a tenth of all that
the gateway does. In rounds a few at a time stand behind each other, few enough that nobody's audio waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

ROUND_S: Final = 0.45
"""All are visited within this time: before their lanes are full (`core.lanes.ACKNOWLEDGE_EVERY`)."""
TOGETHER: Final = 8
"""So many stand behind each other: half a millisecond. Of four each costs twice as much."""
PARTS_MIN: Final = 4
"""A round has at least so many parts, so that who has just begun is not overlooked for long."""


class Rounds(Generic[T]):
    """Walks through those that run, within `every_s` each time; `visit` must not raise."""

    def __init__(
        self, running: Callable[[], Iterable[T]], visit: Callable[[T], None], every_s: float = ROUND_S
    ) -> None:
        self._running, self._visit, self._every_s = running, visit, every_s
        self._ahead: list[T] = []
        self._together = 1
        self._pause_s = every_s
        self._due_at = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin."""
        self._due_at = asyncio.get_running_loop().time()
        self._wait()

    def stop(self) -> None:
        """No more visits. Twice is harmless."""
        if self._handle is not None:
            self._handle.cancel()

    def _go(self) -> None:
        if not self._ahead:
            self._ahead = list(self._running())
            parts = max(PARTS_MIN, -(-len(self._ahead) // TOGETHER))
            self._together = max(1, -(-len(self._ahead) // parts))
            self._pause_s = self._every_s / parts
        for one in self._ahead[: self._together]:
            self._visit(one)
        del self._ahead[: self._together]
        self._wait()

    def _wait(self) -> None:
        """Until the next are due. What visits take is no reason to come later each time; after a
        stall longer than a round nobody is visited twice for it.
        """
        loop = asyncio.get_running_loop()
        self._due_at = max(self._due_at, loop.time() - self._every_s) + self._pause_s
        self._handle = loop.call_at(self._due_at, self._go)
