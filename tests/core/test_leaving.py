"""A spent budget ends a session politely: the answer is finished, a goodbye is said, then comes the end."""

from __future__ import annotations

import pytest

from holdfast.core import effects, events, notices, relay_effects
from holdfast.core import relay_events as heard
from holdfast.core.events import BudgetSpent, SessionOptions
from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from holdfast.core.relay import Relay
from holdfast.core.timers import TIMER_GOODBYE
from tests.core.relay_world import RelayWorld, surroundings
from tests.core.world import World, user_turn

SESSION = fault("configuration.session_budget", ["session_usd: 0.5 of 0.5 USD"])
DAY = fault("configuration.customer_budget", ["customer_usd_per_day"], retry_after_s=3_600.0)


def look(world: World, after: float = 0.25) -> None:
    world.do(events.TimerFired(TIMER_GOODBYE), after=after)


def said(world: World) -> list[str | None]:
    return [one.say for one in world.effects if isinstance(one, effects.Respond)]


def end_of(world: World) -> notices.SessionEnded:
    (ended,) = world.told(notices.SessionEnded)
    assert isinstance(ended, notices.SessionEnded)
    return ended


def test_the_answer_is_finished_and_heard_before_the_goodbye() -> None:
    world = World.live()
    world.respond(samples=24_000)
    world.do(BudgetSpent(SESSION))
    look(world)
    assert said(world) == []
    assert not world.asked(effects.CancelResponse)

    world.do(events.ResponseEnded(1, "resp_1", "completed"))
    look(world)
    assert said(world) == [], "it is still to be heard"
    look(world, after=1.0)
    assert said(world) == [SESSION.row.message]

    world.respond("resp_2", "item_2", samples=12_000)
    world.do(events.ResponseEnded(1, "resp_2", "completed"))
    look(world, after=0.1)
    assert not world.has_ended(), "the goodbye is heard, too"
    look(world, after=0.5)
    assert world.has_ended()
    ended = end_of(world)
    assert (ended.reason, ended.fault, ended.retry_after_ms) == ("budget_spent", SESSION, None)
    (close,) = [one for one in world.effects if isinstance(one, effects.CloseClient)]
    assert close.code == 4429


def test_who_is_speaking_is_heard_out_and_answered() -> None:
    world = World.live()
    user_turn(world, commit=False)
    world.do(BudgetSpent(SESSION))
    look(world)
    assert said(world) == []

    world.do(events.SpeechEnded(1, "item_u", 500), events.InputCommitted(1, "item_u"))
    look(world)
    assert said(world) == []
    world.respond(samples=240)
    world.do(events.ResponseEnded(1, "resp_1", "completed"))
    look(world, after=1.0)
    assert said(world) == [SESSION.row.message]


def test_nobody_talks_on_for_ever() -> None:
    world = World.live(limits=Limits(goodbye_s=20.0))
    world.respond(samples=240)
    world.do(BudgetSpent(DAY))
    look(world, after=19.9)
    assert not world.has_ended()
    look(world, after=0.2)

    assert end_of(world).retry_after_ms == 3_600_000
    (done,) = world.told(notices.ResponseDone)
    assert isinstance(done, notices.ResponseDone)
    assert done.fault == DAY


def test_with_nobody_to_speak_the_goodbye_is_in_writing() -> None:
    world = World.live()
    world.lose()
    world.do(BudgetSpent(SESSION))
    assert end_of(world).fault == SESSION

    world = World.live()
    world.do(events.ClientGone(1006), BudgetSpent(SESSION))
    assert world.has_ended(), "an upstream costs money also while the client is away"


def test_where_nobody_answers_what_was_said_is_written_down_first() -> None:
    world = World.live(SessionOptions(mode="transcription"))
    user_turn(world)
    world.do(BudgetSpent(SESSION))
    look(world)
    assert not world.has_ended()
    world.do(events.UserTranscribed(1, "item_u", "hello", final=True))
    look(world)
    assert (world.has_ended(), said(world)) == (True, [])


def test_it_is_told_once() -> None:
    world = World.live()
    world.respond()
    world.do(BudgetSpent(SESSION), BudgetSpent(DAY))
    look(world, after=30)

    assert end_of(world).fault == SESSION


def test_no_session_begins_where_nothing_is_left() -> None:
    world = World.new()
    world.do(events.SessionAsked(SessionOptions(), "hf_1", "token", "epoch", refusal=DAY))

    (error,) = world.told(notices.Error)
    assert isinstance(error, notices.Error)
    assert (error.code, error.fault, error.retry_after_ms) == (
        "SESSION_INITIALIZATION_FAILED",
        DAY,
        3_600_000,
    )
    assert end_of(world).fault == DAY
    assert not world.told(notices.SessionCreated)
    assert not world.asked(effects.Dial), "nothing is spent on saying no"


def errors(world: RelayWorld) -> list[tuple[str, str]]:
    told = [one for one in world.effects if isinstance(one, relay_effects.SendError)]
    return [(relay_effects.error_type(one.fault), one.code) for one in told]


def test_behind_v1_realtime_the_answer_is_finished_and_the_dialect_has_a_word_for_it() -> None:
    world = RelayWorld.live()
    world.respond("resp_1")
    world.output("resp_1", "item_1")
    world.do(BudgetSpent(DAY))
    world.word("resp_1", "item_1", "hello")
    assert not world.has_ended()
    world.done("resp_1")

    assert world.has_ended()
    assert errors(world) == [("insufficient_quota", "insufficient_quota")]
    (close,) = [one for one in world.effects if isinstance(one, effects.CloseClient)]
    assert (close.code, close.reason) == (4429, "insufficient_quota.configuration.customer_budget")


@pytest.mark.parametrize("is_answering", [False, True])
def test_behind_v1_realtime_it_ends_at_once_when_quiet_and_at_the_deadline_when_not(
    is_answering: bool,  # noqa: FBT001 - a case
) -> None:
    world = RelayWorld.live()
    if is_answering:
        world.respond("resp_1")
    world.do(BudgetSpent(SESSION))
    assert world.has_ended() is not is_answering
    world.timer(TIMER_GOODBYE, after=20)

    assert world.has_ended()
    assert errors(world) == [("insufficient_quota", "insufficient_quota")]


def test_behind_v1_realtime_no_session_begins_where_nothing_is_left() -> None:
    due = Relay(surroundings()).receive(heard.Begun("rt_1", "epoch", refusal=DAY), 0.0)

    assert [one.code for one in due if isinstance(one, relay_effects.SendError)] == ["insufficient_quota"]
    assert not [one for one in due if isinstance(one, effects.Dial)]
