"""What disks and other programs do to the journal: told in time, nothing lost or twice, over by itself."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection

from holdfast.store import (
    Database,
    Degraded,
    Healthy,
    Journal,
    JournalOptions,
    SqliteJournal,
    StoredSession,
    StoreRefusedError,
    StoreUnavailableError,
)

from .conftest import Make
from .ears import Ears, Talk

QUICK = JournalOptions(gather_s=0.001, retry_base_s=0.01, retry_cap_s=0.05)
DAY_S = 86_400.0
TOLD_WITHIN_S = 1.0

T = TypeVar("T")


def is_degraded(ears: Ears, cause: str) -> Callable[[], bool]:
    return lambda: any(isinstance(state, Degraded) and state.cause == cause for state in ears.states)


def is_healthy(ears: Ears) -> Callable[[], bool]:
    return lambda: bool(ears.states) and ears.states[-1] == Healthy()


async def reread(make: Make, **how: Any) -> dict[str, StoredSession]:
    """What the next process finds."""
    journal = await make(**how)
    return {session.id: session for session in await journal.unfinished(not_older_than_s=DAY_S)}


def numbers(session: StoredSession) -> list[int]:
    """The lines of a session, after a look at their content."""
    assert [entry.content["number"] for entry in session.entries] == [e.number for e in session.entries]
    return [entry.number for entry in session.entries]


async def degraded_and_well_again(
    journal: Journal, ears: Ears, cause: str, *, begin: Callable[[], object], end: Callable[[], object]
) -> None:
    """Talk before, during and after a fault of the disk."""
    talk = Talk(journal, ears)
    talk.say(1)
    await talk.heard(1)
    begin()
    began = time.monotonic()
    talk.say(2, 3, text="x" * 9_000)
    await ears.until(is_degraded(ears, cause))
    assert time.monotonic() - began < TOLD_WITHIN_S
    talk.say(4)
    late = Talk(journal, ears, "late")
    late.say(1)
    assert talk.so_far == [1], "nothing is reported that is not on the disk"
    assert journal.counts.waiting == 4

    end()
    await ears.until(is_healthy(ears))
    talk.say(5)

    assert await talk.heard(5) == [1, 2, 3, 4, 5]
    assert late.so_far == [1]
    assert journal.state == Healthy()
    assert journal.counts.refused == 0


async def test_a_lock_of_another_program(sqlite: Make, path: Path, ears: Ears) -> None:
    journal = await sqlite(QUICK)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        await degraded_and_well_again(
            journal,
            ears,
            "locked",
            begin=lambda: other.execute("begin immediate"),
            end=lambda: other.execute("rollback"),
        )

    found = await reread(sqlite)
    assert (numbers(found["s1"]), numbers(found["late"])) == ([1, 2, 3, 4, 5], [1])


async def test_a_lock_is_told_before_the_database_gives_up(sqlite: Make, path: Path, ears: Ears) -> None:
    journal = await sqlite(busy_s=2.0)
    talk = Talk(journal, ears)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        began = time.monotonic()
        talk.say(1)
        await ears.until(lambda: bool(ears.states))
        assert time.monotonic() - began < TOLD_WITHIN_S
        other.execute("rollback")

    assert await talk.heard(1) == [1]
    await ears.until(is_healthy(ears))
    assert ears.states[:2] == [Degraded("slow"), Healthy()]


async def test_a_file_that_is_locked_at_the_start(sqlite: Make, path: Path, ears: Ears) -> None:
    Talk(await sqlite(), ears, "before").say(1)
    await (await sqlite()).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        journal = await sqlite(QUICK)
        assert journal.state == Degraded("locked")
        assert await journal.unfinished(not_older_than_s=DAY_S) == ()
        talk = Talk(journal, ears)
        talk.say(1)
        other.execute("rollback")

    assert await talk.heard(1) == [1]
    await ears.until(is_healthy(ears))


async def test_it_is_well_again_even_if_nobody_writes(sqlite: Make, path: Path, ears: Ears) -> None:
    await (await sqlite()).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        await sqlite(QUICK)
        await asyncio.sleep(0.3)  # several tries fail
        assert ears.states == [Degraded("locked")]
        other.execute("rollback")

    await ears.until(is_healthy(ears))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of half a megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    command = [mount, "-t", "tmpfs", "-o", "size=512k", "holdfast-test", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("this machine does not let us mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def filled(folder: Path) -> Path:
    """Take all the space that is left."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 512)
        except OSError:
            return ballast


async def test_a_full_disk(sqlite: Make, small_disk: Path, ears: Ears) -> None:
    file = small_disk / "holdfast.sqlite3"
    journal = await sqlite(QUICK, file=file)
    await degraded_and_well_again(
        journal,
        ears,
        "disk_full",
        begin=lambda: filled(small_disk),
        end=(small_disk / "ballast").unlink,
    )

    found = await reread(sqlite, file=file)
    assert (numbers(found["s1"]), numbers(found["late"])) == ([1, 2, 3, 4, 5], [1])


async def test_a_disk_that_is_full_at_the_start(sqlite: Make, small_disk: Path, ears: Ears) -> None:
    ballast = filled(small_disk)
    journal = await sqlite(QUICK, file=small_disk / "holdfast.sqlite3")
    talk = Talk(journal, ears)
    talk.say(1)
    assert journal.state == Degraded("disk_full")

    ballast.unlink()

    assert await talk.heard(1) == [1]
    await ears.until(is_healthy(ears))


