"""How long lines are kept: while somebody owns them or may come back; then no file holds them any more."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from holdfast.store import Journal, JournalOptions

from .conftest import Make
from .ears import Ears, Talk

SECRET = "my-account-number-is-4711"
QUICK = JournalOptions(gather_s=0.001, sweep_every_s=0.01, contact_every_s=5.0)


class Clock:
    """A wall clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def in_the_file(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as file:
        return {row[0] for row in file.execute("select id from journal_session")}


async def test_only_sessions_with_a_young_contact_come_back(sqlite: Make, ears: Ears, clock: Clock) -> None:
    first = await sqlite(clock=clock)
    old, young, quiet = (Talk(first, ears, name) for name in ("old", "young", "quiet"))
    old.say(1)
    quiet.say(1)
    await quiet.heard(1)
    clock.now += 100
    young.say(1)
    first.contact("quiet")  # its client was there, it only had nothing to say
    await young.heard(1)

    clock.now += 50
    second = await sqlite(clock=clock)
    found = await second.unfinished(not_older_than_s=120)

    assert {session.id: clock.now - session.last_contact for session in found} == {"young": 50, "quiet": 50}


async def test_a_clock_set_back_loses_nobody(sqlite: Make, ears: Ears, clock: Clock) -> None:
    talk = Talk(await sqlite(clock=clock), ears)
    talk.say(1)
    await talk.heard(1)
    clock.now -= 3_600

    assert len(await (await sqlite(clock=clock)).unfinished(not_older_than_s=120)) == 1


async def test_the_sweeper_takes_what_is_old_and_nobodys(
    sqlite: Make, path: Path, ears: Ears, clock: Clock
) -> None:
    before = await sqlite(clock=clock)
    Talk(before, ears, "crashed").say(1)
    back = Talk(before, ears, "back")
    back.say(1)
    await back.heard(1)
    clock.now += 100

    journal = await sqlite(QUICK, clock=clock)
    found = await journal.unfinished(not_older_than_s=120)
    assert len(found) == 2
    assert in_the_file(path) == {"crashed", "back"}

    journal.forget("crashed")  # nobody came back for it
    clock.now += 10_000
    here = Talk(journal, ears, "here")
    here.say(1)
    await here.heard(1)
    assert in_the_file(path) == {"back", "here"}, "whoever is owned is not swept, however quiet"

    await journal.close()
    clock.now += 121
    later = await sqlite(QUICK, clock=clock)
    await until_swept(later, ears, lambda: in_the_file(path) == {"heart"})


async def until_swept(journal: Journal, ears: Ears, done: Callable[[], bool]) -> None:
    """Let transactions pass until the sweeper has done its work."""
    heart = Talk(journal, ears, "heart")
    for number in range(1, 100):
        heart.say(number)
        await heart.heard(number)
        if done():
            return
    raise AssertionError("never swept")


async def test_what_is_forgotten_is_in_no_file(sqlite: Make, path: Path, ears: Ears) -> None:
    journal = await sqlite(QUICK)
    talk = Talk(journal, ears)
    talk.say(*range(1, 201), text=SECRET)
    await talk.heard(200)
    assert found_in_files(path)

    journal.forget("s1")

    await until_swept(journal, ears, lambda: not found_in_files(path))
    assert in_the_file(path) == {"heart"}


async def test_who_forgets_need_not_write_to_be_obeyed(sqlite: Make, path: Path, ears: Ears) -> None:
    journal = await sqlite()
    talk = Talk(journal, ears)
    talk.say(1)
    await talk.heard(1)

    journal.forget("s1")

    began = journal.counts.batches
    async with asyncio.timeout(1):
        while journal.counts.batches == began:  # noqa: ASYNC110 - a deletion is reported to nobody
            await asyncio.sleep(0.005)
    assert in_the_file(path) == set()


def found_in_files(path: Path) -> bool:
    return any(SECRET.encode() in file.read_bytes() for file in path.parent.iterdir())


@pytest.mark.parametrize(
    "damage",
    [
        "delete from journal_entry where session_id = 'hurt' and number = 2",
        "delete from journal_entry where session_id = 'hurt' and number = 1",
        "delete from journal_entry where session_id = 'hurt'",
        "update journal_entry set content = '{\"text\":' where session_id = 'hurt' and number = 2",
        "update journal_entry set content = '[1]' where session_id = 'hurt' and number = 3",
    ],
)
async def test_a_session_with_a_hole_is_not_brought_back(
    sqlite: Make, path: Path, ears: Ears, damage: str
) -> None:
    journal = await sqlite()
    hurt, whole = Talk(journal, ears, "hurt"), Talk(journal, ears, "whole")
    hurt.say(1, 2, 3)
    whole.say(1, 2, 3)
    await whole.heard(3)
    await hurt.heard(3)
    await journal.close()
    with closing(sqlite3.connect(path)) as file:
        file.execute(damage)
        file.commit()

    found = await (await sqlite()).unfinished(not_older_than_s=60)

    assert [session.id for session in found] == ["whole"]
