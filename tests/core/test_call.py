"""A call over WebRTC: its sideband held, its settings kept, its tools at most once, its end."""

from __future__ import annotations

import pytest

from holdfast.core import call as core
from holdfast.core.call import Call, CallPhase
from holdfast.core.effects import Finish, Note, StartTimer
from holdfast.core.faults import fault
from holdfast.core.limits import Limits

LIMITS = Limits(session_s=100, idle_s=30)
GONE = fault("provider.connection_lost")
UNKNOWN = fault("configuration.model_not_found")


def held() -> Call:
    call = Call(LIMITS, frozenset({"balance"}))
    call.receive(core.CallBegan(), 0)
    call.receive(core.SidebandOpened(1), 0)
    assert call.phase is CallPhase.HELD
    return call


def kinds(effects: list[core.CallEffect]) -> list[type]:
    return [type(one) for one in effects if not isinstance(one, Note)]


def test_a_lost_sideband_is_dialled_again_and_nobody_notices() -> None:
    call = held()
    assert kinds(call.receive(core.SidebandLost(1, GONE), 1)) == [StartTimer]
    assert call.receive(core.CallTimer(core.TIMER_CALL_RETRY), 2) == [core.DialSideband(2)]
    assert call.receive(core.SidebandLost(1, GONE), 3) == [], "the second report bears a dead generation"
    call.receive(core.SidebandOpened(2), 3)
    assert call.phase is CallPhase.HELD


def test_a_call_that_is_no_longer_known_is_over() -> None:
    call = held()
    call.receive(core.SidebandLost(1, GONE), 1)
    call.receive(core.CallTimer(core.TIMER_CALL_RETRY), 2)
    ended = call.receive(core.SidebandLost(2, UNKNOWN), 3)
    assert kinds(ended) == [Finish], "nobody has to be told to hang up"
    assert call.receive(core.HangUpAsked("late"), 4) == []


def test_a_call_that_is_not_known_yet_is_asked_for_again() -> None:
    call = Call(LIMITS)
    call.receive(core.CallBegan(), 0)
    for generation in (1, 2):
        assert StartTimer in kinds(call.receive(core.SidebandLost(generation, UNKNOWN), generation))
        call.receive(core.CallTimer(core.TIMER_CALL_RETRY), generation)
    assert core.HangUpCall in kinds(call.receive(core.SidebandLost(3, UNKNOWN), 3))


def test_who_cannot_be_held_is_hung_up() -> None:
    call = held()
    for generation in range(1, 1 + core.DIALS_MAX):
        assert core.HangUpCall not in kinds(call.receive(core.SidebandLost(generation, GONE), 1))
        call.receive(core.CallTimer(core.TIMER_CALL_RETRY), 1)
    assert core.HangUpCall in kinds(call.receive(core.SidebandLost(1 + core.DIALS_MAX, GONE), 1))
    assert kinds(call.receive(core.HungUp(), 2)) == [Finish]


def test_settings_that_somebody_changes_are_set_again_and_then_it_is_enough() -> None:
    call = held()
    assert call.receive(core.SettingsTold(is_altered=False), 1) == []
    for _ in range(core.REASSERTED_MAX):
        assert kinds(call.receive(core.SettingsTold(is_altered=True), 1)) == [core.SetAgain]
    assert core.HangUpCall in kinds(call.receive(core.SettingsTold(is_altered=True), 1))


def test_a_tool_runs_once_and_its_result_waits_for_a_sideband() -> None:
    call = held()
    asked = core.ToolCalled("c1", "balance", "{}")
    assert call.receive(asked, 1) == [core.RunTool("c1", "balance", "{}")]
    assert call.receive(asked, 1) == []
    assert call.receive(core.ToolCalled("c2", "the_pages_own", "{}"), 1) == []
    call.receive(core.SidebandLost(1, GONE), 2)
    assert call.receive(core.ToolEnded("c1", "nine"), 3) == []
    call.receive(core.CallTimer(core.TIMER_CALL_RETRY), 4)
    assert kinds(call.receive(core.SidebandOpened(2), 5)) == [core.TellResult]
    assert call.receive(asked, 6) == [], "nor is it run again for a sideband that tells it again"


@pytest.mark.parametrize(("moves", "ends_at"), [([], 30.0), ([10.0, 29.0], 59.0)])
def test_nobody_there_is_an_end(moves: list[float], ends_at: float) -> None:
    call = held()
    for at in moves:
        call.receive(core.CallMoved(), at)
    due, at = call.receive(core.CallTimer(core.TIMER_CALL_IDLE), 30.0), 30.0
    while core.HangUpCall not in kinds(due):
        (again,) = due
        assert isinstance(again, StartTimer)
        at += again.seconds
        due = call.receive(core.CallTimer(core.TIMER_CALL_IDLE), at)
    assert at == ends_at


def test_no_call_lasts_for_ever_and_its_cost_is_told() -> None:
    call = held()
    call.receive(core.CallMoved(tokens=70), 1)
    call.receive(core.CallMoved(tokens=30), 2)
    assert core.HangUpCall in kinds(call.receive(core.CallTimer(core.TIMER_CALL_LIFE), 100))
    assert core.HangUpCall not in kinds(call.receive(core.HangUpAsked("asked"), 100)), "once is enough"
    told = call.receive(core.HungUp(), 101)
    assert Note("call.ended", "info", {"seconds": 101, "tokens": 100}) in told
