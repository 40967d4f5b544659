"""A process that writes a journal until somebody kills it: `python doomed.py FILE RUN`.

What lives here: writing from many sessions, and a line on standard output for each number that was reported
written, on the pipe before anything else happens.
What never will: an orderly end.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from holdfast.store import Database, Entry, JournalOptions, JournalState, SqliteJournal

SESSIONS = 20


def text_of(session: str, number: int) -> str:
    """What line `number` of this session says: a different length each time, so that pages break anywhere."""
    return f"{session}:{number}:" + "x" * (number * 37 % 1_500)


def report(session: str) -> Callable[[int], None]:
    """Say on the pipe that a number was reported written."""

    def written(number: int) -> None:
        os.write(1, f"{session} {number}\n".encode())

    return written


def complain(state: JournalState) -> None:
    """Nothing but the kill should happen here."""
    os.write(1, f"state {state!r}\n".encode())


async def main(path: Path, run: str) -> None:
    """Write for ever."""
    os.write(1, b"opening\n")
    journal = SqliteJournal(Database(path), JournalOptions(gather_s=0.002))
    await journal.start(complain)
    await journal.unfinished(not_older_than_s=3_600)
    number = 0
    while True:
        number += 1
        for index in range(SESSIONS):
            session = f"{run}-{index}"
            journal.write(session, Entry(number, "item", {"text": text_of(session, number)}), report(session))
        await asyncio.sleep(0.001)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
