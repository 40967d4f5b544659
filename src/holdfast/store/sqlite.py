"""The journal in the product's database file.

What lives here: write-behind. One task gathers lines for some milliseconds, has the database's thread write
them in one transaction, tells who waits; when that fails it waits and tries again, and says so.
What never will: SQL, files (both are in the thread, behind `Database`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, Literal

import structlog

from holdfast.ports.journal import (
    Cause,
    Degraded,
    Entry,
    Healthy,
    JournalCounts,
    JournalState,
    StoredSession,
)
from holdfast.store import rows
from holdfast.store.database import Database
from holdfast.store.errors import StoreRefusedError, StoreUnavailableError
from holdfast.store.options import DEFAULT, JournalOptions
from holdfast.store.spool import Batch, Verdict, Written
from holdfast.store.waits import set_within

log = structlog.get_logger()

_CLOSING_RETRY_S: Final = 0.1
_NEVER_S: Final = 86_400.0


class SqliteJournal:
    """Durability `local`. The database is whoever's made it: close the journal first, then the database."""

    durability: Literal["local"] = "local"

    def __init__(
        self,
        database: Database,
        options: JournalOptions = DEFAULT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._options = options
        self._clock = clock
        self._spool = options.spool()
        self._state: JournalState = Healthy()
        self._watch: Callable[[JournalState], None] = lambda _state: None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = asyncio.Event()
        self._failures = 0
        self._sweep_at = 0.0
        self._deleted = True  # an earlier process may have had no time to empty its log

    @property
    def state(self) -> JournalState:
        """Whether lines become durable now."""
        return self._state

    @property
    def counts(self) -> JournalCounts:
        """Figures so far."""
        return self._spool.counts

    async def start(self, watch: Callable[[JournalState], None]) -> None:
        """Open the database and begin to write. Raises StoreRefusedError."""
        self._watch = watch
        async with self._attempt(timed=False, refusals_pass=True):
            await self._database.open()
        self._task = asyncio.create_task(self._run(), name="journal")

    async def unfinished(self, *, not_older_than_s: float) -> Sequence[StoredSession]:
        """Read what an earlier process left, and own it from now on."""
        found: Sequence[StoredSession] = ()
        async with self._attempt(timed=False):
            since = self._clock() - not_older_than_s
            found = await self._database.transact(partial(rows.unfinished, since=since))
        for session in found:
            self._spool.adopt(session.id, len(session.entries), session.last_contact)
        return found

    def write(self, session_id: str, entry: Entry, written: Written) -> None:
        """Take the line; the task does the rest."""
        if self._closing.is_set():
            return
        verdict = self._spool.add(session_id, entry, written, self._clock())
        if verdict is Verdict.TAKEN:
            self._wake.set()
            if self._spool.waiting >= self._options.batch_lines_max:
                self._full.set()
        elif verdict is Verdict.DURABLE:
            asyncio.get_running_loop().call_soon(written, entry.number)
        elif verdict is Verdict.FULL:
            cause = self._state.cause if isinstance(self._state, Degraded) else "slow"
            self._become(Degraded(cause, refusing=True))
        elif verdict is Verdict.UNFIT:
            log.error(
                "journal.line_unfit",
                category="store",
                source="journal",
                session=session_id,
                kind=entry.kind,
            )

    def next_number(self, session_id: str) -> int:
        """The number that the next line of this session must bear."""
        return self._spool.next_number(session_id)

    def contact(self, session_id: str) -> None:
        """Moves the last contact with the next transaction, or within `contact_every_s`."""
        self._spool.contact(session_id, self._clock())

    def forget(self, session_id: str) -> None:
        """Delete with the next transaction."""
        self._spool.forget(session_id)
        self._wake.set()

    async def close(self) -> None:
        """Write what waits, for at most `close_s`. Twice is harmless."""
        self._closing.set()
        if self._task is None:
            return
        task, self._task = self._task, None
        self._wake.set()
        self._full.set()
        done, _ = await asyncio.wait({task}, timeout=self._options.close_s)
        if not done:
            task.cancel()
            await asyncio.wait({task})
        if self._spool.waiting:
            log.error("journal.lines_lost", category="store", source="journal", lines=self._spool.waiting)
        await asyncio.sleep(0)  # whoever was told by call_soon has heard it when we return

    async def _run(self) -> None:
        while not (self._closing.is_set() and self._spool.idle):
            await self._something_to_do()
            if asyncio.get_running_loop().time() >= self._sweep_at:
                await self._sweep()
            batch = self._spool.batch(self._options.batch_lines_max)
            if batch or self._failures:
                await self._commit(batch)

    async def _something_to_do(self) -> None:
        """Wait for a line, then a little for its company; after a failure, for the next try."""
        options = self._options
        if self._closing.is_set():
            await asyncio.sleep(_CLOSING_RETRY_S if self._failures else 0)
        elif self._failures:
            wait_s = options.retry_base_s * 2 ** min(self._failures - 1, 16)
            await set_within(self._closing, min(wait_s, options.retry_cap_s))
        else:
            if self._spool.idle:
                self._wake.clear()
                await set_within(self._wake, min(options.contact_every_s, options.sweep_every_s))
            self._full.clear()
            if self._spool.waiting < options.batch_lines_max:
                await set_within(self._full, options.gather_s)

    async def _commit(self, batch: Batch) -> None:
        loop = asyncio.get_running_loop()
        async with self._attempt():
            await self._database.transact(partial(rows.apply, batch=batch))
            self._deleted = self._deleted or bool(batch.gone)
            for written, number in self._spool.settle(batch):
                loop.call_soon(written, number)

    async def _sweep(self) -> None:
        """Delete what nobody owns, and leave no copy of what was deleted in the write-ahead log."""
        self._sweep_at = asyncio.get_running_loop().time() + self._options.sweep_every_s
        before = self._clock() - self._options.window_s
        async with self._attempt():
            swept = await self._database.transact(partial(rows.sweep, before=before, keep=self._spool.owned))
            self._deleted = self._deleted or bool(swept)
            if self._deleted:
                self._deleted = not await self._database.checkpoint()

    @asynccontextmanager
    async def _attempt(self, *, timed: bool = True, refusals_pass: bool = False) -> AsyncIterator[None]:
        """What the database does inside decides what `state` is after it; no error comes out.

        `timed`: nobody waits longer than `slow_s` without being told.
        """
        slow_s = self._options.slow_s if timed else _NEVER_S
        slow = asyncio.get_running_loop().call_later(slow_s, self._slow)
        try:
            yield
        except StoreUnavailableError as error:
            self._failed(error.cause, error.detail)
        except StoreRefusedError as error:
            if refusals_pass:
                raise
            self._failed("damaged" if error.code == "damaged" else "failing", error.message)
        except Exception as error:  # noqa: BLE001 - nothing that a store does may end the journal
            self._failed("failing", type(error).__name__)
        else:
            self._succeeded()
        finally:
            slow.cancel()

    def _succeeded(self) -> None:
        self._failures = 0
        if isinstance(self._state, Degraded) and (self._spool.eased or not self._state.refusing):
            self._become(Healthy())

    def _failed(self, cause: Cause, detail: str) -> None:
        self._failures += 1
        self._become(Degraded(cause, refusing=self._refusing), detail)

    def _slow(self) -> None:
        if self._state == Healthy():
            self._become(Degraded("slow"))

    @property
    def _refusing(self) -> bool:
        return isinstance(self._state, Degraded) and self._state.refusing

    def _become(self, state: JournalState, detail: str = "") -> None:
        if state == self._state:
            return
        self._state = state
        asyncio.get_running_loop().call_soon(self._watch, state)
        counts = self._spool.counts
        if isinstance(state, Degraded):
            log.warning(
                "journal.degraded",
                category="store",
                source="journal",
                cause=state.cause,
                detail=detail,
                refusing=state.refusing,
                waiting=counts.waiting,
            )
        else:
            log.info("journal.healthy", category="store", source="journal", refused=counts.refused)
