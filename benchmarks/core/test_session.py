"""Steps of the browser protocol's conductor.

What lives here: what a second of conversation is made of, and what happens once in a while.
What never will: a bound; `make instructions` has those.
"""

from __future__ import annotations

from itertools import count

from tests.core.world import World, pcm, speak

from benchmarks.core.conftest import Timed
from holdfast.core import effects, events

FRAME = pcm(480, 7)
SECOND = 50
PASSING = 23
"""Frames that pass without a step, before the one that has to tell `received`."""
TURNS = 10
_ids = count()


def listening() -> World:
    """Its lane up is open, and what it keeps is in its places."""
    world = World.live()
    speak(world, SECOND)
    while world.session.state.input_lane.room < (PASSING + 1) * 480:
        speak(world, 1)
    return world


def sounding() -> World:
    """An answer sounds; its lane down is open."""
    world = World.live()
    world.respond(samples=480)
    return world


def talked() -> World:
    """Ten turns, each with its answer."""
    world = World.live()
    for _ in range(TURNS):
        turn(world)
    return world


def turn(world: World) -> None:
    """The words of a turn, from its first sound to the end of its answer."""
    g, number = world.generation, next(_ids)
    item, answer, response = f"item_u{number}", f"item_a{number}", f"resp_{number}"
    receive, now = world.session.receive, world.now
    said: list[events.Event] = [
        events.SpeechBegan(g, item, 0),
        events.SpeechEnded(g, item, 5),
        events.InputCommitted(g, item),
        events.UserTranscribed(g, item, "What is my balance?", final=True),
        events.ResponseBegan(g, response),
        events.OutputAudio(g, response, answer, FRAME),
        *(events.OutputTranscribed(g, response, answer, "a word ", final=False) for _ in range(4)),
        events.OutputTranscribed(g, response, answer, "a word a word a word a word ", final=True),
        events.ResponseEnded(g, response, "completed"),
    ]
    for event in said:
        receive(event, now)


def test_a_frame_up_the_short_way(timed: Timed) -> None:
    timed(lambda world: world.session.state.input_lane.take(FRAME), listening)


def test_half_a_second_up(timed: Timed) -> None:
    def half_a_second(world: World) -> None:
        take = world.session.state.input_lane.take
        for _ in range(PASSING):
            take(FRAME)
        world.session.receive(events.ClientAudio(FRAME), world.now)

    timed(half_a_second, listening)


def test_a_frame_down_the_short_way(timed: Timed) -> None:
    def play(world: World) -> None:
        lane = world.session.state.output_lane
        assert lane.take(lane.generation, "resp_1", "item_1", FRAME, world.now)

    timed(play, sounding)


def test_half_a_second_down_and_its_booking(timed: Timed) -> None:
    def half_a_second(world: World) -> None:
        lane = world.session.state.output_lane
        for _ in range(PASSING):
            lane.take(lane.generation, "resp_1", "item_1", FRAME, world.now)
        world.session.receive(events.Pinged(None), world.now)

    timed(half_a_second, sounding)


def test_a_frame_up_as_an_event(timed: Timed) -> None:
    timed(lambda world: world.session.receive(events.ClientAudio(FRAME), world.now), listening)


def test_a_frame_down_as_an_event(timed: Timed) -> None:
    def play(world: World) -> None:
        event = events.OutputAudio(world.generation, "resp_1", "item_1", FRAME)
        world.session.receive(event, world.now)

    timed(play, sounding)


def test_the_words_of_a_turn(timed: Timed) -> None:
    timed(turn, talked)


def test_a_client_comes_back_to_two_seconds_that_it_missed(timed: Timed) -> None:
    def away() -> World:
        world = sounding()
        world.do(events.ClientGone(1006))
        for _ in range(2 * SECOND):
            world.do(events.OutputAudio(world.generation, "resp_1", "item_1", FRAME))
        return world

    def come_back(world: World) -> None:
        told = world.session.receive(events.ResumeAsked("epoch", 0, "token2"), world.now)
        assert sum(isinstance(one, effects.Play) for one in told) >= 2 * SECOND

    timed(come_back, away)


def test_a_fresh_upstream_is_told_ten_turns(timed: Timed) -> None:
    def lost() -> World:
        world = talked()
        world.now += 10
        world.lose()
        world.redial()
        g = world.generation
        world.do(events.UpstreamOpened(g), events.UpstreamCreated(g, "sess_2"))
        return world

    def configured(world: World) -> None:
        told = world.session.receive(events.UpstreamConfigured(world.generation), world.now)
        assert sum(isinstance(one, effects.AddText) for one in told) >= TURNS

    timed(configured, lost)
