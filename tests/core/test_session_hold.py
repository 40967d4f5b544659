"""An upstream dies: what the next one is told, what the client hears of it; nothing is said twice."""

from __future__ import annotations

from holdfast.core import effects, events, notices
from holdfast.core.endpoints import Endpoints
from holdfast.core.events import ClientAudio, SessionOptions
from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from tests.core.world import World, pcm, speak, started, two, user_turn


def test_an_idle_upstream_is_rebuilt_and_the_client_hears_nothing() -> None:
    world = World.live()
    world.now += 10
    told = len(world.told(notices.Status))

    lost = world.lose()
    assert effects.Dial(2, 0) in lost
    world.go_live()

    assert not world.has_ended()
    assert len(world.told(notices.Status)) == told
    assert not world.told(notices.Error)


def test_the_client_hears_of_a_trouble_that_lasts() -> None:
    world = World.live()
    world.now += 10
    world.lose()
    world.do(events.TimerFired("tell_trouble"), after=0.3)
    (status,) = world.told(notices.Status)
    assert status.state == "recovering"  # type: ignore[union-attr]
    assert status.fault.code == "provider.connection_lost"  # type: ignore[union-attr]
    world.go_live()
    assert [s.state for s in world.told(notices.Status)] == ["recovering", "live"]  # type: ignore[union-attr]


def test_the_conversation_is_told_again_as_text_with_the_same_ids() -> None:
    world = World.live()
    user_turn(world)
    world.do(
        events.UserTranscribed(1, "item_u", "what do I owe", final=True),
        events.ResponseBegan(1, "resp_1"),
        events.OutputAudio(1, "resp_1", "item_a", pcm(24_000)),
        events.OutputTranscribed(1, "resp_1", "item_a", "Nine euros.", final=True),
        events.ResponseEnded(1, "resp_1", "completed"),
    )
    new = world.rebuild()

    items = [e for e in new if isinstance(e, effects.AddText)]
    assert items == [
        effects.AddText("what do I owe", "item_u", "user"),
        effects.AddText("Nine euros.", "item_a", "assistant"),
    ]
    assert not [e for e in new if isinstance(e, effects.Respond)]


def test_a_call_is_told_again_with_its_result_and_never_runs_twice() -> None:
    world = World.live()
    world.do(
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "balance", "{}"),
        events.ResponseEnded(1, "resp_1", "completed"),
        events.ToolReturned("call_1", '{"say": "nine"}', "ok"),
        events.ResponseBegan(1, "resp_2"),
        events.ResponseEnded(1, "resp_2", "completed"),
    )
    new = world.rebuild()
    assert effects.AddCall("call_1", "balance", "{}") in new
    assert effects.AddToolResult("call_1", '{"say": "nine"}') in new
    world.do(events.ResponseBegan(2, "resp_3"), events.ToolCalled(2, "resp_3", "call_1", "balance", "{}"))
    assert len(world.asked(effects.RunTool)) == 1


def test_a_call_that_a_fresh_upstream_repeats_gets_the_recorded_result() -> None:
    world = World.live()
    user_turn(world)
    world.do(
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "balance", "{}"),
        events.ResponseEnded(1, "resp_1", "completed"),
        events.ToolReturned("call_1", "nine", "ok"),
    )
    world.rebuild()
    world.do(
        events.ResponseBegan(2, "resp_2"),
        events.ToolCalled(2, "resp_2", "call_2", "balance", "{}"),
        events.ResponseEnded(2, "resp_2", "completed"),
    )
    assert len(world.asked(effects.RunTool)) == 1
    assert effects.AddToolResult("call_2", "nine") in world.effects


def test_a_tool_outlives_the_upstream_and_its_result_joins_the_next() -> None:
    world = World.live()
    user_turn(world)
    world.do(
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "balance", "{}"),
        events.ResponseEnded(1, "resp_1", "completed"),
    )
    new = world.rebuild()
    assert not [e for e in new if isinstance(e, effects.Respond)]

    new = world.do(events.ToolReturned("call_1", "nine", "ok"))
    wanted = [effects.AddCall("call_1", "balance", "{}"), effects.AddToolResult("call_1", "nine")]
    assert [e for e in new if isinstance(e, effects.AddCall | effects.AddToolResult)] == wanted
    assert len([e for e in new if isinstance(e, effects.Respond)]) == 1


