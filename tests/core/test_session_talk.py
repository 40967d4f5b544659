"""Turns, barge-in, tools, ends."""

from __future__ import annotations

import itertools

import pytest

from holdfast.core import effects, events, notices
from holdfast.core.events import ClientAudio, SessionOptions
from holdfast.core.faults import FAULTS, Party, fault
from holdfast.core.limits import Limits
from tests.core.world import World, pcm


def test_audio_is_numbered_by_message_and_by_sample() -> None:
    world = World.live()
    world.respond(samples=100)
    world.do(events.OutputAudio(1, "resp_1", "item_1", pcm(50)))

    played = [e for e in world.effects if isinstance(e, effects.Play)]
    assert [(e.stream, e.start, len(e.pcm) // 2) for e in played] == [(1, 0, 100), (1, 100, 50)]
    offsets = [e.offset for e in world.effects if isinstance(e, effects.Play | effects.Tell)]
    assert offsets == list(range(offsets[0] or 0, (offsets[0] or 0) + len(offsets)))


def test_barge_in_flushes_and_truncates_at_what_was_heard() -> None:
    world = World.live()
    world.respond(samples=24_000)
    world.do(events.Played("item_1", 400))
    world.do(events.SpeechBegan(1, "item_2", 1000), after=2.0)

    (interrupted,) = world.told(notices.Interrupted)
    assert interrupted == notices.Interrupted("resp_1", "item_1", 400)
    assert effects.Truncate("item_1", 400) in world.effects


def test_without_reports_what_was_heard_is_bounded_by_real_time() -> None:
    world = World.live()
    world.respond(samples=24_000)
    world.do(events.SpeechBegan(1, "item_2", 1000), after=0.25)

    assert effects.Truncate("item_1", 250) in world.effects


def test_what_was_heard_to_its_end_is_not_cut() -> None:
    world = World.live()
    world.respond(samples=2_400)
    world.do(events.SpeechBegan(1, "item_2", 1000), after=5.0)

    assert not world.told(notices.Interrupted)
    assert not world.asked(effects.Truncate)


def test_late_audio_of_a_cut_item_is_dropped() -> None:
    world = World.live()
    world.respond(samples=24_000)
    world.do(events.SpeechBegan(1, "item_2", 1000))
    before = len(world.asked(effects.Play))
    world.do(events.OutputAudio(1, "resp_1", "item_1", pcm(100)))

    assert len(world.asked(effects.Play)) == before


def test_escape_cancels_and_flushes() -> None:
    world = World.live()
    world.respond(samples=24_000)
    world.do(events.CancelAsked())

    assert effects.CancelResponse("resp_1") in world.effects
    assert world.told(notices.Interrupted)


def test_each_response_ends_exactly_once() -> None:
    world = World.live()
    world.respond()
    done = events.ResponseEnded(1, "resp_1", "completed")
    world.do(done, done)

    assert len(world.told(notices.ResponseDone)) == 1


def test_an_upstream_that_stays_away_ends_the_session_and_says_so() -> None:
    world = World.live()
    world.respond()
    world.now += 10
    world.lose()
    while not world.has_ended():
        world.redial(chance=0.5)
        if not world.has_ended():
            world.lose("provider.unreachable")

    (done,) = world.told(notices.ResponseDone)
    assert isinstance(done, notices.ResponseDone)
    assert done.status == "incomplete"
    (error,) = world.told(notices.Error)
    assert isinstance(error, notices.Error)
    assert error.code == "RECONNECT_FAILED"
    assert error.retry_after_ms
    order = [type(e.notice) for e in world.effects if isinstance(e, effects.Tell)][-2:]
    assert order == [notices.Error, notices.SessionEnded]
    assert isinstance(world.effects[-1], effects.Finish)


def test_the_error_event_before_a_loss_knows_better_than_the_close_code() -> None:
    world = World.live()
    quota = fault("configuration.quota_exhausted")
    world.do(events.UpstreamErred(1, quota, "insufficient_quota", "no credit"))
    world.lose("provider.closed")

    (ended,) = world.told(notices.SessionEnded)
    assert isinstance(ended, notices.SessionEnded)
    assert ended.fault is quota
    assert len(world.asked(effects.Dial)) == 0


def test_an_error_about_a_command_says_nothing_about_a_loss_after_it() -> None:
    world = World.live()
    refusal = fault("application.invalid_message", ["no such item"])
    world.do(events.UpstreamErred(1, refusal, "invalid_value", "no", "m_1"))
    world.lose("configuration.quota_exhausted")
    (ended,) = world.told(notices.SessionEnded)
    assert ended.fault.code == "configuration.quota_exhausted"  # type: ignore[union-attr]


def test_an_admission_error_after_101_ends_the_start_at_once() -> None:
    world = World.new()
    world.create()
    world.do(events.UpstreamOpened(1))
    cause = fault("configuration.invalid_api_key")
    world.do(events.UpstreamErred(1, cause, "invalid_api_key", "wrong key"))

    assert world.has_ended()
    assert len(world.asked(effects.Dial)) == 1


def test_a_tool_runs_once_whatever_the_upstream_repeats() -> None:
    world = World.live()
    call = events.ToolCalled(1, "resp_1", "call_1", "balance", "{}")
    world.do(events.ResponseBegan(1, "resp_1"), call, call)

    assert len(world.asked(effects.RunTool)) == 1


def test_a_result_waits_for_its_response_to_end_then_one_answer_is_asked_for() -> None:
    world = World.live()
    world.do(
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "balance", "{}"),
        events.ToolCalled(1, "resp_1", "call_2", "payoff", "{}"),
        events.ToolReturned("call_1", "one", "ok"),
    )
    assert not world.asked(effects.AddToolResult)
    world.do(events.ResponseEnded(1, "resp_1", "completed"))
    assert not world.asked(effects.AddToolResult)

    world.do(events.ToolReturned("call_2", "two", "ok"))

    assert world.asked(effects.AddToolResult) == [
        effects.AddToolResult("call_1", "one"),
        effects.AddToolResult("call_2", "two"),
    ]
    assert world.asked(effects.Respond) == [effects.Respond()]


def test_a_slow_tool_never_mutes_the_call() -> None:
    world = World.live()
    world.do(
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "balance", "{}"),
        events.ResponseEnded(1, "resp_1", "completed"),
    )
    world.respond("resp_2", "item_2")
    assert world.asked(effects.Play)

    world.do(events.ToolReturned("call_1", "late", "ok"))
    assert not world.asked(effects.Respond), "one response at a time"
    world.do(events.ResponseEnded(1, "resp_2", "completed"))
    assert world.asked(effects.Respond) == [effects.Respond()]


