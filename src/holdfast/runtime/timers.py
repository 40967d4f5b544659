"""Named deadlines that come back as events.

What lives here: one timer per name; starting it again moves it.
What never will: what a deadline means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Timers:
    """The deadlines of one session."""

    fire: Callable[[str], None]
    _handles: dict[str, asyncio.TimerHandle] = field(default_factory=dict)

    def start(self, name: str, seconds: float) -> None:
        """Fire `name` in `seconds`, instead of any time set before."""
        self.stop(name)
        loop = asyncio.get_running_loop()
        self._handles[name] = loop.call_later(seconds, self._due, name)

    def stop(self, name: str) -> None:
        """Forget it; nothing when it is not set."""
        if (handle := self._handles.pop(name, None)) is not None:
            handle.cancel()

    def stop_all(self) -> None:
        """Forget all."""
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()

    def _due(self, name: str) -> None:
        self._handles.pop(name, None)
        self.fire(name)
