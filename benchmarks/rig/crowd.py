"""Many people at once: started apart, waited for, sent home.

What lives here: owning their tasks.
What never will: what one of them does (`person`).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from typing import Final

from benchmarks.rig.person import Happening, Person
from benchmarks.rig.voice import Voice
from holdfast.bench.candidates import BenchError

LOOK_S: Final = 0.02
Listening = Callable[[Person, Happening], None]


@contextlib.asynccontextmanager
async def crowd(
    number: int,
    url: str,
    *,
    seed: int,
    within_s: float,
    on_happening: Listening | None = None,
    voice: Callable[[int], Voice] = Voice,
) -> AsyncIterator[list[Person]]:
    """So many people, who begin one after the other within `within_s` and leave with the block."""
    people = [
        # The same seed shall give the same run; nothing secret hangs on it.
        Person(voice(index), url, random.Random(f"{seed}:{index}"), on_happening=on_happening)  # noqa: S311
        for index in range(number)
    ]

    async def begin(index: int, person: Person) -> None:
        await asyncio.sleep(within_s * index / max(1, number))
        await person.live()

    tasks = [asyncio.get_running_loop().create_task(begin(at, one)) for at, one in enumerate(people)]
    try:
        yield people
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await asyncio.sleep(LOOK_S)


async def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until it holds; False when it did not in time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not condition():
        if loop.time() >= end:
            return False
        await asyncio.sleep(LOOK_S)
    return True


async def all_ready(people: list[Person], seconds: float) -> None:
    """Wait until everybody has a session. Raises BenchError."""
    if not await until(lambda: all(one.is_ready for one in people), seconds):
        missing = sum(not one.is_ready for one in people)
        last = next((list(one.happenings)[-3:] for one in people if not one.is_ready), [])
        raise BenchError(f"{missing} of {len(people)} people got no session.", str(last)[:400], "Try fewer.")
