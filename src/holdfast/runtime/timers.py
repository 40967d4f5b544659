"""Named deadlines that come back as events.

What lives here: one deadline per name; starting it again moves it; a loop that slept forgives itself once.
What never will: what a deadline means.

A session has a handful of deadlines and moves them often, and seldom does one come. So they share one timer
of the loop, which is only made to come sooner: one that was put off or stopped wakes us once for nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

LATE_S: Final = 0.5
GRACE_S: Final = 0.05
"""After a stall of the loop its timers come before what the sockets have received meanwhile: a deadline that
is much too late waits once more, so that nobody is called silent who has spoken.
"""
EARLY_S: Final = 0.001
"""A loop counts in milliseconds: a timer may come so much before its time."""

Fire = Callable[[str], None]


@dataclass(slots=True)
class Timers:
    """The deadlines of one session."""

    _due: dict[str, float] = field(default_factory=dict)
    _fire: Fire | None = None
    """Whom they are told: there is one for all, and none once they are over."""
    _handle: asyncio.TimerHandle | None = None
    _wakes_at: float = 0.0

    def start(self, name: str, seconds: float, fire: Fire) -> None:
        """Call `fire`, the same for all names, with `name` in `seconds`, instead of any time set before."""
        loop = asyncio.get_running_loop()
        at = loop.time() + seconds
        self._due[name], self._fire = at, fire
        if self._handle is None or at < self._wakes_at:
            self._wake(loop, at)

    def stop(self, name: str) -> None:
        """Forget it; nothing when it is not set."""
        self._due.pop(name, None)

    def stop_all(self) -> None:
        """Forget all."""
        self._due.clear()
        self._fire = None
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _wake(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._handle = loop.call_at(at, self._look)
        self._wakes_at = at

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._handle = None
        if now - self._wakes_at > LATE_S and self._due:
            self._wake(loop, now + GRACE_S)
            return
        ripe = [(at, name) for name, at in self._due.items() if at <= now + EARLY_S]
        for at, name in sorted(ripe):
            if self._due.get(name) == at and self._fire is not None:  # an earlier one may have changed it
                del self._due[name]
                self._fire(name)
        self._wake_for_the_next(loop)

    def _wake_for_the_next(self, loop: asyncio.AbstractEventLoop) -> None:
        first = min(self._due.values(), default=None)
        if first is not None and (self._handle is None or first < self._wakes_at):
            self._wake(loop, first)
