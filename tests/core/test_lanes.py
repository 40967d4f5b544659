"""The short way of audio: what may pass without a step, and that the next step knows of all of it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from holdfast.core import effects, events, notices
from holdfast.core.events import ClientAudio, SessionOptions
from holdfast.core.faults import fault
from holdfast.core.lanes import (
    ACKNOWLEDGE_EVERY,
    PLAYED_MAX,
    SHORT_AUDIO_BYTES,
    PlainInputLane,
    PlainOutputLane,
)
from tests.core.world import World, pcm, speak

FRAME = pcm(480)


def listening() -> World:
    """A live session whose lane up is open."""
    world = World.live()
    speak(world, 1)
    return world


def sounding(options: SessionOptions | None = None) -> World:
    """A live session in whose answer an item sounds."""
    world = World.live(options)
    world.respond(samples=480)
    return world


def play(world: World, response_id: str = "resp_1", item_id: str = "item_1", piece: bytes = FRAME) -> bool:
    lane = world.session.state.output_lane
    return lane.take(world.generation, response_id, item_id, piece, world.now)


def places(one: effects.Play) -> tuple[int, int, int, bytes]:
    return one.offset, one.stream, one.start, one.pcm


# up


def test_a_lane_takes_what_there_is_room_for() -> None:
    lane = PlainInputLane(room=480 + 600, until=4080)
    assert lane.take(FRAME)
    assert not lane.take(pcm(480, 2))  # another like it would not fit
    assert lane.take(pcm(300, 3))
    assert lane.passed.take() == (FRAME + pcm(300, 3), [960, 600])
    assert lane.end == 3000 + 780


def test_what_passed_is_told_again_to_the_next_upstream() -> None:
    world = listening()
    state = world.session.state
    for number in range(5):
        assert state.input_lane.take(pcm(480, number))
    world.lose()
    assert state.received == 6 * 480
    assert not state.input_lane.take(FRAME)
    world.go_live()
    assert world.sent_audio().endswith(b"".join(pcm(480, number) for number in range(5)))


def test_what_passed_is_counted_once_by_the_next_step() -> None:
    world = listening()
    lane = world.session.state.input_lane
    assert all(lane.take(FRAME) for _ in range(10))
    assert world.session.state.input_lane.end == 11 * 480

    world.do(events.Pinged(None))
    state = world.session.state
    assert not lane.passed
    assert state.received == state.timeline.expected == state.kept.end == state.input_lane.end == 11 * 480
    assert state.kept.audio(0, state.received) == FRAME * 11


def test_the_message_that_makes_an_acknowledgement_due_takes_the_step() -> None:
    world = listening()
    lane = world.session.state.input_lane
    while lane.take(FRAME):
        assert not world.told(notices.AudioReceived)
    world.do(ClientAudio(FRAME))

    (told,) = world.told(notices.AudioReceived)
    assert isinstance(told, notices.AudioReceived)
    assert told.received == ACKNOWLEDGE_EVERY


@pytest.mark.parametrize("piece", [b"", FRAME[:-1], pcm(SHORT_AUDIO_BYTES // 2 - 1)])
def test_audio_that_must_be_looked_at_takes_the_step(piece: bytes) -> None:
    lane = PlainInputLane(room=ACKNOWLEDGE_EVERY)
    assert not lane.take(piece)
    assert (lane.room, len(lane.passed)) == (ACKNOWLEDGE_EVERY, 0)


def test_nothing_passes_faster_than_the_rate_allows() -> None:
    world = listening()
    state = world.session.state
    state.audio.level = 1200.0
    world.do(events.Pinged(None))
    assert state.input_lane.take(FRAME)
    assert not state.input_lane.take(FRAME)


def test_no_lane_is_open_while_nobody_is_live() -> None:
    world = sounding()
    world.lose()
    assert not world.session.state.input_lane.take(FRAME)
    assert not play(world)


@pytest.mark.parametrize("milliseconds", [10, 20, 30, 40, 60, 64, 100, 200])
def test_what_was_received_is_told_at_least_every_500_ms_whatever_the_messages_size(
    milliseconds: int,
) -> None:
    world = listening()
    lane, piece = world.session.state.input_lane, pcm(24 * milliseconds)
    told = [0]
    for _ in range(6_000 // milliseconds):
        if not lane.take(piece):
            world.do(ClientAudio(piece), after=milliseconds / 1000)
    told += [one.received for one in world.told(notices.AudioReceived)]  # type: ignore[union-attr]
    assert len(told) > 10
    assert max(b - a for a, b in pairwise(told)) <= 12_000


# told without a step


def tell(world: World) -> tuple[int, int] | None:
    state = world.session.state
    return state.input_lane.tell(state.output_lane, world.now)


def test_what_was_received_is_told_without_a_step_until_somebody_should_book_it() -> None:
    world = listening()
    lane, before = world.session.state.input_lane, world.session.state.output.offset
    for number, due in ((1, None), (2, "booking")):
        assert all(lane.take(FRAME) for _ in range(20))
        assert tell(world) == (lane.end, before + number)
        assert lane.due() == due
    assert all(lane.take(FRAME) for _ in range(3))
    world.do(events.AudioDue())

    assert not [e for e in world.effects if isinstance(e, effects.Tell) and e.offset == before + 3]
    assert world.session.state.received == 480 * 44
    assert all(lane.take(FRAME) for _ in range(17))
    assert lane.due() == "telling"
    assert tell(world) == (480 * 61, before + 3)


def test_a_step_tells_what_nobody_told_for_long() -> None:
    world = listening()
    lane, before = world.session.state.input_lane, world.session.state.output.offset
    assert all(lane.take(FRAME) for _ in range(21))
    world.do(events.AudioDue())

    (stepped,) = [e for e in world.effects if isinstance(e, effects.Tell) and e.offset == before + 1]
    assert stepped.notice == notices.AudioReceived(480 * 22, 0)


@pytest.mark.parametrize("is_sounding", [False, True])
def test_who_comes_back_finds_what_was_told_without_a_step_among_the_rest(*, is_sounding: bool) -> None:
    world = sounding() if is_sounding else World.live()
    speak(world, 1)
    state = world.session.state
    offset, expected = state.output.offset, []
    for number in range(3):
        if is_sounding:
            assert play(world, piece=pcm(480, number))
            expected.append((offset + 1 + 2 * number, pcm(480, number)))
        assert state.input_lane.take(FRAME)
        assert tell(world) is not None
    world.do(events.ClientGone(1006))
    back = world.do(events.ResumeAsked("epoch", offset, "token"))

    played = [(one.offset, one.pcm) for one in back if isinstance(one, effects.Play)]
    assert played == expected
    received = [one for one in back if isinstance(one, effects.Tell) and one.offset is not None]
    assert [one.notice for one in received] == [notices.AudioReceived(480 * n, 0) for n in (2, 3, 4)]
    numbers = sorted(
        one.offset for one in back if isinstance(one, effects.Tell | effects.Play) and one.offset
    )
    assert numbers == list(range(offset + 1, state.output.offset + 1))


def test_each_telling_is_a_mark_of_how_far_the_upstream_had_heard() -> None:
    world = listening()
    lane, state = world.session.state.input_lane, world.session.state
    moments = []
    for _ in range(3):
        world.now += 0.14
        assert all(lane.take(FRAME) for _ in range(7))
        assert tell(world) is not None
        moments.append((world.now, lane.end))
    world.now += 0.14
    world.do(events.AudioDue())
    assert [state.timeline.given_by(at + 0.01) for at, _ in moments] == [end for _, end in moments]


def test_nothing_is_told_without_a_step_to_who_is_away() -> None:
    world = listening()
    assert world.session.state.input_lane.take(FRAME)
    world.do(events.ClientGone(1006))
    assert tell(world) is None


def test_telling_makes_no_room_for_more_than_the_rate_allows() -> None:
    world = listening()
    state = world.session.state
    state.audio.level = 14_000.0
    world.do(events.Pinged(None))
    lane, before = state.input_lane, state.received
    while lane.take(FRAME) or tell(world) is not None:
        pass
    assert 14_000 - 2 * 480 < lane.end - before <= 14_000


def test_a_lane_told_nothing_new_leaves_it_to_the_step() -> None:
    world = listening()
    assert world.session.state.input_lane.take(FRAME)
    assert tell(world) is not None
    assert tell(world) is None


def test_a_frame_with_its_position_passes_when_it_continues() -> None:
    world = World.live(SessionOptions(framing="positioned"))
    world.do(ClientAudio(FRAME, 0))
    lane = world.session.state.input_lane
    assert lane.end == 480
    assert lane.take(FRAME)
    assert lane.end == 960
    world.do(ClientAudio(FRAME, 480))  # comes twice
    assert world.session.state.received == lane.end == 960


# down


def test_what_was_played_is_booked_before_anything_else_is_numbered() -> None:
    world = sounding()
    before = world.session.state.output.offset
    assert play(world)
    assert play(world)
    world.do(events.Pinged(None))

    state = world.session.state
    played = [play for run in state.window.audio for play in run.messages()]
    assert [(one.offset, one.start) for one in played[-2:]] == [(before + 1, 480), (before + 2, 960)]
    pong = next(e for e in reversed(world.effects) if isinstance(e, effects.Tell))
    assert pong.offset == before + 3


def test_a_client_with_positions_is_told_them_before_they_are_booked() -> None:
    world = sounding(SessionOptions(framing="positioned"))
    state = world.session.state
    told = []
    for _ in range(3):
        assert play(world)
        told.append(effects.Play(*state.output_lane.place_of_last(len(FRAME)), FRAME))
    world.do(events.Pinged(None))
    kept = [play for run in state.window.audio for play in run.messages()]
    assert list(map(places, told)) == list(map(places, kept[-3:]))


def test_what_was_played_without_a_step_is_kept_for_a_client_that_comes_back() -> None:
    world = sounding()
    state = world.session.state
    offset = state.output.offset
    for number in range(3):
        assert play(world, piece=pcm(480, number))
    world.do(events.ClientGone(1006))
    assert not play(world)
    back = world.do(events.ResumeAsked("epoch", offset, "token"))
    assert [places(one) for one in back if isinstance(one, effects.Play)] == [
        (offset + 1 + number, 1, 480 * (1 + number), pcm(480, number)) for number in range(3)
    ]
    assert not world.told(notices.Error)


@pytest.mark.parametrize(
    ("response_id", "item_id", "piece"),
    [
        ("resp_2", "item_1", FRAME),
        ("resp_1", "item_2", FRAME),
        ("resp_1", "item_1", FRAME[:-1]),
        ("resp_1", "item_1", b""),
        ("resp_1", "item_1", pcm(PLAYED_MAX + 1)),
    ],
)
def test_what_is_not_more_of_the_same_takes_the_step(response_id: str, item_id: str, piece: bytes) -> None:
    world = sounding()
    assert not play(world, response_id, item_id, piece)
    assert not world.session.state.output_lane.passed


def test_a_dead_link_has_no_lane() -> None:
    lane = PlainOutputLane(generation=2, response_id="resp_1", item_id="item_1", room=PLAYED_MAX)
    assert not lane.take(1, "resp_1", "item_1", FRAME, 0.0)
    assert lane.take(2, "resp_1", "item_1", FRAME, 0.0)


def test_a_bug_of_ours_ends_what_has_passed_too() -> None:
    world = sounding()
    state = world.session.state
    before = state.output.offset
    speak(world, 1)
    assert play(world)
    assert state.input_lane.take(FRAME)
    out = world.session.abort(fault("gateway.internal"))

    told = [effect for effect in out if isinstance(effect, effects.Tell)]
    assert [effect.offset for effect in told] == [before + 2, before + 3]
    assert state.received == state.input_lane.end == 960
    assert not state.input_lane.take(FRAME)
    assert not play(world)


def test_audio_without_a_whole_sample_is_no_message() -> None:
    world = sounding()
    state = world.session.state
    before = state.output.offset
    g = world.generation
    world.effects.clear()
    world.do(*(events.OutputAudio(g, "resp_1", "item_1", piece) for piece in (b"", b"\x01", b"\x02")))

    (played,) = world.effects
    assert isinstance(played, effects.Play)
    assert (played.offset, played.start, played.pcm) == (before + 1, 480, b"\x01\x02")
    assert len(state.window.audio) == 2
