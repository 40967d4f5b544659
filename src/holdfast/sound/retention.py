"""Sound that is older than it may be is deleted, whether anything is recorded by now or not.

What lives here: the look at a folder, now and every hour.
What never will: recording; the sound of a person who asks for its deletion (`store.visit`).
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

log = structlog.get_logger()

SUFFIX: Final = ".flac"
DAY_S: Final = 86_400.0
EVERY_S: Final = 3_600.0


class Retention:
    """Of one folder, which need not be there."""

    def __init__(self, folder: Path, keep_days: float) -> None:
        self._folder = folder
        self._keep_days = keep_days
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Delete what is too old, now and every hour."""
        self._task = asyncio.create_task(self._sweeping(), name="sound")

    def close(self) -> None:
        """Look no more. Twice is harmless."""
        if self._task is not None:
            self._task.cancel()

    async def _sweeping(self) -> None:
        while True:
            gone = await asyncio.to_thread(sweep, self._folder, self._keep_days, time.time())
            if gone:
                log.info("sound.swept", category="store", source="sound", files=gone)
            await asyncio.sleep(EVERY_S)


def sweep(folder: Path, keep_days: float, now: float) -> int:
    """Delete what was last written to longer ago than that; how many files went. Others do so, too."""
    gone = 0
    for path in folder.glob(f"*{SUFFIX}"):
        with suppress(OSError):  # another one was quicker, or may do it: the next sweep looks again
            if now - path.stat().st_mtime > keep_days * DAY_S:
                path.unlink()
                gone += 1
    return gone
