"""Transcripts in the file: durable, cleaned before the write, bounded, deleted by age and on demand."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import inspect
from structlog.testing import capture_logs

from holdfast.ports.transcripts import Entry, Line, LineKind, Talk, Wanted
from holdfast.redaction import Redaction
from holdfast.store import (
    Database,
    SqliteJournal,
    SqliteTranscripts,
    StoreRefusedError,
    TranscriptOptions,
    Visit,
)
from holdfast.store import Entry as JournalEntry
from holdfast.store.erasure import OF_A_CUSTOMER
from holdfast.store.schema import METADATA
from holdfast.store.transcripts import heard_words

DAY_S = 86_400.0
QUICK = TranscriptOptions(gather_s=0.001, retry_base_s=0.01, retry_cap_s=0.02, close_s=2.0)
CARD = "4111 1111 1111 1111"


@dataclass
class Clock:
    """Wall-clock seconds, as told."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def line(
    number: int,
    text: str = "",
    *,
    session: str = "s1",
    customer: str = "anna",
    kind: LineKind = "user",
    heard: float | None = None,
) -> Line:
    talk = Talk(session, customer, "browser", "conversation")
    return Line(talk, 1_800_000_000_000_000 + number, kind, f"i{number}", text, heard)


@asynccontextmanager
async def opened(
    path: Path, options: TranscriptOptions = QUICK, clock: Callable[[], float] | None = None
) -> AsyncIterator[SqliteTranscripts]:
    async with AsyncExitStack() as stack:
        database = Database(path, busy_s=0.05)
        stack.push_async_callback(database.close)
        store = SqliteTranscripts(database, Redaction(), options, clock or Clock())
        await store.start()
        stack.push_async_callback(store.close)
        yield store


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a counter tells nobody
            await asyncio.sleep(0.005)


def said(path: Path, session: str = "s1") -> list[str]:
    return [entry.text for entry in Visit(path).entries(session) if entry.kind == "user"]


async def test_what_was_written_is_read_back_in_order(path: Path) -> None:
    async with opened(path) as store:
        for number in range(500):
            store.put(line(number, f"words {number}"))
        await until(lambda: store.counts.written == 500)
        assert said(path) == [f"words {number}" for number in range(500)]
        assert (store.counts.waiting, store.counts.waiting_bytes) == (0, 0)
        assert store.counts.batches >= 500 / QUICK.batch_lines_max

    (session,) = Visit(path).sessions(Wanted())
    assert (session.session_id, session.customer_id, session.count) == ("s1", "anna", 500)
    assert (session.began, session.last) == (line(0).at, line(499).at)


async def test_words_are_cleaned_before_they_touch_the_disk(path: Path) -> None:
    async with opened(path) as store:
        store.put(line(1, f"my card is {CARD}"))
        store.put(line(2, f"{CARD} and so on and so on", kind="cut", heard=0.5))
        await until(lambda: store.counts.written == 2)
        assert store.counts.taken_out == {"card": 1}
        for file in path.parent.iterdir():
            assert b"4111" not in file.read_bytes(), file.name

    words, cut = Visit(path).entries("s1")
    assert words.text == "my card is [card]"
    assert (cut.text, cut.heard) == ("", "[card] and")


@pytest.mark.parametrize(
    ("share", "heard"), [(0.0, ""), (0.5, "One two"), (0.6, "One two"), (1.0, "One two three four")]
)
def test_what_was_heard_is_whole_words(share: float, heard: str) -> None:
    assert heard_words("One two three four", share) == heard


async def test_when_it_is_full_lines_are_lost_by_name_and_order_holds(path: Path) -> None:
    async with opened(path, TranscriptOptions(lines_max=4, gather_s=0.001)) as store:
        for number in range(6):
            store.put(line(number, f"words {number}"))
        store.put(line(6, "another", session="s2"))
        assert (store.counts.waiting, store.counts.lost) == (4, 3)
        await until(lambda: store.counts.written == 6)
        store.put(line(9, "words 9"))
        await until(lambda: store.counts.written == 7)

    told = [(entry.kind, entry.text, dict(entry.facts)) for entry in Visit(path).entries("s1")]
    assert told == [
        *(("user", f"words {number}", {}) for number in range(4)),
        ("gap", "", {"lines": 2}),
        ("user", "words 9", {}),
    ]
    assert [(one.kind, one.facts) for one in Visit(path).entries("s2")] == [("gap", {"lines": 1})]


