"""kill -9 in the middle of writing: every number that was reported written is there, and nothing is torn."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from holdfast.store import Database, SqliteJournal, StoredSession
from tests.store.doomed import doomed, text_of

RUNS = 20


def killed(path: Path, run: int, after_s: float, *, from_line: bytes) -> list[str]:
    """Start a writer, kill it `after_s` after it said `from_line`; what it had said."""
    process, pipe = doomed(path, f"run{run}")
    with os.fdopen(os.dup(pipe.fileno()), "rb") as told:
        pipe.close()
        first = b""
        while from_line not in first:
            first = told.readline()
            assert first, "it ended by itself"
        time.sleep(after_s)  # the moment of death is what is being varied
        process.kill()
        said = told.read().decode().splitlines()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    process.close()
    assert [line for line in said if line.startswith("state")] == []
    return said if from_line == b"opening" else [first.decode().strip(), *said]


async def reread(path: Path) -> Sequence[StoredSession]:
    """What the next process would bring back."""
    database = Database(path)
    journal = SqliteJournal(database)
    await journal.start(print)
    found = await journal.unfinished(not_older_than_s=3_600)
    await journal.close()
    await database.close()
    return found


@pytest.mark.timeout(180)
async def test_what_was_reported_survives_and_nothing_is_torn(path: Path) -> None:
    chance = random.Random(9)
    reported: Counter[str] = Counter()
    for run in range(RUNS):
        said = killed(path, run, chance.uniform(0, 0.15), from_line=b"run")
        for line in said:
            session, number = line.split()
            assert int(number) == reported[session] + 1, "in order, each once"
            reported[session] = int(number)

        found = {session.id: session.entries for session in await reread(path)}
        assert {name for name in reported if name not in found} == set()
        for name, entries in found.items():
            assert len(entries) >= reported[name]
            assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
            assert all(entry.content["text"] == text_of(name, entry.number) for entry in entries)
        with closing(sqlite3.connect(path)) as file:
            assert file.execute("pragma integrity_check").fetchall() == [("ok",)]
        unreported = sum(map(len, found.values())) - sum(reported.values())
    print(f"{RUNS} kills, {sum(reported.values())} lines reported, all there; {unreported} more were written")
    assert sum(reported.values()) > 20 * RUNS


@pytest.mark.timeout(120)
async def test_a_process_killed_while_it_makes_the_file_leaves_one_that_can_be_made(tmp_path: Path) -> None:
    chance = random.Random(10)
    for run in range(10):
        path = tmp_path / str(run) / "holdfast.sqlite3"
        killed(path, run, chance.uniform(0, 0.03), from_line=b"opening")

        database = Database(path)
        await database.open()
        await database.close()
