"""While no upstream can be reached: who starts is told at once, and comes again for the next probe."""

from __future__ import annotations

from typing import TypeVar

import pytest

from holdfast.core import events, notices
from holdfast.core.effects import CloseClient, Dial, Note, Record, StartTimer, Tell
from holdfast.core.endpoints import Endpoints
from holdfast.core.limits import Limits
from holdfast.core.recovery import DialNow, NoHope, Recovery, WaitFor
from tests.core.node import BUSY, DOWN, KEY, Node
from tests.core.world import World, speak

BUDGET_S = Limits().recovery_budget_s
WAIT_S = 1.5


class Dark(Node):
    """A node whose upstreams have failed since `lasts_s` ago, with a probe that failed just now."""

    def __init__(self, names: int = 1, lasts_s: float = BUDGET_S + 5.0, wait_s: float = WAIT_S) -> None:
        super().__init__(names, Limits(outage_wait_s=wait_s))
        for _ in range(names):
            self.break_endpoint()
        self.now += lasts_s
        for _ in range(names):
            self.probe_fails()

    def probe_fails(self) -> None:
        recovery, dial = self.dial(self.newcomer())
        assert dial.is_probe
        self.endpoints.dropped(self.fail(recovery))

    def newcomer(self) -> Recovery:
        return Recovery(self.now, was_live=False, budget_s=35.0, is_first=True)

    def until_probe_s(self) -> float:
        opens_in = [one.opens_again_in_s for one in self.endpoints.status(self.now)]
        return min(one for one in opens_in if one is not None)


def test_who_starts_is_told_at_once_with_the_fault_and_a_time() -> None:
    told = Dark().end(Dark().newcomer())
    assert (told.cause, told.is_outage) == (DOWN, True)
    assert told.retry_after_s is not None


def test_by_default_nobody_is_turned_away_before_a_probe_was_asked() -> None:
    node = Dark(wait_s=Limits().outage_wait_s)
    for _ in range(8):
        recovery = node.newcomer()
        began = node.now
        _, dial = node.until_dial(recovery)
        assert dial.is_probe
        assert node.now - began <= 4.001
        node.endpoints.dropped(node.fail(recovery))
        node.now += 0.5


def test_before_it_has_lasted_a_whole_budget_who_starts_waits() -> None:
    node = Dark(lasts_s=BUDGET_S - 0.1)
    assert not node.wait(node.newcomer()).is_outage


def test_who_had_an_upstream_keeps_its_whole_budget() -> None:
    node = Dark()
    for recovery in (Recovery(node.now, was_live=True, budget_s=15.0), node.starting()):
        assert not node.wait(recovery).is_outage


def test_it_is_told_to_come_somewhat_before_the_next_probe_each_at_its_own_moment() -> None:
    node = Dark()
    seen = []
    for chance in (0.0, 0.5, 0.999):
        node.chance = chance
        seen.append(node.end(node.newcomer()).retry_after_s)
    early_s = [node.until_probe_s() - one for one in seen if one is not None]
    assert early_s == pytest.approx([0.5 * WAIT_S, 0.7 * WAIT_S, 0.9 * WAIT_S], abs=0.001)


def test_who_comes_then_waits_for_the_probe_and_is_the_probe_if_nobody_is() -> None:
    node = Dark()
    node.now += node.until_probe_s() - 0.9 * WAIT_S
    recovery = node.newcomer()
    assert node.wait(recovery).is_outage
    waited_s, dial = node.until_dial(recovery)
    assert dial.is_probe
    assert waited_s == pytest.approx(0.9 * WAIT_S)


def test_the_answer_of_a_probe_that_is_out_is_waited_for_and_not_for_long() -> None:
    node = Dark()
    node.now += node.until_probe_s()
    node.dial(node.newcomer())
    waiting = node.newcomer()
    began = node.now
    while isinstance(decision := node.decide(waiting), WaitFor):
        assert decision.is_outage
        node.now += decision.seconds
    assert isinstance(decision, NoHope)
    assert WAIT_S / 2 <= node.now - began <= WAIT_S / 2 + 0.5
    assert decision.retry_after_s == pytest.approx(began + 4.0 - 0.7 * WAIT_S - node.now)


def test_while_a_probe_hangs_who_comes_shortly_before_its_end_waits_for_the_next() -> None:
    node = Dark()
    node.now += node.until_probe_s()
    hanging, _ = node.dial(node.newcomer())
    node.now += 2.0
    assert node.end(node.newcomer()).is_outage
    node.now += 0.7
    waiting = node.newcomer()
    assert node.wait(waiting).is_outage
    node.now += 1.3
    node.endpoints.dropped(node.fail(hanging))
    assert node.dial(waiting)[1].is_probe


def test_whose_own_probe_hung_is_not_turned_away_just_before_the_next_one() -> None:
    node = Dark()
    node.now += node.until_probe_s()
    probing, _ = node.dial(node.newcomer())
    node.fail(probing, after=3.995)
    assert node.wait(probing).seconds == pytest.approx(0.01)
    node.now += 0.01
    assert node.dial(probing)[1].is_probe


