"""Speech out: sentences to wire audio, clause by clause, in one thread per process.

What lives here: the thread, whose turn it is, the trimming of silence, resampling, the way back to the event
loop. What never will: what is said, or the dialect's events.

One thread, for synthesisers keep state per process and a core is soon full. Sessions take turns, each for a
piece of `CHUNK_MS`: who has heard nothing yet comes first, then who would fall silent soonest. While the
process is busy nothing is made that is not to be heard within `AHEAD_S`: much of an answer never is, because
people speak before its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from holdfast.engine.resample import Resampler, to_pcm, up
from holdfast.engine.spoken import Clause
from holdfast.engine.stages import RATE, Samples, SpeechError, Voice

Put = Callable[[bytes | Exception | None], None]
"""Takes the pieces of a clause, then what went wrong, or None at its end."""

CHUNK_MS: Final = 100
_CHUNK: Final = 24 * CHUNK_MS
_WIRE_BYTES_PER_S: Final = 48_000
AHEAD_S: Final = 1.0
"""So far ahead of its being heard speech is made while the process is busy."""
_LOOK_S: Final = 0.1
"""So often it is looked whether the process is still busy, while nothing else is to be done."""
_QUIET: Final = 0.006
"""Below this level a synthesiser's lead-in is silence."""
_KEPT: Final = RATE // 100
"""Silence left around a clause (10 ms), or its first sound is clipped."""

VOICE_NAMES: Final = {
    "marin": "rms",
    "cedar": "rms",
    "alloy": "rms",
    "ash": "awb",
    "ballad": "awb",
    "echo": "awb",
    "verse": "rms",
    "coral": "slt",
    "sage": "slt",
    "shimmer": "slt",
}
"""The dialect's voices and whose we use for them. The default one gets the clearest of ours."""
DEFAULT_VOICE: Final = "rms"


def voice_name(asked: object, known: tuple[str, ...]) -> str:
    """The synthesiser's voice for a session's `voice` (a name, or an object with an `id`)."""
    name = str(asked.get("id", "")) if isinstance(asked, dict) else str(asked)
    chosen = VOICE_NAMES.get(name, name)
    return chosen if chosen in known else DEFAULT_VOICE if DEFAULT_VOICE in known else known[0]


@dataclass(frozen=True, slots=True)
class Manner:
    """How to speak: one of the synthesiser's voices, and the speed (1.0 is normal)."""

    voice: str
    speed: float = 1.0
    asked: str = ""
    """The voice as the session names it, for a speech server."""


def manner_of(output: Mapping[str, Any], known: tuple[str, ...]) -> Manner:
    """From a session's or a request's `audio.output`."""
    asked = output.get("voice")
    named = str(asked.get("id", "")) if isinstance(asked, Mapping) else str(asked)
    return Manner(voice_name(asked, known), float(output.get("speed", 1.0)), named)


class Speaker(Protocol):
    """Who says clauses: the thread in here, or a server before it."""

    @property
    def voices(self) -> tuple[str, ...]:
        """Names the synthesiser in here knows."""
        ...

    def speak(
        self,
        clause: Clause,
        manner: Manner,
        resampler: Resampler,
        stop: threading.Event,
        pace: Pace | None = None,
    ) -> AsyncIterator[bytes]:
        """The clause as PCM16 24 kHz. Ends early when `stop` is set. Raises SpeechError."""
        ...

    def close(self) -> None:
        """No more clauses."""
        ...