async def test_the_bound_is_in_bytes_too(path: Path) -> None:
    async with opened(path, TranscriptOptions(bytes_max=10_000, gather_s=0.001)) as store:
        store.put(line(1, "x" * 2_000))
        store.put(line(2, "y" * 2_000))
        assert store.counts.lost == 1
        assert store.counts.waiting_bytes <= 10_000
        await until(lambda: store.counts.written == 2)
    assert [entry.kind for entry in Visit(path).entries("s1")] == ["user", "gap"]


async def test_a_store_that_stumbles_is_tried_again_and_nothing_is_lost(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(path) as store:
        store.put(line(1, "before"))
        await until(lambda: store.counts.written == 1)
        with closing(sqlite3.connect(path)) as other:
            other.execute("begin immediate")
            store.put(line(2, "while it is locked"))
            await until(lambda: store.counts.is_failing)
            store.put(line(3, "and more"))
        await until(lambda: store.counts.written == 3)
        assert not store.counts.is_failing
    assert said(path) == ["before", "while it is locked", "and more"]


async def test_a_line_that_cannot_be_written_stops_nobody(path: Path) -> None:
    async with opened(path) as store:
        unfit = line(1, "no JSON")
        object.__setattr__(unfit, "facts", {"set": {1}})
        store.put(unfit)
        await until(lambda: store.counts.lost == 1)
        store.put(line(2, "half a character: \ud800", session="s2"))
        await until(lambda: store.counts.written >= 2)
    assert [one.kind for one in Visit(path).entries("s1")] == ["gap"]
    assert said(path, "s2") == ["half a character: ?"]


async def test_a_line_that_cannot_be_written_is_lost_alone(path: Path) -> None:
    async with opened(path, TranscriptOptions(gather_s=0.05)) as store:
        for number in range(20):
            one = line(number, f"words {number}", session=f"s{number}")
            if number == 13:
                object.__setattr__(one, "facts", {"set": {1}})
            store.put(one)
        await until(lambda: store.counts.lost == 1 and store.counts.written >= 20)
    kinds = [one.kind for number in range(20) for one in Visit(path).entries(f"s{number}")]
    assert sorted(kinds) == ["gap"] + ["user"] * 19


async def test_what_waits_is_written_when_it_closes_and_nothing_after(path: Path) -> None:
    async with opened(path, TranscriptOptions(gather_s=60.0)) as store:
        store.put(line(1, "the last word"))
        await store.close()
        store.put(line(2, "too late"))
        await store.close()
    assert said(path) == ["the last word"]


async def test_closing_does_not_wait_for_ever(path: Path) -> None:
    options = TranscriptOptions(gather_s=0.001, retry_base_s=0.01, close_s=0.2)
    async with opened(path, options) as store:
        store.put(line(1, "written"))
        await until(lambda: store.counts.written == 1)
        with closing(sqlite3.connect(path)) as other:
            other.execute("begin immediate")
            store.put(line(2, "never"))
            await store.close()
        assert store.counts.waiting == 1


async def test_a_batch_written_twice_is_as_if_written_once(path: Path) -> None:
    async with opened(path) as store:
        for _ in range(2):
            store.put(line(1, "once"))
            store.put(line(2, kind="ended"))
        await until(lambda: store.counts.written == 4)
    assert [entry.kind for entry in Visit(path).entries("s1")] == ["user", "ended"]


async def test_a_session_that_goes_on_after_a_restart_is_one(path: Path) -> None:
    async with opened(path) as store:
        store.put(line(1, "before"))
        store.put(line(2, kind="ended"))
    async with opened(path) as store:
        store.put(line(3, "after"))
    (session,) = Visit(path).sessions(Wanted())
    assert (session.count, session.ended, session.began) == (3, None, line(1).at)


async def test_transcripts_grow_old(path: Path) -> None:
    clock = Clock()
    async with opened(path, QUICK, clock) as store:
        store.put(line(1, "secret plans"))
    clock.now += 29 * DAY_S
    async with opened(path, QUICK, clock):
        pass
    assert len(Visit(path).sessions(Wanted())) == 1

    clock.now += 2 * DAY_S
    async with opened(path, QUICK, clock) as store:
        await until(lambda: not Visit(path).sessions(Wanted()))
        (receipt,) = Visit(path).book()
        assert (receipt.what, receipt.by, receipt.counts) == ("swept", "age", {"sessions": 1})
    assert all(b"secret plans" not in file.read_bytes() for file in path.parent.iterdir())


async def test_a_file_that_another_process_left_grows_old_too(path: Path) -> None:
    other = path.with_name("holdfast.worker-2.sqlite3")
    async with opened(other) as store:
        store.put(line(1, "of a worker that is no more"))
    database, clock = Database(path), Clock(Clock.now + 40 * DAY_S)
    store = SqliteTranscripts(database, Redaction(), QUICK, clock, left_over=[other])
    await store.start()
    await until(lambda: not Visit(other).sessions(Wanted()))
    await store.close()
    await database.close()


async def test_a_file_that_cannot_be_read_keeps_no_other_from_growing_old(path: Path) -> None:
    damaged, other = path.with_name("a.sqlite3"), path.with_name("z.sqlite3")
    async with opened(other) as store:
        store.put(line(1, "of a worker that is no more"))
    damaged.write_bytes(b"x" * 4096)
    database, clock = Database(path), Clock(Clock.now + 40 * DAY_S)
    store = SqliteTranscripts(database, Redaction(), QUICK, clock, left_over=[damaged, other])
    with capture_logs() as logs:
        await store.start()
        await until(lambda: not Visit(other).sessions(Wanted()))
        await store.close()
    await database.close()
    assert {one["file"] for one in logs if one["event"] == "store.not_swept"} == {"a.sqlite3"}
    assert not store.counts.is_failing


async def test_all_that_is_about_a_person_goes_and_the_book_says_so_without_the_person(path: Path) -> None:
    async with opened(path) as store:
        for number, customer in enumerate(["anna", "ben"]):
            store.put(line(number, f"words of {customer}", session=customer, customer=customer))
        await until(lambda: store.counts.written == 2)
        await journalled(store._database, "anna", "ben")

        erased = Visit(path).erase("anna", by="a test", receipt="r1", in_use=frozenset())

        assert erased.counts == {"transcripts": 1, "journal": 1, "consents": 0, "costs": 0, "sound files": 0}
        assert [one.customer_id for one in Visit(path).sessions(Wanted())] == ["ben"]
        for file in path.parent.iterdir():
            assert b"anna" not in file.read_bytes(), file.name
        (receipt,) = Visit(path).book()
        assert (receipt.number, receipt.what, receipt.by) == ("r1", "erased", "a test")
        assert said(path, "ben") == ["words of ben"]


async def test_the_journal_of_a_session_in_use_is_left_alone(path: Path) -> None:
    async with opened(path) as store:
        store.put(line(1, "words", session="anna"))
        await until(lambda: store.counts.written == 1)
        await journalled(store._database, "anna")

        erased = Visit(path).erase("anna", by="a test", receipt="r1", in_use=None)
        assert (erased.counts["transcripts"], erased.counts["journal"], erased.kept) == (1, 0, 1)
        erased = Visit(path).erase("anna", by="a test", receipt="r2", in_use=frozenset({"anna"}))
        assert (erased.counts["journal"], erased.kept) == (0, 1)


async def test_who_still_talks_where_nothing_is_journalled_is_in_use_as_well(path: Path) -> None:
    """Behind `/v1/realtime`: what is said after the deletion is kept again, so it must be told."""
    async with opened(path) as store:
        store.put(line(1, "words", session="anna"))
        await until(lambda: store.counts.written == 1)

        assert Visit(path).erase("anna", by="a test", receipt="r1", in_use=None).kept == 1
        assert Visit(path).erase("anna", by="a test", receipt="r2", in_use=None).kept == 0
        store.put(line(2, "more words", session="anna"))
        await until(lambda: store.counts.written == 2)
        assert Visit(path).erase("anna", by="a test", receipt="r3", in_use=frozenset()).kept == 0, (
            "nobody runs"
        )


async def test_a_broken_line_of_somebodys_journal_keeps_nobody_from_being_forgotten(path: Path) -> None:
    async with opened(path) as store:
        await journalled(store._database, "anna", "ben")
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("update journal_entry set content = '{' where session_id = 'ben'")

    assert Visit(path).erase("anna", by="a test", receipt="r1", in_use=frozenset()).counts["journal"] == 1


async def journalled(database: Database, *customers: str) -> None:
    """A journal's first line for each: whose session it is."""
    journal = SqliteJournal(database)
    await journal.start(lambda _: None)
    durable = asyncio.Event()
    for customer in customers:
        opening = JournalEntry(1, "opened", {"principal": {"customer_id": customer}})
        journal.write(customer, opening, lambda _: durable.set())
    await durable.wait()
    await journal.close()


async def test_every_table_about_a_person_has_somebody_who_deletes_from_it(path: Path) -> None:
    """A table with a customer, a session or content of one must be known to the erasure."""
    async with opened(path) as store:
        tables = await store._database.transact(lambda connection: inspect(connection).get_table_names())
    known = {
        "transcript_session": "transcripts",
        "transcript_entry": "transcripts",
        "journal_session": "journal",
        "journal_entry": "journal",
        "consent": "consents",
        "charge": "costs",
    }
    nobody = {"audit", "alembic_version"}
    assert set(tables) == set(METADATA.tables) | {"alembic_version"}
    assert set(tables) - nobody - set(known) == set(), "say in store/erasure.py who deletes from it"
    assert set(known.values()) <= set(OF_A_CUSTOMER)


async def test_sessions_are_found_by_customer_and_time(path: Path) -> None:
    async with opened(path) as store:
        for number in range(4):
            store.put(line(number * 10, session=f"s{number}", customer="anna" if number % 2 else "ben"))
    visit = Visit(path)

    def found(wanted: Wanted) -> list[str]:
        return [one.session_id for one in visit.sessions(wanted)]

    assert found(Wanted()) == ["s3", "s2", "s1", "s0"]
    assert found(Wanted(customer_id="anna")) == ["s3", "s1"]
    assert found(Wanted(since=line(10).at, until=line(30).at)) == ["s2", "s1"]
    assert found(Wanted(limit=1)) == ["s3"]
    assert found(Wanted(session_id="s2")) == ["s2"]
    assert visit.entries("s2") == [Entry(line(20).at, "user", "i20")]


async def test_a_file_of_something_else_and_of_another_version_is_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.sqlite3"
    with closing(sqlite3.connect(foreign)) as file:
        file.execute("create table other (id)")
    with pytest.raises(StoreRefusedError, match="no database of Holdfast"):
        Visit(foreign).sessions(Wanted())

    ours = tmp_path / "ours.sqlite3"
    async with opened(ours) as store:
        store.put(line(1))
    with closing(sqlite3.connect(ours)) as file:
        file.execute("update alembic_version set version_num = '0001'")
        file.commit()
    with pytest.raises(StoreRefusedError, match="another version"):
        Visit(ours).sessions(Wanted())


async def test_whether_a_gateway_has_the_file_is_known(path: Path) -> None:
    database = Database(path)
    await database.open()
    with Visit(path).alone() as alone:
        assert not alone
    await database.close()
    with Visit(path).alone() as alone:
        assert alone
        later = Database(path, busy_s=0.01)
        with pytest.raises(StoreRefusedError, match="in use"):
            await later.open()
        await later.close()


async def test_a_thousand_lines_from_a_hundred_sessions_keep_their_order(path: Path) -> None:
    async with opened(path) as store:
        for number in range(1_000):
            store.put(line(number, str(number), session=f"s{number % 100}"))
        await until(partial(_all_written, store, 1_000))
    for session in range(100):
        assert said(path, f"s{session}") == [str(number) for number in range(session, 1_000, 100)]


def _all_written(store: SqliteTranscripts, number: int) -> bool:
    return store.counts.written == number