async def test_a_quota(sqlite: Make, path: Path, ears: Ears) -> None:
    """No file of this process may grow: what a quota does, for every user and on every machine."""
    journal = await sqlite(QUICK)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = path.with_name(f"{path.name}-wal")
    try:
        await degraded_and_well_again(
            journal,
            ears,
            "failing",
            begin=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, hard)),
            end=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard)),
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    found = await reread(sqlite)
    assert (numbers(found["s1"]), numbers(found["late"])) == ([1, 2, 3, 4, 5], [1])


@contextmanager
def unchangeable(*paths: Path) -> Iterator[None]:
    """Not even root may write to these, whoever has them open already."""
    chattr = shutil.which("chattr")
    if chattr is None or subprocess.run([chattr, "+i", *paths], check=False, capture_output=True).returncode:
        pytest.skip("files cannot be made unchangeable here")
    try:
        yield
    finally:
        subprocess.run([chattr, "-i", *paths], check=True)


async def test_files_that_become_read_only_while_open(sqlite: Make, path: Path, ears: Ears) -> None:
    journal = await sqlite(QUICK)
    guard = unchangeable(path, path.with_name(f"{path.name}-wal"))
    await degraded_and_well_again(
        journal,
        ears,
        "failing",
        begin=guard.__enter__,
        end=lambda: guard.__exit__(None, None, None),
    )

    assert numbers((await reread(sqlite))["s1"]) == [1, 2, 3, 4, 5]


async def test_a_file_that_is_read_only_at_the_start(humble_folder: Path, sqlite: Make, ears: Ears) -> None:
    file = humble_folder / "holdfast.sqlite3"
    made = Database(file)
    await made.open()
    await made.close()
    file.chmod(0o400)
    journal = await sqlite(QUICK, file=file)
    talk = Talk(journal, ears)
    talk.say(1)
    assert journal.state == Degraded("read_only")

    file.chmod(0o600)

    assert await talk.heard(1) == [1]
    await ears.until(is_healthy(ears))


async def test_a_file_taken_away_while_open(sqlite: Make, path: Path, ears: Ears) -> None:
    journal = await sqlite(QUICK)
    elsewhere = path.with_name("elsewhere")
    await degraded_and_well_again(
        journal, ears, "gone", begin=lambda: path.rename(elsewhere), end=lambda: elsewhere.rename(path)
    )

    assert numbers((await reread(sqlite))["s1"]) == [1, 2, 3, 4, 5]


async def test_a_full_spool_is_told_and_eases(sqlite: Make, path: Path, ears: Ears) -> None:
    options = JournalOptions(spool_lines_max=4, batch_lines_max=1, gather_s=0.001, retry_base_s=0.01)
    journal = await sqlite(options)
    talk = Talk(journal, ears)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        talk.say(1, 2, 3, 4, 5, 6)
        await ears.until(lambda: Degraded("locked", refusing=True) in ears.states)
        assert journal.counts.waiting == 4
        assert journal.counts.refused == 2
        other.execute("rollback")

    await ears.until(is_healthy(ears))
    assert len(talk.so_far) == 2, "it is well when half of the room is free again"
    talk.say(*range(journal.next_number("s1"), 7))
    assert await talk.heard(6) == [1, 2, 3, 4, 5, 6]
    assert numbers((await reread(sqlite))["s1"]) == [1, 2, 3, 4, 5, 6]


class Deaf(Database):
    """A database whose first answers are lost: what was written is there, the caller hears of an error."""

    lost = 3

    async def transact(self, work: Callable[[Connection], T]) -> T:
        result = await super().transact(work)
        if self.lost:
            self.lost -= 1
            raise StoreUnavailableError("failing", "the answer was lost")
        return result


async def test_an_answer_that_was_lost_does_no_harm(sqlite: Make, path: Path, ears: Ears) -> None:
    database = Deaf(path)
    journal = SqliteJournal(database, QUICK)
    await journal.start(ears.state)
    one, two = Talk(journal, ears, "one"), Talk(journal, ears, "two")
    one.say(1, 2, 3)
    two.say(1)

    assert await one.heard(3) == [1, 2, 3]
    assert await two.heard(1) == [1]
    assert database.lost == 0
    await journal.close()
    await database.close()

    found = await reread(sqlite)
    assert (numbers(found["one"]), numbers(found["two"])) == ([1, 2, 3], [1])


async def test_a_closing_journal_goes_on_trying_for_a_while(sqlite: Make, path: Path, ears: Ears) -> None:
    journal = await sqlite(QUICK)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        Talk(journal, ears).say(1)
        await ears.until(is_degraded(ears, "locked"))
        closing_it = asyncio.create_task(journal.close())
        await asyncio.sleep(0.15)
        other.execute("rollback")
        await closing_it

    assert ears.written == {"s1": [1]}


async def test_a_long_read_at_the_start_is_no_fault(sqlite: Make, ears: Ears) -> None:
    journal = await sqlite(JournalOptions(slow_s=0.0))
    await journal.unfinished(not_older_than_s=DAY_S)
    await asyncio.sleep(0)
    assert ears.states == []

    talk = Talk(journal, ears)
    talk.say(1)
    await talk.heard(1)
    assert ears.states[:2] == [Degraded("slow"), Healthy()]


async def test_an_error_nobody_thought_of_does_not_end_the_journal(
    sqlite: Make, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = await sqlite(QUICK)
    talk = Talk(journal, ears)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr("holdfast.store.rows.apply", broken)
        talk.say(1)
        await ears.until(is_degraded(ears, "failing"))

    assert await talk.heard(1) == [1]


async def test_a_refusal_goes_to_the_caller_of_start(tmp_path: Path, ears: Ears) -> None:
    (tmp_path / "letter").write_bytes(b"somebody's letter")
    database = Database(tmp_path / "letter")

    with pytest.raises(StoreRefusedError):
        await SqliteJournal(database).start(ears.state)

    await database.close()
    assert ears.states == []
