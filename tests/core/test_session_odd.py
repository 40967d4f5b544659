"""Odd upstreams and odd clients: what crossed, stalled, repeated or never came is ended by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.core import effects, events, notices
from holdfast.core.events import ClientAudio, SessionOptions
from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from holdfast.core.timeline import Timeline
from tests.core.world import OPENAI, World, pcm, speak, user_turn

BUSY = "conversation_already_has_active_response"


def test_a_refused_request_is_told_and_the_next_one_goes_out() -> None:
    world = World.live()
    world.do(events.TextGiven("hello"))
    refusal = fault("application.invalid_message", ["no"])
    world.do(events.UpstreamErred(1, refusal, "invalid_value", "no", "ask_1"))
    world.do(events.TextGiven("again"))

    assert [n.code for n in world.told(notices.Error) if isinstance(n, notices.Error)] == ["RESPONSE_FAILED"]
    assert len(world.asked(effects.Respond)) == 2


def test_a_response_that_never_begins_is_asked_of_a_fresh_upstream() -> None:
    world = World.live()
    world.do(events.TextGiven("hello"))
    world.do(events.TimerFired("response"), after=3.0)
    (waiting,) = world.told(notices.Status)
    assert waiting.state == "degraded"  # type: ignore[union-attr]
    world.do(events.TimerFired("response"), after=12.0)

    assert effects.HangUp(1) in world.effects
    world.redial()
    world.go_live()
    assert len(world.asked(effects.Respond)) == 2
    assert not world.told(notices.Error)


def test_a_turn_that_no_upstream_answers_is_given_up_by_name() -> None:
    world = World.live()
    world.do(events.TextGiven("hello"))
    for _ in range(3):
        world.do(events.TimerFired("response"), after=16.0)
        world.redial()
        world.go_live()
    world.do(events.TimerFired("response"), after=16.0)

    (error,) = world.told(notices.Error)
    assert error.code == "RESPONSE_FAILED"  # type: ignore[union-attr]
    assert not world.has_ended()
    world.do(events.TextGiven("again"))
    assert world.asked(effects.Respond)


def test_no_answer_is_asked_for_when_nothing_is_left_of_the_only_turn() -> None:
    world = World.live(limits=Limits(input_held_s=1.0, input_replayed_s=1.0))
    user_turn(world)
    world.do(events.ResponseBegan(1, "resp_1"))
    speak(world, 100)
    world.lose()
    world.redial()
    world.go_live()

    (error,) = world.told(notices.Error)
    assert error.code == "RESPONSE_FAILED"  # type: ignore[union-attr]
    (done,) = world.told(notices.ResponseDone)
    assert done.status == "incomplete"  # type: ignore[union-attr]
    assert not world.asked(effects.Respond)


def test_a_response_that_stops_half_way_gets_its_end_and_is_carried_on() -> None:
    world = World.live()
    world.respond()
    world.do(events.OutputTranscribed(1, "resp_1", "item_1", "You owe nine", final=False))
    world.do(events.TimerFired("response"), after=5.0)
    assert not world.told(notices.ResponseDone)

    world.do(events.TimerFired("response"), after=5.1)
    (done,) = world.told(notices.ResponseDone)
    assert isinstance(done, notices.ResponseDone)
    assert (done.status, done.reason) == ("incomplete", "upstream_lost")
    world.do(events.ResponseEnded(1, "resp_1", "completed"))
    assert len(world.told(notices.ResponseDone)) == 1
    world.redial()
    world.go_live()
    assert effects.Respond(carry_on="You owe nine") in world.effects


@pytest.mark.parametrize("has_begun", [True, False])
def test_a_response_that_began_before_it_was_told_of_a_call_repeats_it_and_gets_the_result(
    *, has_begun: bool
) -> None:
    world = World.live()
    user_turn(world)
    world.do(
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "transfer", "{}"),
        events.ResponseEnded(1, "resp_1", "completed"),
    )
    world.rebuild()
    user_turn(world, "item_v")
    began, returned = events.ResponseBegan(2, "resp_2"), events.ToolReturned("call_1", "nine", "ok")
    world.do(*((began, returned) if has_begun else (returned, began)))
    world.do(events.ToolCalled(2, "resp_2", "call_2", "transfer", "{}"))
    world.do(events.ResponseEnded(2, "resp_2", "completed"))
    assert len(world.asked(effects.RunTool)) == 1
    assert effects.AddToolResult("call_2", "nine") in world.effects

    world.do(events.ResponseBegan(2, "resp_3"), events.ToolCalled(2, "resp_3", "call_3", "transfer", "{}"))
    assert len(world.asked(effects.RunTool)) == 2, "who knows of the call and makes it again means it"


def test_a_response_to_a_turn_that_ended_before_a_call_was_told_repeats_it_and_gets_the_result() -> None:
    world = World.live()
    user_turn(world)
    world.do(
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "transfer", "{}"),
        events.ResponseEnded(1, "resp_1", "completed"),
    )
    world.rebuild()
    speak(world, 50, 7)
    world.do(events.ToolReturned("call_1", "nine", "ok"))
    world.do(events.SpeechBegan(2, "item_v", 0), events.SpeechEnded(2, "item_v", 900))  # late news
    world.do(events.ResponseBegan(2, "resp_2"), events.ToolCalled(2, "resp_2", "call_2", "transfer", "{}"))
    assert len(world.asked(effects.RunTool)) == 1


def test_a_response_to_a_turn_that_ended_after_a_call_was_told_may_make_it_again() -> None:
    world = World.live()
    user_turn(world)
    world.do(
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "transfer", "{}"),
        events.ResponseEnded(1, "resp_1", "completed"),
    )
    world.rebuild()
    speak(world, 10, 7)
    world.do(events.ToolReturned("call_1", "nine", "ok"))
    speak(world, 40, 7)
    world.do(events.SpeechBegan(2, "item_v", 0), events.SpeechEnded(2, "item_v", 900))
    world.do(events.ResponseBegan(2, "resp_2"), events.ToolCalled(2, "resp_2", "call_2", "transfer", "{}"))
    assert len(world.asked(effects.RunTool)) == 2


def test_a_response_that_called_a_tool_and_never_ends_is_left_when_the_tool_is_done() -> None:
    world = World.live()
    user_turn(world)
    world.do(events.ResponseBegan(1, "resp_1"), events.ToolCalled(1, "resp_1", "call_1", "balance", "{}"))
    (*_, watch) = world.do(events.TimerFired("response"), after=3.0)
    assert isinstance(watch, effects.StartTimer)
    world.do(events.ToolReturned("call_1", "nine", "ok"), after=10.0)
    assert not world.asked(effects.AddToolResult)
    world.do(events.TimerFired(watch.name), after=1.0)
    (done,) = world.told(notices.ResponseDone)
    assert (done.status, done.reason) == ("incomplete", "upstream_lost")  # type: ignore[union-attr]
    world.redial()
    world.go_live()
    assert effects.AddToolResult("call_1", "nine") in world.effects


def test_a_typed_turn_is_asked_about_while_what_was_said_after_it_is_handed_over() -> None:
    paced = replace(OPENAI, workarounds=(effects.Manner.PACED_AUDIO,))
    world = World.new(upstreams=(paced,))
    world.create()
    world.do(events.TextGiven("hello"))
    speak(world, 150)
    world.lose("provider.server_error")
    world.redial()
    world.go_live()
    assert not world.asked(effects.Respond)
    world.do(events.TimerFired("pace"))
    assert len(world.asked(effects.Respond)) == 1


def test_a_tool_loop_ends() -> None:
    world = World.live(limits=Limits(tool_steps_per_turn=2))
    for n in range(50):
        world.do(
            events.ResponseBegan(1, f"resp_{n}"),
            events.ToolCalled(1, f"resp_{n}", f"call_{n}", "balance", "{}"),
            events.ResponseEnded(1, f"resp_{n}", "completed"),
            events.ToolReturned(f"call_{n}", "x", "ok"),
        )
    asked = world.asked(effects.Respond)
    assert asked == [effects.Respond(), effects.Respond(), effects.Respond(tools=False)]

    world.do(events.SpeechBegan(1, "item_9", 0))
    world.do(
        events.ResponseBegan(1, "resp_new"),
        events.ToolCalled(1, "resp_new", "call_new", "balance", "{}"),
    )
    assert len(world.asked(effects.RunTool)) == 3


def test_each_tool_gets_one_end_when_the_session_ends() -> None:
    world = World.live()
    call = events.ToolCalled(1, "resp_1", "call_1", "balance", "{}")
    world.do(events.ResponseBegan(1, "resp_1"), call)
    world.do(events.EndAsked())

    assert world.told(notices.ToolDone) == [notices.ToolDone("call_1", "balance", "cancelled")]


def test_nothing_of_a_cancelled_response_is_heard_even_when_its_audio_comes_later() -> None:
    world = World.live()
    world.do(events.ResponseBegan(1, "resp_1"), events.CancelAsked())
    world.do(events.OutputAudio(1, "resp_1", "item_1", pcm(100)))

    assert not world.asked(effects.Play)


def test_half_a_sample_waits_for_its_other_half() -> None:
    world = World.live()
    world.do(events.ResponseBegan(1, "resp_1"))
    for part in (b"\1\0\2", b"\0\3\0"):
        world.do(events.OutputAudio(1, "resp_1", "item_1", part))

    played = [e for e in world.effects if isinstance(e, effects.Play)]
    assert b"".join(e.pcm for e in played) == b"\1\0\2\0\3\0"
    assert all(len(e.pcm) % 2 == 0 for e in played)


def test_the_third_breach_in_a_minute_ends_the_link() -> None:
    world = World.live()
    for _ in range(2):
        world.do(events.UpstreamBreached(1, "not JSON"))
    assert not world.asked(effects.HangUp)
    world.do(events.UpstreamBreached(1, "not JSON"))
    assert effects.HangUp(1) in world.effects
    assert not world.has_ended()


def test_a_breach_a_minute_is_borne() -> None:
    world = World.live()
    for _ in range(10):
        world.do(events.UpstreamBreached(1, "not JSON"), after=61.0)
    assert not world.asked(effects.HangUp)


def test_a_lost_link_is_always_hung_up() -> None:
    world = World.new()
    world.create()
    world.lose()
    assert effects.HangUp(1) in world.effects


def test_a_flood_of_audio_costs_a_message_a_second_and_then_the_connection() -> None:
    world = World.live(limits=Limits(audio_burst_s=1.0))
    for _ in range(3000):
        world.do(ClientAudio(pcm(480)), after=0.004)
        if world.has_ended():
            break
    losses = [n for n in world.told(notices.AudioLost) if isinstance(n, notices.AudioLost)]
    assert world.has_ended()
    assert any(isinstance(e, effects.CloseClient) and e.code == 1008 for e in world.effects)
    assert sum(n.to_sample - n.from_sample for n in losses) + len(world.sent_audio()) // 2 == (
        world.session.state.received
    )


def test_errors_that_are_held_back_are_told_however_slowly_they_come() -> None:
    world = World.live()
    told_at = []
    for step in range(100):
        world.do(events.MessageRefused("INVALID_MESSAGE", "bad"), after=0.09)
        if step % 12 == 11:
            world.do(events.TimerFired("errors"))
        told_at.append(len(world.told(notices.Error)))
    assert told_at[-1] >= 8
    assert sum((n.suppressed or 1) for n in world.told(notices.Error) if isinstance(n, notices.Error)) >= 90


def test_positions_of_speech_survive_a_gap_in_what_was_held() -> None:
    world = World.new()
    world.create(SessionOptions(framing="positioned"))
    world.do(ClientAudio(pcm(24_000), 0), ClientAudio(pcm(24_000), 100_000))
    world.go_live()
    world.do(events.SpeechBegan(1, "item_1", 1_500))

    (began,) = world.told(notices.SpeechStarted)
    assert began == notices.SpeechStarted("item_1", 112_000)


def test_the_timeline_is_bounded() -> None:
    line = Timeline()
    for n in range(1_000):
        line.advance(n * 100, 10)
    assert len(line._upstream) <= 256
    assert line.position(9_995) == 99_905


def test_a_repeated_command_is_marked() -> None:
    world = World.live()
    world.do(events.ClearAsked("e9"), events.ClearAsked("e9"))
    assert world.told(notices.Accepted) == [
        notices.Accepted("e9"),
        notices.Accepted("e9", duplicate=True),
    ]
    assert len(world.asked(effects.ClearInput)) == 1


@pytest.mark.parametrize("command", [events.TextGiven("x", "e1"), events.CancelAsked("e1")])
def test_a_refusal_names_the_command_that_it_refuses(command: events.Event) -> None:
    world = World.new()
    world.do(command)
    (error,) = world.told(notices.Error)
    assert isinstance(error, notices.Error)
    assert error.event_id == "e1"


def test_a_broken_step_is_ended_by_name() -> None:
    world = World.live()
    world.respond()
    out = world.session.abort(fault("gateway.internal", ["KeyError"]))
    kinds = [type(e.notice) for e in out if isinstance(e, effects.Tell)]
    assert kinds == [notices.ResponseDone, notices.SessionEnded]
    assert isinstance(out[-1], effects.Finish)


def test_who_is_over_lets_go_what_is_heavy_whenever_it_is_collected() -> None:
    world = World.live()
    state = world.session.state
    speak(world, 3)
    world.respond()
    assert state.window.audio
    assert state.kept.given
    world.do(events.EndAsked(None))
    assert world.has_ended()
    assert not state.window.audio
    assert not state.kept.given


def test_an_upstream_that_says_that_it_waits_for_its_own_server_is_waited_for() -> None:
    """Each time it says so its patience begins anew; the user is told after three seconds all the same."""
    world = World.live()
    world.do(events.ResponseBegan(1, "resp_1"))
    for _ in range(20):
        world.do(events.UpstreamStages(1, {"chat": "m at host"}), after=2.0)
        world.do(events.TimerFired("response"))
    assert effects.HangUp(1) not in world.effects

    world.do(events.TimerFired("response"), after=Limits().response_stall_s)
    assert effects.HangUp(1) in world.effects


def test_who_waits_for_a_server_is_named_to_the_user_as_any_other_who_is_late() -> None:
    world = World.live()
    world.do(events.TextGiven("hello"))
    for _ in range(4):
        world.do(events.UpstreamStages(1, {"chat": "m at host"}), after=1.0)
        world.do(events.TimerFired("response"))
    (waiting,) = world.told(notices.Status)
    assert isinstance(waiting, notices.Status)
    assert waiting.state == "degraded"
