"""Intervals and slopes: against values worked out by hand, and against chance."""

from __future__ import annotations

import random

import pytest

from holdfast.bench.figures import blocks, median_interval, slope


@pytest.mark.parametrize(
    ("n", "rank"),
    [(6, 1), (8, 1), (9, 2), (20, 6), (30, 10), (31, 10), (100, 40)],
)
def test_ranks_are_those_of_the_tables(n: int, rank: int) -> None:
    found = median_interval([float(value) for value in range(1, n + 1)])
    assert (found.low, found.high) == (rank, n + 1 - rank)
    assert found.median == (n + 1) / 2


@pytest.mark.parametrize("n", [0, 1, 5])
def test_too_few_values_have_no_interval(n: int) -> None:
    found = median_interval([1.0] * n)
    assert (found.low, found.high) == (None, None)


def test_the_interval_holds_the_true_median_nineteen_times_of_twenty() -> None:
    chance = random.Random(5)
    held = 0
    for _ in range(1_000):
        # lopsided on purpose: no law of a normal distribution is used
        found = median_interval([chance.expovariate(1.0) for _ in range(30)])
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.6931 <= found.high
    assert 940 <= held <= 990


def test_a_slope_is_found_through_outliers() -> None:
    chance = random.Random(5)
    times = [float(at) for at in range(20)]
    values = [2.0 * at + chance.gauss(0, 0.5) for at in times]
    values[7] += 500
    found = slope(times, values)
    assert found is not None
    assert found.low <= 2.0 <= found.high
    assert found.median == pytest.approx(2.0, abs=0.1)


def test_noise_has_no_slope() -> None:
    chance = random.Random(6)
    wrong = 0
    for _ in range(200):
        found = slope([float(at) for at in range(20)], [chance.gauss(0, 1) for _ in range(20)])
        assert found is not None
        wrong += found.low > 0 or found.high < 0
    assert wrong <= 20


def test_three_points_have_no_slope() -> None:
    assert slope([1, 2, 3], [1, 2, 3]) is None


def test_blocks_are_means_of_neighbours() -> None:
    assert blocks([0, 1, 10, 11, 25], [1, 3, 5, 7, 9], 10) == ([0.5, 10.5, 25], [2, 6, 9])
