"""Speech made ready before it is asked for: the beginning of the answer that seems to come.

What lives here: the store of beginnings, by what they say and how; the bounds on it; when a guess is worth
its cost. What never will: what an answer says, the dialect's events, a fact about a customer.

Only sentences of the engine's own and the openings that tools declare are made ready: they say the same to
everybody, so one store serves all sessions of the process. A wrong guess costs its time and changes nothing:
what is said is always decided anew when the turn is over.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from holdfast.engine.resample import to_pcm
from holdfast.engine.speaking import Manner, Mouth, new_resampler
from holdfast.engine.spoken import Clause, clauses
from holdfast.engine.stages import SpeechError

KEPT_BYTES: Final = 4 * 1024 * 1024
"""Some 85 seconds of speech."""
BUSY_SHARE: Final = 0.7
"""A process that uses so much of a core has no time for guesses."""
PACED_SHARE: Final = 0.35
"""A process that uses so much of a core makes no speech long before it is heard (`speaking.AHEAD_S`)."""
_WATCHED_S: Final = 0.5

_Key = tuple[str, str, float]


@dataclass(slots=True)
class Tally:
    """What guessing has cost and brought, since the process began."""

    guesses: int = 0
    right: int = 0
    """Guesses after which the turn was over, and meant what it seemed to mean."""
    declined: int = 0
    """Pauses in which nothing was guessed, because the process was busy."""
    made: int = 0
    """Clauses that were made ready."""
    used: int = 0
    """Answers that began with one."""


class Spare:
    """Whether this process has time to spare, by the processor time it used of late."""

    def __init__(
        self,
        busy_share: float = BUSY_SHARE,
        wall: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.process_time,
    ) -> None:
        self._busy_share, self._wall, self._used = busy_share, wall, used
        self._at, self._used_then, self._share = wall(), used(), 0.0

    def __call__(self) -> bool:
        now = self._wall()
        if now - self._at >= _WATCHED_S:
            used = self._used()
            self._share = (used - self._used_then) / (now - self._at)
            self._at, self._used_then = now, used
        return self._share < self._busy_share


class Beginning:
    """The first clause of an answer, as wire audio: made, or being made."""

    def __init__(self, clause: Clause) -> None:
        self.clause = clause
        self.size = 0
        self._pieces: list[bytes] = []
        self._is_whole = False
        self._fault: SpeechError | None = None
        self._more = asyncio.Event()

    async def make(self, mouth: Mouth, manner: Manner) -> None:
        """Have it said. Raises SpeechError, as `pieces` does then."""
        resampler = new_resampler()
        try:
            async for pcm in mouth.speak(self.clause, manner, resampler, threading.Event()):
                self._add(pcm)
            # What follows it comes from another resampler, so nothing may stay in this one.
            self._add(to_pcm(resampler.feed(np.zeros(0, dtype=np.float32), last=True)))
        except SpeechError as fault:
            self._fault = fault
            raise
        finally:
            self._is_whole = True
            self._more.set()

    def _add(self, pcm: bytes) -> None:
        if pcm:
            self._pieces.append(pcm)
            self.size += len(pcm)
            self._more.set()

    async def pieces(self) -> AsyncIterator[bytes]:
        """All of it, from the first sample, as it comes."""
        at = 0
        while True:
            while at < len(self._pieces):
                at += 1
                yield self._pieces[at - 1]
            if self._is_whole:
                break
            self._more.clear()
            await self._more.wait()
        if self._fault is not None:
            raise self._fault


class Ahead:
    """The process's beginnings of answers."""

    def __init__(self, mouth: Mouth, has_time: Callable[[], bool]) -> None:
        self._mouth = mouth
        self._has_time = has_time
        self._kept: OrderedDict[_Key, Beginning] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self.tally = Tally()

    def close(self) -> None:
        """Nothing more is made."""
        for task in self._tasks:
            task.cancel()

    async def settled(self) -> None:
        """Returns when all that was begun is made."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    def may_guess(self) -> bool:
        """Whether there is time for a guess: nobody waits for the voice, and the process is not busy."""
        may = self._mouth.is_idle and self._has_time()
        self.tally.guesses += may
        self.tally.declined += not may
        return may

    def make_ready(self, text: str, manner: Manner) -> None:
        """Have the first clause of `text` said, unless that was done before."""
        clause = next(clauses(text), None)
        if clause is None:
            return
        key = (clause.written, manner.voice, manner.speed)
        if key in self._kept:
            self._kept.move_to_end(key)
            return
        self._kept[key] = Beginning(clause)
        task = asyncio.get_running_loop().create_task(self._make(key, manner))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _make(self, key: _Key, manner: Manner) -> None:
        beginning = self._kept[key]
        try:
            await beginning.make(self._mouth, manner)
        except SpeechError:  # who needs this clause tries again, and tells it then
            if self._kept.get(key) is beginning:
                del self._kept[key]
            return
        self.tally.made += 1
        self._shed()

    def _shed(self) -> None:
        size = sum(one.size for one in self._kept.values())
        while size > KEPT_BYTES:
            _, oldest = self._kept.popitem(last=False)
            size -= oldest.size

    def beginning_of(self, text: str, manner: Manner) -> Beginning | None:
        """The longest clause at hand that `text` begins with."""
        found: _Key | None = None
        for key in self._kept:
            written, voice, speed = key
            is_so = (voice, speed) == (manner.voice, manner.speed) and text.startswith(written)
            ends_well = written[-1:].isspace() or len(written) == len(text)
            if is_so and ends_well and (found is None or len(written) > len(found[0])):
                found = key
        if found is None:
            return None
        self._kept.move_to_end(found)
        self.tally.used += 1
        return self._kept[found]
