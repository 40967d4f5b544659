"""The choice among endpoints at its edges: exact moments, long clocks, what others have met there."""

from __future__ import annotations

import pytest

from holdfast.core.breaker import Breaker, BreakerState, Pause, Trouble
from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from holdfast.core.outlook import Outlook, wait
from holdfast.core.recovery import DialNow, NoHope, Recovery, WaitFor, trouble_of_loss
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


def test_who_was_cut_off_hears_of_the_first_thing_that_may_change() -> None:
    node = Node(2)
    node.break_endpoint()
    node.live()
    node.now += 4.95
    recovery = node.lose(1)
    assert node.dial(recovery)[1].endpoint == 1
    node.fail(recovery)
    assert node.wait(recovery).expected_s == pytest.approx(0.05)
    assert node.until_dial(recovery)[1].endpoint == 1, "it is not the one who asks whether e0 is back"


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
    for _ in range(10):
        node.lose()
    node.now += after
    assert isinstance(node.decide(node.lose()), WaitFor) is is_spread


def test_eleven_of_a_thousand_are_no_mass_loss() -> None:
    node = Node()
    node.live(1000)
    assert all(isinstance(node.decide(node.lose()), DialNow) for _ in range(11))


def test_who_starts_while_many_fall_is_not_kept_back() -> None:
    node = Node()
    node.live(40)
    fallen = [node.lose() for _ in range(11)]
    assert node.wait(fallen[-1]).is_spread
    node.dial()


# places and patience


def test_first_dials_take_no_place_from_who_tries_again() -> None:
    node = Node()
    failed = node.fail(node.dial()[0])
    for _ in range(10):
        node.dial()
    node.now += 1.0
    node.dial(failed)


@pytest.mark.parametrize(("budget_s", "patience_s"), [(1.5, 1.0), (5.0, 2.5), (6.0, 3.0), (20.0, 4.0)])
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


@pytest.mark.parametrize(("budget_s", "endpoint"), [(1.125, 0), (1.1, 1)])
def test_who_cannot_wait_to_try_again_goes_to_the_next_endpoint(budget_s: float, endpoint: int) -> None:
    node = Node(2)
    recovery, _ = node.dial(node.starting(budget_s))
    node.fail(recovery)
    assert node.until_dial(recovery)[1].endpoint == endpoint


def test_who_failed_at_the_moment_the_endpoint_came_back_tries_again_no_sooner_than_others() -> None:
    node = Node()
    early, _ = node.dial()
    node.now += 1.0
    late, _ = node.dial()
    node.break_endpoint()
    node.go_live(early)
    node.fail(late)
    assert node.wait(late).reason == "e0 failed"


def test_who_lacks_a_part_of_a_retry_waits_until_time_has_paid_it() -> None:
    node = Node(limits=Limits(retry_tokens_least=99.05))
    recovery = node.fail(node.dial()[0])
    node.now += 0.2
    told = node.wait(recovery)
    assert told.reason == "the retries of e0 are used up"
    assert told.expected_s == pytest.approx(0.4)
    node.now += told.expected_s
    node.dial(recovery)


# what others have met


def test_it_is_an_outage_when_all_have_been_gone_for_as_long_as_somebody_cut_off_holds_out() -> None:
    node = Node(2)
    node.break_endpoint()
    node.break_endpoint()
    assert [node.endpoints.is_outage(node.now + s) for s in (14.9, 15.0, 400.0)] == [False, True, True]


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


def test_an_endpoint_is_alone_until_the_other_has_a_retry_left_however_soon_that_is() -> None:
    node = Node(2, Limits(retry_tokens_least=99.05))
    node.break_endpoint()
    node.endpoints.dropped(node.fail(node.dial()[0]))
    assert node.endpoints.status(node.now)[0].opens_again_in_s == pytest.approx(4.0)
    node.now += 1.0
    assert node.endpoints.status(node.now)[0].opens_again_in_s == pytest.approx(5.0 - 1.0)


def test_an_endpoint_that_asked_for_a_long_pause_is_not_offered_before_its_end() -> None:
    node = Node(2)
    node.endpoints.dropped(node.fail(node.dial()[0], fault("provider.rate_limited", retry_after_s=100.0)))
    assert [node.endpoints.better_than(1, node.now + s) for s in (99.9, 100.0)] == [None, 0]


def test_the_status_counts_down_to_the_next_probe_and_not_below_nothing() -> None:
    node = Node()
    node.break_endpoint()
    left = [node.endpoints.status(node.now + s)[0].opens_again_in_s for s in (3.75, 4.0, 9.0)]
    assert left == pytest.approx([0.25, 0.0, 0.0])


def test_what_became_of_a_dial_is_told_of_the_endpoint_that_was_dialled() -> None:
    node = Node(3)
    node.fail(node.dial()[0], KEY)
    recovery, dial = node.dial()
    assert dial.endpoint == 1
    for other in (0, 2):
        with pytest.raises(AssertionError):
            node.endpoints.went_live(other, recovery, node.now)


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


def test_where_nobody_has_hope_it_is_told_what_somebody_must_change() -> None:
    node = Node()
    node.live()
    recovery = node.lose()
    node.fail(node.dial()[0], KEY)
    assert node.end(recovery) == NoHope(KEY, "every endpoint refuses", None)


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
