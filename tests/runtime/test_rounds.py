"""Everybody is visited once within a round, whatever the visits take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest

from holdfast.runtime.rounds import TOGETHER, Rounds

ROUND_S = 0.45


class _Hours:
    """The running loop's time, and the one call that it was last asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.at = 100.0, 0.0
        self.call: Callable[[], None] = lambda: None
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "time", lambda: self.now)
        monkeypatch.setattr(loop, "call_at", self._call_at)

    def _call_at(self, at: float, call: Callable[[], None]) -> None:
        self.at, self.call = at, call

    def until(self, end: float) -> None:
        """What is asked for until then comes when it is due, or as soon as the one before is over."""
        while max(self.at, self.now) < end:
            self.now = max(self.at, self.now)
            self.call()


@pytest.mark.parametrize("count", [1, 5, 50, 100, 300, 1000])
async def test_nobody_waits_longer_than_a_round(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    hours, seen = _Hours(monkeypatch), dict[int, list[float]]()

    def visit(one: int) -> None:
        seen.setdefault(one, []).append(hours.now)
        hours.now += 0.0001  # a thousand take a quarter of the round

    Rounds(lambda: range(count), visit, ROUND_S).start()
    hours.until(110.0)
    assert len(seen) == count
    for times in seen.values():
        gaps = [after - before for before, after in pairwise(times)]
        assert max(gaps) < ROUND_S + 0.001 * TOGETHER
        assert times[0] < 100.0 + 2 * ROUND_S


async def test_after_a_stall_nobody_is_visited_for_each_round_that_was_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hours, visits = _Hours(monkeypatch), list[int]()
    Rounds(lambda: range(80), visits.append, ROUND_S).start()
    hours.until(101.0)
    visits.clear()
    hours.now = 160.0
    hours.until(160.0001)
    assert len(visits) <= 2 * 80
    hours.until(161.0)
    assert len(visits) < 5 * 80
