"""Nobody waits for a disk that hangs: not who writes, and not for ever who closes."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

from holdfast.store import Database, Degraded, JournalOptions, SqliteJournal

from .ears import Ears, Talk


async def test_write_does_not_wait_for_the_thread(path: Path, ears: Ears) -> None:
    database = Database(path)
    journal = SqliteJournal(database)
    await journal.start(ears.state)
    talks = [Talk(journal, ears, f"s{index}") for index in range(100)]
    inside, go_on = threading.Event(), threading.Event()

    def block(_connection: object) -> None:
        inside.set()
        go_on.wait(10)

    blocked = asyncio.create_task(database.transact(block))
    await asyncio.to_thread(inside.wait)
    began = time.perf_counter()
    for number in range(1, 101):
        for talk in talks:
            talk.say(number)
    took = time.perf_counter() - began
    await ears.until(lambda: Degraded("slow") in ears.states)

    assert not go_on.is_set()
    assert took < 5.0, f"10,000 writes took {took:.3f} s"
    assert not any(ears.written.values())
    go_on.set()
    await blocked
    for talk in talks:
        await talk.heard(100)
    await journal.close()
    await database.close()


async def test_closing_is_bounded_when_the_disk_hangs(path: Path, ears: Ears) -> None:
    database = Database(path)
    journal = SqliteJournal(database, JournalOptions(close_s=0.1))
    await journal.start(ears.state)
    go_on = threading.Event()
    blocked = asyncio.create_task(database.transact(lambda _: go_on.wait(10)))
    await asyncio.sleep(0)
    Talk(journal, ears).say(1)

    began = time.monotonic()
    await journal.close()
    await database.close(within_s=0.1)

    assert time.monotonic() - began < 1.0
    assert ears.written == {}
    assert journal.counts.waiting == 1
    go_on.set()
    await blocked