def test_who_waits_dials_as_soon_as_the_probe_is_live() -> None:
    node = Dark()
    node.now += node.until_probe_s()
    probing, _ = node.dial(node.newcomer())
    waiting = node.newcomer()
    node.wait(waiting)
    node.now += 0.3
    node.go_live(probing)
    decision = node.decide(waiting)
    assert isinstance(decision, DialNow)
    assert not decision.is_probe


def test_all_must_be_gone_for_that_and_one_that_asks_for_patience_is_not() -> None:
    assert Dark(2).end(Dark(2).newcomer()).is_outage
    for cause, is_outage in ((BUSY, False), (KEY, True)):
        node = Node(2)
        node.break_endpoint()
        recovery, _ = node.dial()
        node.endpoints.dropped(node.fail(recovery, cause))
        node.now += BUDGET_S + 5.0
        assert node.endpoints.is_outage(node.now) is is_outage


# the session


def dark_session() -> tuple[World, Dark]:
    node = Dark()
    world = World.new(endpoints=node.endpoints, durability="local")
    world.now = node.now
    return world, node


Kind = TypeVar("Kind")


def seen(world: World, kind: type[Kind]) -> list[Kind]:
    """Effects of a kind, or what the client was told of a kind."""
    told = [one.notice for one in world.effects if isinstance(one, Tell)]
    return [one for one in (*world.effects, *told) if isinstance(one, kind)]


def errors(world: World) -> list[tuple[str, bool]]:
    return [(one.code, one.retry_after_ms is not None) for one in seen(world, notices.Error)]


def test_a_session_that_cannot_begin_is_promised_nothing() -> None:
    world, _ = dark_session()
    world.create()
    assert errors(world) == [("SESSION_INITIALIZATION_FAILED", True)]
    assert [one.fault for one in seen(world, notices.SessionEnded)] == [DOWN]
    assert not seen(world, notices.SessionCreated)
    assert not seen(world, Record)
    assert [one.code for one in seen(world, CloseClient)] == [4503]
    assert [one.level for one in seen(world, Note)] == ["debug"]
    assert world.has_ended()


def waiting_session() -> World:
    world, node = dark_session()
    world.now += node.until_probe_s() - 0.5
    world.create()
    assert [(one.state, one.fault) for one in seen(world, notices.Status)] == [("connecting", DOWN)]
    assert len(seen(world, Tell)) == 1
    return world


def retry(world: World) -> None:
    waits = [one for one in seen(world, StartTimer) if one.name == "retry"]
    world.do(events.TimerFired("retry", 0.5), after=waits[-1].seconds)


def test_it_begins_when_there_is_somebody_to_begin_with() -> None:
    world = waiting_session()
    while not seen(world, Dial):
        retry(world)
    assert len(seen(world, notices.SessionCreated)) == 1
    world.go_live()
    assert len(seen(world, notices.SessionReady)) == 1


def test_one_that_waits_to_begin_is_not_asked_for_twice() -> None:
    world = waiting_session()
    world.create()
    assert errors(world) == [("INVALID_MESSAGE", False)]
    assert not world.has_ended()


def test_what_is_said_while_it_waits_is_kept_and_what_is_typed_is_asked_for_again() -> None:
    world = waiting_session()
    said = speak(world, 10)
    world.do(events.TextGiven("hello"), events.CancelAsked())
    assert {code for code, _ in errors(world)} == {"OPENAI_CONNECTION_NOT_READY"}
    while not seen(world, Dial):
        retry(world)
    world.go_live()
    assert world.sent_audio() == said


def test_a_client_that_says_goodbye_while_it_waits_is_let_go() -> None:
    world = waiting_session()
    world.do(events.EndAsked())
    assert [one.reason for one in seen(world, notices.SessionEnded)] == ["ended_by_client"]
    assert [one.code for one in seen(world, CloseClient)] == [1000]


def test_a_client_that_goes_while_it_waits_leaves_nothing_behind() -> None:
    world = waiting_session()
    world.do(events.ClientGone(1006, ""))
    assert world.has_ended()
    assert not seen(world, Record)


def test_a_session_that_was_ready_waits_for_its_whole_budget_when_its_client_comes_back() -> None:
    node = Node()
    world = World.new(endpoints=node.endpoints)
    world.now = node.now
    world.create()
    world.go_live()
    world.do(events.ClientGone(1006, ""))
    world.do(events.TimerFired("upstream_alone"), after=30.0)
    endpoints: Endpoints = node.endpoints
    node.now = world.now
    node.break_endpoint()
    world.now = node.now + BUDGET_S + 1.0
    node.now = world.now
    probing, _ = node.dial()
    node.endpoints.dropped(node.fail(probing))
    assert endpoints.is_outage(world.now)
    world.do(events.ResumeAsked("epoch", 0, "token2"))
    assert not world.has_ended()
