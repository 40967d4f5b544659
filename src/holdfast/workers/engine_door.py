"""The way to the engine from a worker: the front has the pool, and is asked where to dial.

What lives here: questions under way. What never will: the pool.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Final

from holdfast.engine.pool import EngineAddress, EngineUnavailableError
from holdfast.workers import memos

ASK_S: Final = 5.0


class FarEngine:
    """Fills the port `EngineDoor`. `tell` sends a memo to the front."""

    def __init__(self, tell: Callable[[memos.FromWorker], object]) -> None:
        self.ready = False
        self.reasons: tuple[str, ...] = ("The embedded engine is starting.",)
        self.is_incomplete = False
        self._tell = tell
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[memos.EngineAt]] = {}

    def hears(self, memo: memos.EngineNews | memos.EngineAt) -> None:
        """The front has news of it, or answers."""
        if isinstance(memo, memos.EngineNews):
            self.ready, self.reasons, self.is_incomplete = memo.ready, memo.reasons, memo.is_incomplete
        else:
            self._answered(memo)

    def _answered(self, memo: memos.EngineAt) -> None:
        """Nobody may wait any more."""
        asked = self._asked.get(memo.number)
        if asked is not None and not asked.done():
            asked.set_result(memo)

    async def hand_out(self) -> EngineAddress:
        """See `EngineDoor`."""
        number = next(self._numbers)
        asked = self._asked[number] = asyncio.get_running_loop().create_future()
        self._tell(memos.EngineWanted(number))
        try:
            async with asyncio.timeout(ASK_S):
                found = await asked
        except TimeoutError:
            raise EngineUnavailableError("The front did not say where the engine is.") from None
        finally:
            del self._asked[number]
        if not found.token:
            raise EngineUnavailableError("No engine worker is ready. Try again in a second.")
        return EngineAddress(found.url, found.token)
