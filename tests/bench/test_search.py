"""The search for the most sessions, told by relays that are full at a known number."""

from __future__ import annotations

import pytest

from holdfast.bench.search import NEAR, Search
from tests.bench.test_figures import sample


def searched(
    full_at: int, *, most: int = 4000, load_full_at: int = 100_000, full: float = 0.95, near: float = NEAR
) -> Search:
    """A relay that is late from `full_at` sessions on, a load that is from `load_full_at`."""
    search = Search(most, full=full, near=near)
    for _ in range(60):
        sessions = search.next()
        if sessions is None:
            return search
        late = sessions >= min(full_at, load_full_at)
        found = sample(
            20.0,
            share=min(full * sessions / full_at, 0.99),
            p99_ms=300.0 if late else 2.0,
            load=0.97 if sessions >= load_full_at else 0.3,
        )
        search.told(sessions, found)
    raise AssertionError("it does not end")


@pytest.mark.parametrize("full_at", [2, 12, 90, 130, 620, 1999])
def test_the_end_is_found(full_at: int) -> None:
    search = searched(full_at)
    assert search.high is not None
    assert search.low < full_at <= search.high
    assert search.high / max(search.low, 1) <= max(NEAR, (search.low + 1) / max(search.low, 1))
    assert search.sessions == search.low


def test_an_end_is_found_more_nearly_below_a_quota() -> None:
    search = searched(233, full=0.4, near=1.04)
    assert search.high is not None
    assert search.low < 233 <= search.high <= 1.04 * search.low
    assert search.computed == pytest.approx(233, rel=0.01)


def test_few_attempts_are_needed() -> None:
    search = searched(620)
    assert len(search.passed) + len(search.failed) <= 8


def test_a_load_that_is_full_first_is_not_the_relays_end() -> None:
    search = searched(900, load_full_at=600)
    assert search.ended_by_load
    assert not search.is_bracketed
    assert search.low < 600
    assert search.sessions == pytest.approx(900, rel=0.01)


def test_one_late_moment_is_tried_again() -> None:
    search = Search(1000)
    search.told(50, sample(20.0, p99_ms=100.0))
    assert search.next() == 50
    search.told(50, sample(20.0, p99_ms=1.0))
    assert search.low == 50
    assert search.high is None


def test_a_lost_frame_is_no_pass() -> None:
    search = Search(1000)
    for _ in range(2):
        search.told(50, sample(20.0, lost=1))
    assert search.high == 50


def test_it_goes_no_further_than_it_may() -> None:
    search = searched(100_000, most=300)
    assert search.low == 300
    assert search.sessions > 300
