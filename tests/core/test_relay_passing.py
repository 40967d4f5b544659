"""The relay where nothing breaks: originals in order, held before there is an upstream, ended by name."""

from __future__ import annotations

import pytest

from holdfast.core import events, relay_effects
from holdfast.core import relay_events as heard
from holdfast.core.effects import CloseClient, Finish, HangUp
from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from holdfast.core.timers import TIMER_AWAY
from tests.core.relay_world import RelayWorld, append


def test_what_comes_before_the_upstream_lives_goes_up_in_order() -> None:
    world = RelayWorld.new()
    first = world.speak(2)
    commit = world.say("input_audio_buffer.commit")
    second = world.speak()
    assert world.up == []

    world.open()

    assert world.up == [*first, commit.raw, *second]
    assert world.down == ["session.created"]
    assert world.state.lane.is_passing
    assert world.state.lane.voice == world.generation


def test_originals_pass_in_both_directions() -> None:
    world = RelayWorld.live()
    asked = world.say("no.such.event", "mine")
    world.do(heard.Passed(world.generation, b"rate_limits.updated"))

    assert world.up == [asked.raw]
    assert world.down == ["rate_limits.updated"]


def test_a_dead_link_has_no_voice() -> None:
    world = RelayWorld.live()
    dead = world.generation
    world.rebuild()
    world.effects.clear()

    lost = events.UpstreamLost(dead, fault("provider.connection_lost"))
    world.do(heard.Passed(dead, b"late"), heard.AudioPassed(dead, b"late"), lost)

    assert world.effects == []


def test_what_cannot_be_held_is_refused_by_name_and_audio_once() -> None:
    size = len(append(0))
    world = RelayWorld.new(Limits(relay_held_bytes=2 * size))
    held = world.speak(5)[:2]
    world.say("response.create", "mine")

    errors = [one for one in world.effects if isinstance(one, relay_effects.SendError)]
    assert [(one.code, one.event_id) for one in errors] == [("not_ready", None), ("not_ready", "mine")]
    world.open()
    assert world.up == held


def test_audio_while_nobody_speaks_is_kept_for_seconds_only() -> None:
    world = RelayWorld.live(limits=Limits(input_replayed_s=0.1))
    world.speak(200)

    kept = world.state.kept
    kept.book()
    assert kept.size <= kept.quiet_max
    assert kept.first == kept.gone * 960
    assert kept.end == 200 * 960


def test_a_client_that_leaves_ends_the_conversation() -> None:
    world = RelayWorld.live()
    world.do(events.ClientGone(1001))

    assert world.asked(HangUp)
    assert world.asked(Finish)
    assert world.state.surroundings.endpoints.live == 0


def test_a_client_that_does_not_read_is_told_goodbye() -> None:
    world = RelayWorld.live()
    world.do(events.ClientTooSlow(9_000_000))

    (error,) = world.asked(relay_effects.SendError)
    assert isinstance(error, relay_effects.SendError)
    assert error.code == "user_network.slow"
    assert world.asked(CloseClient)
    assert world.has_ended()


def test_an_idle_client_is_told_goodbye_and_one_that_speaks_is_not() -> None:
    world = RelayWorld.live()
    world.speak()
    world.timer("idle")
    assert not world.has_ended()

    world.timer("idle")
    (error,) = world.asked(relay_effects.SendError)
    assert isinstance(error, relay_effects.SendError)
    assert error.code == "application.idle"
    assert world.has_ended()


def test_a_conversation_that_has_lasted_long_enough_is_told_that_and_not_that_it_was_silent() -> None:
    world = RelayWorld.live()
    world.timer("life")
    (error,) = world.asked(relay_effects.SendError)
    assert isinstance(error, relay_effects.SendError)
    assert error.code == "application.time_limit"
    assert world.has_ended()


def test_a_stopping_process_lets_the_sentence_be_finished() -> None:
    world = RelayWorld.live()
    world.respond("resp_1")
    world.do(events.DrainBegan())
    assert not world.has_ended()

    world.done("resp_1")
    assert world.has_ended()
    assert world.down[-1] == 'response.done "resp_1" completed'


