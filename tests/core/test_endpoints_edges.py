"""The choice among endpoints at its edges: exact moments, long clocks, what others have met there."""

from __future__ import annotations

import pytest

from holdfast.core.breaker import Breaker, BreakerState, Pause, Trouble
from holdfast.core.faults import fault
from holdfast.core.outlook import Outlook, wait
from holdfast.core.recovery import DialNow, Recovery, WaitFor, trouble_of_loss
from holdfast.core.retry_budget import RetryTokens
from tests.core.node import BUSY, DOWN, KEY, Node

OWN = fault("configuration.session_refused")
"""What one session did: it says nothing to the others."""


# waiting


@pytest.mark.parametrize(
    ("expected_s", "chance", "seconds"),
    [
        (15.0, 0.0, 0.5),
        (15.0, 0.5, 0.75),
        (1.2, 0.5, 0.75),
        (1.0, 0.5, 0.375),
        (0.3, 0.5, 0.3),
        (0.001, 0.5, 0.01),
    ],
)
def test_who_waits_asks_again_within_a_second_at_its_own_moment(
    expected_s: float, chance: float, seconds: float
) -> None:
    told = wait(Outlook(8.0 + expected_s, "it was told so"), 8.0, chance)
    assert (told.seconds, told.expected_s) == pytest.approx((seconds, expected_s))
    assert not told.is_spread


def test_who_waits_is_told_of_the_first_endpoint_to_open() -> None:
    for late in (0, 1):
        node = Node(2)
        for index, cause in ((late, DOWN), (1 - late, BUSY)):
            for _ in range(5 if cause is DOWN else 1):
                recovery = node.starting()
                while (dial := node.dial(recovery)[1]).endpoint != index:
                    node.fail(recovery, OWN)
                node.endpoints.dropped(node.fail(recovery, cause))
        waiting = node.wait(node.starting())
        assert waiting.expected_s == pytest.approx(1.0), dial
        assert waiting.reason == f"e{1 - late} is left alone for a while"


def test_who_waits_for_anothers_probe_or_for_a_place_asks_again_soon() -> None:
    node = Node()
    node.break_endpoint()
    node.now += 5.0
    node.dial()
    assert (node.wait(node.starting()).expected_s, node.wait(node.starting()).seconds) == (0.5, 0.375)
    node = Node()
    retries = [node.fail(node.dial()[0]) for _ in range(4)]
    node.now += 1.0
    for recovery in retries[:3]:
        node.dial(recovery)
    assert node.wait(retries[3]).expected_s == 0.5


# many links at once


@pytest.mark.parametrize(("after", "is_spread"), [(0.9, True), (1.0, True), (1.1, False), (100.5, False)])
def test_a_loss_counts_for_a_second(after: float, *, is_spread: bool) -> None:
    node = Node()
    node.live(40)
    lost = [node.lose() for _ in range(11)]
    node.now += after
    assert isinstance(node.decide(lost[-1]), WaitFor) is is_spread


def test_eleven_of_a_thousand_are_no_mass_loss() -> None:
    node = Node()
    node.live(1000)
    assert all(isinstance(node.decide(node.lose()), DialNow) for _ in range(11))


# places and patience


def test_first_dials_take_no_place_from_who_tries_again() -> None:
    node = Node()
    failed = node.fail(node.dial()[0])
    for _ in range(10):
        node.dial()
    node.now += 1.0
    node.dial(failed)


@pytest.mark.parametrize(("budget_s", "patience_s"), [(1.5, 1.0), (6.0, 3.0), (20.0, 4.0)])
def test_a_dial_may_take_half_of_the_time_where_another_could_follow(
    budget_s: float, patience_s: float
) -> None:
    _, dial = Node(2).dial(Node().starting(budget_s))
    assert dial.patience_s == patience_s


def test_a_slow_dial_is_one_whatever_the_clock_says() -> None:
    node = Node(2)
    node.now = 1.0
    recovery, _ = node.dial()
    node.fail(recovery, after=2.0)
    assert node.dial(recovery)[1].endpoint == 1


# what others have met


