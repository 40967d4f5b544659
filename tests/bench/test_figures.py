"""Percentiles, quartiles, paired ratios, comparison: against values worked out by hand."""

from __future__ import annotations

import pytest

from holdfast.bench.figures import Change, Spread, change, percentile, spread
from holdfast.bench.plans import Sample
from holdfast.bench.relay import Measured, Report, Shape, changes


def sample(cpu_us: float, *, late_ms: float = 0.1, lost: int = 0, load: float = 0.3) -> Sample:
    return Sample(
        messages=100,
        cpu_us=cpu_us,
        candidate_share=0.2,
        load_share=load,
        upstream_share=0.1,
        rtt_p50_ms=0.3,
        rtt_p99_ms=1.0,
        late_p99_ms=late_ms,
        lost=lost,
        altered=0,
    )


def report(*rows: tuple[int, str, float, float]) -> Report:
    """Rows of (round, name, cost, lateness) on the JSON face with 50 sessions."""
    found = Report(Shape((50,), 2, 1.0), {})
    for at, name, cost, late_ms in rows:
        found.measured.append(Measured(at, 50, name, "json", sample(cost, late_ms=late_ms)))
    return found


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


def test_ratios_pair_within_a_round() -> None:
    told = report((0, "bare", 10, 0), (0, "gateway", 12, 0), (1, "gateway", 40, 0), (1, "bare", 20, 0))
    assert told.ratios("json") == pytest.approx([1.2, 2.0])
    assert told.ratios("binary") == []


def test_a_held_up_pair_is_left_out_unless_all_are() -> None:
    calm = [(0, "bare", 10.0, 0.0), (0, "gateway", 12.0, 0.0)]
    held_up = [(1, "bare", 10.0, 500.0), (1, "gateway", 30.0, 0.0)]
    assert report(*calm, *held_up).ratios("json") == pytest.approx([1.2])
    assert report(*calm, *held_up).disturbed == 1
    assert report(*held_up).ratios("json") == pytest.approx([3.0])


def test_lost_frames_and_a_crowded_load_are_named() -> None:
    told = report((0, "bare", 10, 0))
    told.measured.append(Measured(0, 50, "gateway", "json", sample(11, lost=2, load=0.9)))
    assert told.faulty == 2
    assert any("bottleneck" in doubt for doubt in told.doubts)


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
    assert Change("json", was, is_now, noise).is_worse is worse


def test_noise_of_both_runs_counts() -> None:
    assert change("json", Spread(4, 1.1, 1.0, 1.2), Spread(4, 1.2, 1.1, 1.3)).noise == pytest.approx(0.2)


def test_a_report_compares_with_itself_as_good() -> None:
    told = report((0, "bare", 10, 0), (0, "gateway", 12, 0))
    (found, _) = changes(told.as_json(), told)
    assert found.face == "json"
    assert found.was == pytest.approx(1.2)
    assert not found.is_worse
