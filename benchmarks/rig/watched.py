"""`python -m benchmarks.rig.watched serve ...`: the gateway's own command, with gauges of its inside.

What lives here: a thread that writes to HOLDFAST_GAUGES, once a second, how many tasks there are and how late
the loop is; leaks to plant (HOLDFAST_PLANTED_LEAK=memory:BYTES, descriptors:N or tasks:N, so much a second).
What never will: a change of what the gateway does.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import uvloop

from holdfast.cli import main

EVERY_S: Final = 1.0
LAG_EVERY_S: Final = 0.05
_GATEWAY: Final[list[asyncio.AbstractEventLoop]] = []


class _Gauges(threading.Thread):
    """Looks from outside the loop, so that it sees when the loop stands still."""

    def __init__(self) -> None:
        super().__init__(daemon=True, name="gauges")
        self._lags: list[float] = []
        self._watcher = os.getppid()
        self._file = Path(os.environ["HOLDFAST_GAUGES"]).open("w", buffering=1, encoding="utf-8")  # noqa: SIM115 - for life
        self._leak = _leak(os.environ.get("HOLDFAST_PLANTED_LEAK", ""))

    def run(self) -> None:
        due = time.monotonic()
        while True:
            for _ in range(round(EVERY_S / LAG_EVERY_S)):
                due += LAG_EVERY_S
                time.sleep(max(0.0, due - time.monotonic()))
                self._ask()
            if os.getppid() != self._watcher:  # a planted leak would eat the machine
                os.kill(os.getpid(), signal.SIGKILL)
            if _GATEWAY:
                self._tell(_GATEWAY[0])

    def _ask(self) -> None:
        if _GATEWAY and _GATEWAY[0].is_running():
            asked = time.perf_counter()
            _GATEWAY[0].call_soon_threadsafe(lambda: self._lags.append(time.perf_counter() - asked))

    def _tell(self, loop: asyncio.AbstractEventLoop) -> None:
        lags, self._lags = self._lags, []
        gauges = {
            "at": time.monotonic(),
            "tasks": len(asyncio.all_tasks(loop)),
            "lag_ms": round(1e3 * max(lags, default=EVERY_S), 3),
        }
        self._file.write(json.dumps(gauges) + "\n")
        self._leak(loop)


def _leak(wanted: str) -> Callable[[asyncio.AbstractEventLoop], None]:
    kind, _, amount = wanted.partition(":")
    kept: list[Any] = []

    def memory(_loop: asyncio.AbstractEventLoop) -> None:
        kept.append(os.urandom(int(amount)))

    def descriptors(_loop: asyncio.AbstractEventLoop) -> None:
        kept.extend(os.dup(2) for _ in range(int(amount)))

    def tasks(loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(int(amount)):
            loop.call_soon_threadsafe(lambda: kept.append(loop.create_task(asyncio.sleep(1e6))))

    return {"memory": memory, "descriptors": descriptors, "tasks": tasks}.get(kind, lambda _loop: None)


def _watched_loop(make: Callable[[], uvloop.Loop]) -> Callable[[], uvloop.Loop]:
    def making() -> uvloop.Loop:
        loop = make()
        _GATEWAY.append(loop)
        return loop

    return making


if __name__ == "__main__":
    uvloop.new_event_loop = _watched_loop(uvloop.new_event_loop)
    _Gauges().start()
    main()
