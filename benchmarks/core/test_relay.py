"""Steps of `/v1/realtime`'s conductor.

What lives here: the same moments as in `test_session`, as this face has them.
What never will: a bound; `make instructions` has those.
"""

from __future__ import annotations

from itertools import count

from tests.core.relay_world import RelayWorld, append

from benchmarks.core.conftest import Timed
from holdfast.core import events, relay_effects
from holdfast.core import relay_events as heard

SECOND = 50
TURNS = 10
_ids = count()


def listening() -> RelayWorld:
    """What it keeps is in its places."""
    world = RelayWorld.live()
    world.speak(SECOND)
    return world


def sounding() -> RelayWorld:
    """An answer sounds for a client that may return."""
    world = RelayWorld.live(can_return=True)
    world.respond("resp_1")
    world.output("resp_1", "item_1")
    world.sound("resp_1", "item_1")
    return world


def talked() -> RelayWorld:
    """Ten turns, each with its answer."""
    world = RelayWorld.live()
    for _ in range(TURNS):
        turn(world)
    return world


def turn(world: RelayWorld) -> None:
    """The words of a turn, from its first sound to the end of its answer."""
    number = next(_ids)
    item, answer, response = f"item_u{number}", f"item_a{number}", f"resp_{number}"
    world.turn(item, 0, 5)
    world.respond(response)
    world.output(response, answer)
    for _ in range(4):
        world.word(response, answer, "a word ", audio=False)
    world.done(response)


def test_half_a_second_up(timed: Timed) -> None:
    timed(lambda world: world.speak(24), listening)


def test_a_message_up_as_an_event(timed: Timed) -> None:
    raw = append(0)
    timed(lambda world: world.relay.receive(heard.ClientAudioSent(raw), world.now), listening)


def test_a_message_down_as_an_event(timed: Timed) -> None:
    def pass_on(world: RelayWorld) -> None:
        world.relay.receive(
            heard.AudioPassed(world.generation, b'audio.delta "resp_1" "item_1" x'), world.now
        )

    timed(pass_on, sounding)


def test_the_words_of_a_turn(timed: Timed) -> None:
    timed(turn, talked)


def test_a_client_comes_back_to_two_seconds_that_it_missed(timed: Timed) -> None:
    def away() -> RelayWorld:
        world = sounding()
        world.do(events.ClientGone(1006))
        for _ in range(2 * SECOND):
            world.state.window.keep(b'audio.delta "resp_1" "item_1" later')  # as the runner's line does
        return world

    def come_back(world: RelayWorld) -> None:
        told = world.relay.receive(heard.ClientReturned("epoch", 0, "token2"), world.now)
        assert sum(isinstance(one, relay_effects.SendAgain) for one in told) >= 2 * SECOND

    timed(come_back, away)


def test_a_fresh_upstream_is_told_ten_turns(timed: Timed) -> None:
    def lost() -> RelayWorld:
        world = talked()
        world.now += 60.0
        world.lose()
        return world

    def opened(world: RelayWorld) -> None:
        told = world.open()
        if world.state.upstream.is_starting:
            g = world.generation
            told += world.do(heard.SessionUpdated(g, b"session.updated", heard.SessionFacts()))
        assert sum(isinstance(one, relay_effects.AddItem) for one in told) >= TURNS

    timed(opened, lost)
