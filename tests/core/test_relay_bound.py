"""A relayed conversation whose client's credential is bound to settings: it begins with them."""

from __future__ import annotations

from holdfast.core import events
from holdfast.core import relay_events as heard
from holdfast.core.faults import fault
from holdfast.core.relay import Relay
from holdfast.core.relay_effects import Configure, SendDown, SendGreeting
from tests.core.relay_world import RelayWorld, surroundings

BOUND = {"type": "realtime", "instructions": "Be brief."}
UPDATED = b"session.updated"


def bound() -> RelayWorld:
    world = RelayWorld(Relay(surroundings()))
    world.do(heard.Begun("rt_1", "epoch", settings=BOUND))
    return world


def confirm(world: RelayWorld) -> None:
    world.do(heard.SessionUpdated(world.state.starting.generation, UPDATED, heard.SessionFacts()))


def test_the_client_is_greeted_when_the_settings_hold_and_not_before() -> None:
    world = bound()
    world.open()

    (settings,) = world.asked(Configure)
    assert isinstance(settings, Configure)
    assert settings.settings == BOUND
    assert not world.asked(SendGreeting)
    assert not world.state.lane.is_passing, "its audio waits for the settings"

    confirm(world)

    (greeting,) = world.asked(SendGreeting)
    assert isinstance(greeting, SendGreeting)
    assert (greeting.created, greeting.updated) == (b"session.created", UPDATED)
    assert not world.asked(SendDown)
    assert world.state.lane.is_passing


def test_a_link_that_dies_before_the_greeting_is_followed_by_one_that_is_told_the_same() -> None:
    world = bound()
    world.open()
    world.do(events.UpstreamLost(world.state.starting.generation, fault("provider.connection_lost"), 0.5))
    world.do(events.TimerFired("retry", 0.5), after=1.0)
    world.open()
    confirm(world)

    assert len(world.asked(Configure)) == 2
    assert len(world.asked(SendGreeting)) == 1


def test_a_rebuild_greets_nobody_again() -> None:
    world = bound()
    world.open()
    confirm(world)
    world.rebuild()

    assert len(world.asked(Configure)) == 2
    assert len(world.asked(SendGreeting)) == 1


def test_what_the_client_sets_itself_stands_above_what_it_was_given() -> None:
    world = bound()
    world.open()
    confirm(world)
    world.say("session.update", settings={"type": "realtime", "instructions": "Be long."})
    confirm(world)
    world.rebuild()

    told = world.asked(Configure)[-1]
    assert isinstance(told, Configure)
    assert told.settings == {**BOUND, "instructions": "Be long."}