def test_a_question_whose_answer_waits_for_a_tool_is_told_again() -> None:
    world = World.live()
    user_turn(world)
    world.do(events.ResponseBegan(1, "resp_1"), events.ToolCalled(1, "resp_1", "call_1", "balance", "{}"))
    new = world.rebuild()
    assert [e.item_id for e in new if isinstance(e, effects.AddSpeech)] == ["item_u"]
    new = world.do(events.ToolReturned("call_1", "nine", "ok"))
    assert len([e for e in new if isinstance(e, effects.Respond)]) == 1


def test_a_committed_turn_is_told_again_as_it_was_spoken_and_answered_once() -> None:
    world = World.live()
    speak(world, 50)
    user_turn(world)
    new = world.rebuild()

    (speech,) = [e for e in new if isinstance(e, effects.AddSpeech)]
    assert speech.item_id == "item_u"
    assert pcm(480, 7) * 25 in speech.pcm
    assert len([e for e in new if isinstance(e, effects.Respond)]) == 1
    world.do(events.ResponseBegan(2, "resp_1"), events.ResponseEnded(2, "resp_1", "completed"))
    again = world.rebuild()
    assert not [e for e in again if isinstance(e, effects.AddSpeech | effects.Respond)]


def test_an_utterance_in_progress_goes_on_without_being_told_twice() -> None:
    world = World.live()
    speak(world, 50)
    user_turn(world, commit=False)
    world.now += 10
    world.lose()
    during = speak(world, 10, 8)
    sent = b"".join(e.pcm for e in world.go_live() if isinstance(e, effects.Append))
    assert sent.endswith(pcm(480, 7) * 25 + during)

    world.do(events.SpeechBegan(2, "item_new", 100), events.SpeechEnded(2, "item_new", 1000))
    assert world.told(notices.SpeechStarted) == [notices.SpeechStarted("item_u", 24_000)]
    (stopped,) = world.told(notices.SpeechStopped)
    assert stopped.item_id == "item_u"  # type: ignore[union-attr]
    world.do(events.InputCommitted(2, "item_new"), events.UserTranscribed(2, "item_new", "hi", final=True))
    (said,) = world.told(notices.UserTranscript)
    assert said.item_id == "item_u"  # type: ignore[union-attr]


def test_a_response_of_which_nothing_was_told_goes_on_under_its_id() -> None:
    world = World.live()
    user_turn(world)
    world.do(events.ResponseBegan(1, "resp_1"))
    world.rebuild()
    world.do(
        events.ResponseBegan(2, "resp_other"),
        events.OutputAudio(2, "resp_other", "item_a", pcm(100)),
        events.ResponseEnded(2, "resp_other", "completed"),
    )
    assert world.told(notices.ResponseStarted) == [notices.ResponseStarted("resp_1")]
    (done,) = world.told(notices.ResponseDone)
    assert (done.response_id, done.status) == ("resp_1", "completed")  # type: ignore[union-attr]
    assert len(world.asked(effects.Play)) == 1


def test_a_response_is_asked_again_once_only() -> None:
    world = World.live()
    user_turn(world)
    world.do(events.ResponseBegan(1, "resp_1"))
    world.rebuild()
    world.do(events.ResponseBegan(2, "resp_2"))
    world.rebuild()
    (done,) = world.told(notices.ResponseDone)
    assert (done.response_id, done.status) == ("resp_1", "incomplete")  # type: ignore[union-attr]


def test_a_cut_sentence_is_carried_on_from_what_was_said() -> None:
    world = World.live()
    user_turn(world)
    world.respond()
    world.do(events.OutputTranscribed(1, "resp_1", "item_1", "You owe", final=False))
    new = world.rebuild()
    (done,) = world.told(notices.ResponseDone)
    assert (done.status, done.reason) == ("incomplete", "upstream_lost")  # type: ignore[union-attr]
    assert effects.AddText("You owe", "item_1", "assistant") in new
    assert [e for e in new if isinstance(e, effects.Respond)] == [effects.Respond(carry_on="You owe")]


def test_a_cut_sentence_is_left_alone_where_the_client_wants_that() -> None:
    world = World.live(SessionOptions(on_loss="stop"))
    user_turn(world)
    world.respond()
    world.do(events.OutputTranscribed(1, "resp_1", "item_1", "You owe", final=False))
    assert not [e for e in world.rebuild() if isinstance(e, effects.Respond)]


