"""What a person who watches an emulator is told: each begin and each end, once, whatever the order."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from holdfast.emulator import Emulator
from holdfast.emulator.news import News, follow, listening

Run = Callable[..., AbstractAsyncContextManager[Emulator]]
Dial = Callable[..., AbstractAsyncContextManager[Any]]


async def test_each_begin_and_each_end_is_told_once(run: Run, call: Dial) -> None:
    """The first to knock begins last, and the last to begin ends first."""
    async with run("slow-handshake:0.2@1") as emulator:

        async def four() -> list[News]:
            told: list[News] = []
            async for news in follow(emulator):
                told.append(news)
                if len(told) == 4:
                    break
            return told

        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            watching = group.create_task(four())
            group.create_task(_stay(call(emulator)))
            await asyncio.sleep(0.05)
            group.create_task(_stay(call(emulator)))
        numbers = {record.id: record.number for record in emulator.records}
        told = [(news.document["event"], numbers[news.document["id"]]) for news in watching.result()]

    assert sorted(told) == [("began", 1), ("began", 2), ("ended", 1), ("ended", 2)]
    assert told[0] == ("began", 2)


async def _stay(calling: AbstractAsyncContextManager[Any]) -> None:
    async with calling as caller:
        await caller.until("session.created")


async def test_the_first_lines_say_which_key_will_do(run: Run) -> None:
    async with run() as open_to_all, run(api_key="k", dialect="azure") as guarded:
        assert "(OPENAI_BASE_URL; any key will do)" in listening(open_to_all).text
        assert "(the key of --api-key alone)" in listening(guarded).text
