"""Endpoints that throttle or refuse, and the way back to a better one: a sentence for each rule."""

from __future__ import annotations

import pytest

from holdfast.core.breaker import BreakerState
from holdfast.core.faults import fault
from holdfast.core.recovery import DialNow, NoHope, Recovery, WaitFor
from tests.core.node import BUSY, CUT, DOWN, KEY, Node

# throttled


def test_a_throttled_endpoint_is_asked_by_one_after_one_second_then_two_then_four() -> None:
    node = Node()
    recovery, _ = node.dial(node.starting(budget_s=200.0))
    for pause_s in (1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0):
        node.fail(recovery, BUSY)
        other = node.starting(budget_s=100.0)
        assert isinstance(node.decide(other), WaitFor)
        waited_s, dial = node.until_dial(recovery)
        assert dial.is_probe
        assert waited_s == pytest.approx(pause_s)
        assert isinstance(node.decide(other), WaitFor)


def test_while_one_endpoint_is_throttled_the_next_is_used() -> None:
    node = Node(2)
    recovery, _ = node.dial()
    node.fail(recovery, BUSY)
    assert node.dial(recovery)[1].endpoint == 1


# refused


def test_a_refused_key_is_not_tried_again_and_the_next_endpoint_is_at_once() -> None:
    node = Node(2)
    recovery, _ = node.dial()
    node.fail(recovery, KEY)
    assert node.state() is BreakerState.REFUSED
    assert node.dial(recovery)[1].endpoint == 1
    assert node.dial()[1].endpoint == 1


def test_when_all_refuse_there_is_no_hope_and_no_time_to_come_back() -> None:
    node = Node(2)
    recovery, _ = node.dial()
    node.fail(recovery, KEY)
    node.dial(recovery)
    node.fail(recovery, fault("configuration.quota_exhausted"))
    assert node.end(recovery) == NoHope(
        fault("configuration.quota_exhausted"), "every endpoint refuses", None
    )


def test_for_a_minute_nobody_else_asks_where_a_key_was_refused_then_one_does() -> None:
    node = Node()
    recovery, _ = node.dial()
    node.fail(recovery, KEY)
    for _ in range(20):
        told = node.end(node.starting())
        assert (told.cause, told.retry_after_s) == (KEY, None)
        node.now += 2.9
    node.now += 2.0
    assert node.dial()[1].is_probe


def test_one_that_may_come_back_is_what_people_are_told_about() -> None:
    node = Node(2)
    node.break_endpoint()
    recovery, _ = node.dial(node.starting(budget_s=3.0))
    node.fail(recovery, KEY)
    told = node.end(recovery)
    assert told.cause == DOWN
    assert told.retry_after_s == pytest.approx(4.0 - 0.7 * 1.5)  # to be there before it is asked


def test_the_time_to_come_back_is_that_of_the_first_endpoint_to_open() -> None:
    node = Node(2)
    for retry_after_s in (40.0, 25.0):
        recovery, _ = node.dial()
        node.endpoints.dropped(
            node.fail(recovery, fault("provider.rate_limited", retry_after_s=retry_after_s))
        )
    assert node.end(node.starting(budget_s=15.0)).retry_after_s == pytest.approx(25.0)


def test_what_is_refused_to_one_session_is_refused_to_that_one_alone() -> None:
    node = Node()
    for _ in range(10):
        own = node.starting()
        own.has_own_wishes = True
        node.dial(own)
        node.fail(own, fault("configuration.model_not_found"))
        assert node.end(own).retry_after_s is None
    assert node.state() is BreakerState.CLOSED
    assert node.endpoints.status(node.now)[0].tokens == 100.0
    node.dial()


def test_a_model_from_the_settings_that_does_not_exist_is_refused_to_all() -> None:
    node = Node()
    node.fail(node.dial()[0], fault("configuration.model_not_found"))
    assert node.state() is BreakerState.REFUSED


def test_one_users_offence_ends_that_recovery_here_and_bars_nobody() -> None:
    node = Node(2)
    node.live()
    recovery = node.lose(0, fault("provider.policy"))
    assert node.dial(recovery)[1].endpoint == 1
    assert node.dial()[1].endpoint == 0
    assert node.endpoints.status(node.now)[0].tokens == 100.0


def test_a_key_that_stops_being_valid_bars_the_endpoint_for_all() -> None:
    node = Node()
    node.live(2)
    assert node.end(node.lose(0, fault("configuration.quota_exhausted"))).retry_after_s is None
    assert node.state() is BreakerState.REFUSED


# back to a better one


def test_a_better_endpoint_is_offered_a_minute_after_it_was_last_avoided() -> None:
    node = Node(2)
    node.break_endpoint()
    node.now += 1.0
    node.live()
    node.now += 59.0
    assert node.endpoints.better_than(1, node.now) is None
    node.now += 1.1
    assert node.endpoints.better_than(1, node.now) == 0
    assert node.endpoints.better_than(0, node.now) is None


def test_an_endpoint_is_not_offered_while_its_breaker_is_open_or_its_probe_out() -> None:
    node = Node(2)
    node.break_endpoint()
    for pause_s in (5.0, 10.0, 20.0, 40.0, 60.0):
        node.now += pause_s
        recovery, _ = node.dial()
        node.fail(recovery)
    node.now += 59.9
    assert node.endpoints.better_than(1, node.now) is None
    node.now += 0.2
    assert node.endpoints.better_than(1, node.now) == 0
    node.dial()
    assert node.endpoints.better_than(1, node.now) is None


