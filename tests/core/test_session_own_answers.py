"""The upstream's own answers beside the ones that were asked for: which is which, and what each is about."""

from __future__ import annotations

import pytest

from holdfast.core import effects, events
from holdfast.core.faults import fault
from tests.core.world import World, speak, user_turn

BUSY = "conversation_already_has_active_response"


def collide(world: World) -> None:
    cause = fault("application.invalid_message")
    world.do(events.UpstreamErred(world.generation, cause, BUSY, "busy", "ask_1", benign=True))


def test_a_request_that_crossed_the_servers_own_response_is_made_again() -> None:
    world = World.live()
    world.do(events.TextGiven("hello"))
    world.do(events.ResponseBegan(1, "resp_by_voice_detection"))
    collide(world)
    assert len(world.asked(effects.Respond)) == 1

    world.do(events.ResponseEnded(1, "resp_by_voice_detection", "completed"))
    assert len(world.asked(effects.Respond)) == 2


def test_a_request_that_crossed_a_response_which_came_to_nothing_is_made_once() -> None:
    world = World.live()
    world.do(events.TextGiven("hello"))
    world.do(events.ResponseBegan(1, "resp_by_voice_detection"))
    collide(world)
    world.lose()
    world.redial()
    world.go_live()
    world.do(events.ResponseBegan(2, "resp_2"), events.ResponseEnded(2, "resp_2", "completed"))
    assert len(world.asked(effects.Respond)) == 2


def test_a_collision_with_an_unknown_response_does_not_loop() -> None:
    world = World.live()
    world.do(events.TextGiven("hello"))
    for _ in range(5):
        collide(world)
    assert len(world.asked(effects.Respond)) == 1

    world.do(events.TimerFired("response"), after=1.0)
    assert len(world.asked(effects.Respond)) == 2


@pytest.mark.parametrize("is_told_first", [True, False], ids=["begun before", "begun after"])
def test_what_a_refused_request_asked_is_owed_when_the_servers_own_answer_is_over(
    *, is_told_first: bool
) -> None:
    world = World.live()
    user_turn(world)
    world.do(events.TextGiven("hello"))
    if not is_told_first:
        collide(world)
    world.respond("resp_own", "item_own")
    if is_told_first:
        collide(world)
    world.do(events.OutputTranscribed(1, "resp_own", "item_own", "yes", final=True))
    world.do(events.ResponseEnded(1, "resp_own", "completed"))

    said = [one.content for one in world.asked(effects.Record) if isinstance(one, effects.Record)]
    answer = next(one for one in said if one.get("id") == "item_own")
    text = next(one for one in said if one.get("text") == "hello")
    assert answer["leaves"] == [text["id"]]


def test_a_result_that_met_the_servers_own_answer_is_answered_by_the_next_one() -> None:
    world = World.live()
    user_turn(world, "item_1")
    world.do(events.ResponseBegan(1, "resp_1"), events.ToolCalled(1, "resp_1", "call_1", "read", "{}"))
    world.do(events.ResponseEnded(1, "resp_1", "completed"))
    user_turn(world, "item_2")
    world.do(events.ToolReturned("call_1", "done", "ok"))
    collide(world)
    world.do(events.ResponseBegan(1, "resp_own"), events.ToolCalled(1, "resp_own", "call_2", "read", "{}"))
    world.do(events.ResponseEnded(1, "resp_own", "completed"))
    world.respond("resp_2", "item_3")

    owner = {turn.item_id: turn.response_id for turn in world.session.state.spoken.turns}
    assert owner == {"item_1": "resp_2", "item_2": "resp_own"}


def test_the_late_answer_to_a_turn_that_ended_before_a_request_is_not_the_one_that_was_asked_for() -> None:
    world = World.live()
    speak(world, 10)
    world.do(events.SpeechBegan(1, "item_u", 0))
    speak(world, 10)
    world.do(events.TextGiven("hello"))
    world.do(events.SpeechEnded(1, "item_u", 300), events.InputCommitted(1, "item_u"))
    world.respond("resp_own", "item_own")
    world.do(events.ResponseEnded(1, "resp_own", "completed"))
    state = world.session.state
    assert (state.turn.owes, [turn.is_typed for turn in state.spoken.owed]) == (True, [True])

    world.respond("resp_asked", "item_asked")
    world.do(events.ResponseEnded(1, "resp_asked", "completed"))
    assert (state.turn.owes, list(state.spoken.turns)) == (False, [])
    assert len(world.asked(effects.Respond)) == 1


@pytest.mark.parametrize("happens", ["it is refused", "the user speaks again", "the upstream is lost"])
def test_the_servers_own_answer_is_not_waited_for_when_it_cannot_come_first(happens: str) -> None:
    world = World.live()
    speak(world, 10)
    world.do(events.SpeechBegan(1, "item_u", 0))
    speak(world, 10)
    world.do(events.TextGiven("hello"))
    world.do(events.SpeechEnded(1, "item_u", 300))
    if happens == "it is refused":
        collide(world)
    elif happens == "the user speaks again":
        world.do(events.SpeechBegan(1, "item_v", 400))
    else:
        world.rebuild()
    world.do(events.ResponseBegan(world.generation, "resp_1"))
    assert world.session.state.turn.asked is None


