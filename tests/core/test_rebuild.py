"""What is saved from a lost upstream, and what the next one is told: nothing twice, nothing lost unnamed."""

from __future__ import annotations

import pytest

from holdfast.core import effects, events, notices
from holdfast.core.effects import Effect, StartTimer
from holdfast.core.endpoints import Endpoints
from holdfast.core.events import SessionOptions
from holdfast.core.limits import Limits
from tests.core.world import World, noted, pcm, speak, stopped, told, user_turn

SHORT = Limits(input_before_session_s=1.0, input_held_s=1.0, input_replayed_s=1.0)
"""Of what an upstream was given a second is kept."""


def told_again(step: list[Effect]) -> list[Effect]:
    """The conversation as the fresh upstream gets it."""
    kinds = effects.AddText | effects.AddSpeech | effects.AddCall | effects.AddToolResult | effects.Respond
    return [e for e in step if isinstance(e, kinds)]


def lost(step: list[Effect]) -> list[tuple[int, int, str]]:
    named = [e for e in told(step, notices.AudioLost) if isinstance(e, notices.AudioLost)]
    return [(e.from_sample, e.to_sample, e.reason) for e in named]


def done(step: list[Effect]) -> list[tuple[str, str, str | None]]:
    ends = [e for e in told(step, notices.ResponseDone) if isinstance(e, notices.ResponseDone)]
    return [(e.response_id, e.status, e.reason) for e in ends]


def lose(world: World) -> list[Effect]:
    world.now += 10
    return world.lose()


def called(world: World, response: str = "resp_1", call: str = "call_1") -> None:
    """A response that calls a tool and ends."""
    g = world.generation
    world.do(events.ResponseBegan(g, response), events.ToolCalled(g, response, call, "look", "{}"))
    world.do(events.ResponseEnded(g, response, "completed"))


# the response that was under way


def test_an_answer_that_was_interrupted_is_over_and_not_carried_on() -> None:
    world = World.live()
    user_turn(world)
    world.respond(samples=48_000)
    world.do(events.OutputTranscribed(1, "resp_1", "item_1", "You owe", final=False), events.CancelAsked())
    assert done(lose(world)) == [("resp_1", "cancelled", None)]
    again = told_again(world.go_live())
    assert not [e for e in again if isinstance(e, effects.Respond | effects.AddSpeech)]


def test_what_was_only_begun_is_asked_for_again_and_ends_once() -> None:
    world = World.live()
    user_turn(world)
    world.do(events.ResponseBegan(1, "resp_1"))
    assert done(lose(world)) == []
    assert len([e for e in world.go_live() if isinstance(e, effects.Respond)]) == 1
    world.do(events.ResponseBegan(2, "resp_x"))
    assert done(lose(world)) == [("resp_1", "incomplete", "upstream_lost")]
    again = told_again(world.redial() + world.go_live())
    assert [type(e) for e in again] == [effects.AddSpeech, effects.Respond]


def test_sound_is_enough_to_be_told_and_so_are_words_and_calls() -> None:
    for said in (
        events.OutputAudio(1, "resp_1", "item_1", pcm(2400)),
        events.OutputTranscribed(1, "resp_1", "item_1", "You owe", final=False),
        events.ToolCalled(1, "resp_1", "call_1", "look", "{}"),
    ):
        world = World.live()
        user_turn(world)
        world.do(events.ResponseBegan(1, "resp_1"), said)
        assert done(lose(world)) == [("resp_1", "incomplete", "upstream_lost")]


@pytest.mark.parametrize(("earlier", "this"), [("resp_a", "resp_b"), ("resp_b", "resp_a")])
def test_the_sound_of_an_earlier_answer_is_not_that_of_this_one(earlier: str, this: str) -> None:
    world = World.live()
    user_turn(world)
    world.respond(earlier, "item_1")
    world.do(events.ResponseEnded(1, earlier, "completed"), events.ResponseBegan(1, this))
    assert done(lose(world)) == []


def test_an_answer_that_called_a_tool_is_not_carried_on_for_the_tool_will_lead_on() -> None:
    world = World.live()
    user_turn(world)
    world.respond()
    world.do(
        events.OutputTranscribed(1, "resp_1", "item_1", "Let me see", final=False),
        events.ToolCalled(1, "resp_1", "call_1", "look", "{}"),
    )
    lose(world)
    again = told_again(world.go_live())
    assert not [e for e in again if isinstance(e, effects.Respond)]
    after = told_again(world.do(events.ToolReturned("call_1", "nine", "ok")))
    assert after[-1] == effects.Respond()


