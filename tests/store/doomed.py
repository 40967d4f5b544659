"""A process that writes a journal until somebody kills it.

What lives here: writing from many sessions, and a line for each number that was reported written, on the pipe
before anything else happens. It is forked from a process that has imported everything: a start costs little.
What never will: an orderly end.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from holdfast.store import Database, Entry, JournalOptions, JournalState, SqliteJournal

SESSIONS = 20


def text_of(session: str, number: int) -> str:
    """What line `number` of this session says: a different length each time, so that pages break anywhere."""
    return f"{session}:{number}:" + "x" * (number * 37 % 1_500)


def report(pipe: int, session: str) -> Callable[[int], None]:
    """Say on the pipe that a number was reported written."""

    def written(number: int) -> None:
        os.write(pipe, f"{session} {number}\n".encode())

    return written


async def write(path: Path, run: str, pipe: int) -> None:
    """Write for ever."""

    def complain(state: JournalState) -> None:
        """Nothing but the kill should happen here."""
        os.write(pipe, f"state {state!r}\n".encode())

    os.write(pipe, b"opening\n")
    journal = SqliteJournal(Database(path), JournalOptions(gather_s=0.002))
    await journal.start(complain)
    await journal.unfinished(not_older_than_s=3_600)
    number = 0
    while True:
        number += 1
        for index in range(SESSIONS):
            session = f"{run}-{index}"
            entry = Entry(number, "item", {"text": text_of(session, number)})
            journal.write(session, entry, report(pipe, session))
        await asyncio.sleep(0.001)


def live(path: Path, run: str, pipe: Connection) -> None:
    """The whole life of the process."""
    asyncio.run(write(path, run, pipe.fileno()))


def doomed(path: Path, run: str) -> tuple[BaseProcess, Connection]:
    """Start one; what it says comes out of the pipe, which ends with it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=live, args=(path, run, theirs), daemon=True)
    process.start()
    theirs.close()
    return process, ours
