"""How a step is timed: often, each time on a conversation that has not made it before.

What lives here: the shape of pytest-benchmark's fixture as far as it is used.
What never will: a conversation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import pytest

World = TypeVar("World")
ROUNDS = 200


class _Benchmark(Protocol):
    def pedantic(
        self,
        target: Callable[[World], object],
        *,
        setup: Callable[[], tuple[tuple[World], dict[str, object]]],
        rounds: int,
        warmup_rounds: int,
    ) -> object: ...


class Timed:
    """Times a step; making the conversation that it is made on is not timed."""

    def __init__(self, benchmark: _Benchmark) -> None:
        self._benchmark = benchmark

    def __call__(self, step: Callable[[World], object], make: Callable[[], World]) -> None:
        """Make, step, and again."""
        self._benchmark.pedantic(step, setup=lambda: ((make(),), {}), rounds=ROUNDS, warmup_rounds=10)


@pytest.fixture
def timed(benchmark: _Benchmark) -> Timed:
    """To time one step."""
    return Timed(benchmark)
