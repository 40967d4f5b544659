"""From the first sample to readiness: nothing is lost, nothing is pretended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.core import effects, events, notices
from holdfast.core.events import ClientAudio, SessionOptions
from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from tests.core.world import World, pcm, told


def test_audio_before_create_session_is_kept_and_told_once() -> None:
    world = World.new()
    for _ in range(10):
        world.do(ClientAudio(pcm(480)))
    world.create()
    world.go_live()

    errors = world.told(notices.Error)
    assert [error.code for error in errors] == ["NO_SESSION_EXISTS"]  # type: ignore[union-attr]
    assert world.sent_audio() == pcm(4800)


def test_audio_is_held_until_session_updated_then_sent_in_order() -> None:
    world = World.new()
    world.create()
    spoken = b""
    for step in range(1, 5):
        chunk = pcm(480, step)
        spoken += chunk
        world.do(ClientAudio(chunk))
        if step == 1:
            world.do(events.UpstreamOpened(1))
        if step == 2:
            world.do(events.UpstreamCreated(1, "sess_1"))
    assert world.sent_audio() == b""

    world.do(events.UpstreamConfigured(1))
    world.do(ClientAudio(pcm(480, 9)))

    assert world.sent_audio() == spoken + pcm(480, 9)


def test_our_settings_are_the_first_message_of_a_link() -> None:
    world = World.new()
    world.create()
    world.go_live()

    upstream = [
        e for e in world.effects if isinstance(e, effects.Configure | effects.Append | effects.Respond)
    ]
    assert isinstance(upstream[0], effects.Configure)


def test_ready_is_told_once_and_only_after_session_updated() -> None:
    world = World.new()
    world.create()
    world.do(events.UpstreamOpened(1), events.UpstreamCreated(1, "sess_1"))
    assert not world.told(notices.SessionReady)

    world.do(events.UpstreamConfigured(1), events.UpstreamConfigured(1))

    assert len(world.told(notices.SessionReady)) == 1


@pytest.mark.parametrize(
    ("timer", "steps"),
    [
        ("dial", []),
        ("created", [events.UpstreamOpened(1)]),
        ("updated", [events.UpstreamOpened(1), events.UpstreamCreated(1, "s")]),
    ],
)
def test_silence_past_a_time_out_is_dialled_again_never_pretended(
    timer: str, steps: list[events.Event]
) -> None:
    world = World.new()
    world.create()
    world.do(*steps)
    world.do(events.TimerFired(timer), after=10.0)

    assert effects.HangUp(1) in world.effects
    assert not world.told(notices.SessionReady)
    world.redial()
    assert effects.Dial(2) in world.effects


def test_the_dead_cannot_speak() -> None:
    world = World.new()
    world.create()
    world.lose()
    world.redial()

    world.do(events.UpstreamCreated(1, "old"), events.UpstreamConfigured(1))

    assert not world.told(notices.SessionReady)
    assert world.session.state.line.stale_count == 2


def test_a_refused_key_is_not_tried_again() -> None:
    world = World.new()
    world.create()
    world.lose("configuration.invalid_api_key")

    assert world.asked(effects.Dial) == [effects.Dial(1)]
    (error,) = world.told(notices.Error)
    assert error.code == "SESSION_INITIALIZATION_FAILED"  # type: ignore[union-attr]
    assert not error.retryable  # type: ignore[union-attr]
    (ended,) = world.told(notices.SessionEnded)
    assert ended.fault.code == "configuration.invalid_api_key"  # type: ignore[union-attr]
    assert effects.CloseClient(4502, "not_started") in world.effects
    assert world.has_ended()


def test_retries_are_bounded() -> None:
    world = World.new()
    world.create()
    began = world.now
    while not world.has_ended():
        world.lose("provider.unreachable")
        world.redial(chance=0.5)

    assert 3 <= len(world.asked(effects.Dial)) <= 16
    assert world.now - began <= world.session.state.limits.start_budget_s
    (error,) = world.told(notices.Error)
    assert error.retry_after_ms is not None  # type: ignore[union-attr]


def test_a_wait_that_the_provider_asks_for_is_kept() -> None:
    world = World.new()
    world.create()
    world.do(events.UpstreamLost(1, fault("provider.rate_limited", retry_after_s=7.0), 0.0))

    asked_at = world.now
    world.redial()
    assert world.now - asked_at >= 7.0
    assert effects.Dial(2) in world.effects
    (told,) = [n for n in world.told(notices.Status) if n.retry_in_ms]  # type: ignore[union-attr]
    assert told.retry_in_ms == 7000  # type: ignore[union-attr]


def test_what_is_held_too_long_is_named() -> None:
    world = World.new(Limits(input_held_s=1.0, input_before_session_s=1.0))
    world.create()
    for step in range(75):  # 1.5 s
        world.do(ClientAudio(pcm(480, step)))
    world.do(events.TimerFired("losses"), after=1.0)

    lost = [n for n in world.told(notices.AudioLost) if isinstance(n, notices.AudioLost)]
    assert sum(n.to_sample - n.from_sample for n in lost) == 12_000
    assert (lost[0].from_sample, lost[-1].to_sample) == (0, 12_000)
    world.go_live()
    assert world.sent_audio() == b"".join(pcm(480, step) for step in range(25, 75))


def test_a_foreign_customer_is_refused_and_the_connection_lives() -> None:
    world = World.new()
    world.create(SessionOptions(customer_id="C-2"))

    (error,) = world.told(notices.Error)
    assert error.code == "NOT_AUTHORIZED"  # type: ignore[union-attr]
    assert not world.asked(effects.Dial)
    world.create(SessionOptions(customer_id="C-1"))
    assert world.asked(effects.Dial)


@pytest.mark.parametrize("named", [None, "", "C-1"])
def test_the_signed_in_customer_may_be_named_or_left_out(named: str | None) -> None:
    world = World.new()
    world.create(SessionOptions(customer_id=named))
    assert world.asked(effects.Dial)


def test_the_greeting_is_asked_for_first_so_that_speech_can_interrupt_it() -> None:
    world = World.new()
    world.create(SessionOptions(greet=True))
    world.do(ClientAudio(pcm(480)))
    world.go_live()

    kinds = [type(e) for e in world.effects if isinstance(e, effects.Respond | effects.Append)]
    assert kinds == [effects.Respond, effects.Append]
    assert effects.Respond(say="Hello.") in world.effects


def test_who_typed_before_the_session_was_ready_is_greeted_first_then_answered() -> None:
    world = World.new()
    world.create(SessionOptions(greet=True))
    world.do(events.TextGiven("hello"))
    world.go_live()
    world.respond()
    world.do(events.ResponseEnded(1, "resp_1", "completed"))

    assert world.asked(effects.Respond) == [effects.Respond(say="Hello."), effects.Respond()]


def test_text_given_early_keeps_its_place_among_the_audio() -> None:
    world = World.new()
    world.create()
    world.do(ClientAudio(pcm(10, 1)), events.TextGiven("hello"), ClientAudio(pcm(10, 2)))
    world.go_live()

    kinds = [type(e) for e in world.effects if isinstance(e, effects.Append | effects.AddText)]
    assert kinds == [effects.Append, effects.AddText, effects.Append]
    assert world.asked(effects.Respond) == [effects.Respond()]


def test_a_repeated_command_has_no_effect_and_the_first_answer() -> None:
    world = World.new()
    world.create(event_id="e1")
    world.create(event_id="e1")

    first, second = world.told(notices.SessionCreated)
    assert isinstance(first, notices.SessionCreated)
    assert second == replace(first, duplicate=True)
    assert len(world.asked(effects.Dial)) == 1


def test_an_unknown_voice_is_mapped_and_named() -> None:
    world = World.new()
    world.create(SessionOptions(voice="darth"))

    (created,) = world.told(notices.SessionCreated)
    assert isinstance(created, notices.SessionCreated)
    assert created.voice == "marin"
    assert "darth" in created.notes[0]


def test_what_an_upstream_has_no_word_for_is_told_when_it_is_ready() -> None:
    world = World.new()
    world.create()
    world.do(events.UpstreamOpened(1), events.UpstreamCreated(1, "sess_1"))
    ready = told(world.do(events.UpstreamConfigured(1, ("session.tool_choice",))), notices.SessionReady)

    (notice,) = ready
    assert isinstance(notice, notices.SessionReady)
    assert notice.notes == ("left out, because it does not know them: session.tool_choice",)
