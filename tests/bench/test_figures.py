"""Percentiles, quartiles, comparison: against values worked out by hand."""

from __future__ import annotations

import pytest

from holdfast.bench.figures import Change, Figure, Spread, change, percentile, spread
from holdfast.bench.plans import Sample


def sample(
    cpu_us: float,
    *,
    late_ms: float = 0.1,
    lost: int = 0,
    load: float = 0.3,
    share: float = 0.2,
    p99_ms: float = 1.0,
) -> Sample:
    return Sample(
        messages=100,
        cpu_us=cpu_us,
        candidate_share=share,
        load_share=load,
        upstream_share=0.1,
        rtt_p50_ms=0.3,
        rtt_p99_ms=p99_ms,
        late_p99_ms=late_ms,
        lost=lost,
        altered=0,
    )


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 0.5, 0.0),
        ([7.0], 0.99, 7.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([1.0, 2.0, 3.0, 4.0], 0.5, 2.5),
        ([1.0, 2.0, 3.0, 4.0, 5.0], 0.25, 2.0),
        ([1.0, 2.0], 1.0, 2.0),
    ],
)
def test_percentile(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == pytest.approx(expected)


def test_spread_names_its_noise() -> None:
    found = spread([1.0, 2.0, 3.0, 4.0, 5.0])
    assert found == Spread(5, 3.0, 2.0, 4.0)
    assert found.noise == 1.0


@pytest.mark.parametrize(
    ("was", "is_now", "noise", "worse"),
    [
        (1.10, 1.30, 0.05, True),  # more than the noise, more than a twentieth
        (1.10, 1.30, 0.30, False),  # lost in the noise
        (1.10, 1.14, 0.00, False),  # within the tolerance
        (1.30, 1.10, 0.00, False),  # better
    ],
)
def test_worse_means_more_than_noise(was: float, is_now: float, noise: float, *, worse: bool) -> None:
    assert Change("cost", was, is_now, noise).is_worse is worse
    assert Change("carried", is_now, was, noise, is_more_better=True).is_worse is worse


def figure(median: float, low: float, high: float, n: int = 8) -> Figure:
    return Figure("cost", "times", Spread(n, median, low, high))


def test_noise_of_both_runs_counts() -> None:
    found = change(figure(1.1, 1.0, 1.2), figure(1.2, 1.1, 1.3))
    assert found.noise == pytest.approx(0.2)


def test_of_a_single_value_nobody_knows_the_noise() -> None:
    found = change(figure(1.0, 1.0, 1.0, n=1), figure(1.15, 1.15, 1.15, n=1))
    assert found.noise == pytest.approx(0.215)
    assert not found.is_worse
