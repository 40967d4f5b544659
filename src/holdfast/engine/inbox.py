"""A session's work in the order it came, a little at a time.

What lives here: slices of audio and the events between them; small work runs at once, much work is
spread over turns of the event loop, so that one client's five minutes of audio do not silence the rest.
What never will: what the work is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

SLICE_BYTES: Final = 48 * 100
"""Audio handled in one turn of the loop: 100 ms at 24 kHz."""
HIGH_BYTES: Final = 48 * 5_000
"""With this much audio waiting the client is no longer read."""
LOW_BYTES: Final = 48 * 1_000


class Inbox:
    """Ordered work. `on_full(True)` is called above the high mark, `on_full(False)` below the low one."""

    def __init__(self, hear: Callable[[bytes], None], on_full: Callable[[bool], None]) -> None:
        self._hear = hear
        self._on_full = on_full
        self._jobs: deque[bytes | Callable[[], None]] = deque()
        self._waiting_bytes = 0
        self._is_scheduled = False
        self._is_full = False
        self._holds = 0
        self._is_closed = False

    def audio(self, pcm: bytes) -> None:
        """Audio, handled now when nothing waits and it is short."""
        if not self._jobs and not self._holds and len(pcm) <= 2 * SLICE_BYTES:
            self._hear(pcm)
            return
        for at in range(0, len(pcm), SLICE_BYTES):
            self._jobs.append(pcm[at : at + SLICE_BYTES])
        self._waiting_bytes += len(pcm)
        if not self._is_full and self._waiting_bytes > HIGH_BYTES:
            self._is_full = True
            self._on_full(True)
        self._schedule()

    def then(self, job: Callable[[], None]) -> None:
        """Do `job` after everything that came before it; now, if nothing waits."""
        if not self._jobs and not self._holds:
            job()
            return
        self._jobs.append(job)
        self._schedule()

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

    def _schedule(self) -> None:
        if self._jobs and not self._holds and not self._is_scheduled and not self._is_closed:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._step)

    def _step(self) -> None:
        self._is_scheduled = False
        if self._holds or not self._jobs:
            return
        job = self._jobs.popleft()
        if isinstance(job, bytes):
            self._waiting_bytes -= len(job)
            self._hear(job)
        else:
            job()
        if self._is_full and self._waiting_bytes < LOW_BYTES:
            self._is_full = False
            self._on_full(False)
        self._schedule()
