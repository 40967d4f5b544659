"""A client asks for an answer while the rest of a cut one is said, of which it knows nothing."""

from __future__ import annotations

import pytest

from holdfast.core.relay_events import SessionFacts
from tests.core.relay_world import RelayWorld, ends

FACTS = SessionFacts(hears_turns=True, answers_turns=True, interrupts=True)


def carrying_on(*, has_begun: bool) -> RelayWorld:
    """An answer was cut; its rest has been asked for, or is being said as `rest`."""
    world = RelayWorld.live(FACTS)
    world.respond("resp_1")
    world.output("resp_1", "item_1")
    world.word("resp_1", "item_1", "one two")
    world.rebuild()
    assert ends(world) == [("resp_1", "incomplete", "upstream_lost")]
    if has_begun:
        world.respond("rest")
    world.effects.clear()
    return world


@pytest.mark.parametrize("has_begun", [False, True])
def test_its_request_waits_for_the_end_of_the_rest(has_begun: bool) -> None:  # noqa: FBT001 - a parameter
    world = carrying_on(has_begun=has_begun)
    asked = world.say("response.create", "mine")
    assert world.up == []

    if not has_begun:
        world.respond("rest")
    world.done("rest")
    assert world.up == [asked.raw]

    world.respond("resp_2")
    assert world.state.responses.open["resp_2"].wish.original == asked.raw


def test_a_second_request_goes_up_to_be_refused_as_ever() -> None:
    world = carrying_on(has_begun=True)
    world.say("response.create", "mine")
    second = world.say("response.create", "second")

    assert world.up == [second.raw]


def test_a_request_beside_the_conversation_does_not_wait() -> None:
    world = carrying_on(has_begun=True)
    asked = world.say("response.create", "mine", is_beside=True)

    assert world.up == [asked.raw]


def test_a_request_that_is_taken_back_is_begun_and_ended_all_the_same() -> None:
    world = carrying_on(has_begun=True)
    asked = world.say("response.create", "mine")
    back = world.say("response.cancel", "back", cancels="")
    assert world.up == [back.raw], "what is being said ends now"

    world.done("rest", "cancelled")
    assert world.up == [back.raw, asked.raw, back.raw]


def test_an_upstream_that_is_lost_meanwhile_loses_no_request() -> None:
    world = carrying_on(has_begun=True)
    asked = world.say("response.create", "mine")
    world.rebuild()

    assert world.up.count(asked.raw) == 1


def test_a_rest_that_is_refused_keeps_nobody_waiting() -> None:
    world = carrying_on(has_begun=False)
    asked = world.say("response.create", "mine")
    (event_id,) = world.state.responses.asks
    world.err("invalid_value", event_id)

    assert world.up == [asked.raw]