def test_a_second_fault_during_a_recovery_goes_on_with_the_budget_that_is_left() -> None:
    world = World.live()
    world.now += 10
    began = world.now
    world.lose()
    while not world.has_ended():
        world.go_live()
        world.lose()
        world.redial(chance=0.5)
    assert world.now - began <= Limits().recovery_budget_s


def test_a_server_that_errs_three_times_in_a_minute_is_left() -> None:
    world = World.live()
    world.now += 10
    cause = fault("provider.server_error")
    for _ in range(2):
        world.do(events.UpstreamErred(1, cause, "server_error", "sorry"), after=2.0)
    assert not world.asked(effects.HangUp)
    world.do(events.UpstreamErred(1, cause, "server_error", "sorry"), after=2.0)
    assert effects.HangUp(1) in world.effects
    assert not world.has_ended()


def test_sessions_that_leave_an_erring_server_together_are_spread_by_their_own_chance() -> None:
    limits = Limits(server_errors=1)
    endpoints = Endpoints(["openai"], limits)
    cause = fault("provider.server_error")
    worlds = [World.new(limits, endpoints=endpoints) for _ in range(12)]
    for world in worlds:
        world.create()
        world.go_live()
    waits = [
        started(world.do(events.UpstreamErred(1, cause, "", "sorry", chance=n / 16), after=20)).get("retry")
        for n, world in enumerate(worlds)
    ]
    assert waits[-2:] == [2.0 * 10 / 16, 2.0 * 11 / 16]


def test_a_refused_beginning_waits_by_the_chance_of_its_refusal() -> None:
    world = World.new()
    world.create()
    world.do(events.UpstreamOpened(1))
    refusal = events.UpstreamErred(1, fault("provider.rate_limited"), "", "slow down", chance=0.25)
    assert started(world.do(refusal))["retry"] == 0.3125


def test_a_failed_response_of_which_nothing_was_told_is_asked_again_once() -> None:
    world = World.live()
    user_turn(world)
    cause = fault("provider.server_error")
    world.do(events.ResponseBegan(1, "resp_1"), events.ResponseEnded(1, "resp_1", "failed", fault=cause))
    assert not world.told(notices.ResponseDone)
    assert not world.asked(effects.Respond)
    world.do(events.TimerFired("reask"), after=0.5)
    assert len(world.asked(effects.Respond)) == 1
    world.do(events.ResponseBegan(1, "resp_2"), events.ResponseEnded(1, "resp_2", "failed", fault=cause))
    (done,) = world.told(notices.ResponseDone)
    assert (done.response_id, done.status) == ("resp_1", "failed")  # type: ignore[union-attr]


# another upstream


def test_the_next_upstream_of_the_list_takes_over_and_what_it_cannot_do_is_named() -> None:
    world = two()
    world.go_live()
    world.now += 10
    world.lose("configuration.quota_exhausted")
    assert effects.Dial(2, 1) in world.effects
    world.go_live()
    status = world.told(notices.Status)[-1]
    assert isinstance(status, notices.Status)
    assert status.upstream == {"name": "local", "kind": "local", "model": "holdfast-local"}
    assert "limited" in " ".join(status.notes)


def test_a_burst_of_held_audio_is_heard_again_whole_when_its_upstream_dies_at_once() -> None:
    world = World.new()
    world.create()
    said = speak(world, 1200)  # 24 s
    world.go_live()
    assert world.sent_audio() == said
    world.effects.clear()
    world.lose()
    world.go_live()
    assert world.sent_audio() == said
    assert not world.told(notices.AudioLost)


def test_what_a_young_link_was_given_beyond_what_is_kept_is_named_when_it_dies() -> None:
    world = World.live(SessionOptions(framing="positioned"))
    for n in range(45 * 50):  # all of a client's ring within seconds
        world.do(ClientAudio(pcm(480), 480 * n), after=0.004)
    world.effects.clear()
    world.lose()
    world.go_live()
    world.do(events.TimerFired("losses"))
    (lost,) = world.told(notices.AudioLost)
    kept = 45 * 24_000 - len(world.sent_audio()) // 2
    assert lost == notices.AudioLost("input", 0, kept, "upstream_lost")


