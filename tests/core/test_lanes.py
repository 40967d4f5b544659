"""What passes without a step: as much as was allowed, and only what needs no decision."""

from __future__ import annotations

import pytest

from holdfast.core import effects, events, notices
from holdfast.core.lanes import PLAYED_MAX, InputLane, OutputLane
from tests.core.world import World, pcm, speak

FRAME = 480


def test_a_lane_takes_what_there_is_room_for() -> None:
    lane = InputLane(room=FRAME + 150)
    assert lane.take(pcm(FRAME, 1))
    assert not lane.take(pcm(FRAME, 2))
    assert lane.take(pcm(130, 3))
    assert lane.passed == [pcm(FRAME, 1), pcm(130, 3)]


@pytest.mark.parametrize("odd", [b"", bytes(959), bytes(20)])
def test_odd_empty_and_tiny_messages_are_for_a_step(odd: bytes) -> None:
    lane = InputLane(room=10_000)
    assert not lane.take(odd)
    assert lane.room == 10_000


@pytest.mark.parametrize(
    "words",
    [(2, "r", "i", 960), (1, "s", "i", 960), (1, "r", "j", 960), (1, "r", "i", 959), (1, "r", "i", 0)],
)
def test_only_the_present_item_of_the_present_upstream_sounds(words: tuple[int, str, str, int]) -> None:
    lane = OutputLane(1, "r", "i", PLAYED_MAX)
    generation, response_id, item_id, size = words
    assert not lane.take(generation, response_id, item_id, bytes(size), 1.0)
    assert lane.take(1, "r", "i", bytes(960), 1.0)


def test_what_passed_is_booked_before_anything_else_is_decided() -> None:
    world = World.live()
    state = world.session.state
    speak(world, 1)
    before = state.received
    for number in range(5):
        assert state.input_lane.take(pcm(FRAME, number))
    world.lose()

    assert state.received == before + 5 * FRAME
    assert not state.input_lane.take(pcm(FRAME, 9))
    world.go_live()
    assert world.sent_audio().endswith(b"".join(pcm(FRAME, number) for number in range(5)))


def test_audio_that_was_played_without_a_step_is_kept_for_a_client_that_comes_back() -> None:
    world = World.live()
    world.respond()
    g = world.generation
    state = world.session.state
    item = state.output.current
    assert item is not None
    offset, sent = state.output.offset, item.sent
    for number in range(3):
        assert state.output_lane.take(g, item.response_id, item.item_id, pcm(FRAME, number), world.now)
    world.do(events.ClientGone(1006))
    assert (state.output.offset, item.sent) == (offset + 3, sent + 3 * FRAME)
    assert not state.output_lane.take(g, item.response_id, item.item_id, pcm(FRAME, 4), world.now)

    back = world.do(events.ResumeAsked("epoch", offset, "token"))
    played = [one for one in back if isinstance(one, effects.Play)]
    assert [(one.offset, one.start, one.pcm) for one in played] == [
        (offset + 1 + number, sent + number * FRAME, pcm(FRAME, number)) for number in range(3)
    ]
    assert not world.told(notices.Error)
