"""One endpoint's breaker, alone: what shuts it, for how long, and what opens it again."""

from __future__ import annotations

import pytest

from holdfast.core.breaker import Breaker, BreakerState, Pause, Trouble

PAUSES = {
    Trouble.FAILING: Pause(5, 5.0, 60.0),
    Trouble.THROTTLED: Pause(1, 1.0, 30.0),
    Trouble.REFUSED: Pause(1, 60.0, 60.0),
}


def breaker() -> Breaker:
    return Breaker(PAUSES, alone_s=4.0, patience_s=4.0)


def fail(it: Breaker, now: float, trouble: Trouble = Trouble.FAILING, **words: float) -> None:
    """A dial that began and failed in one moment."""
    it.failed(trouble, now, now, words.get("retry_after_s"), is_probe=False)


def shut(now: float = 0.0, trouble: Trouble = Trouble.FAILING) -> Breaker:
    it = breaker()
    for _ in range(PAUSES[trouble].after):
        fail(it, now, trouble)
    return it


def probe_fails(it: Breaker, now: float, trouble: Trouble = Trouble.FAILING, *, took_s: float = 0.0) -> None:
    it.probe(now)
    it.release(now)
    it.failed(trouble, now, now + took_s, None, is_probe=True)


def state(it: Breaker, now: float, *, is_alone: bool = False) -> BreakerState:
    return it.state(now, is_alone=is_alone)


def test_five_failures_in_a_row_open_it_and_four_do_not() -> None:
    it = breaker()
    for _ in range(4):
        fail(it, 0.0)
    assert state(it, 0.0) is BreakerState.CLOSED
    fail(it, 0.0)
    assert state(it, 0.0) is BreakerState.OPEN


def test_a_success_in_between_begins_the_count_anew() -> None:
    it = breaker()
    for turn in range(20):
        fail(it, turn)
        if turn % 4 == 3:
            it.succeeded(turn, turn)
    assert state(it, 20.0) is BreakerState.CLOSED


@pytest.mark.parametrize("trouble", [Trouble.THROTTLED, Trouble.REFUSED])
def test_one_throttle_or_refusal_is_enough(trouble: Trouble) -> None:
    it = breaker()
    fail(it, 0.0, trouble)
    assert it.trouble is trouble


@pytest.mark.parametrize(
    ("trouble", "pauses"),
    [
        (Trouble.FAILING, [5, 10, 20, 40, 60, 60]),
        (Trouble.THROTTLED, [1, 2, 4, 8, 16, 30, 30]),
        (Trouble.REFUSED, [60, 60, 60]),
    ],
)
def test_each_failed_probe_doubles_the_pause_up_to_its_cap(trouble: Trouble, pauses: list[float]) -> None:
    it = shut(trouble=trouble)
    now = 0.0
    for pause_s in pauses:
        assert it.opens_at(is_alone=False) == now + pause_s
        assert state(it, now + pause_s - 0.01) is not BreakerState.HALF_OPEN
        now += pause_s
        assert state(it, now) is BreakerState.HALF_OPEN
        probe_fails(it, now, trouble)


def test_an_endpoint_without_a_substitute_is_asked_every_four_seconds() -> None:
    it = shut()
    for now in (4.0, 8.0, 12.0, 16.0):
        assert it.opens_at(is_alone=True) == now
        probe_fails(it, now)
    assert it.opens_at(is_alone=False) == 16.0 + 60.0


@pytest.mark.parametrize("trouble", [Trouble.THROTTLED, Trouble.REFUSED])
def test_who_was_told_to_stay_away_does_not_come_sooner_for_being_alone(trouble: Trouble) -> None:
    it = shut(trouble=trouble)
    for now in (100.0, 200.0, 300.0, 400.0):
        probe_fails(it, now, trouble)
    assert it.opens_at(is_alone=True) == it.opens_at(is_alone=False) > 410.0


def test_the_providers_own_time_is_a_lower_bound() -> None:
    it = breaker()
    fail(it, 0.0, Trouble.THROTTLED, retry_after_s=7.0)
    assert it.opens_at(is_alone=True) == 7.0
    fail(it, 1.0, Trouble.THROTTLED, retry_after_s=2.0)
    assert it.opens_at(is_alone=True) == 7.0


