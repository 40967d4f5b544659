"""A session's work in the order it came, a little at a time.

What lives here: slices of audio and the events between them; small work runs at once, much work is
spread over turns of the event loop, so that one client's five minutes of audio do not silence the rest.
What never will: what the work is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

SLICE_BYTES: Final = 48 * 100
"""Audio handled in one turn of the loop: 100 ms at 24 kHz."""
HIGH_BYTES: Final = 48 * 5_000
"""With this much audio waiting the client is no longer read."""
LOW_BYTES: Final = 48 * 1_000

Hear = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class _Audio:
    """A slice, and who hears it."""

    pcm: bytes
    hear: Hear


@dataclass(frozen=True, slots=True)
class _Job:
    """Work between the audio. What `keeps` the audio before it needs that audio."""

    run: Callable[[], None]
    keeps: bool


class Inbox:
    """Ordered work. `on_full(True)` is called above the high mark, `on_full(False)` below the low one."""

    def __init__(self, hear: Hear, on_full: Callable[[bool], None]) -> None:
        self._hear = hear
        self._on_full = on_full
        self._jobs: deque[_Audio | _Job] = deque()
        self._waiting_bytes = 0
        self._is_scheduled = False
        self._is_full = False
        self._holds = 0
        self._is_closed = False

    @property
    def waiting_bytes(self) -> int:
        """Audio that nobody has heard yet."""
        return self._waiting_bytes

    @property
    def is_behind(self) -> bool:
        """Whether the client's audio waits for longer than the next turn of the loop."""
        return self._waiting_bytes > 2 * SLICE_BYTES

    def audio(self, pcm: bytes) -> None:
        """The client's audio, handled now when nothing waits and it is short."""
        self._add(pcm, self._hear)

    def recording(self, pcm: bytes, hear: Hear) -> None:
        """Audio that somebody else hears, in the same order and as little at a time."""
        self._add(pcm, hear)

    def then(self, run: Callable[[], None], *, keeps: bool = False) -> None:
        """Do `run` after everything that came before it; now, if nothing waits. With `keeps` the audio
        before it is not dropped any more.
        """
        if not self._jobs and not self._holds:
            run()
            return
        self._jobs.append(_Job(run, keeps))
        self._schedule()

    def drop_audio(self) -> int:
        """Throw away the client's audio that waits and is not kept; gives how many bytes."""
        kept: deque[_Audio | _Job] = deque()
        dropped = 0
        while self._jobs:
            job = self._jobs.pop()
            if isinstance(job, _Audio) and job.hear == self._hear:
                dropped += len(job.pcm)
                continue
            kept.appendleft(job)
            if isinstance(job, _Job) and job.keeps:
                break
        self._jobs.extend(kept)
        self._waiting_bytes -= dropped
        self._tell_fullness()
        return dropped

    def hold(self) -> None:
        """Nothing more until `release`; as often released as held."""
        self._holds += 1

    def release(self) -> None:
        """Go on."""
        self._holds -= 1
        self._schedule()

    def close(self) -> None:
        """Forget what waits."""
        self._is_closed = True
        self._jobs.clear()

    def _add(self, pcm: bytes, hear: Hear) -> None:
        if not self._jobs and not self._holds and len(pcm) <= 2 * SLICE_BYTES:
            hear(pcm)
            return
        self._waiting_bytes += len(pcm)
        last = self._jobs[-1] if self._jobs else None
        if isinstance(last, _Audio) and last.hear == hear and len(last.pcm) + len(pcm) <= SLICE_BYTES:
            # Frames that came while the loop was busy are caught up with in one turn, not in one turn each.
            self._jobs[-1] = _Audio(last.pcm + pcm, hear)
        else:
            for at in range(0, len(pcm), SLICE_BYTES):
                self._jobs.append(_Audio(pcm[at : at + SLICE_BYTES], hear))
        self._tell_fullness()
        self._schedule()

    def _schedule(self) -> None:
        if self._jobs and not self._holds and not self._is_scheduled and not self._is_closed:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._step)

    def _step(self) -> None:
        self._is_scheduled = False
        if self._holds or not self._jobs:
            return
        job = self._jobs.popleft()
        try:
            if isinstance(job, _Audio):
                self._waiting_bytes -= len(job.pcm)
                job.hear(job.pcm)
            else:
                job.run()
        finally:
            self._tell_fullness()
            self._schedule()

    def _tell_fullness(self) -> None:
        if self._is_full and self._waiting_bytes < LOW_BYTES:
            self._is_full = False
            self._on_full(False)
        elif not self._is_full and self._waiting_bytes > HIGH_BYTES:
            self._is_full = True
            self._on_full(True)