def test_an_answer_is_not_carried_on_over_somebody_who_speaks() -> None:
    world = World.live()
    world.respond()
    world.do(events.OutputTranscribed(1, "resp_1", "item_1", "You owe", final=False))
    lose(world)
    speak(world, 3)
    world.session.state.spoken.begin("item_u", 0).awaits = True
    assert not [e for e in world.go_live() if isinstance(e, effects.Respond)]


def test_a_question_asked_meanwhile_is_answered_in_place_of_the_rest() -> None:
    world = World.live()
    world.respond()
    world.do(events.OutputTranscribed(1, "resp_1", "item_1", "You owe", final=False))
    lose(world)
    world.do(events.TextGiven("never mind"))
    asked = [e for e in world.go_live() if isinstance(e, effects.Respond)]
    assert asked == [effects.Respond()]


def test_the_rest_of_an_answer_is_asked_for_once() -> None:
    world = World.live()
    world.respond()
    world.do(events.OutputTranscribed(1, "resp_1", "item_1", "You owe", final=False))
    lose(world)
    assert effects.Respond(carry_on="You owe") in world.go_live()
    world.do(events.ResponseBegan(2, "resp_2"), events.ResponseEnded(2, "resp_2", "completed"))
    lose(world)
    assert not [e for e in world.go_live() if isinstance(e, effects.Respond)]


# what the user said


def test_of_a_long_utterance_only_the_end_is_left_and_its_beginning_is_named() -> None:
    world = World.live(limits=SHORT)
    world.do(events.SpeechBegan(1, "item_u", 0))
    speak(world, 75, 7)
    step = lose(world) + world.do(events.TimerFired("losses"), after=1.0)
    assert lost(step) == [(0, 12_000, "upstream_lost")]
    assert "order" in stopped(step)
    (turn,) = world.session.state.spoken.turns
    assert (turn.first, turn.last, turn.awaits) == (12_000, None, True)
    assert b"".join(e.pcm for e in world.go_live() if isinstance(e, effects.Append)) == pcm(24_000, 7)


def test_an_utterance_that_is_still_whole_loses_nothing() -> None:
    world = World.live(limits=SHORT)
    speak(world, 20, 3)
    world.do(events.SpeechBegan(1, "item_u", 400))
    speak(world, 25, 7)
    (turn,) = world.session.state.spoken.turns
    first = turn.first
    assert first > 0
    step = lose(world) + world.do(events.TimerFired("losses"), after=1.0)
    assert (lost(step), turn.first) == ([], first)
    assert next(e.start for e in world.go_live() if isinstance(e, effects.Append)) == first


@pytest.mark.parametrize("lived_s", [0.0, 60.0])
@pytest.mark.parametrize(("since_s", "is_named"), [(14.9, True), (15.0, False)])
def test_what_was_given_since_a_ping_could_tell_and_is_not_kept_is_named(
    lived_s: float, since_s: float, *, is_named: bool
) -> None:
    world = World.live(limits=SHORT)
    world.now += lived_s
    world.do(*(events.ClientAudio(pcm(12_000)) for _ in range(3)))
    world.now += since_s
    step = world.lose() + world.do(events.TimerFired("losses"), after=1.0)
    assert lost(step) == ([(0, 12_000, "upstream_lost")] if is_named else [])


def test_a_link_is_not_left_before_its_end_while_it_may_not_have_heard_what_is_not_kept() -> None:
    world = World.live(limits=SHORT)
    world.now += 3000
    world.do(*(events.ClientAudio(pcm(12_000)) for _ in range(3)))
    world.do(events.TimerFired("rotate"))
    step = world.link_lives(2)
    assert effects.HangUp(1) not in step
    assert StartTimer("rotate", 1.0) in step
    assert effects.HangUp(1) not in world.do(events.TimerFired("rotate"), after=14.9)
    step = world.do(events.TimerFired("rotate"), after=0.1)
    assert effects.HangUp(1) in step
    assert lost(step + world.do(events.TimerFired("losses"), after=1.0)) == []


def test_what_a_link_may_not_have_heard_that_must_be_left_at_once_is_named() -> None:
    world = World.live(limits=SHORT)
    world.now += 3500
    world.do(*(events.ClientAudio(pcm(12_000)) for _ in range(3)))
    world.do(events.TimerFired("rotate"))
    step = world.link_lives(2)
    assert effects.HangUp(1) in step
    assert lost(step + world.do(events.TimerFired("losses"), after=1.0)) == [(0, 12_000, "upstream_lost")]