def test_a_delay_named_by_one_failing_dial_holds_nobody_else() -> None:
    it = shut()
    fail(it, 1.0, Trouble.FAILING, retry_after_s=30.0)
    assert it.opens_at(is_alone=True) == 4.0


def test_what_began_before_it_was_shut_does_not_make_the_pause_longer() -> None:
    it = shut(now=10.0)
    for _ in range(50):
        it.failed(Trouble.FAILING, 9.0, 12.0, None, is_probe=False)
    it.failed(Trouble.FAILING, 9.0, 12.0, None, is_probe=True)  # a probe of an earlier trouble
    assert it.opens_at(is_alone=False) == 15.0


def test_a_late_refusal_outweighs_a_failing_breaker() -> None:
    it = shut(now=10.0)
    it.failed(Trouble.REFUSED, 9.0, 12.0, None, is_probe=False)
    assert state(it, 71.9) is BreakerState.REFUSED
    assert state(it, 72.0) is BreakerState.HALF_OPEN


def test_the_pause_counts_from_the_beginning_of_a_probe_that_hung() -> None:
    it = shut()
    probe_fails(it, 5.0, took_s=4.0)
    assert it.opens_at(is_alone=True) == 9.0


def test_a_refusal_counts_from_when_it_was_said() -> None:
    it = shut(trouble=Trouble.REFUSED)
    probe_fails(it, 60.0, Trouble.REFUSED, took_s=0.5)
    assert it.opens_at(is_alone=True) == 120.5
    it.failed(Trouble.REFUSED, 60.2, 61.0, None, is_probe=False)  # another dial's, that was under way
    assert it.opens_at(is_alone=True) == 121.0


def test_a_probe_has_limited_time_and_every_fifth_that_hangs_has_all() -> None:
    it = shut()
    seen = []
    for turn in range(10):
        seen.append(it.probe(100.0 * turn + 5))
        it.release(100.0 * turn + 5)
        # A clock that rounds calls 4 s a little less.
        it.failed(Trouble.FAILING, 100.0 * turn + 5, 100.0 * turn + 8.99, None, is_probe=True)
    assert seen == [4.0, 4.0, 4.0, 4.0, None] * 2


def test_only_probes_that_hang_one_after_the_other_count() -> None:
    it = shut()
    for turn, took_s in enumerate([4.0, 4.0, 4.0, 0.1, 4.0, 4.0, 4.0, 4.0]):
        probe_fails(it, 100.0 * turn + 5, took_s=took_s)
        assert (it.slow_probes > 0) is (took_s == 4.0)
    assert it.probe(900.0) is None


def test_success_forgets_how_many_probes_hung() -> None:
    it = shut()
    for turn in range(4):
        probe_fails(it, 100.0 * turn + 5, took_s=4.0)
    it.succeeded(500.0, 501.0)
    for _ in range(5):
        fail(it, 600.0)
    assert [it.probe(700.0), it.slow_probes] == [4.0, 0]


def test_a_probe_that_fails_at_once_needs_no_patience() -> None:
    it = shut()
    for turn in range(12):
        assert it.probe(100.0 * turn + 5) == 4.0
        it.release(100.0 * turn + 5)
        it.failed(Trouble.FAILING, 100.0 * turn + 5, 100.0 * turn + 8.5, None, is_probe=True)


def test_success_closes_it_and_the_next_trouble_begins_small() -> None:
    it = shut()
    for now in (100.0, 200.0, 300.0):
        probe_fails(it, now)
    assert it.succeeded(400.0, 401.0)
    assert (state(it, 401.0), it.closed_at) == (BreakerState.CLOSED, 401.0)
    for _ in range(5):
        fail(it, 500.0)
    assert it.opens_at(is_alone=False) == 505.0


def test_a_dial_from_before_closes_a_failing_breaker_and_not_a_throttled_one() -> None:
    failing, throttled = shut(10.0), shut(10.0, Trouble.THROTTLED)
    assert failing.succeeded(9.0, 11.0)
    assert not throttled.succeeded(9.0, 11.0)
    assert throttled.succeeded(11.0, 12.0)


