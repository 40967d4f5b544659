"""Which upstream is dialled, when, and when not: a sentence for each rule."""

from __future__ import annotations

import pytest

from holdfast.core.breaker import BreakerState
from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from holdfast.core.recovery import DialNow, NoHope, WaitFor
from tests.core.node import CUT, DOWN, KEY, Node

# when


def test_a_lost_live_link_is_dialled_again_at_once() -> None:
    node = Node()
    node.live()
    assert node.decide(node.lose()) == DialNow(0, is_probe=False, patience_s=15.0)


def test_that_first_redial_takes_no_token_and_no_place() -> None:
    node = Node(limits=Limits(retry_tokens_least=100.0, retry_floor=0, retry_share=0.0))
    node.live(5)
    for _ in range(5):
        node.dial(node.lose())


def test_later_dials_wait_for_a_random_share_of_a_bound_that_doubles() -> None:
    node = Node()
    recovery, _ = node.dial(node.starting(budget_s=60.0))
    for bound_s in (0.25, 0.5, 1.0, 2.0, 4.0, 5.0):
        node.live()  # others succeed: the breaker stays closed
        node.fail(recovery)
        waited_s, _ = node.until_dial(recovery)
        assert waited_s == pytest.approx(bound_s / 2)


def test_the_providers_own_delay_is_a_lower_bound() -> None:
    node = Node()
    recovery, _ = node.dial()
    node.fail(recovery, fault("provider.unavailable", retry_after_s=3.0))
    waited_s, _ = node.until_dial(recovery)
    assert waited_s == pytest.approx(3.0)


def test_a_mass_loss_is_spread_over_two_seconds_and_said_to_be() -> None:
    node = Node()
    node.live(200)
    decisions = []
    for number in range(200):
        node.chance = number / 200
        decisions.append(node.decide(node.lose()))
    spread = [one for one in decisions if isinstance(one, WaitFor)]
    # Eleven are more than ten and more than a twentieth of 200: nobody knew before the eleventh fell.
    assert len(spread) == 190
    assert all(one.is_spread for one in spread)
    assert [one.seconds for one in spread] == pytest.approx([2 * n / 200 for n in range(10, 200)])


def test_eleven_of_two_hundred_and_twenty_are_no_mass_loss() -> None:
    node = Node()
    node.live(220)
    assert all(isinstance(node.decide(node.lose()), DialNow) for _ in range(11))


def test_ten_of_ten_are_no_mass_loss() -> None:
    node = Node()
    node.live(10)
    assert all(isinstance(node.decide(node.lose()), DialNow) for _ in range(10))


def test_losses_of_more_than_a_second_ago_do_not_count() -> None:
    node = Node()
    node.live(40)
    for _ in range(40):
        assert isinstance(node.decide(node.lose()), DialNow)
        node.now += 0.15


def test_who_asks_late_finds_no_mass_loss_any_more() -> None:
    node = Node()
    node.live(40)
    recoveries = [node.lose() for _ in range(40)]
    node.now += 1.1
    node.dial(recoveries[0])


def test_losses_are_not_remembered_for_longer_than_they_count() -> None:
    node = Node()
    node.live(100)
    for _ in range(100):
        node.lose()
        node.now += 0.5
    assert len(node.endpoints._losses) <= 3


def test_spreading_is_decided_once_and_then_the_dial_comes() -> None:
    node = Node()
    node.live(40)
    recoveries = [node.lose() for _ in range(40)]
    first = node.wait(recoveries[0])
    assert (first.is_spread, first.seconds) == (True, 1.0)
    node.now += 0.4
    assert node.wait(recoveries[0]).seconds == pytest.approx(0.6)
    node.now += 0.6
    node.dial(recoveries[0])


def test_nobody_waits_past_the_budget_and_a_second_fault_does_not_renew_it() -> None:
    node = Node()
    node.live()
    recovery = node.lose()
    began = node.now
    while not isinstance(decision := node.decide(recovery), NoHope):
        if isinstance(decision, WaitFor):
            node.now += decision.seconds
        else:
            node.fail(recovery, after=0.9)
    assert 10.0 < node.now - began <= 15.0
    assert decision.cause == DOWN


def test_who_is_told_that_it_is_over_hears_why_the_link_was_lost() -> None:
    node = Node()
    node.live()
    recovery = node.lose(0, fault("provider.server_error"))
    node.now += 15.0
    assert node.end(recovery).cause.code == "provider.server_error"
    assert node.endpoints.status(node.now)[0].last_fault == "provider.server_error"


