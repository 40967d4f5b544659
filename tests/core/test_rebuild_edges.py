"""The edges of a rebuild: who was told, what is given up beside what is still owed, what is no loss."""

from __future__ import annotations

from holdfast.core import effects, events, notices
from holdfast.core.events import SessionOptions
from holdfast.core.limits import Limits
from holdfast.core.losses import Losses
from tests.core.world import World, noted, pcm, speak, told, user_turn


def test_the_sound_of_an_answer_is_known_by_its_whole_name() -> None:
    world = World.live()
    user_turn(world)
    world.do(events.ResponseBegan(1, "resp_{}".format("1")))
    world.do(events.OutputAudio(1, "resp_{}".format("1"), "item_1", pcm(2400)))
    assert len(told(world.lose(), notices.ResponseDone)) == 1


def test_an_upstream_that_is_lost_with_all_of_it_kept_loses_nothing() -> None:
    for said in (0, 1):
        world = World.live()
        for number in range(said):
            user_turn(world, f"item_{number}")
        world.do(events.SpeechBegan(1, "item_v", 500 * said))
        speak(world, 25)
        world.rebuild()
        assert world.session.state.losses == Losses()


def test_a_question_that_a_loss_ends_takes_nothing_of_what_is_heard_again() -> None:
    limits = Limits(input_before_session_s=2.0, input_held_s=2.0, input_replayed_s=1.0, audio_burst_s=10.0)
    world = World.live(limits=limits)
    world.do(events.TextGiven("hello"))  # as long as it is not answered, twice as much is kept
    world.do(*(events.ClientAudio(pcm(12_000)) for _ in range(5)))
    world.respond()
    world.effects.clear()
    world.lose()
    assert not world.session.state.spoken.turns
    world.go_live()
    world.do(events.TimerFired("losses"), after=1.0)
    assert world.told(notices.AudioLost) == [notices.AudioLost("input", 0, 12_000, "upstream_lost")]
    assert [e.start for e in world.effects if isinstance(e, effects.Append)] == [12_000, 36_000]
    assert world.sent_audio() == pcm(48_000)


def test_a_link_that_heard_more_than_is_kept_is_left_without_a_loss() -> None:
    world = World.live()
    world.now += 3000
    user_turn(world)
    world.do(events.ResponseBegan(1, "resp_1"), events.ResponseEnded(1, "resp_1", "completed"))
    world.do(events.TimerFired("rotate"), after=60.0)
    assert effects.HangUp(1) in world.link_lives(2)
    assert world.session.state.losses == Losses()


def test_a_fresh_upstream_knows_from_its_first_response_on_of_the_calls_that_it_was_told() -> None:
    world = World.live()
    world.do(events.TextGiven("look"), events.ResponseBegan(1, "resp_1"))
    world.do(events.ToolCalled(1, "resp_1", "call_1", "look", "{}"))
    world.do(events.ResponseEnded(1, "resp_1", "completed"))
    world.lose()
    world.do(events.ToolReturned("call_1", "nine", "ok"))
    world.redial()
    world.go_live()
    world.do(events.TextGiven("look again"), events.ResponseBegan(2, "resp_2"))
    world.do(events.ToolCalled(2, "resp_2", "call_2", "look", "{}"))
    assert len(world.asked(effects.RunTool)) == 2


def test_a_question_that_is_given_up_does_not_end_the_answer_that_another_is_owed() -> None:
    world = World.live()
    user_turn(world, "item_1")
    user_turn(world, "item_2")
    world.do(events.ResponseBegan(1, "resp_1"))
    world.session.state.kept.settle(12_000)  # the sound of the first is gone
    step = world.rebuild()
    assert len(noted(step, "turn.given_up")) == 1
    assert [e.item_id for e in step if isinstance(e, effects.AddSpeech)] == ["item_2"]
    assert told(step, notices.ResponseDone) == []
    assert [e for e in step if isinstance(e, effects.Respond)] == [effects.Respond()]


def test_for_a_question_that_is_given_up_nothing_is_asked_while_the_next_one_is_being_spoken() -> None:
    world = World.live()
    user_turn(world, "item_1")
    assert effects.Respond() in world.rebuild()
    world.do(events.SpeechBegan(2, "item_2", 0))
    speak(world, 25)
    world.session.state.kept.settle(12_000)  # the sound of the first is gone
    step = world.rebuild()
    assert len(noted(step, "turn.given_up")) == 1
    assert [turn.item_id for turn in world.session.state.spoken.turns] == ["item_2"]
    assert not [e for e in step if isinstance(e, effects.Respond)]


def test_a_turn_that_was_ended_twice_is_one_and_the_empty_one_is_given_up_by_name() -> None:
    world = World.live(SessionOptions(turn_detection="manual"), Limits())
    world.lose()
    speak(world, 5, 7)
    world.do(events.CommitAsked(), events.CommitAsked())
    step = world.redial() + world.go_live()
    assert step.count(effects.CommitInput()) == 1
    assert noted(step, "turn.given_up") == [{"replays": 0, "reason": "nothing is left of it"}]
    assert len(world.session.state.spoken.turns) == 1