def test_a_second_result_of_a_call_is_dropped() -> None:
    world = World.live()
    world.do(
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "balance", "{}"),
        events.ResponseEnded(1, "resp_1", "completed"),
        events.ToolReturned("call_1", "one", "ok"),
        events.ToolReturned("call_1", "two", "ok"),
    )
    assert len(world.asked(effects.AddToolResult)) == 1


def test_tool_steps_of_a_turn_are_bounded() -> None:
    world = World.live(limits=Limits(tool_steps_per_turn=2))
    for n in range(4):
        world.do(
            events.ResponseBegan(1, f"resp_{n}"),
            events.ToolCalled(1, f"resp_{n}", f"call_{n}", "balance", "{}"),
            events.ResponseEnded(1, f"resp_{n}", "completed"),
            events.ToolReturned(f"call_{n}", "x", "ok"),
        )
    assert len(world.asked(effects.RunTool)) == 2
    assert len(world.asked(effects.AddToolResult)) == 4


def test_a_goodbye_is_heard_before_the_session_ends() -> None:
    world = World.live()
    world.do(
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "goodbye", "{}"),
        events.ResponseEnded(1, "resp_1", "completed"),
        events.ToolReturned("call_1", "bye", "ok", end_session=True),
    )
    world.respond("resp_2", "item_2", samples=48_000)
    world.do(events.ResponseEnded(1, "resp_2", "completed"), events.TimerFired("goodbye"))
    assert not world.has_ended()

    world.do(events.TimerFired("goodbye"), after=4.0)
    assert world.has_ended()
    assert effects.CloseClient(1000, "goodbye") in world.effects


def test_a_collision_asks_again_when_the_running_response_has_ended() -> None:
    world = World.live()
    world.do(events.TextGiven("hello"))
    busy = fault("application.invalid_message")
    code = "conversation_already_has_active_response"
    world.do(events.UpstreamErred(1, busy, code, "busy", benign=True))
    world.respond()
    world.do(events.ResponseEnded(1, "resp_1", "completed"))

    assert world.asked(effects.Respond) == [effects.Respond(), effects.Respond()]
    assert not world.told(notices.Error)


