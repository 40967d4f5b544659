"""Leaving an upstream before it leaves us: when a successor is dialled, and the moment it takes over."""

from __future__ import annotations

import pytest

from holdfast.core import effects, events, notices, timers
from holdfast.core.breaker import BreakerState
from holdfast.core.effects import Effect
from holdfast.core.events import SessionOptions
from holdfast.core.faults import fault
from tests.core.world import (
    World,
    dials,
    noted,
    started,
    stopped,
    told,
    two,
    user_turn,
)

STARTING = set(timers.STARTING)


def rotating() -> World:
    """A link grown old, and its successor on its way."""
    world = World.live()
    world.do(events.TimerFired("rotate"), after=3000.0)
    assert world.session.state.successor is not None
    return world


def successor_lives(world: World) -> list[Effect]:
    successor = world.session.state.successor
    assert successor is not None
    return world.link_lives(successor.generation)


def test_a_quiet_moment_is_looked_for_every_second_and_the_end_is_not_passed() -> None:
    world = World.live()
    user_turn(world)
    end = world.session.state.upstream.live_at + 0.95 * 3600
    for now, seconds in (
        (end - 400.0, 1.0),
        (end - 1.5, 1.0),
        (end - 0.75, 0.75),
        (end, 1.0),
        (end + 9, 1.0),
    ):
        world.now = now
        assert started(world.do(events.TimerFired("rotate")))["rotate"] == pytest.approx(seconds)


def test_a_successor_takes_over_when_it_is_late_however_busy_the_talk_is() -> None:
    world = rotating()
    user_turn(world)
    world.respond()
    assert effects.Adopt(2) not in successor_lives(world)
    early = world.do(events.TimerFired("rotate"), after=1.0)
    assert effects.Adopt(2) not in early
    s = world.session.state
    world.now = s.upstream.live_at + 0.95 * 3600
    late = world.do(events.TimerFired("rotate"))
    assert late.index(effects.Adopt(2)) < late.index(effects.HangUp(1))
    (note,) = noted(late, "upstream.rotated")
    assert note == {"generation": 2, "quiet": False}
    assert s.endpoints.live == 1
    assert (s.line.succession, s.successor) == (None, None)
    assert s.line.recovery is not None


@pytest.mark.parametrize("busy", ["speaking", "committed", "tool", "answering"])
def test_nobody_is_moved_in_the_middle_of_something(busy: str) -> None:
    world = rotating()
    if busy == "tool":
        world.do(events.ResponseBegan(1, "resp_1"), events.ToolCalled(1, "resp_1", "call_1", "look", "{}"))
        world.do(events.ResponseEnded(1, "resp_1", "completed"))
    elif busy == "answering":
        world.do(events.ResponseBegan(1, "resp_1"))
    else:
        user_turn(world, commit=busy == "committed")
    assert effects.Adopt(2) not in successor_lives(world)


def test_a_quiet_session_is_moved_at_once() -> None:
    world = rotating()
    moved = successor_lives(world)
    assert noted(moved, "upstream.rotated") == [{"generation": 2, "quiet": True}]
    assert "rotate" in stopped(moved)
    assert not told(moved, notices.Status)
    assert world.session.state.endpoints.live == 1


def test_there_is_one_successor_at_a_time_and_none_without_a_client() -> None:
    world = rotating()
    assert not dials(world.do(events.TimerFired("rotate"), after=1.0))
    world = World.live()
    world.now += 10
    world.lose()
    assert world.do(events.TimerFired("rotate")) == []


def test_a_link_that_grew_old_while_its_client_was_away_is_left_when_it_is_back() -> None:
    world = World.live()
    world.now += 3000.0
    world.do(events.ClientGone(1006))
    away = world.do(events.TimerFired("rotate"))
    assert not dials(away)
    assert started(away) == {"rotate": 1.0}
    world.do(events.ResumeAsked("epoch", world.session.state.output.offset, "token2"))
    assert len(dials(world.do(events.TimerFired("rotate"), after=1.0))) == 1


def test_a_successor_that_fails_is_hung_up_and_looked_for_again() -> None:
    world = rotating()
    lost = world.do(events.UpstreamLost(2, fault("provider.unreachable")))
    assert effects.HangUp(2) in lost
    assert stopped(lost) == STARTING
    assert started(lost) == {"rotate": 2.0}
    (note,) = noted(lost, "upstream.successor_lost")
    assert note["fault"] == "provider.unreachable"
    (status,) = world.session.state.endpoints.status(world.now)
    assert (status.live, status.dialing) == (1, 0)
    world.do(events.TimerFired("rotate"), after=2.0)
    assert world.session.state.successor is not None


