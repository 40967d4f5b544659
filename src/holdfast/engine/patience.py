"""How long somebody may be silent before they are asked whether they are still there.

What lives here: one timer. What never will: what is asked, or when the wait begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

Run = Callable[[], None]


class Patience:
    """Of one session. What is to be done then goes to `in_turn`, which does it after what came before it."""

    def __init__(self, in_turn: Callable[[Run], None]) -> None:
        self._in_turn = in_turn
        self._end: asyncio.TimerHandle | None = None

    def wait(self, seconds: float, then: Run) -> None:
        """From now on; a wait before this one is over."""
        self.forget()
        self._end = asyncio.get_running_loop().call_later(seconds, self._in_turn, then)

    def forget(self) -> None:
        """Somebody speaks, or nobody is there any more."""
        if self._end is not None:
            self._end.cancel()
            self._end = None
