"""What a process left behind that has no successor of its own: taken over by another.

What lives here: copying the sessions of one journal into another. What never will: which file is whose.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import structlog

from holdfast.ports.journal import Journal, StoredSession
from holdfast.store.database import Database
from holdfast.store.errors import StoreRefusedError
from holdfast.store.options import JournalOptions
from holdfast.store.sqlite import SqliteJournal

IN_USE_S: Final = 0.2
"""How long another process may still have the file: none of ours is just ending."""

log = structlog.get_logger()


async def take_over(path: Path, journal: Journal, options: JournalOptions) -> int:
    """Write what stands in `path` into `journal` and forget it there; answers how many sessions.

    Never raises: a file that is in use or damaged stays as it is, and the log says so.
    """
    database = Database(path, busy_s=IN_USE_S)
    left, taken = SqliteJournal(database, options), 0
    try:
        await left.start(lambda _: None)
        for stored in await left.unfinished(not_older_than_s=options.window_s):
            if await _copied(stored, journal, options.close_s):
                left.forget(stored.id)
                taken += 1
    except StoreRefusedError as error:
        facts = {"path": str(path), "reason": error.message}
        log.warning("journal.not_taken_over", category="store", source="inheritance", **facts)
    finally:
        await left.close()
        await database.close()
    return taken


async def _copied(stored: StoredSession, journal: Journal, within_s: float) -> bool:
    """Whether every line became durable in time: before that nothing is forgotten."""
    last, durable = len(stored.entries), asyncio.Event()

    def written(number: int) -> None:
        if number >= last:
            durable.set()

    for entry in stored.entries:
        journal.write(stored.id, entry, written)
    try:
        async with asyncio.timeout(within_s):
            await durable.wait()
    except TimeoutError:
        return False
    return True