@pytest.mark.parametrize(("model", "state"), [("my-own", BreakerState.CLOSED), (None, BreakerState.REFUSED)])
def test_a_model_that_only_this_client_chose_bars_nobody(model: str | None, state: BreakerState) -> None:
    world = World.live(SessionOptions(model=model))
    world.do(events.TimerFired("rotate"), after=3000.0)
    world.do(events.UpstreamLost(2, fault("configuration.model_not_found")))
    endpoints = world.session.state.endpoints
    assert [one.state for one in endpoints.status(world.now)] == [state]


def test_a_successor_that_waited_too_long_and_died_is_counted_as_lost() -> None:
    world = rotating()
    user_turn(world)
    world.respond()
    successor_lives(world)
    endpoints = world.session.state.endpoints
    assert endpoints.live == 2
    world.do(events.UpstreamLost(2, fault("provider.closed")))
    assert endpoints.live == 1
    assert world.session.state.upstream.generation == 1


def test_a_successor_that_stays_silent_is_given_up_and_the_talk_goes_on() -> None:
    world = rotating()
    silent = world.do(events.TimerFired("dial"), after=10.0)
    assert effects.HangUp(2) in silent
    assert noted(silent, "upstream.successor_lost")[0]["fault"] == "provider.handshake_timeout"
    assert not told(silent, notices.Status)
    assert world.session.state.upstream.is_live


def test_when_the_old_link_dies_its_successor_takes_over_as_far_as_it_has_come() -> None:
    world = rotating()
    lost = world.lose("provider.session_expired")
    assert not dials(lost)
    assert started(lost)["tell_trouble"] == 0.3
    recovery = world.session.state.line.recovery
    assert recovery is not None
    assert (recovery.was_live, recovery.no_worse_than, recovery.began_at, recovery.budget_s) == (
        True,
        None,
        world.now,
        15.0,
    )
    new = world.go_live()
    assert effects.Adopt(2) in new
    assert noted(new, "session.rebuilt")


def test_when_the_old_link_dies_a_successor_that_is_ready_takes_over_at_once() -> None:
    world = rotating()
    user_turn(world)
    world.respond()
    successor_lives(world)
    lost = world.lose("provider.session_expired")
    assert effects.Adopt(2) in lost
    assert "tell_trouble" not in started(lost)
    assert (world.session.state.line.succession, world.session.state.successor) == (None, None)
    assert world.session.state.endpoints.live == 1


def test_the_better_upstream_is_looked_for_every_quarter_of_a_minute_and_taken() -> None:
    world = two()
    world.go_live()
    world.now += 10
    world.lose("provider.server_error")
    for _ in range(5):
        if world.session.state.upstream.endpoint == 0:
            world.lose("provider.unreachable")
            world.redial()
    world.go_live()
    assert world.session.state.upstream.endpoint == 1
    early = world.do(events.TimerFired("return_to_preferred"), after=15.0)
    assert not dials(early)
    assert started(early) == {"return_to_preferred": 15.0}
    late = world.do(events.TimerFired("return_to_preferred"), after=60.0)
    (dial,) = dials(late)
    assert isinstance(dial, effects.Dial)
    assert dial.endpoint == 0
    assert noted(late, "upstream.rotating") == [{"reason": "preferred", "upstream": "openai"}]
    assert started(late)["return_to_preferred"] == 15.0
    again = world.do(events.TimerFired("return_to_preferred"), after=15.0)
    assert not dials(again), "one at a time"
    assert started(again) == {"return_to_preferred": 15.0}, "it may come to nothing"
    (status,) = told(successor_lives(world), notices.Status)
    assert status.upstream["name"] == "openai"  # type: ignore[union-attr,index]


def test_the_better_upstream_is_taken_after_an_absence_and_not_meanwhile() -> None:
    world = two()
    world.lose("configuration.quota_exhausted")
    world.redial()
    world.go_live()
    assert world.session.state.upstream.endpoint == 1
    world.now += 75.0
    world.do(events.ClientGone(1006))
    away = world.do(events.TimerFired("return_to_preferred"))
    assert not dials(away)
    assert started(away) == {"return_to_preferred": 15.0}
    world.do(events.ResumeAsked("epoch", world.session.state.output.offset, "token2"), after=1.0)
    assert len(dials(world.do(events.TimerFired("return_to_preferred"), after=14.0))) == 1


def test_nobody_looks_for_a_better_upstream_without_a_link() -> None:
    world = two()
    world.go_live()
    world.now += 10
    world.lose()
    assert world.do(events.TimerFired("return_to_preferred")) == []