def test_a_stopping_process_waits_for_nobody_for_ever() -> None:
    world = RelayWorld.live()
    world.respond("resp_1")
    world.do(events.DrainBegan())
    world.timer("drain")

    (terminal,) = world.asked(relay_effects.SendTerminal)
    assert isinstance(terminal, relay_effects.SendTerminal)
    assert terminal.response_id == "resp_1"
    assert world.has_ended()


def test_the_first_upstream_may_be_refused_and_dialled_again() -> None:
    world = RelayWorld.new()
    world.lose("provider.unavailable")
    world.timer("retry", after=1.0)
    world.open()

    assert world.down == ["session.created"]


def test_without_hope_the_client_is_told_the_fault_and_when_to_come_back() -> None:
    world = RelayWorld.new()
    world.lose("configuration.invalid_api_key")

    (error,) = world.asked(relay_effects.SendError)
    (close,) = world.asked(CloseClient)
    assert isinstance(error, relay_effects.SendError)
    assert isinstance(close, CloseClient)
    assert error.code == "configuration.invalid_api_key"
    assert close.reason == "server_error.configuration.invalid_api_key"
    assert close.code == fault("configuration.invalid_api_key").row.close_code
    assert error.retry_after_ms is None


def test_the_third_breach_in_a_minute_is_a_loss() -> None:
    world = RelayWorld.live()
    first = world.generation
    for _ in range(3):
        world.do(events.UpstreamBreached(first, "not JSON"))

    assert world.noted("upstream.reconnecting")
    assert world.generation > first


def test_a_bug_of_ours_ends_it_by_name() -> None:
    world = RelayWorld.live()
    world.respond("resp_1")
    world.effects += world.relay.abort(fault("gateway.internal"))

    assert [type(one).__name__ for one in world.effects[-6:]][:3] == [
        "SendTerminal",
        "SendError",
        "CloseClient",
    ]
    assert world.has_ended()


def test_who_is_over_lets_go_what_is_heavy_whenever_it_is_collected() -> None:
    world = RelayWorld.live()
    world.speak(3)
    world.say("response.create", "e1")
    assert world.state.kept.asked
    world.do(events.ClientGone(1000))
    kept = world.state.kept
    assert world.has_ended()
    assert [len(one) for one in (kept.fresh, kept.given, kept.waiting, kept.asked)] == [0] * 4
    assert (kept.size, kept.asked_size) == (0, 0)


def test_when_memory_runs_short_who_is_away_keeps_its_newest_messages() -> None:
    world = RelayWorld.live(can_return=True, limits=Limits(window_shed_bytes=300))
    window = world.state.window
    for _ in range(5):
        window.keep(bytes(100))
    assert not world.do(events.MemoryRanShort())
    world.do(events.ClientGone(1006))
    world.do(events.MemoryRanShort(), events.MemoryRanShort())
    assert [note.facts for note in world.noted("session.shed")] == [{"bytes": 200}]
    assert (window.size, window.holds(1), window.holds(2)) == (300, False, True)


@pytest.mark.parametrize(
    ("code", "cause"), [(1006, "user_network.connection_lost"), (1013, "user_network.slow"), (1001, None)]
)
def test_what_drove_a_client_away_ends_the_session_when_it_does_not_come_back(
    code: int, cause: str | None
) -> None:
    world = RelayWorld.live(can_return=True)
    world.do(events.ClientGone(code))
    world.do(events.TimerFired(TIMER_AWAY))
    (ended,) = [note.facts for note in world.noted("session.ended")]
    assert (ended["reason"], ended.get("fault")) == ("not_resumed", cause)


@pytest.mark.parametrize("asked", [True, False])
def test_what_no_dialect_has_is_for_clients_that_asked_for_such(*, asked: bool) -> None:
    world = RelayWorld.live(can_return=asked)
    world.do(heard.OwnPassed(world.generation, b"holdfast.stages"))
    assert world.down == (["holdfast.stages"] if asked else [])