def test_a_long_wait_is_cut_into_short_ones_and_its_whole_is_told() -> None:
    node = Node()
    recovery, _ = node.dial()
    node.fail(recovery, fault("provider.rate_limited", retry_after_s=10.0))
    for chance, seconds in ((0.0, 0.5), (0.5, 0.75), (0.98, 0.99)):
        node.chance = chance
        assert node.wait(recovery).seconds == pytest.approx(seconds)
        assert node.wait(recovery).expected_s == 10.0
    node.now += 9.3
    node.chance = 0.0
    assert node.wait(recovery).seconds == pytest.approx(0.25)
    node.chance = 0.98
    assert node.wait(recovery).seconds == pytest.approx(0.495)
    node.now += 0.5
    assert node.wait(recovery).seconds == pytest.approx(0.2)


def test_a_dial_is_not_begun_with_less_than_a_second_left() -> None:
    node = Node()
    recovery, _ = node.dial(node.starting(budget_s=15.0))
    node.fail(recovery, after=14.1)
    assert "15 s were spent" in node.end(recovery).reason


def test_the_first_dial_is_made_however_small_the_budget() -> None:
    node = Node()
    recovery, dial = node.dial(node.starting(budget_s=0.5))
    assert (dial.patience_s, recovery.attempts) == (0.5, 1)


def test_a_link_that_dies_young_goes_on_with_its_recovery_and_waits() -> None:
    node = Node()
    node.live()
    recovery = node.lose()
    for bound_s in (0.25, 0.5, 1.0):
        node.until_dial(recovery)
        node.go_live(recovery)
        node.now += 1.0
        node.lose(0, CUT, recovery)
        assert node.wait(recovery).expected_s == pytest.approx(bound_s / 2)


def test_a_recovery_dials_one_endpoint_at_a_time() -> None:
    node = Node()
    recovery, _ = node.dial()
    with pytest.raises(AssertionError):
        node.decide(recovery)


# tokens and places


def test_without_tokens_there_is_no_retry_and_the_first_dial_is_none() -> None:
    node = Node()
    waiting, _ = node.dial()
    for turn in range(60):
        recovery, _ = node.dial()
        node.fail(recovery)
        if turn % 4 == 3:
            node.live()  # keeps the breaker closed
    node.fail(waiting)
    node.now += 5.0
    assert "retries of e0 are used up" in node.end(waiting).reason
    assert node.end(waiting).retry_after_s == 1.0
    node.dial()


@pytest.mark.parametrize(("failures", "is_allowed"), [(49, True), (50, False)])
def test_a_retry_needs_more_than_half_of_the_tokens(failures: int, *, is_allowed: bool) -> None:
    node = Node(limits=Limits(retry_token_gain=0.0, retry_tokens_per_s=1e-30))
    waiting, _ = node.dial()
    for turn in range(failures - 1):
        node.fail(node.dial()[0])
        if turn % 4 == 3:
            node.live()  # keeps the breaker closed
    node.fail(waiting)
    node.now += 1.0
    assert isinstance(node.decide(waiting), DialNow) is is_allowed


def test_an_endpoint_that_is_well_again_forgives_all_tokens() -> None:
    node = Node()
    dials = [node.dial()[0] for _ in range(70)]
    for recovery in dials:
        node.fail(recovery)
    assert node.endpoints.status(node.now)[0].tokens == pytest.approx(30.0)
    node.now += 4.0
    node.dial(dials[0])
    node.go_live(dials[0])
    assert node.endpoints.status(node.now)[0].tokens == 100.0
    for recovery in dials[1:]:
        node.dial(recovery)


def test_three_retries_at_once_or_a_fifth_of_what_is_live() -> None:
    for live, room in ((0, 3), (14, 3), (30, 6)):
        node = Node()
        node.live(live)
        failed = []
        for turn in range(room + 1):
            failed.append(node.dial()[0])
            if turn % 4 == 3:
                node.live()
        for turn, recovery in enumerate(failed):
            node.fail(recovery)
            if turn % 4 == 3:
                node.live()
        node.now += 1.0
        for recovery in failed[:room]:
            node.dial(recovery)
        assert node.wait(failed[room]).reason == "others are trying again"
        node.endpoints.dropped(failed[0])
        node.dial(failed[room])


def test_going_to_another_endpoint_is_no_retry() -> None:
    node = Node(2, Limits(retry_tokens_least=100.0, retry_floor=0, retry_share=0.0))
    recovery, dial = node.dial()
    node.fail(recovery, KEY)
    _, second = node.dial(recovery)
    assert (dial.endpoint, second.endpoint) == (0, 1)


# the breaker


def test_after_five_failed_dials_the_next_endpoint_is_dialled() -> None:
    node = Node(2)
    node.break_endpoint()
    assert node.dial()[1].endpoint == 1
    assert (node.state(0), node.state(1)) == (BreakerState.OPEN, BreakerState.CLOSED)