def test_what_waits_too_long_on_its_way_back_is_named() -> None:
    world = World.live(limits=SHORT)
    world.do(events.SpeechBegan(1, "item_u", 0))
    speak(world, 50, 7)
    lose(world)
    speak(world, 10, 8)
    world.do(events.TimerFired("losses"), after=1.0)
    ranges = lost(world.effects)
    assert {reason for _, _, reason in ranges} == {"held_too_long"}
    assert [at for first, last, _ in ranges for at in range(first, last)] == list(range(4800))


def test_of_a_long_question_the_end_is_told_again_and_the_rest_is_named() -> None:
    world = World.live(limits=SHORT)
    world.do(events.SpeechBegan(1, "item_u", 0))
    speak(world, 75, 7)
    world.do(events.SpeechEnded(1, "item_u", 1500), events.InputCommitted(1, "item_u"))
    step = lose(world) + world.go_live() + world.do(events.TimerFired("losses"), after=1.0)
    assert lost(step) == [(0, 12_000, "upstream_lost")]
    (speech,) = [e for e in step if isinstance(e, effects.AddSpeech)]
    assert (speech.item_id, speech.pcm) == ("item_u", pcm(24_000, 7))


def test_a_question_is_told_again_as_it_was_spoken_even_when_its_words_are_known() -> None:
    world = World.live()
    user_turn(world)
    world.do(events.UserTranscribed(1, "item_u", "what do I owe", final=True))
    again = told_again(world.rebuild())
    assert [type(e) for e in again] == [effects.AddSpeech, effects.Respond]


def test_a_question_stands_as_its_words_where_messages_must_be_small() -> None:
    world = World.live()
    user_turn(world)
    world.do(events.UserTranscribed(1, "item_u", "what do I owe", final=True))
    world.session.state.line.is_cautious = True
    assert told_again(world.rebuild()) == [effects.AddText("what do I owe", "item_u"), effects.Respond()]


def test_a_question_without_words_is_told_as_sound_where_messages_must_be_small() -> None:
    world = World.live()
    user_turn(world)
    world.session.state.line.is_cautious = True
    assert [type(e) for e in told_again(world.rebuild())] == [effects.AddSpeech, effects.Respond]


def test_a_question_whose_sound_is_gone_stands_as_its_words() -> None:
    world = World.live(limits=SHORT)
    user_turn(world)
    world.do(events.UserTranscribed(1, "item_u", "what do I owe", final=True))
    world.session.state.kept.settle(10**9)
    assert told_again(world.rebuild()) == [effects.AddText("what do I owe", "item_u"), effects.Respond()]


def test_a_question_of_which_nothing_is_left_is_given_up_by_name() -> None:
    world = World.live()
    user_turn(world)
    world.session.state.kept.settle(10**9)
    new = world.rebuild()
    assert told_again(new) == []
    assert [e.code for e in told(new, notices.Error)] == ["RESPONSE_FAILED"]  # type: ignore[union-attr]
    (note,) = noted(new, "turn.given_up")
    assert note == {"replays": 0, "reason": "nothing is left of it"}
    assert not world.session.state.spoken.turns


def test_a_question_that_two_more_upstreams_did_not_answer_is_left_to_them_as_words() -> None:
    world = World.live()
    user_turn(world)
    world.do(events.UserTranscribed(1, "item_u", "what do I owe", final=True))
    for _ in range(2):
        assert [type(e) for e in told_again(world.rebuild())] == [effects.AddSpeech, effects.Respond]
    last = world.rebuild()
    assert [e for e in told_again(last) if not isinstance(e, effects.Respond)] == [
        effects.AddText("what do I owe", "item_u")
    ]
    assert noted(last, "turn.given_up") == [{"replays": 2, "reason": "no upstream could answer it"}]
    assert len(told(last, notices.Error)) == 1
    assert not [e for e in world.rebuild() if isinstance(e, effects.AddSpeech)]


def test_a_question_that_has_no_place_in_the_conversation_yet_comes_last() -> None:
    world = World.live()
    world.do(events.TextGiven("hello"), events.ResponseBegan(1, "resp_1"))
    world.do(events.ResponseEnded(1, "resp_1", "completed"))
    world.do(events.SpeechBegan(1, "item_u", 0))
    speak(world, 25, 7)
    world.do(events.SpeechEnded(1, "item_u", 500))
    again = told_again(world.rebuild())
    assert [type(e) for e in again] == [effects.AddText, effects.AddSpeech, effects.Respond]


def test_two_questions_are_owed_one_answer() -> None:
    world = World.live()
    user_turn(world, "item_1")
    user_turn(world, "item_2")
    again = told_again(world.rebuild())
    assert [type(e) for e in again] == [effects.AddSpeech, effects.AddSpeech, effects.Respond]
    assert [e.item_id for e in again if isinstance(e, effects.AddSpeech)] == ["item_1", "item_2"]