def test_a_request_that_was_sent_before_a_turn_ended_is_answered_first() -> None:
    world = World.live()
    speak(world, 10)
    world.do(events.SpeechBegan(1, "item_u", 0), events.TextGiven("hello"))
    speak(world, 20)
    world.do(events.SpeechEnded(1, "item_u", 500), events.ResponseBegan(1, "resp_1"))
    assert world.session.state.turn.asked is None


@pytest.mark.parametrize("is_refused", [True, False])
def test_an_answer_to_a_turn_is_about_a_text_that_came_before_the_turns_end(*, is_refused: bool) -> None:
    world = World.live()
    world.lose()
    speak(world, 5)
    world.do(events.TextGiven("hello"))
    speak(world, 25)
    world.redial()
    world.go_live()
    world.do(events.SpeechBegan(2, "item_u", 200), events.SpeechEnded(2, "item_u", 500))
    if is_refused:
        collide(world)
    world.respond("resp_own", "item_own")
    world.do(events.ResponseEnded(2, "resp_own", "completed"))

    state = world.session.state
    assert not state.spoken.turns
    assert state.turn.wants_answer is not is_refused


def test_an_answer_to_a_turn_is_about_a_result_that_came_before_the_turns_end() -> None:
    world = World.live()
    user_turn(world, "item_1")
    world.do(events.ResponseBegan(1, "resp_1"), events.ToolCalled(1, "resp_1", "call_1", "read", "{}"))
    world.do(events.ResponseEnded(1, "resp_1", "completed"))
    user_turn(world, "item_2")
    world.respond("resp_2", "item_3")
    world.do(events.ToolReturned("call_1", "done", "ok"))
    speak(world, 25)
    world.do(events.SpeechBegan(1, "item_4", 1000), events.ResponseEnded(1, "resp_2", "cancelled"))
    world.do(events.SpeechEnded(1, "item_4", 1400))
    collide(world)
    world.respond("resp_3", "item_5")
    world.do(events.ResponseEnded(1, "resp_3", "completed"))

    assert not world.session.state.spoken.turns


def test_what_a_fresh_upstream_is_told_stands_before_all_that_it_hears() -> None:
    world = World.live()
    speak(world, 10)
    world.do(events.SpeechBegan(1, "item_u", 0))
    speak(world, 10)
    world.do(events.TextGiven("hello"))
    world.rebuild()
    fail(world, "resp_1")
    world.do(events.SpeechBegan(2, "item_v", 0), events.SpeechEnded(2, "item_v", 300))
    world.respond("resp_own", "item_own")
    world.do(events.ResponseEnded(2, "resp_own", "completed"), events.TimerFired("reask"))

    state = world.session.state
    assert (state.turn.owes, list(state.spoken.turns)) == (False, [])


def fail(world: World, response_id: str) -> None:
    """A response comes to nothing, and the core gives the upstream a moment."""
    g, cause = world.generation, fault("provider.server_error")
    world.do(events.ResponseBegan(g, response_id))
    world.do(events.ResponseEnded(g, response_id, "failed", fault=cause))


def test_the_servers_own_answer_to_a_later_turn_stands_for_one_that_waits_to_be_asked_for_again() -> None:
    world = World.live()
    user_turn(world, "item_1")
    fail(world, "resp_1")
    user_turn(world, "item_2")
    world.respond("resp_2", "item_3")
    world.do(events.ResponseEnded(1, "resp_2", "completed"), events.TimerFired("reask"))

    state = world.session.state
    assert (state.turn.owes, list(state.spoken.turns)) == (False, [])
    assert not world.asked(effects.Respond)


@pytest.mark.parametrize("what", ["a text", "a result"])
def test_what_the_upstream_is_given_after_a_turn_is_asked_about_when_its_own_answer_to_that_is_over(
    what: str,
) -> None:
    world = World.live()
    user_turn(world, "item_1")
    called = events.ToolCalled(1, "resp_1", "call_1", "read", "{}")
    world.do(events.ResponseBegan(1, "resp_1"), called, events.ResponseEnded(1, "resp_1", "completed"))
    user_turn(world, "item_2")
    fail(world, "resp_2")
    user_turn(world, "item_3")
    given: dict[str, events.Event] = {
        "a text": events.TextGiven("hello"),
        "a result": events.ToolReturned("call_1", "done", "ok"),
    }
    speak(world, 10)
    world.do(given[what])
    world.respond("resp_3", "item_4")
    world.do(events.ResponseEnded(1, "resp_3", "completed"))
    assert len(world.asked(effects.Respond)) == 1
