"""Speech out: sentences to wire audio, clause by clause, in one thread per process.

What lives here: the thread, the trimming of silence, resampling, the way back to the event loop.
What never will: what is said, or the dialect's events.

One thread, because synthesisers keep state per process and a core is soon full; sessions take turns at
clause boundaries, so a long answer does not keep another session waiting.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from holdfast.engine.resample import Resampler, to_pcm, up
from holdfast.engine.spoken import Clause
from holdfast.engine.stages import RATE, Samples, Voice

Put = Callable[[bytes | None], None]

CHUNK_MS: Final = 100
_CHUNK: Final = 24 * CHUNK_MS
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
        self, clause: Clause, manner: Manner, resampler: Resampler, stop: threading.Event
    ) -> AsyncIterator[bytes]:
        """The clause as PCM16 24 kHz. Ends early when `stop` is set. Raises SpeechError."""
        ...

    def close(self) -> None:
        """No more clauses."""
        ...


class Mouth:
    """The process's one speaking thread."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mouth")
        self._under_way = 0

    @property
    def is_idle(self) -> bool:
        """Whether no clause is being made or waits for it."""
        return not self._under_way

    @property
    def voices(self) -> tuple[str, ...]:
        """Names the synthesiser knows."""
        return self._voice.voices()

    def close(self) -> None:
        """No more clauses."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def speak(
        self, clause: Clause, manner: Manner, resampler: Resampler, stop: threading.Event
    ) -> AsyncIterator[bytes]:
        """The clause as PCM16 24 kHz in pieces of at most `CHUNK_MS`. Ends early when `stop` is set.

        Raises SpeechError.
        """
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[bytes | None] = asyncio.Queue()

        def put(piece: bytes | None) -> None:
            loop.call_soon_threadsafe(pieces.put_nowait, piece)

        def work() -> None:
            try:
                self._synthesise(clause, manner, resampler, stop, put)
            finally:
                put(None)

        done = loop.run_in_executor(self._thread, work)
        self._under_way += 1
        done.add_done_callback(self._one_less)
        while (piece := await pieces.get()) is not None:
            if stop.is_set():
                break
            yield piece
        await done

    def _one_less(self, _done: asyncio.Future[None]) -> None:
        self._under_way -= 1

    def _synthesise(
        self, clause: Clause, manner: Manner, resampler: Resampler, stop: threading.Event, put: Put
    ) -> None:
        if stop.is_set() or not clause.said:
            return
        out = _Pieces(resampler, put)
        has_begun = False
        tail: Samples = np.zeros(0, dtype=np.float32)
        for samples in self._voice.speak(clause.said, manner.voice, manner.speed, stop.is_set):
            heard = samples if has_begun else without_lead(samples)
            has_begun = has_begun or len(heard) > 0
            joined = np.concatenate((tail, heard))
            cut = loud_end(joined)
            out.add(joined[:cut])
            tail = joined[cut:]
        out.add(np.zeros(RATE * clause.pause_ms // 1000, dtype=np.float32))
        out.flush()


class _Pieces:
    """Samples at the engine's rate in, wire audio in pieces of `CHUNK_MS` out."""

    def __init__(self, resampler: Resampler, put: Put) -> None:
        self._resampler = resampler
        self._put = put
        self._waiting: Samples = np.zeros(0, dtype=np.float32)

    def add(self, samples: Samples) -> None:
        """Convert, and send what fills whole pieces."""
        ready = np.concatenate((self._waiting, self._resampler.feed(samples)))
        whole = len(ready) // _CHUNK * _CHUNK
        for at in range(0, whole, _CHUNK):
            self._put(to_pcm(ready[at : at + _CHUNK]))
        self._waiting = ready[whole:]

    def flush(self) -> None:
        """The clause is over: send the rest."""
        if len(self._waiting):
            self._put(to_pcm(self._waiting))


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
