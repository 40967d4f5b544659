"""Journals in a folder of their own."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from holdfast.store import Database, Journal, JournalOptions, MemoryJournal, SqliteJournal

from .ears import Ears, Talk

NOBODY = 65_534
DEFAULT = JournalOptions()

Make = Callable[..., Awaitable[Journal]]
"""Makes and starts a journal with these options; the same file each time."""


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "holdfast.sqlite3"


@pytest.fixture
async def sqlite(path: Path, ears: Ears) -> AsyncIterator[Make]:
    """Starts SQLite journals; `busy_s` goes to the database, everything else to the journal. A second one on
    the same file closes the first: it is the next process.
    """
    open_ones: dict[Path, AsyncExitStack] = {}

    async def make(
        options: JournalOptions = DEFAULT,
        *,
        busy_s: float = 0.05,
        clock: Callable[[], float] = time.time,
        file: Path = path,
    ) -> Journal:
        if file in open_ones:
            await open_ones[file].aclose()
        stack = open_ones[file] = AsyncExitStack()
        database = Database(file, busy_s=busy_s)
        stack.push_async_callback(database.close)
        journal = SqliteJournal(database, options, clock)
        stack.push_async_callback(journal.close)
        await journal.start(ears.state)
        return journal

    yield make
    for stack in open_ones.values():
        await stack.aclose()


@pytest.fixture(params=["memory", "sqlite"])
def make(request: pytest.FixtureRequest, sqlite: Make, ears: Ears) -> Make:
    """Starts journals of either adapter."""

    async def memory(options: JournalOptions = DEFAULT) -> Journal:
        journal = MemoryJournal(options)
        await journal.start(ears.state)
        return journal

    return sqlite if request.param == "sqlite" else memory


@pytest.fixture
async def journal(make: Make) -> Journal:
    return await make()


@pytest.fixture
def talk(journal: Journal, ears: Ears) -> Talk:
    return Talk(journal, ears)


@pytest.fixture
def humble_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of a user without special rights, as whom the test runs: root may write to anything.

    Not `tmp_path`, which lies in a folder of root's; it is made first, while that can be done.
    """
    folder = Path(tempfile.mkdtemp(prefix="holdfast-store-"))
    root = os.geteuid() == 0
    if root:
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    yield folder
    if root:
        os.seteuid(0)
    shutil.rmtree(folder)