def test_a_turn_that_was_ended_while_nobody_listened_ends_where_it_was_ended() -> None:
    world = World.new()
    world.create(SessionOptions(turn_detection="manual"))
    speak(world, 10)
    world.do(events.CommitAsked())
    after = speak(world, 10, 5)
    world.go_live()
    world.do(events.InputCommitted(1, "item_u"))
    world.respond()
    world.do(events.ResponseEnded(1, "resp_1", "completed"))
    world.effects.clear()
    world.rebuild()
    assert world.sent_audio() == after


def test_a_turn_that_was_ended_while_nobody_listened_and_of_which_nothing_is_left_is_given_up() -> None:
    world = World.new(Limits(input_held_s=1.0, input_before_session_s=1.0))
    world.create(SessionOptions(turn_detection="manual"))
    speak(world, 10)
    world.do(events.CommitAsked())
    after = speak(world, 60, 5)
    new = world.go_live()
    assert not [e for e in new if isinstance(e, effects.CommitInput | effects.Respond)]
    assert world.sent_audio() == after[-48_000:]
    assert [error.code for error in world.told(notices.Error)] == ["RESPONSE_FAILED"]  # type: ignore[union-attr]


def test_what_is_typed_behind_a_turn_of_which_nothing_is_left_is_answered() -> None:
    world = World.new(Limits(input_held_s=1.0, input_before_session_s=1.0))
    world.create(SessionOptions(turn_detection="manual"))
    speak(world, 10)
    world.do(events.CommitAsked())
    speak(world, 60, 5)
    world.do(events.TextGiven("hello"))
    new = world.go_live()
    assert not world.asked(effects.CommitInput)
    assert [type(e) for e in new if isinstance(e, effects.AddText | effects.Respond)] == [
        effects.AddText,
        effects.Respond,
    ]


def test_turns_that_were_ended_while_nobody_listened_get_their_ids_in_order() -> None:
    world = World.new()
    world.create(SessionOptions(turn_detection="manual"))
    said = []
    for value in (3, 5):
        said.append(speak(world, 10, value))
        world.do(events.CommitAsked())
    world.go_live()
    world.do(events.InputCommitted(1, "item_1"), events.InputCommitted(1, "item_2"))
    again = [e for e in world.rebuild() if isinstance(e, effects.AddSpeech)]
    assert again == [effects.AddSpeech(said[0], "item_1"), effects.AddSpeech(said[1], "item_2")]


def test_a_question_that_waits_for_its_tool_is_not_forgotten_when_another_is_answered_first() -> None:
    world = World.live()
    user_turn(world, "item_slow")
    world.do(
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "balance", "{}"),
        events.ResponseEnded(1, "resp_1", "completed"),
    )
    user_turn(world, "item_quick")
    world.do(events.UserTranscribed(1, "item_quick", "how late is it", final=True))
    world.respond("resp_2")
    world.do(events.ResponseEnded(1, "resp_2", "completed"))

    assert effects.AddSpeech in [type(e) for e in world.rebuild()]
    new = world.do(events.ToolReturned("call_1", "nine", "ok"))
    assert effects.Respond() in new
    world.do(events.ResponseBegan(2, "resp_3"), events.ResponseEnded(2, "resp_3", "completed"))
    assert not world.session.state.spoken.turns


def test_a_question_is_not_answered_while_a_repetition_of_its_call_waits_beside_another_call() -> None:
    world = World.live()
    user_turn(world, "item_slow")
    world.do(
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "balance", "{}"),
        events.ResponseEnded(1, "resp_1", "completed"),
    )
    world.rebuild()
    user_turn(world, "item_next")
    world.do(
        events.ResponseBegan(2, "resp_2"),
        events.ToolCalled(2, "resp_2", "call_2", "balance", "{}"),
        events.ToolCalled(2, "resp_2", "call_3", "statement", "{}"),
        events.ResponseEnded(2, "resp_2", "completed"),
        events.ToolReturned("call_1", "nine", "ok"),
    )
    world.do(events.ResponseBegan(2, "resp_3"), events.ResponseEnded(2, "resp_3", "completed"))
    assert [e.item_id for e in world.rebuild() if isinstance(e, effects.AddSpeech)] == [
        "item_slow",
        "item_next",
    ]

    world.do(events.ToolReturned("call_3", "ten", "ok"))
    world.do(events.ResponseBegan(3, "resp_4"), events.ResponseEnded(3, "resp_4", "completed"))
    assert not world.session.state.spoken.turns
