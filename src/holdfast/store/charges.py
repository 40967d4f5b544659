"""Charges on their way into the product's database file, or kept by nobody.

What lives here: write-behind, as the journal's: one task gathers charges, the database's thread writes them
in one transaction; when that fails it waits and tries again, and says so.
What never will: SQL (`charge_rows`), what a charge is for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import structlog
from sqlalchemy import Connection

from holdfast.ports.charges import ENDLESS, Charge
from holdfast.store import charge_rows
from holdfast.store.apart import write_apart
from holdfast.store.database import Database
from holdfast.store.errors import StoreError
from holdfast.store.left_over import sweep_each
from holdfast.store.waits import set_within

GATHER_S: Final = 0.2
RETRY_S: Final = 1.0
CLOSE_S: Final = 5.0
BATCH_MAX: Final = 500
SWEEP_EVERY_S: Final = 3600.0
DAY_S: Final = 86_400.0

log = structlog.get_logger()
T = TypeVar("T")


class MemoryCharges:
    """Keeps the sums of this process, and nothing when it ends. Fills the port `Charges`."""

    lost = waiting = 0

    def put(self, charge: Charge) -> None:
        """Nobody will ask for it."""

    async def spent(self, since: float, before: float = ENDLESS) -> Mapping[str, int]:  # noqa: ARG002
        """Nothing: a fresh process has spent nothing."""
        return {}

    async def spent_on(self, session_id: str, before: float = ENDLESS) -> int:  # noqa: ARG002 - as above
        """As above."""
        return 0

    async def close(self) -> None:
        """Nothing waits."""


class SqliteCharges:
    """Keeps charges in the database. Fills the port `Charges`; close it before the database."""

    def __init__(
        self,
        database: Database,
        waiting_max: int,
        keep_days: float,
        wall: Callable[[], float] = time.time,
        left_over: Sequence[Path] = (),
    ) -> None:
        """`left_over`: files of processes that are no more; they grow old too."""
        self.lost = 0
        self._left_over = left_over
        self._database = database
        self._waiting_max = waiting_max
        self._keep_s = keep_days * DAY_S
        self._wall = wall
        self._waiting: dict[tuple[str, str, str], Charge] = {}
        self._came = asyncio.Event()
        self._closing = asyncio.Event()
        self._swept_at: float | None = None
        self._is_failing = False
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many are not written yet."""
        return len(self._waiting)

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name="charges")

    def put(self, charge: Charge) -> None:
        """See `Charges`. A correction of one that waits takes its place; a new one may find none."""
        if charge.key not in self._waiting and len(self._waiting) >= self._waiting_max:
            self._lose(charge, "no room")
            return
        self._waiting[charge.key] = charge
        self._came.set()

    async def spent(self, since: float, before: float = ENDLESS) -> Mapping[str, int] | None:
        """See `Charges`."""
        return await self._asked(partial(charge_rows.spent, since=since, before=before))

    async def spent_on(self, session_id: str, before: float = ENDLESS) -> int | None:
        """See `Charges`. A session that was taken over from another place has left its charges there."""
        here = await self._asked(partial(charge_rows.spent_on, session_id=session_id, before=before))
        if here is None or not self._left_over:
            return here
        return here + await asyncio.to_thread(charge_rows.spent_on_there, self._left_over, session_id)

    async def _asked(self, question: Callable[[Connection], T]) -> T | None:
        """None: a store that cannot be read, which the log names."""
        try:
            return await self._database.transact(question)
        except StoreError as error:
            self._stumbled(error)
            return None

    async def close(self) -> None:
        """Write what waits, for at most so long."""
        self._closing.set()
        self._came.set()
        if self._task is None:
            return
        task, self._task = self._task, None
        done, _ = await asyncio.wait({task}, timeout=CLOSE_S)
        if not done:
            task.cancel()
            await asyncio.wait({task})
        if self._waiting:
            log.error("cost.unwritten", category="store", source="charges", waiting=len(self._waiting))

    async def _run(self) -> None:
        while not (self._closing.is_set() and not self._waiting):
            await self._something_to_do()
            try:
                await self._sweep()
                await self._write()
            except StoreError as error:
                self._stumbled(error)
                if self._closing.is_set():
                    await asyncio.sleep(GATHER_S)
                else:
                    await set_within(self._closing, RETRY_S)
            else:
                self._is_failing = False

    async def _something_to_do(self) -> None:
        if self._closing.is_set():
            return
        if not self._waiting:
            self._came.clear()
            await set_within(self._came, SWEEP_EVERY_S)
        await set_within(self._closing, GATHER_S)

    async def _write(self) -> None:
        if batch := list(islice(self._waiting.values(), BATCH_MAX)):
            await write_apart(batch, self._put, self._settle, self._unfit)

    async def _put(self, batch: Sequence[Charge]) -> None:
        await self._database.transact(partial(charge_rows.put, charges=batch))

    def _settle(self, batch: Sequence[Charge], _: None = None) -> None:
        for charge in batch:
            if self._waiting[charge.key] is charge:  # else it was corrected meanwhile
                del self._waiting[charge.key]

    def _unfit(self, charge: Charge, error: str) -> None:
        self._lose(charge, error)
        self._settle([charge])

    def _lose(self, charge: Charge, reason: str) -> None:
        """Said once: what is lost for one reason is lost by the hundred."""
        self.lost += 1
        if self.lost == 1:
            facts = {"waiting": len(self._waiting), "session": charge.session_id, "reason": reason}
            log.error("cost.unwritten", category="store", source="charges", **facts)

    async def _sweep(self) -> None:
        now = self._wall()
        if self._swept_at is not None and now - self._swept_at < SWEEP_EVERY_S:
            return
        before = now - self._keep_s
        await self._database.transact(partial(charge_rows.sweep, before=before))
        self._swept_at = now
        await sweep_each(
            self._left_over, lambda visit: asyncio.to_thread(partial(visit.sweep_charges, before=before))
        )

    def _stumbled(self, error: StoreError) -> None:
        """Said once until it is well again."""
        if not self._is_failing:
            self._is_failing = True
            facts = {"waiting": len(self._waiting), "reason": str(error)}
            log.warning("cost.store_stumbles", category="store", source="charges", **facts)
