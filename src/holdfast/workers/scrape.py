"""Asking every worker for its figures, each time that somebody wants them all.

What lives here: questions under way, and what is told of a worker that does not answer.
What never will: counting, text (`telemetry`).
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import Final

from holdfast.telemetry.exposition import FRONT
from holdfast.telemetry.metrics import Family, Sample
from holdfast.workers import memos

ANSWER_S: Final = 2.0
"""A worker that takes longer is left out of this scrape, and said to be so."""

UP: Final = "holdfast_worker_up"
RESTARTS: Final = "holdfast_worker_restarts_total"


class Scrape:
    """`ask` sends a memo to the worker at this place; False when nobody is there."""

    def __init__(self, ask: Callable[[int, memos.FiguresWanted], bool]) -> None:
        self._ask = ask
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[list[Family]]] = {}

    def answered(self, memo: memos.Figures) -> None:
        """A worker answers; nobody may wait any more."""
        asked = self._asked.get(memo.number)
        if asked is not None and not asked.done():
            asked.set_result(memo.families)

    async def all(self, own: list[Family], restarts: Sequence[int]) -> dict[str, list[Family]]:
        """By process: the front's `own` figures, and of each worker those that it answers with. `restarts`:
        how often each was started again.
        """
        told = await asyncio.gather(*(self._of(place) for place in range(len(restarts))))
        answers = {str(place + 1): one for place, one in enumerate(told)}
        ups = [Sample(UP, {"worker": worker}, float(bool(one))) for worker, one in answers.items()]
        begun = [Sample(RESTARTS, {"worker": str(place + 1)}, count) for place, count in enumerate(restarts)]
        return {FRONT: [*own, Family(UP, ups), Family(RESTARTS, begun)], **answers}

    async def _of(self, place: int) -> list[Family]:
        number = next(self._numbers)
        asked: asyncio.Future[list[Family]] = asyncio.get_running_loop().create_future()
        self._asked[number] = asked
        try:
            if not self._ask(place, memos.FiguresWanted(number)):
                return []
            async with asyncio.timeout(ANSWER_S):
                return await asked
        except TimeoutError:
            return []
        finally:
            del self._asked[number]