def test_a_refused_key_is_tried_again_when_its_minute_is_over_and_not_before() -> None:
    node = Node()
    node.fail(node.dial()[0], KEY)
    node.now = 159.9
    node.end(node.starting())
    node.now = 160.0
    assert node.state() is BreakerState.HALF_OPEN
    _, dial = node.dial(node.starting())
    assert dial.is_probe


def test_an_endpoint_behind_one_that_works_is_not_alone() -> None:
    node = Node(2)
    for _ in range(5):
        recovery, _ = node.dial()
        node.fail(recovery, OWN)
        assert node.dial(recovery)[1].endpoint == 1
        node.endpoints.dropped(node.fail(recovery))
    assert node.endpoints.status(node.now)[1].opens_again_in_s == 5.0


def test_who_wants_nothing_worse_looks_at_all_that_is_better() -> None:
    for is_first_well in (True, False):
        node = Node(3)
        if not is_first_well:
            node.break_endpoint()
        wish = Recovery(node.now, was_live=False, budget_s=35.0, no_worse_than=1)
        _, dial = node.dial(wish)
        assert dial.endpoint == (0 if is_first_well else 1)


def test_an_endpoint_that_had_no_room_for_a_wish_was_not_avoided() -> None:
    node = Node(2)
    for _ in range(5):
        recovery, _ = node.dial()
        node.fail(recovery, OWN)
        node.dial(recovery)
        node.endpoints.dropped(node.fail(recovery))
    node.now += 5.0
    retries = [node.fail(node.dial()[0]) for _ in range(3)]
    node.now += 1.0
    for recovery in retries:
        assert node.dial(recovery)[1].endpoint == 0
    wish = Recovery(node.now, was_live=False, budget_s=35.0, no_worse_than=1)
    assert node.dial(wish)[1].endpoint == 1
    assert node.endpoints.better_than(1, node.now) == 0


def test_who_must_give_up_hears_of_its_own_trouble_before_that_of_others() -> None:
    node = Node(2)
    first = node.starting()
    node.dial(first)
    node.fail(first, OWN)
    node.dial(first)
    node.go_live(first)
    node.lose(1, fault("provider.policy"))
    recovery = node.starting(budget_s=3.0)
    node.dial(recovery)
    node.fail(recovery, OWN)
    node.now += 10.0
    assert node.end(recovery).cause is OWN


def test_the_last_live_link_may_be_left() -> None:
    node = Node()
    node.live()
    node.endpoints.left(0)
    assert node.endpoints.live == 0


# the parts


def test_a_throttle_counts_at_once_whatever_failed_before() -> None:
    pauses = {Trouble.FAILING: Pause(5, 5.0, 60.0), Trouble.THROTTLED: Pause(1, 1.0, 30.0)}
    it = Breaker(pauses, alone_s=4.0, patience_s=4.0)
    for trouble in (Trouble.FAILING, Trouble.FAILING, Trouble.THROTTLED):
        it.failed(trouble, 10.0, 10.0, None, is_probe=False)
    assert it.trouble is Trouble.THROTTLED


@pytest.mark.parametrize(("took_s", "slow"), [(8.9, 0), (9.0, 1), (14.0, 1)])
def test_a_probe_that_took_nine_tenths_of_its_time_ran_out_of_it(took_s: float, slow: int) -> None:
    it = Breaker({Trouble.FAILING: Pause(1, 5.0, 60.0)}, alone_s=4.0, patience_s=10.0)
    it.failed(Trouble.FAILING, 0.0, 0.0, None, is_probe=False)
    it.failed(Trouble.FAILING, 5.0, 5.0 + took_s, None, is_probe=True)
    assert it.slow_probes == slow


def test_the_wait_for_a_token_is_as_long_as_what_is_missing() -> None:
    it = RetryTokens(100.0, 50.0, 0.1, 0.1)
    for _ in range(80):
        it.failed(0.0)
    assert it.wait_s(0.0) == pytest.approx(300.1)


@pytest.mark.parametrize("code", ["application.not_authorized", "application.idle", "provider.policy"])
def test_an_offence_bars_nobody_whoever_is_at_fault(code: str) -> None:
    assert trouble_of_loss(fault(code), has_own_wishes=False) is None
