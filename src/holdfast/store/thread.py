"""One thread that does what may block, one thing after the other.

What lives here: the way from the event loop into the thread and back.
What never will: what is done there.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


class WriterThread:
    """A daemon thread: a disk that hangs for ever may keep the thread, but not the process, from ending."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def run(self, job: Callable[[], T]) -> T:
        """Do `job` after all that was asked for before. Cancelled while it waits, it is not begun."""
        future: Future[T] = Future()
        self._jobs.put(lambda: _settle(future, job))
        return await asyncio.wrap_future(future)

    def stop(self) -> None:
        """End when everything asked for is done; nothing may be asked for after that."""
        self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _settle(future: Future[T], job: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = job()
    except BaseException as error:  # noqa: BLE001 - it is raised again where it was asked for
        future.set_exception(error)
    else:
        future.set_result(result)
