"""The console's stream: one board, encoded once for everybody who watches.

What lives here: looking four times a second while somebody watches, and never otherwise; bounds on watchers
and on what waits for one; server-sent events.
What never will: what a row says (`ledger`), who may watch (`routes`).

A watcher that does not read loses what waits for it and starts over with a snapshot: what is shown late is
worse than what is shown anew.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from holdfast.core.limits import Limits
from holdfast.ledger import Board, FaultSeen, NumberedFaults
from holdfast.server.console.overview import Overview

TICK_S: Final = 0.25
"""How often news are looked for."""
BEAT_S: Final = 1.0
"""Whoever watches hears something at least so often."""


class Watcher:
    """One open stream."""

    def __init__(self, most: int) -> None:
        self._waiting: deque[bytes] = deque()
        self._most = most
        self._news = asyncio.Event()
        self._is_over = False
        self.needs_snapshot = True

    def __len__(self) -> int:
        """Messages that wait."""
        return len(self._waiting)

    def give(self, event: bytes) -> None:
        """For it to send. Too much waiting means that it starts over."""
        if len(self._waiting) >= self._most:
            self._waiting.clear()
            self.needs_snapshot = True
            return
        self._waiting.append(event)
        self._news.set()

    def close(self, event: bytes) -> None:
        """The last that it hears."""
        self._waiting.clear()
        self._waiting.append(event)
        self._is_over = True
        self._news.set()

    async def events(self) -> AsyncIterator[bytes]:
        """What is for it, until the end."""
        while self._waiting or not self._is_over:
            if not self._waiting:
                self._news.clear()
                await self._news.wait()
                continue
            yield self._waiting.popleft()


class Feed:
    """`facts` tells of the gateway what all processes share."""

    def __init__(
        self,
        overview: Overview,
        limits: Limits,
        facts: Callable[[], dict[str, Any]],
    ) -> None:
        self._overview, self._limits, self._facts = overview, limits, facts
        self._faults = NumberedFaults(limits.console_faults)
        self._board = Board(self._faults)
        self._watchers: set[Watcher] = set()
        self._boot = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._handle: asyncio.TimerHandle | None = None
        self._told_at = 0.0
        self._is_closed = False
        self._filling = asyncio.Lock()

    @property
    def watchers(self) -> int:
        """Open streams."""
        return len(self._watchers)

    @property
    def waiting(self) -> list[int]:
        """Messages that wait, for each stream."""
        return [len(one) for one in self._watchers]

    @property
    def has_room(self) -> bool:
        """Whether one more may watch: there is a bound, and the end of the gateway."""
        return not self._is_closed and len(self._watchers) < self._limits.console_watchers

    def join(self) -> Watcher | None:
        """One more who watches; None when there is no room."""
        if not self.has_room:
            return None
        if not self._watchers:
            self._board = Board(self._faults)
            self._overview.watch(self.look)
        watcher = Watcher(self._limits.console_stream_messages)
        self._watchers.add(watcher)
        self.look()
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """It is gone. Without watchers nothing is done any more."""
        self._watchers.discard(watcher)
        if not self._watchers:
            self._overview.watch(None)
            self._stop()

    def close(self) -> None:
        """The gateway stops: every stream ends."""
        self._is_closed = True
        for watcher in list(self._watchers):
            watcher.close(_event("bye", "", b'{"reason":"draining"}'))
        self._stop()

    async def faults_since(self, number: int) -> list[FaultSeen]:
        """Faults beyond that number. Without watchers the board is filled first."""
        async with self._filling:
            if not self._watchers:
                self._board = Board(self._faults)
                self._overview.watch(lambda: None)
                await self._overview.all_told()
                if not self._watchers:
                    self._take()
                    self._overview.watch(None)
            return self._faults.since(number)

    def look(self) -> None:
        """Take the news and tell them: when the time has come, or sooner when somebody knows of some."""
        self._stop()
        self._take()
        at = asyncio.get_running_loop().time()
        if self._board.has_news or at - self._told_at >= BEAT_S - TICK_S / 2:
            self._tell("changes", self._board.changes(_now_ms(), self._gateway()), at)
        if any(watcher.needs_snapshot for watcher in self._watchers):
            self._tell("snapshot", self._board.snapshot(_now_ms(), self._gateway()), at)
        if self._watchers:
            self._handle = asyncio.get_running_loop().call_later(TICK_S, self.look)

    def _take(self) -> None:
        for process, batch in self._overview.news():
            if batch is None:
                self._board.lost(process)
            else:
                self._board.take(process, batch)

    def _tell(self, kind: str, payload: bytes, at: float) -> None:
        """A snapshot is for those who need one, changes are for the others."""
        event = _event(kind, f"{self._boot}.{next(self._numbers)}", payload)
        for watcher in self._watchers:
            if watcher.needs_snapshot is (kind == "snapshot"):
                watcher.needs_snapshot = False
                watcher.give(event)
        if kind == "changes":
            self._told_at = at

    def _gateway(self) -> dict[str, Any]:
        climate = self._overview.climate()
        return {
            **self._facts(),
            "state": "draining" if climate.is_draining else "serving",
            "loopLagMs": round(climate.lag_s * 1000, 1),
            "cpu": round(climate.busy, 3),
            "sessions": climate.sessions,
            "sessionsMax": self._limits.sessions,
            "load": climate.load,
            "workers": self._overview.workers,
        }

    def _stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


def _event(kind: str, number: str, payload: bytes) -> bytes:
    """One event of a stream; JSON has no line breaks of its own."""
    named = f"id: {number}\n" if number else ""
    return f"event: {kind}\n{named}data: ".encode() + payload + b"\n\n"


def _now_ms() -> int:
    return round(time.time() * 1000)
