"""Charges in the database: each once, corrected in place, added up by SQL, kept through trouble."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from holdfast.ports.charges import Charge, Sum, Tokens, merged
from holdfast.store import (
    Database,
    MemoryCharges,
    SpentElsewhere,
    SqliteCharges,
    StoreUnavailableError,
    charges_of,
    forget_customer,
    look_into,
    sums,
    unknown_models,
)

WALL = 1_795_000_000.0
DAY_S = 86_400

ONE = Charge(
    "s1",
    "C-1",
    "response",
    "r1",
    WALL,
    "openai",
    "gpt-realtime-2.1",
    "completed",
    Tokens(text_in=100, text_cached=60, audio_in=20, text_out=5, audio_out=40),
    0,
    2_000,
    is_estimated=False,
    priced="2026-11-20",
    cost=3_000,
    assumed=3_000,
)


@asynccontextmanager
async def store(path: Path, waiting_max: int = 100, keep_days: float = 30) -> AsyncIterator[SqliteCharges]:
    database = Database(path, busy_s=0.05)
    charges = SqliteCharges(database, waiting_max, keep_days, lambda: WALL)
    charges.start()
    try:
        yield charges
    finally:
        await charges.close()
        await database.close()


def spoil(path: Path) -> None:
    path.write_bytes(b"no database")


def named_in(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


async def filled(path: Path, *charges: Charge) -> None:
    async with store(path) as keeper:
        for charge in charges:
            keeper.put(charge)


async def test_a_charge_comes_back_as_it_was(path: Path) -> None:
    writing = replace(ONE, kind="transcription", thing_id="i1", billed_ms=2_000, cost=None, priced="unknown")
    await filled(path, ONE, writing)

    with look_into(path) as file:
        assert charges_of(file, "s1") == [writing, ONE]
        assert charges_of(file, "s2") == []


async def test_told_twice_it_is_billed_once_and_the_later_word_counts(path: Path) -> None:
    await filled(path, ONE)
    await filled(path, replace(ONE, wasted=1_000, heard_ms=500))

    with look_into(path) as file:
        (whole,) = sums(file, 0, None)
    assert (whole.responses, whole.cost, whole.wasted) == (1, 3_000, 1_000)


async def test_sums_by_session_customer_model_and_day(path: Path) -> None:
    await filled(
        path,
        ONE,
        replace(ONE, thing_id="r2", session_id="s2", at=WALL - DAY_S, cost=5_000, rebuild=700),
        replace(ONE, thing_id="i1", kind="transcription", model="", cost=None, priced="unknown"),
        replace(
            ONE, thing_id="r3", customer_id="C-2", session_id="s3", is_estimated=True, at=WALL - 3 * DAY_S
        ),
    )

    with look_into(path) as file:
        assert [(one.name, one.cost) for one in sums(file, 0, "session")] == [
            ("s2", 5_000),
            ("s1", 3_000),
            ("s3", 3_000),
        ]
        assert [(one.name, one.cost) for one in sums(file, 0, "customer")] == [("C-1", 8_000), ("C-2", 3_000)]
        assert [(one.name, one.unknown) for one in sums(file, 0, "model")] == [
            ("gpt-realtime-2.1", 0),
            ("(not told)", 1),
        ]
        days = [one.name for one in sums(file, 0, "day")]
        assert days == sorted(days)
        assert len(days) == 3
        (recent,) = sums(file, WALL - 2 * DAY_S, None)
        assert recent == Sum("", 2, 1, 360, 180, 135, 8_000, 700, 0, 0, 1)
        assert unknown_models(file, 0) == ["(not told)"]
        assert [one.estimated for one in sums(file, 0, "session")] == [0, 0, 1]


async def test_what_was_spent_outlives_the_process(path: Path) -> None:
    unknown = replace(ONE, thing_id="r2", cost=None, assumed=9_000)
    await filled(path, ONE, unknown, replace(ONE, thing_id="r3", at=WALL - DAY_S))

    async with store(path) as charges:
        assert await charges.spent(WALL - 60) == {"C-1": 12_000}
        assert (await charges.spent_on("s1"), await charges.spent_on("s2")) == (15_000, 0)
    assert SpentElsewhere([path, path.with_name("missing.sqlite3")])(WALL - 60) == {"C-1": 12_000}
    assert await MemoryCharges().spent(0) == {}
    assert await MemoryCharges().spent_on("s1") == 0
    path.with_name("other.sqlite3").write_text("this is no database")
    assert SpentElsewhere([path.with_name("other.sqlite3"), path])(WALL - 60) == {"C-1": 12_000}


async def test_what_is_older_than_it_shall_be_is_deleted(path: Path) -> None:
    await filled(path, ONE, replace(ONE, thing_id="r2", at=WALL - 31 * DAY_S))
    async with store(path) as charges:
        charges.put(replace(ONE, thing_id="r3"))

    with look_into(path) as file:
        assert {one.thing_id for one in charges_of(file, "s1")} == {"r1", "r3"}


async def test_charges_of_processes_that_are_no_more_grow_old_too(path: Path) -> None:
    left_over = path.with_stem("left-over")
    await filled(left_over, replace(ONE, at=WALL - 31 * DAY_S), replace(ONE, thing_id="r2"))
    database = Database(path)
    charges = SqliteCharges(database, 100, 30, lambda: WALL, [left_over])
    charges.start()
    charges.put(ONE)
    await charges.close()
    await database.close()

    with look_into(left_over) as file:
        assert [one.thing_id for one in charges_of(file, "s1")] == ["r2"]
    with look_into(path) as file:
        assert [one.thing_id for one in charges_of(file, "s1")] == ["r1"]


async def test_a_person_goes_and_the_sums_stay(path: Path) -> None:
    await filled(path, ONE, replace(ONE, thing_id="r2"), replace(ONE, thing_id="r3", customer_id="C-2"))
    database = Database(path)
    assert await database.transact(partial(forget_customer, customer_id="C-1")) == 2
    await database.close()

    with look_into(path) as file:
        assert [(one.name, one.responses) for one in sums(file, 0, "customer")] == [("", 2), ("C-2", 1)]
        assert [one.thing_id for one in charges_of(file, "s1")] == ["r3"]


async def test_when_there_is_no_room_a_charge_is_named_as_lost(path: Path) -> None:
    database = Database(path)
    charges = SqliteCharges(database, waiting_max=2, keep_days=1, wall=lambda: WALL)
    for number in range(5):
        charges.put(replace(ONE, thing_id=f"r{number}"))
    charges.put(replace(ONE, thing_id="r1", wasted=7))  # a correction needs no room
    assert (charges.waiting, charges.lost) == (2, 3)
    charges.start()
    await charges.close()
    await database.close()

    with look_into(path) as file:
        assert [(one.thing_id, one.wasted) for one in charges_of(file, "s1")] == [("r0", 0), ("r1", 7)]


async def test_one_that_cannot_be_written_is_lost_alone(path: Path) -> None:
    async with store(path) as charges:
        for number in range(5):
            charges.put(replace(ONE, thing_id=f"r{number}"))
        charges.put(replace(ONE, thing_id="bad", customer_id="half an emoji: \ud83d"))
        charges.put(replace(ONE, thing_id="r5"))
        async with asyncio.timeout(5):
            while charges.waiting:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        charges.put(replace(ONE, thing_id="r6"))
        assert charges.lost == 1

    with look_into(path) as file:
        assert [one.thing_id for one in charges_of(file, "s1")] == [f"r{number}" for number in range(7)]


async def test_a_locked_file_is_waited_for_and_nothing_is_lost(path: Path) -> None:
    await filled(path, ONE)
    async with store(path) as charges:
        with closing(sqlite3.connect(path, isolation_level=None)) as somebody:
            somebody.execute("begin immediate")
            charges.put(replace(ONE, thing_id="r2"))
            async with asyncio.timeout(5):
                while not charges._is_failing:  # noqa: ASYNC110 - it tells the log only
                    await asyncio.sleep(0.01)
            assert charges.waiting == 1
            somebody.execute("rollback")

    with look_into(path) as file:
        assert {one.thing_id for one in charges_of(file, "s1")} == {"r1", "r2"}


async def test_one_may_look_while_the_gateway_writes_and_a_strange_file_is_refused(path: Path) -> None:
    async with store(path) as charges:
        charges.put(ONE)
        await charges.spent(0)  # the file is there
        with look_into(path) as file, pytest.raises(Exception, match="readonly"):
            file.exec_driver_sql("delete from charge")
    strange = path.with_name("strange.sqlite3")
    with closing(sqlite3.connect(strange)) as file:
        file.execute("create table customer (id text)")
    with pytest.raises(StoreUnavailableError, match="no such table"):
        look_into(strange)


async def test_a_file_is_read_whatever_its_folder_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "50%25 of a?b#c"
    await filled(folder / "holdfast.sqlite3", ONE)

    assert SpentElsewhere([folder / "holdfast.sqlite3"])(0) == {"C-1": 3_000}
    assert named_in(tmp_path) == [folder.name], "and nothing else is made"


def test_sums_of_several_files_are_one() -> None:
    one, two = Sum("C-1", responses=1, cost=5), Sum("C-2", cost=7)

    assert merged([one, two, replace(one, wasted=3)]) == [Sum("C-1", responses=2, cost=10, wasted=3), two]


async def test_a_file_that_cannot_be_read_for_a_moment_has_spent_what_it_had(path: Path) -> None:
    await filled(path, ONE)
    elsewhere = SpentElsewhere([path])
    assert elsewhere(WALL - 60) == {"C-1": 3_000}
    shutil.copyfile(path, path.with_name("kept"))
    spoil(path)
    assert elsewhere(WALL - 60) == {"C-1": 3_000}
    shutil.copyfile(path.with_name("kept"), path)
    assert elsewhere(WALL - 60) == {"C-1": 3_000}
    spoil(path)
    assert elsewhere(WALL - 50) == {}, "of another day nothing is known"


async def test_a_locked_file_does_not_say_that_nothing_was_spent(path: Path) -> None:
    await filled(path, ONE)
    async with store(path) as charges:
        with closing(sqlite3.connect(path, isolation_level=None)) as somebody:
            somebody.execute("begin immediate")
            assert await charges.spent(0) is None
            assert await charges.spent_on("s1") is None
            somebody.execute("rollback")
        assert await charges.spent(0) == {"C-1": 3_000}
        assert await charges.spent(0, ONE.at) == {}
        assert await charges.spent_on("s1", ONE.at) == 0


async def test_a_session_that_was_taken_over_has_spent_what_it_had_there(path: Path) -> None:
    left_over = path.with_stem("left-over")
    await filled(left_over, ONE)
    database = Database(path)
    charges = SqliteCharges(database, 100, 30, lambda: WALL, [left_over])
    charges.start()
    charges.put(replace(ONE, thing_id="r2"))
    await charges.close()
    assert await charges.spent_on("s1") == 6_000
    await database.close()
