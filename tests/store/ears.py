"""Who listens to a journal in tests: what was reported written, and which states were told.

What lives here: recording, and waiting for a report without polling.
What never will: judgement.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from holdfast.store import Entry, Journal, JournalState


class Ears:
    """Everything a journal said, in order."""

    def __init__(self) -> None:
        self.written: defaultdict[str, list[int]] = defaultdict(list)
        self.states: list[JournalState] = []
        self._news = asyncio.Event()

    def state(self, state: JournalState) -> None:
        """The `watch` callback."""
        self.states.append(state)
        self._news.set()

    def listener(self, session_id: str) -> Callable[[int], None]:
        """A `written` callback for this session."""

        def written(number: int) -> None:
            self.written[session_id].append(number)
            self._news.set()

        return written

    async def until(self, heard: Callable[[], bool], within_s: float = 10.0) -> None:
        """Wait until what was heard is enough."""
        async with asyncio.timeout(within_s):
            while not heard():
                self._news.clear()
                await self._news.wait()


def line(number: int, text: str = "hello") -> Entry:
    """An ordinary line."""
    return Entry(number, "item", {"text": text, "number": number})


class Talk:
    """One session that writes to a journal, and hears of it."""

    def __init__(self, journal: Journal, ears: Ears, session_id: str = "s1") -> None:
        self.id = session_id
        self._journal = journal
        self._ears = ears

    def say(self, *numbers: int, text: str = "hello") -> None:
        """Write these lines."""
        for number in numbers:
            self._journal.write(self.id, line(number, text), self._ears.listener(self.id))

    def put(self, number: int, content: Any, kind: str = "item") -> None:
        """Write one line with any content."""
        self._journal.write(self.id, Entry(number, kind, content), self._ears.listener(self.id))

    async def heard(self, number: int, within_s: float = 10.0) -> list[int]:
        """Wait until this number was reported; everything that was."""
        await self._ears.until(lambda: number in self._ears.written[self.id], within_s)
        return self.so_far

    @property
    def so_far(self) -> list[int]:
        """Everything reported."""
        return self._ears.written[self.id]