def moving(node: Node, no_worse_than: int) -> Recovery:
    return Recovery(node.now, was_live=False, budget_s=15.0, no_worse_than=no_worse_than)


def test_who_moves_dials_the_better_one_or_nothing_and_never_waits() -> None:
    node = Node(2)
    node.break_endpoint()
    assert isinstance(node.decide(moving(node, 0)), NoHope)
    node.now += 61.0
    assert node.dial(moving(node, 0))[1] == DialNow(0, is_probe=True, patience_s=4.0)
    assert isinstance(node.decide(moving(node, 0)), NoHope)


def test_not_all_move_at_once() -> None:
    node = Node(2)
    node.live(30)
    assert sum(isinstance(node.decide(moving(node, 0)), DialNow) for _ in range(30)) == 6


def test_a_move_that_fails_is_offered_again_after_a_minute() -> None:
    node = Node(2)
    node.live()
    mover = moving(node, 0)
    node.dial(mover)
    node.fail(mover)
    assert node.endpoints.better_than(1, node.now) is None
    node.now += 60.0
    assert node.endpoints.better_than(1, node.now) == 0


def test_an_endpoint_that_only_waits_for_its_probe_was_not_avoided() -> None:
    node = Node(2)
    node.break_endpoint()
    node.live()
    node.now += 61.0
    assert node.dial(node.lose(1))[1].endpoint == 1
    assert node.endpoints.better_than(1, node.now) == 0


def test_an_endpoint_that_refused_one_session_was_not_avoided_by_others() -> None:
    node = Node(2)
    own = node.starting()
    own.has_own_wishes = True
    node.dial(own)
    node.fail(own, fault("configuration.model_not_found"))
    assert node.dial(own)[1].endpoint == 1
    assert node.endpoints.better_than(1, node.now) == 0


def test_an_endpoint_that_throttled_a_live_link_is_not_offered_for_a_minute() -> None:
    node = Node(2)
    node.live()
    node.lose(0, BUSY)
    node.now += 59.0
    assert node.endpoints.better_than(1, node.now) is None
    node.now += 1.0
    assert node.endpoints.better_than(1, node.now) == 0


def test_one_failed_dial_of_a_working_endpoint_puts_nobody_off_moving_there() -> None:
    node = Node(2)
    recovery, _ = node.dial()
    node.fail(recovery)
    assert node.endpoints.better_than(1, node.now) == 0


def test_who_went_elsewhere_because_of_a_slow_dial_does_not_come_back_at_once() -> None:
    node = Node(2)
    recovery, _ = node.dial()
    node.fail(recovery, after=2.0)
    assert node.dial(recovery)[1].endpoint == 1
    assert node.endpoints.better_than(1, node.now) is None
    node.now += 60.0
    assert node.endpoints.better_than(1, node.now) == 0


def test_a_move_that_is_refused_to_one_session_is_not_tried_at_every_look() -> None:
    node = Node(2)
    node.live()
    mover = moving(node, 0)
    mover.has_own_wishes = True
    node.dial(mover)
    node.fail(mover, fault("configuration.model_not_found"))
    assert node.endpoints.better_than(1, node.now) is None
    assert node.state() is BreakerState.CLOSED


def test_a_move_becomes_a_need_when_the_old_link_dies_meanwhile() -> None:
    node = Node(2)
    node.live()
    mover = moving(node, 0)
    node.dial(mover)
    node.now += 1.0
    node.lose(0, CUT, mover)
    node.fail(mover, after=0.1)
    assert node.wait(mover).expected_s == pytest.approx(0.125)
    assert mover.deadline == 116.0
    assert mover.was_live


# status


def test_the_status_says_what_people_need() -> None:
    node = Node(2)
    node.live(3)
    node.break_endpoint()
    first, second = node.endpoints.status(node.now)
    assert (first.name, first.state, first.live, first.dialing) == ("e0", BreakerState.OPEN, 3, 0)
    assert (first.tokens, first.opens_again_in_s) == (95.0, 5.0)
    assert first.last_fault == "provider.unreachable"
    assert (second.state, second.opens_again_in_s, second.last_fault) == (BreakerState.CLOSED, None, None)


def test_tokens_go_with_failures_and_come_with_successes() -> None:
    node = Node()
    node.endpoints.dropped(node.fail(node.dial()[0]))
    node.live()
    assert node.endpoints.status(node.now)[0].tokens == pytest.approx(99.1)


def test_links_and_dials_are_counted_and_uncounted() -> None:
    node = Node()
    node.live(2)
    recovery, _ = node.dial()
    status = node.endpoints.status(node.now)[0]
    assert (status.live, status.dialing, node.endpoints.live) == (2, 1, 2)
    node.endpoints.left(0)
    node.lose()
    node.endpoints.dropped(recovery)
    status = node.endpoints.status(node.now)[0]
    assert (status.live, status.dialing) == (0, 0)
    with pytest.raises(AssertionError):
        node.endpoints.left(0)
    with pytest.raises(AssertionError):
        node.lose()