class Pace:
    """How far the sound of one answer is ahead of its being heard, from its first piece on.

    Counted by whoever makes the sound: one after the other, never two at once.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = -math.inf
        self._made_s = 0.0

    def add(self, size: int) -> None:
        """So many bytes of wire audio more."""
        if self._made_s <= 0:
            self._began = self._clock()
        self._made_s += size / _WIRE_BYTES_PER_S

    @property
    def ahead_s(self) -> float:
        """How long until nothing more is to be heard; minus infinity before the first sound."""
        return self._made_s + self._began - self._clock()


class _Job:
    """A clause under way."""

    def __init__(self, pieces: Generator[bytes], pace: Pace | None, put: Put) -> None:
        self.pieces = pieces
        self.is_paced = pace is not None
        self.pace = pace or Pace()
        self.put = put
        self.is_unwanted = False

    def waits_s(self) -> float:
        """For so long nobody misses what comes next; 0 when it is due."""
        return max(0.0, self.pace.ahead_s - AHEAD_S) if self.is_paced else 0.0

    def urgency(self) -> tuple[bool, float]:
        """The least of these comes first: who is due, and of those who would fall silent soonest."""
        return self.waits_s() > 0, self.pace.ahead_s

    def make(self) -> bytes | Exception | None:
        """The next piece, what went wrong, or None after the last piece."""
        try:
            piece = next(self.pieces, None)
        except Exception as fault:  # noqa: BLE001 - it is raised where the clause is waited for
            return fault
        self.pace.add(len(piece or b""))
        return piece


class Mouth:
    """The process's one speaking thread."""

    def __init__(self, voice: Voice, has_time: Callable[[], bool] = lambda: True) -> None:
        """`has_time` says whether the process is so idle that speech may be made long before it is heard."""
        self._voice = voice
        self._has_time = has_time
        self._jobs: list[_Job] = []
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    @property
    def is_idle(self) -> bool:
        """Whether no clause is being made or is due."""
        with self._news:
            return not self._jobs or (
                not self._has_time() and all(job.waits_s() and not job.is_unwanted for job in self._jobs)
            )

    @property
    def voices(self) -> tuple[str, ...]:
        """Names the synthesiser knows."""
        return self._voice.voices()

    def close(self) -> None:
        """No more clauses."""
        with self._news:
            self._is_closed = True
            self._news.notify()

    async def speak(
        self,
        clause: Clause,
        manner: Manner,
        resampler: Resampler,
        stop: threading.Event,
        pace: Pace | None = None,
    ) -> AsyncIterator[bytes]:
        """The clause as PCM16 24 kHz in pieces of at most `CHUNK_MS`. Ends early when `stop` is set. With
        `pace` it need not come long before it is heard. Raises SpeechError.
        """
        loop = asyncio.get_running_loop()
        given: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()

        def put(piece: bytes | Exception | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits
                loop.call_soon_threadsafe(given.put_nowait, piece)

        job = _Job(sound_of(self._voice, clause, manner, resampler, stop), pace, put)
        self._begin(job)
        try:
            while (piece := await given.get()) is not None:
                if isinstance(piece, Exception):
                    raise piece
                if stop.is_set():
                    break
                yield piece
        finally:
            job.is_unwanted = True
            with self._news:
                self._news.notify()

    def _begin(self, job: _Job) -> None:
        with self._news:
            if self._is_closed:
                raise SpeechError("The voice is closed: the engine stops.")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="mouth", daemon=True)
                self._thread.start()
            self._jobs.append(job)
            self._news.notify()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            piece = None if job.is_unwanted else job.make()
            if not isinstance(piece, bytes):
                job.pieces.close()
                with self._news:
                    self._jobs.remove(job)
            job.put(piece)
        for left in self._jobs:
            left.pieces.close()
            left.put(None)

    def _next(self) -> _Job | None:
        """Whose turn it is, when it is somebody's; None when the voice is closed."""
        with self._news:
            while not self._is_closed:
                unwanted = next((job for job in self._jobs if job.is_unwanted), None)
                job = unwanted or min(self._jobs, key=_Job.urgency, default=None)
                if job is None:
                    self._news.wait()
                    continue
                wait_s = job.waits_s()
                if unwanted or not wait_s or self._has_time():
                    return job
                self._news.wait(min(wait_s, _LOOK_S))
        return None


def sound_of(
    voice: Voice, clause: Clause, manner: Manner, resampler: Resampler, stop: threading.Event
) -> Generator[bytes]:
    """A clause as wire audio in pieces of at most `CHUNK_MS`, made when asked for. Raises SpeechError."""
    if stop.is_set() or not clause.said:
        return
    out = _Pieces(resampler)
    has_begun = False
    tail: Samples = np.zeros(0, dtype=np.float32)
    for samples in voice.speak(clause.said, manner.voice, manner.speed, stop.is_set):
        heard = samples if has_begun else without_lead(samples)
        has_begun = has_begun or len(heard) > 0
        joined = np.concatenate((tail, heard))
        cut = loud_end(joined)
        yield from out.add(joined[:cut])
        tail = joined[cut:]
    yield from out.add(np.zeros(RATE * clause.pause_ms // 1000, dtype=np.float32))
    yield from out.rest()


class _Pieces:
    """Samples at the engine's rate in, wire audio in pieces of `CHUNK_MS` out."""

    def __init__(self, resampler: Resampler) -> None:
        self._resampler = resampler
        self._waiting: Samples = np.zeros(0, dtype=np.float32)

    def add(self, samples: Samples) -> Iterator[bytes]:
        """Convert; gives what fills whole pieces."""
        ready = np.concatenate((self._waiting, self._resampler.feed(samples)))
        whole = len(ready) // _CHUNK * _CHUNK
        self._waiting = ready[whole:]
        for at in range(0, whole, _CHUNK):
            yield to_pcm(ready[at : at + _CHUNK])

    def rest(self) -> Iterator[bytes]:
        """The clause is over."""
        if len(self._waiting):
            yield to_pcm(self._waiting)


def without_lead(samples: Samples) -> Samples:
    """Without the silence before the first sound; empty when all is silence."""
    loud = np.flatnonzero(np.abs(samples) > _QUIET)
    return samples[max(0, int(loud[0]) - _KEPT) :] if len(loud) else samples[:0]


def loud_end(samples: Samples) -> int:
    """Where the last sound ends: what follows is sent only if more sound comes."""
    loud = np.flatnonzero(np.abs(samples) > _QUIET)
    return min(len(samples), int(loud[-1]) + _KEPT) if len(loud) else 0


def new_resampler() -> Resampler:
    """One per answer: a stream without seams between its clauses."""
    return up()
