"""The books of a session's links, as both conductors keep them."""

from __future__ import annotations

import pytest

from holdfast.core import links
from holdfast.core.effects import Dial, HangUp, StartTimer, StopTimer
from holdfast.core.endpoints import Endpoints
from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from holdfast.core.links import Linked, LinkEffect, UpstreamFacts
from holdfast.core.recovery import DialNow
from holdfast.core.timers import STARTING, TIMER_PATIENCE, TIMER_ROTATE
from holdfast.core.upstream_link import UpstreamLink, UpstreamPhase

LIMITS = Limits(upstream_life_s=100.0)
LOOK_AT_S = LIMITS.upstream_life_s * LIMITS.rotate_look
CUT = fault("provider.connection_lost")


class Session(Linked):
    """Links, and nobody who talks."""

    @property
    def has_own_wishes(self) -> bool:
        return False


def live(link: UpstreamLink, s: Session, now: float) -> list[LinkEffect]:
    links.opened(s, link)
    return [*links.created(link, "sess", "m", None, now), *links.went_live(s, link, now)]


def go_on(s: Session, now: float) -> None:
    """Dial, and be live at once."""
    due = links.plan(s, now)
    assert isinstance(due, DialNow)
    links.dial(s, s.upstream, due)
    live(s.upstream, s, now)


def session(names: int = 1) -> Session:
    """One whose first link went live at 0."""
    upstreams = tuple(UpstreamFacts(f"u{at}", "openai", "m", (), "") for at in range(names))
    s = Session(LIMITS, upstreams, Endpoints([one.name for one in upstreams], LIMITS))
    links.start(s, 0.0)
    go_on(s, 0.0)
    return s


def rotating() -> Session:
    """One that has just dialled its successor, because its link grew old."""
    s = session()
    assert Dial(2, 0) in links.grow_old(s, LOOK_AT_S)
    return s


def seconds_of(timer: str, effects: list[LinkEffect]) -> list[float]:
    return [one.seconds for one in effects if isinstance(one, StartTimer) and one.name == timer]


def test_two_links_are_one_dial_at_a_time_and_both_are_counted() -> None:
    s = rotating()

    assert s.starting is s.successor
    assert links.plan(s, LOOK_AT_S) is None
    assert not links.may_switch(s, LOOK_AT_S, is_quiet=True)
    live(s.starting, s, LOOK_AT_S)
    assert s.endpoints.live == 2
    assert links.may_switch(s, LOOK_AT_S, is_quiet=True)
    assert not links.may_switch(s, LOOK_AT_S, is_quiet=False)
    assert links.may_switch(s, LIMITS.upstream_life_s, is_quiet=False), "the provider ends it soon"

    assert links.switch(s) == HangUp(1)
    assert s.starting is s.upstream
    assert (s.upstream.generation, s.endpoints.live) == (2, 1)


def test_a_successor_that_jumps_in_while_it_starts_may_wait_and_try_elsewhere() -> None:
    s = rotating()
    links.lost(s, CUT, LOOK_AT_S + 1)
    links.succeed(s, LOOK_AT_S + 1)

    way = s.line.recovery
    assert way is not None
    assert (way.no_worse_than, way.was_live) == (None, True)
    assert way.deadline == LOOK_AT_S + 1 + LIMITS.recovery_budget_s
    assert s.upstream.phase is UpstreamPhase.DIALING
    assert s.line.succession is None


def test_leaving_hangs_up_both_and_blames_nobody() -> None:
    s = rotating()

    assert links.leave(s) == [HangUp(1), HangUp(2)]
    assert s.endpoints.live == 0
    assert s.line.succession is not None
    assert s.line.succession.under_way is None
    assert s.line.succession.tries == {}


def test_leaving_hangs_up_the_successor_of_a_link_that_is_lost_already() -> None:
    s = rotating()
    links.lost(s, CUT, LOOK_AT_S + 1)

    assert links.leave(s) == [HangUp(2)]


def test_before_anything_is_known_the_jitter_is_in_its_bounds_and_the_first_of_the_list_is_meant() -> None:
    s = session(2)
    assert 0 <= s.chance < 1
    assert s.line.first_endpoint == 0


def test_a_link_that_dies_young_spends_the_budget_that_made_it() -> None:
    s = session()
    links.lost(s, CUT, 50.0)
    first = s.line.recovery
    go_on(s, 50.0)
    links.lost(s, CUT, 50.0 + LIMITS.live_settled_s / 2)

    assert s.line.recovery is first


def test_a_successor_that_starts_keeps_its_deadlines_when_the_present_link_dies() -> None:
    s = rotating()

    stopped = {one.name for one in links.lost(s, CUT, LOOK_AT_S + 1) if isinstance(one, StopTimer)}
    assert not stopped & set(STARTING)


def test_a_successor_that_came_to_nothing_makes_no_young_link_old() -> None:
    s = session(2)
    links.lost(s, fault("configuration.quota_exhausted"), 10.0)
    go_on(s, 10.0)
    assert Dial(3, 0) in links.look_for_better(s, 80.0)
    (again_s,) = seconds_of(TIMER_ROTATE, links.successor_lost(s, CUT, 81.0))

    assert again_s == 10.0 + LOOK_AT_S - 81.0


def test_an_old_link_without_a_successor_is_looked_at_again_soon() -> None:
    s = rotating()
    (again_s,) = seconds_of(TIMER_ROTATE, links.successor_lost(s, CUT, LOOK_AT_S + 1))

    assert again_s == LIMITS.live_settled_s


def test_a_life_is_counted_from_its_creation_though_its_settings_are_confirmed_late() -> None:
    s = rotating()
    late = s.starting
    links.opened(s, late)
    links.created(late, "sess", "m", None, LOOK_AT_S)
    links.went_live(s, late, LOOK_AT_S + 4.0)
    links.switch(s)
    (look_s,) = seconds_of(TIMER_ROTATE, links.taken_over(s, LOOK_AT_S + 4.0))

    assert look_s == pytest.approx(LOOK_AT_S - 4.0)


def test_a_long_dial_is_looked_at_again_to_its_end_and_no_other_deadline_is_moved() -> None:
    s = Session(LIMITS, (UpstreamFacts("u0", "openai", "m", (), ""),), Endpoints(["u0"], LIMITS))
    links.start(s, 0.0)
    due = links.plan(s, 0.0)
    assert isinstance(due, DialNow)
    assert due.patience_s > LIMITS.patience_s
    assert seconds_of(TIMER_PATIENCE, links.dial(s, s.upstream, due)) == [LIMITS.patience_s]

    again = [StartTimer(TIMER_PATIENCE, 0.5)]
    assert links.patience_left(s, "".join(TIMER_PATIENCE), due.patience_s - 0.5) == again
    assert links.patience_left(s, TIMER_PATIENCE, due.patience_s) == []
    for other in {*STARTING} - {TIMER_PATIENCE}:
        assert links.patience_left(s, other, LIMITS.patience_s) == []
