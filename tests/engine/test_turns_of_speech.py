"""Whose turn it is to be said: who has heard nothing yet, then who would fall silent; and how far ahead."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest

from holdfast.engine.speaking import AHEAD_S, CHUNK_MS, Manner, Mouth, Pace, new_resampler
from holdfast.engine.spoken import Clause
from holdfast.engine.stages import RATE, Cancelled, Samples

LONG = 50
"""Chunks in what is said: five seconds."""


class Counting:
    """A voice that says a clause in so many chunks, each when it is allowed to, and notes whose each was."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.ended: list[str] = []
        self.may_begin = threading.Event()

    def voices(self) -> tuple[str, ...]:
        return ("rms",)

    def speak(self, clause: str, voice: str, speed: float, cancelled: Cancelled) -> Iterator[Samples]:
        self.may_begin.wait(5)
        try:
            for _ in range(LONG):
                self.said.append(clause)
                yield np.full(RATE * CHUNK_MS // 1000, 0.5, dtype=np.float32)
        finally:
            self.ended.append(clause)


def said_by(mouth: Mouth, words: str, pace: Pace | None) -> AsyncIterator[bytes]:
    clause = Clause(words, words, 0)
    return mouth.speak(clause, Manner("rms"), new_resampler(), threading.Event(), pace)


async def all_of(sound: AsyncIterator[bytes]) -> float:
    """Seconds of it."""
    return sum([len(piece) async for piece in sound]) / 48_000


@pytest.fixture
def voice() -> Counting:
    return Counting()


async def settled(mouth: Mouth) -> None:
    async with asyncio.timeout(5):
        for _ in iter(lambda: mouth.is_idle, True):
            await asyncio.sleep(0)


async def test_clauses_take_turns_and_the_first_sound_of_the_second_does_not_wait(voice: Counting) -> None:
    mouth = Mouth(voice)
    both = [asyncio.create_task(all_of(said_by(mouth, name, Pace()))) for name in ("a", "b")]
    await asyncio.sleep(0)  # both are begun
    voice.may_begin.set()
    assert await asyncio.gather(*both) == [pytest.approx(5, abs=0.1)] * 2
    assert "b" in voice.said[:4]
    assert voice.said[10:90].count("a") == pytest.approx(40, abs=4)
    mouth.close()


async def test_a_busy_process_makes_nothing_long_before_it_is_heard(voice: Counting) -> None:
    is_idle = False
    mouth = Mouth(voice, lambda: is_idle)
    voice.may_begin.set()
    told = asyncio.create_task(all_of(said_by(mouth, "a", Pace())))
    await asyncio.sleep(0)
    await settled(mouth)
    chunks = AHEAD_S * 1000 / CHUNK_MS
    assert chunks <= len(voice.said) <= chunks + 5
    # What nobody hears at a pace of its own is made all the same, and before what is not due.
    assert await all_of(said_by(mouth, "b", None)) == pytest.approx(5, abs=0.1)
    assert voice.said.count("a") < LONG / 2
    is_idle = True
    assert await told == pytest.approx(5, abs=0.1)
    mouth.close()


async def test_who_wants_no_more_leaves_nothing_under_way(voice: Counting) -> None:
    mouth = Mouth(voice, lambda: False)
    voice.may_begin.set()
    told = asyncio.create_task(all_of(said_by(mouth, "a", Pace())))
    await asyncio.sleep(0)
    await settled(mouth)
    told.cancel()
    await asyncio.gather(told, return_exceptions=True)
    await settled(mouth)
    assert voice.ended == ["a"]
    assert len(voice.said) < LONG / 2
    mouth.close()


async def test_what_goes_wrong_is_raised_where_it_is_waited_for(voice: Counting) -> None:
    class Broken(Counting):
        def speak(self, clause: str, voice: str, speed: float, cancelled: Cancelled) -> Iterator[Samples]:
            yield from ()
            raise ValueError(clause)

    mouth = Mouth(Broken())
    with pytest.raises(ValueError, match="a"):
        await all_of(said_by(mouth, "a", Pace()))
    assert mouth.is_idle
    mouth.close()


def test_a_pace_counts_from_its_first_sound() -> None:
    now = 10.0
    pace = Pace(lambda: now)
    assert pace.ahead_s < -1e9
    pace.add(48_000)
    assert pace.ahead_s == 1
    now = 10.75
    pace.add(24_000)
    assert pace.ahead_s == 0.75