def test_lost_live_links_open_no_breaker() -> None:
    node = Node()
    node.live(9)
    for cause in ("provider.server_error", "provider.closed", "provider.connection_lost") * 3:
        node.lose(0, fault(cause))
    assert node.state() is BreakerState.CLOSED


def test_while_the_only_endpoint_is_shut_sessions_wait_and_one_of_them_probes() -> None:
    node = Node()
    node.break_endpoint()
    first, second = node.starting(), node.starting()
    assert node.wait(first).seconds <= 1.0
    assert not node.wait(first).is_spread
    waited_s, dial = node.until_dial(first)
    assert dial.is_probe
    assert waited_s == pytest.approx(4.0)
    assert node.state() is BreakerState.HALF_OPEN
    wait = node.wait(second)
    assert wait.seconds <= 0.5
    assert "another session asks" in wait.reason


def test_who_waits_dials_within_a_second_of_a_successful_probe() -> None:
    node = Node()
    waiting = [node.dial()[0] for _ in range(50)]
    for recovery in waiting:
        node.fail(recovery)
    node.now += 4.0
    node.dial(waiting[0])
    sleeps = []
    for number, recovery in enumerate(waiting[1:]):
        node.chance = number / 50
        sleeps.append(node.wait(recovery).seconds)
    assert max(sleeps) <= 0.5
    node.now += 0.4
    node.go_live(waiting[0])
    for recovery in waiting[1:]:
        node.dial(recovery)


def test_two_endpoints_that_are_both_shut_are_asked_every_four_seconds_each() -> None:
    node = Node(2)
    node.break_endpoint()
    node.break_endpoint()
    both = node.endpoints.status(node.now)
    assert [one.opens_again_in_s for one in both] == pytest.approx([4.0, 4.0])


def test_an_endpoint_with_a_substitute_is_left_alone_for_longer_each_time() -> None:
    node = Node(2)
    node.break_endpoint()
    for pause_s in (5.0, 10.0, 20.0, 40.0, 60.0, 60.0):
        assert node.endpoints.status(node.now)[0].opens_again_in_s == pytest.approx(pause_s)
        assert node.dial()[1].endpoint == 1
        node.now += pause_s
        recovery, dial = node.dial()
        assert (dial.endpoint, dial.is_probe) == (0, True)
        node.fail(recovery)


def test_a_probe_given_up_frees_its_place() -> None:
    node = Node()
    node.break_endpoint()
    node.now += 4.0
    recovery, dial = node.dial()
    assert dial.is_probe
    node.endpoints.dropped(recovery)
    assert node.dial()[1].is_probe
    node.endpoints.dropped(recovery)  # a session that ends twice, or without a dial


def test_who_cannot_hope_within_the_budget_is_told_at_once_and_when_to_come_back() -> None:
    node = Node()
    recovery, _ = node.dial()
    node.fail(recovery, fault("provider.rate_limited", retry_after_s=40.0))
    told = node.end(recovery)
    assert told.cause.code == "provider.rate_limited"
    assert told.retry_after_s == pytest.approx(40.0)
    late = node.end(node.starting())
    assert late.cause.code == "provider.rate_limited"


def test_somebody_cut_off_is_not_the_one_who_probes_while_another_endpoint_works() -> None:
    node = Node(2)
    node.break_endpoint()
    node.live()
    node.now += 5.0
    assert node.state(0) is BreakerState.HALF_OPEN
    assert node.dial(node.lose(1))[1].endpoint == 1
    assert node.dial()[1] == DialNow(0, is_probe=True, patience_s=4.0)


# patience


def test_a_dial_may_take_the_whole_budget_where_there_is_nothing_else() -> None:
    node = Node()
    assert node.dial()[1].patience_s == 35.0


def test_a_dial_with_another_endpoint_behind_it_is_cut_early_enough_to_try_that() -> None:
    node = Node(2)
    node.live()
    recovery, dial = node.dial(node.lose())
    assert dial.patience_s == 4.0
    node.fail(recovery, fault("provider.handshake_timeout"), after=4.0)
    assert node.dial(recovery)[1] == DialNow(1, is_probe=False, patience_s=11.0)


def test_an_endpoint_that_failed_quickly_is_tried_again_before_a_worse_one() -> None:
    node = Node(2)
    recovery, _ = node.dial()
    node.fail(recovery, after=0.1)
    assert node.until_dial(recovery)[1].endpoint == 0


def test_an_endpoint_that_lets_in_and_drops_is_left_for_another() -> None:
    node = Node(2)
    node.live()
    recovery = node.lose()
    node.dial(recovery)
    node.go_live(recovery)
    node.lose(0, CUT, recovery)
    assert node.dial(recovery)[1].endpoint == 1
