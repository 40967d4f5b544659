"""What was deleted is gone from the write-ahead log, too: sooner or later, whoever was in the way."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.ports.transcripts import Line
from holdfast.ports.transcripts import Talk as Session
from holdfast.redaction import Redaction
from holdfast.store import (
    Database,
    Entry,
    JournalOptions,
    SqliteJournal,
    SqliteTranscripts,
    StoreUnavailableError,
    TranscriptOptions,
    Visit,
)

from .ears import Ears, Talk

WORDS = b"the words of somebody"
SELDOM = JournalOptions(gather_s=0.001)
OFTEN = replace(SELDOM, sweep_every_s=0.02)
AT = 1_800_000_000
NEWS = "insert into journal_session values ('a', 1)"


class Told(Database):
    """A database that remembers how its log was emptied."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, busy_s=0.05)
        self.answers: list[bool] = []
        self._told = asyncio.Event()

    async def checkpoint(self) -> bool:
        self.answers.append(await super().checkpoint())
        self._told.set()
        return self.answers[-1]

    async def until(self, answer: bool) -> None:  # noqa: FBT001 - what is waited for
        """Wait until the newest answer is this one."""
        async with asyncio.timeout(10):
            while self.answers[-1:] != [answer]:
                self._told.clear()
                await self._told.wait()


@asynccontextmanager
async def opened(path: Path, options: JournalOptions) -> AsyncIterator[tuple[Told, SqliteJournal]]:
    database = Told(path)
    journal = SqliteJournal(database, options)
    await journal.start(lambda _: None)
    try:
        yield database, journal
    finally:
        await journal.close()
        await database.close()


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Somebody who takes their time."""
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from journal_session").fetchall()
        yield


def is_anywhere(folder: Path) -> bool:
    return any(WORDS in file.read_bytes() for file in folder.iterdir())


async def test_whoever_reads_is_waited_for(path: Path) -> None:
    database = Database(path)
    await database.open()
    with reading(path):
        await database.transact(lambda connection: connection.exec_driver_sql(NEWS))
        assert not await database.checkpoint()
    assert await database.checkpoint()
    await database.close()


async def test_a_session_that_ended_while_somebody_read_is_gone_when_they_are(path: Path, ears: Ears) -> None:
    async with opened(path, OFTEN) as (database, journal):
        await database.until(answer=True)
        talk = Talk(journal, ears)
        talk.say(1, text=WORDS.decode())
        await talk.heard(1)
        with reading(path):
            journal.forget(talk.id)
            await database.until(answer=False)
            assert is_anywhere(path.parent)
        await database.until(answer=True)
        assert not is_anywhere(path.parent)


async def test_what_a_killed_process_had_deleted_is_emptied_by_the_next(
    path: Path, tmp_path: Path, ears: Ears
) -> None:
    killed = tmp_path / "killed"
    async with opened(path, SELDOM) as (_, journal):
        talk = Talk(journal, ears)
        talk.say(1, text=WORDS.decode())
        await talk.heard(1)
        journal.forget(talk.id)
        other = Talk(journal, ears, "other")
        other.say(1)
        await other.heard(1)
        shutil.copytree(path.parent, killed)  # as a kill would leave it
        assert is_anywhere(killed)

    async with opened(killed / path.name, OFTEN) as (database, _):
        await database.until(answer=True)
        assert not is_anywhere(killed)


async def test_transcripts_that_grew_old_while_somebody_read_are_gone_when_they_are(path: Path) -> None:
    database, clock = Told(path), [float(AT)]
    options = TranscriptOptions(gather_s=0.001, sweep_every_s=0.02)
    store = SqliteTranscripts(database, Redaction(), options, lambda: clock[0])
    await store.start()
    talk = Session("s1", "anna", "browser", "conversation")
    store.put(Line(talk, AT * 1_000_000, "user", "i1", WORDS.decode()))
    async with asyncio.timeout(10):
        while not store.counts.written:  # noqa: ASYNC110 - a counter tells nobody
            await asyncio.sleep(0.005)
    with reading(path):
        clock[0] += 31 * 86_400
        await database.until(answer=False)
        assert is_anywhere(path.parent)
    await database.until(answer=True)
    assert not is_anywhere(path.parent)
    await store.close()
    await database.close()


async def test_who_has_a_customers_data_deleted_is_told_while_the_log_has_it(path: Path, ears: Ears) -> None:
    async with opened(path, SELDOM) as (_, journal):
        talk = Talk(journal, ears)
        journal.write(
            talk.id, Entry(1, "opened", {"principal": {"customer_id": "anna"}}), ears.listener(talk.id)
        )
        talk.say(2, text=WORDS.decode())
        await talk.heard(2)

        def erase(receipt: str) -> None:
            Visit(path, busy_s=0.05).erase("anna", by="test", receipt=receipt, in_use=frozenset())

        with reading(path), pytest.raises(StoreUnavailableError, match="still has what was deleted"):
            erase("r1")
        assert is_anywhere(path.parent)
        erase("r2")
        assert not is_anywhere(path.parent)