# calls


def test_a_result_that_nobody_was_told_comes_with_a_request_for_the_answer() -> None:
    world = World.live()
    called(world)
    lose(world)
    world.do(events.ToolReturned("call_1", "nine", "ok"))
    again = told_again(world.go_live())
    assert again == [
        effects.AddCall("call_1", "look", "{}"),
        effects.AddToolResult("call_1", "nine"),
        effects.Respond(),
    ]
    assert not told_again(world.do(events.TimerFired("rotate")))


def test_a_result_that_was_told_asks_for_nothing_again() -> None:
    world = World.live()
    called(world)
    world.do(events.ToolReturned("call_1", "nine", "ok"))
    world.do(events.ResponseBegan(1, "resp_2"), events.ResponseEnded(1, "resp_2", "completed"))
    for _ in range(2):
        assert told_again(world.rebuild()) == [
            effects.AddCall("call_1", "look", "{}"),
            effects.AddToolResult("call_1", "nine"),
        ]


def test_a_call_that_the_ledger_has_forgotten_is_told_again_all_the_same() -> None:
    world = World.live()
    called(world)
    world.do(events.ToolReturned("call_1", "nine", "ok"))
    world.do(events.ResponseBegan(1, "resp_2"), events.ResponseEnded(1, "resp_2", "completed"))
    del world.session.state.tools.calls["call_1"]
    assert told_again(world.rebuild()) == [
        effects.AddCall("call_1", "look", "{}"),
        effects.AddToolResult("call_1", "nine"),
    ]


def test_a_call_that_still_runs_is_not_told_before_its_result() -> None:
    world = World.live()
    user_turn(world)
    called(world)
    again = told_again(world.rebuild())
    assert [type(e) for e in again] == [effects.AddSpeech]


def test_the_next_upstream_knows_the_calls_that_it_was_told() -> None:
    world = World.live()
    called(world)
    world.do(events.ToolReturned("call_1", "nine", "ok"))
    world.rebuild()
    assert world.session.state.tools.calls["call_1"].known_to == 2


# what waited for an upstream


def test_what_was_typed_and_committed_while_nobody_listened_enters_in_its_order() -> None:
    world = World.live(SessionOptions(turn_detection="manual"))
    lose(world)
    turn = world.session.state.tools.turn
    world.do(events.TextGiven("one"))
    said = speak(world, 5, 7)
    world.do(events.CommitAsked())
    new = world.go_live()
    kinds = [type(e) for e in new if isinstance(e, effects.AddText | effects.Append | effects.CommitInput)]
    assert kinds == [effects.AddText, effects.Append, effects.CommitInput]
    s = world.session.state
    assert [one.is_typed for one in s.spoken.turns] == [True, False]
    assert (s.spoken.turns[1].first, s.spoken.turns[1].last) == (0, len(said) // 2)
    assert s.tools.turn == turn + 1
    assert [item.text for item in s.conversation.items.values()] == ["one"]


def test_what_follows_a_command_that_waited_is_not_taken_for_what_stood_before_it() -> None:
    for command, first in ((events.ClearAsked(), 0), (events.CommitAsked(), 2400)):
        world = World.live(SessionOptions(turn_detection="manual"))
        lose(world)
        speak(world, 5, 7)
        world.do(command)
        speak(world, 5, 8)
        world.go_live()
        assert [turn.last for turn in world.session.state.spoken.turns] == [2400][: first // 2400]
        lose(world)
        again = world.redial() + world.go_live()
        assert b"".join(e.pcm for e in again if isinstance(e, effects.Append)) == pcm(2400, 8)


def test_what_was_taken_back_while_nobody_listened_is_settled() -> None:
    world = World.live(SessionOptions(turn_detection="manual"))
    lose(world)
    speak(world, 5, 7)
    world.do(events.ClearAsked())
    assert [e for e in world.go_live() if isinstance(e, effects.ClearInput)]
    assert world.session.state.spoken.settled == 2400


@pytest.mark.parametrize("on_loss", ["continue", "stop"])
def test_nothing_is_asked_for_where_nothing_is_owed(on_loss: str) -> None:
    options = SessionOptions(on_loss=on_loss)  # type: ignore[arg-type] # one of both
    world = World.new(endpoints=Endpoints(["openai"], Limits()))
    world.create(options)
    world.go_live()
    assert told_again(world.rebuild()) == []


def test_an_answer_of_which_no_word_was_heard_is_not_carried_on() -> None:
    world = World.live()
    world.respond(samples=480)
    world.lose()
    assert world.session.state.turn.carry_on is None
    assert not [e for e in world.go_live() if isinstance(e, effects.Respond)]