def test_a_refused_message_is_noted_without_its_words_once_a_second() -> None:
    world = World.live()
    for _ in range(3):
        world.do(events.MessageRefused("INVALID_MESSAGE", "`text` 'my card is 4111' is wrong.", "text"))

    (note,) = [
        one for one in world.effects if isinstance(one, effects.Note) and one.moment == "client.refused"
    ]
    assert note.facts["fault"] == "application.invalid_message"
    assert note.facts["field"] == "text"
    assert "4111" not in str(note.facts)


def test_two_hundred_bad_messages_in_a_second_get_one_error_a_second_and_code() -> None:
    world = World.live()
    for _ in range(200):
        world.do(events.MessageRefused("INVALID_MESSAGE", "bad", "type"), after=0.004)
    first = [n.code for n in world.told(notices.Error) if isinstance(n, notices.Error)]
    assert sorted(first) == sorted(set(first))

    world.do(events.TimerFired("errors"), after=1.0)
    late = [n for n in world.told(notices.Error) if isinstance(n, notices.Error) and n.suppressed]
    assert sum(n.suppressed or 0 for n in late) + len(first) == 200
    assert not world.has_ended()


def test_a_flood_that_lasts_is_closed_with_1008() -> None:
    world = World.live()
    for _ in range(2000):
        world.do(events.Pinged({}), after=0.006)
        if world.has_ended():
            break
    assert any(isinstance(e, effects.CloseClient) and e.code == 1008 for e in world.effects)


@pytest.mark.parametrize("size", [0, 1, 961])
def test_empty_and_odd_audio_is_refused_by_name_and_the_session_lives(size: int) -> None:
    world = World.live()
    world.do(ClientAudio(b"\1" * size))

    (error,) = world.told(notices.Error)
    assert isinstance(error, notices.Error)
    assert (error.code, error.field) == ("INVALID_MESSAGE", "audio")
    world.do(ClientAudio(pcm(480)))
    assert world.sent_audio() == pcm(480)


def test_positions_trim_overlaps_and_name_gaps() -> None:
    world = World.live(SessionOptions(framing="positioned"))
    world.do(ClientAudio(pcm(100, 1), 0), ClientAudio(pcm(100, 1), 50), ClientAudio(pcm(10, 2), 200))

    assert world.sent_audio() == pcm(150, 1) + pcm(10, 2)
    assert world.told(notices.AudioLost) == [notices.AudioLost("input", 150, 200, "gap_in_client_positions")]
    assert world.session.state.received == 210


def test_audio_faster_than_allowed_is_named() -> None:
    world = World.live(limits=Limits(audio_burst_s=1.0))
    for _ in range(60):
        world.do(ClientAudio(pcm(480)))
    world.do(events.TimerFired("losses"), after=1.0)

    lost = [n for n in world.told(notices.AudioLost) if isinstance(n, notices.AudioLost)]
    assert sum(n.to_sample - n.from_sample for n in lost) == 10 * 480
    assert {n.reason for n in lost} == {"too_fast"}


def test_received_is_told_at_least_every_half_second_of_audio() -> None:
    world = World.live()
    for _ in range(100):
        world.do(ClientAudio(pcm(480)))
    told = [n.received for n in world.told(notices.AudioReceived) if isinstance(n, notices.AudioReceived)]

    assert max(b - a for a, b in itertools.pairwise(told)) <= 12_000
    assert told[-1] >= 48_000 - 12_000


def test_an_idle_session_ends_politely() -> None:
    world = World.live()
    world.do(events.TimerFired("idle"), after=300.0)
    assert not world.has_ended()
    world.do(events.TimerFired("idle"), after=301.0)
    assert world.has_ended()
    assert effects.CloseClient(4408, "idle") in world.effects


def test_manual_turns_are_committed_by_hand() -> None:
    world = World.live(SessionOptions(turn_detection="manual"))
    world.do(ClientAudio(pcm(4800)), events.CommitAsked())
    upstream = (effects.Append, effects.CommitInput, effects.Respond)
    kinds = [type(e) for e in world.effects if isinstance(e, upstream)]
    assert kinds == [effects.Append, effects.CommitInput, effects.Respond]


def test_every_fault_has_a_party_words_and_a_remedy() -> None:
    for code, row in FAULTS.items():
        assert code.partition(".")[0] == row.party
        assert row.party in Party
        assert len(row.message) > 10
        assert len(row.remedy) > 10