def test_a_dial_from_before_does_not_overrule_the_providers_own_time() -> None:
    it = shut(10.0)
    it.failed(Trouble.THROTTLED, 9.0, 11.0, 20.0, is_probe=False)
    assert not it.succeeded(9.0, 12.0)
    assert it.opens_at(is_alone=True) == 31.0
    assert it.succeeded(9.0, 31.0)


def test_a_live_link_that_ends_with_a_throttle_shuts_it_without_a_failed_dial() -> None:
    it = breaker()
    it.warned(Trouble.THROTTLED, 10.0, 6.0)
    assert state(it, 15.9) is BreakerState.OPEN
    assert (it.opens_at(is_alone=True), it.failures) == (16.0, 0)
    it.warned(Trouble.THROTTLED, 11.0, None)
    assert it.opens_at(is_alone=True) == 16.0
    it.warned(Trouble.REFUSED, 12.0, None)
    assert it.opens_at(is_alone=True) == 72.0


def test_a_throttled_live_link_does_not_shorten_the_pause_of_a_failing_endpoint() -> None:
    it = shut(10.0)
    it.warned(Trouble.THROTTLED, 10.0, None)
    assert it.opens_at(is_alone=False) == 15.0


def test_a_probe_that_is_given_up_lets_the_next_one_go() -> None:
    it = shut()
    it.probe(10.0)
    with pytest.raises(AssertionError):
        it.probe(11.0)
    it.release(10.0)
    it.probe(12.0)
    it.release(10.0)
    with pytest.raises(AssertionError):
        it.probe(13.0)


def patient(trouble: Trouble = Trouble.FAILING) -> Breaker:
    """The fifth probe of a breaker whose probes hang goes at 405 s, and has all the time there is."""
    it = shut(trouble=trouble)
    for turn in range(4):
        probe_fails(it, 100.0 * turn + 5, trouble, took_s=4.0)
    assert it.probe(405.0) is None
    return it


def test_a_patient_probe_holds_up_the_next_one_no_longer_than_any_other() -> None:
    it = patient()
    assert it.is_probed(408.9)
    assert not it.is_probed(409.0)
    assert it.probe(410.0) == 4.0
    it.release(405.0)
    assert it.is_probed(410.5)


def test_a_patient_probe_that_was_passed_by_makes_no_pause_when_it_fails_and_closes_when_it_goes_live() -> (
    None
):
    for is_live in (False, True):
        it = patient()
        it.probe(410.0)
        it.release(405.0)
        if is_live:
            assert it.succeeded(405.0, 411.0)
        else:
            it.failed(Trouble.FAILING, 405.0, 415.0, None, is_probe=True)
            assert (it.opens_at(is_alone=True), it.slow_probes) == (414.0, 5)


@pytest.mark.parametrize("trouble", [Trouble.FAILING, Trouble.THROTTLED])
def test_the_probe_that_passes_a_patient_one_by_counts_as_any_other(trouble: Trouble) -> None:
    for is_live in (False, True):
        it = patient(trouble)
        it.probe(450.0)
        it.release(450.0)
        if is_live:
            assert it.succeeded(450.0, 451.0)
        else:
            it.failed(trouble, 450.0, 451.0, None, is_probe=True)
            assert it.slow_probes == 0, "it was answered"
        it.release(405.0)  # the patient one, at last
        assert not it.is_probed(452.0)


def test_who_comes_may_learn_more_when_the_next_probe_goes_or_the_present_one_is_answered() -> None:
    it = shut(10.0)
    assert it.asked_next_at(is_alone=True) == 14.0
    it.probe(20.0)
    assert it.asked_next_at(is_alone=True) == 24.0
    it.release(20.0)
    assert it.asked_next_at(is_alone=True) == 14.0


def test_a_dial_is_overtaken_by_one_that_began_later_and_not_by_one_of_the_same_moment() -> None:
    it = shut()
    it.succeeded(10.0, 11.0)
    assert [it.has_overtaken(at) for at in (9.9, 10.0, 10.1)] == [True, False, False]


def test_it_is_failing_since_it_was_shut_whatever_its_probes_met() -> None:
    it = shut(10.0)
    probe_fails(it, 20.0)
    assert it.failing_since == 10.0
    it.succeeded(30.0, 31.0)
    for _ in range(5):
        fail(it, 40.0)
    assert it.failing_since == 40.0
