"""What retries cost."""

from __future__ import annotations

import pytest

from holdfast.core.retry_budget import RetryPlaces, RetryTokens


def tokens() -> RetryTokens:
    return RetryTokens(100.0, 50.0, 0.1, 0.1)


def test_a_failure_costs_one_and_a_success_pays_a_tenth() -> None:
    it = tokens()
    it.failed(0.0)
    it.failed(0.0)
    it.succeeded(0.0)
    assert it.left(0.0) == pytest.approx(98.1)


def test_time_that_passed_before_a_success_counts() -> None:
    it = tokens()
    for _ in range(10):
        it.failed(0.0)
    it.succeeded(10.0)
    assert it.left(10.0) == pytest.approx(91.1)


def test_there_are_never_more_than_all_nor_fewer_than_none() -> None:
    it = tokens()
    it.succeeded(0.0)
    assert it.left(0.0) == 100.0
    for _ in range(150):
        it.failed(0.0)
    assert it.left(0.0) == 0.0


def test_a_retry_needs_more_than_half() -> None:
    it = tokens()
    for _ in range(49):
        it.failed(0.0)
    assert it.wait_s(0.0) == 0.0
    it.failed(0.0)
    assert it.wait_s(0.0) > 0.0


def test_time_pays_back_and_the_announced_wait_is_enough() -> None:
    it = tokens()
    for _ in range(60):
        it.failed(10.0)
    wait_s = it.wait_s(10.0)
    assert 100.0 < wait_s < 101.0
    assert it.wait_s(10.0 + wait_s - 1.0) > 0.0
    assert it.wait_s(10.0 + wait_s) == 0.0
    assert it.left(10_000.0) == 100.0


def test_an_endpoint_that_is_well_again_has_all() -> None:
    it = tokens()
    for _ in range(60):
        it.failed(0.0)
    it.restore()
    assert it.left(0.0) == 100.0


@pytest.mark.parametrize(("live", "room"), [(0, 3), (15, 3), (19, 3), (20, 4), (200, 40)])
def test_a_fifth_of_what_is_live_may_retry_at_once_and_three_always(live: int, room: int) -> None:
    it = RetryPlaces(0.2, 3)
    for _ in range(room):
        assert it.has_room(live)
        it.take()
    assert not it.has_room(live)
    it.release()
    assert it.has_room(live)


def test_when_fewer_are_live_nobody_begins_before_enough_are_over() -> None:
    it = RetryPlaces(0.2, 3)
    for _ in range(10):
        it.take()
    assert not it.has_room(20)
    for _ in range(7):
        it.release()
    assert it.has_room(20)


def test_a_place_given_back_twice_is_a_bug() -> None:
    it = RetryPlaces(0.2, 3)
    it.take()
    it.release()
    with pytest.raises(AssertionError):
        it.release()
