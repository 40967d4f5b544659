"""The journal that keeps nothing.

What lives here: the port's contract where nothing is promised, so that no caller needs two ways.
What never will: an entry longer than until its `written` is called.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Literal

from holdfast.ports.journal import Entry, Healthy, JournalCounts, JournalState, StoredSession
from holdfast.store.options import DEFAULT, JournalOptions
from holdfast.store.spool import Verdict, Written


class MemoryJournal:
    """Durability `none`: a line is "written" as soon as the loop gets round to it."""

    durability: Literal["none"] = "none"
    state: JournalState = Healthy()

    def __init__(self, options: JournalOptions = DEFAULT) -> None:
        self._spool = options.spool()
        self._scheduled = False
        self._closed = False

    @property
    def counts(self) -> JournalCounts:
        """Figures so far."""
        return self._spool.counts

    async def start(self, watch: Callable[[JournalState], None]) -> None:
        """Nothing to open, and nothing that could degrade."""

    async def unfinished(self, *, not_older_than_s: float) -> Sequence[StoredSession]:
        """Nothing survived."""
        del not_older_than_s
        return ()

    def write(self, session_id: str, entry: Entry, written: Written) -> None:
        """Number the line; its content is looked at and let go."""
        if self._closed:
            return
        verdict = self._spool.add(session_id, entry, written, time.time())
        if verdict is Verdict.DURABLE:
            asyncio.get_running_loop().call_soon(written, entry.number)
        elif verdict is Verdict.TAKEN and not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._settle)

    def next_number(self, session_id: str) -> int:
        """The number that the next line of this session must bear."""
        return self._spool.next_number(session_id)

    def contact(self, session_id: str) -> None:
        """Nothing to keep."""

    def forget(self, session_id: str) -> None:
        """Numbers begin at 1 again."""
        self._spool.forget(session_id)

    async def close(self) -> None:
        """Tell what was written, then take nothing more."""
        self._closed = True
        self._settle()
        await asyncio.sleep(0)  # whoever was told by call_soon has heard it when we return

    def _settle(self) -> None:
        self._scheduled = False
        for written, number in self._spool.settle(self._spool.batch(self._spool.waiting)):
            asyncio.get_running_loop().call_soon(written, number)
