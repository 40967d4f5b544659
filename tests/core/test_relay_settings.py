"""The client's own settings: an upstream that neither takes nor refuses them is left, and named."""

from __future__ import annotations

from holdfast.core import relay_events as heard
from holdfast.core.effects import HangUp, StartTimer, StopTimer
from holdfast.core.faults import fault
from holdfast.core.relay_effects import SendError
from holdfast.core.timers import TIMER_RETRY, TIMER_SETTINGS
from tests.core.relay_world import RelayWorld

SETTINGS = {"type": "realtime", "instructions": "Be brief."}


def asking() -> RelayWorld:
    """A live conversation whose client has just sent its settings."""
    world = RelayWorld.live()
    world.say("session.update", "evt_1", settings=SETTINGS)
    return world


def waited_in_vain(world: RelayWorld) -> None:
    world.timer(TIMER_SETTINGS, after=world.state.limits.updated_s)


def test_settings_that_are_never_confirmed_are_the_upstreams_silence() -> None:
    world = asking()
    assert StartTimer(TIMER_SETTINGS, world.state.limits.updated_s) in world.effects

    waited_in_vain(world)

    assert world.asked(HangUp)
    (note,) = world.noted("upstream.reconnecting")
    assert note.facts["fault"] == "provider.unconfigured"


def test_settings_that_were_confirmed_in_time_are_nobodys_fault() -> None:
    world = asking()
    world.do(heard.SessionUpdated(world.generation, b"session.updated", heard.SessionFacts()))

    waited_in_vain(world)

    assert not world.asked(HangUp)


def test_settings_that_were_refused_are_the_clients_business() -> None:
    world = asking()
    world.err("invalid_value", "evt_1")
    assert StopTimer(TIMER_SETTINGS) in world.effects

    waited_in_vain(world)

    assert not world.asked(HangUp)


def test_settings_that_no_upstream_confirms_are_given_up_by_the_name_of_the_last_loss() -> None:
    world = asking()
    for _ in range(world.state.limits.turn_replays + 1):
        waited_in_vain(world)
        if world.state.upstream.generation == world.generation and not world.state.upstream.is_dialed:
            world.timer(TIMER_RETRY, after=1.0)
        world.open()

    told = [one for one in world.effects if isinstance(one, SendError)]
    assert [(one.code, one.event_id) for one in told] == [("provider.unconfigured", "evt_1")]
    assert world.state.upstream.is_live, "the conversation goes on without them"


def test_a_race_is_noted_and_laid_at_nobodys_door() -> None:
    world = RelayWorld.live()
    code = "conversation_already_has_active_response"
    cause = fault("application.invalid_message")
    world.do(heard.Erred(world.generation, b"error", cause, code, "busy", None, is_race=True))

    (note,) = world.noted("upstream.error")
    assert (note.level, "fault" in note.facts) == ("debug", False)
    assert world.down == ["error"], "the client that raced is told all the same"
