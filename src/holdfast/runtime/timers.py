"""Named deadlines that come back as events.

What lives here: one timer per name; starting it again moves it; a loop that slept forgives itself once.
What never will: what a deadline means.
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


@dataclass(slots=True)
class Timers:
    """The deadlines of one session."""

    _handles: dict[str, asyncio.TimerHandle] = field(default_factory=dict)

    def start(self, name: str, seconds: float, fire: Callable[[str], None]) -> None:
        """Call `fire` with `name` in `seconds`, instead of any time set before."""
        self.stop(name)
        loop = asyncio.get_running_loop()
        self._handles[name] = loop.call_later(seconds, self._due, name, loop.time() + seconds, fire)

    def stop(self, name: str) -> None:
        """Forget it; nothing when it is not set."""
        if (handle := self._handles.pop(name, None)) is not None:
            handle.cancel()

    def stop_all(self) -> None:
        """Forget all."""
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()

    def _due(self, name: str, deadline: float, fire: Callable[[str], None]) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now - deadline > LATE_S:
            self._handles[name] = loop.call_later(GRACE_S, self._due, name, now + GRACE_S, fire)
            return
        self._handles.pop(name, None)
        fire(name)
