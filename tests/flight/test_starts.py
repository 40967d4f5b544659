"""How a session started: what waits, how long, and what is left of it."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from holdfast.core import events, relay_events
from holdfast.core.effects import Append
from holdfast.core.events import ClientAudio, SessionOptions
from holdfast.core.limits import Limits
from holdfast.core.relay_events import SessionFacts
from holdfast.flight import Recorder, read, replay
from holdfast.flight.recorded import RecordedRelay
from holdfast.flight.starts import RAW_MAX, STARTS_BYTES_MAX, Starts, unpressed
from tests.core.relay_world import surroundings as relay_around
from tests.core.world import World, pcm, surroundings
from tests.flight.recorded_lives import LIMITS, lots_of, tap_of, world_of
from tests.server.gateway import eventually


def unsettled(recorder: Recorder, count: int, limits: Limits = LIMITS) -> list[World]:
    """So many sessions that are live, and that nobody has asked for."""
    return [world_of(recorder, limits, f"hf_{number:032x}") for number in range(count)]


def test_only_so_many_starts_wait_the_others_are_written_down() -> None:
    limits = replace(LIMITS, flight_fresh=4)
    recorder = Recorder(limits)
    taps = [tap_of(world) for world in unsettled(recorder, 10, limits)]

    assert recorder.fresh == 4
    assert [tap.fill[1] > 0 for tap in taps] == [True] * 6 + [False] * 4
    assert {tap.fill[0] for tap in taps} == {4}


async def test_no_start_waits_long() -> None:
    recorder = Recorder(LIMITS)
    worlds = [
        World(recorder.session(surroundings(LIMITS)), asyncio.get_running_loop().time()) for _ in range(20)
    ]
    for number, world in enumerate(worlds):
        world.do(events.SessionAsked(SessionOptions(), f"hf_{number}", "token", "epoch"))
    assert not any(tap_of(world).fill[1] for world in worlds)
    await eventually(lambda: all(tap_of(world).fill[1] for world in worlds))

    assert recorder.fresh == 0
    await recorder.close()


def test_who_is_over_and_forgotten_is_never_written_down() -> None:
    limits = replace(LIMITS, flight_ended=2)
    recorder = Recorder(limits)
    worlds = unsettled(recorder, 5, limits)
    for world in worlds:
        world.do(events.EndAsked(), events.ClientGone(1000))

    assert [tap_of(world).fill != (0, 0) for world in worlds] == [False] * 3 + [True] * 2
    assert replay(read(recorder.recording_of(f"hf_{4:032x}") or b"")).is_same


def test_sound_that_waited_for_the_upstream_is_not_kept_alive() -> None:
    recorder = Recorder(LIMITS)
    world = World(recorder.session(surroundings(LIMITS)))
    world.do(events.SessionAsked(SessionOptions(), "hf_1", "token", "epoch"))
    world.do(ClientAudio(pcm(48_000)))
    done = world.go_live()

    assert any(type(effect) is Append for effect in done)
    assert tap_of(world).fill[1] > 0, "written down at once"
    assert replay(read(recorder.recording_of("hf_1") or b"")).is_same


@pytest.mark.parametrize(("size", "written"), [(RAW_MAX, 0), (RAW_MAX + 1, 3)])
def test_a_large_original_is_not_kept_alive(size: int, written: int) -> None:
    recorder = Recorder(LIMITS)
    relay = recorder.relay(relay_around())
    assert isinstance(relay, RecordedRelay)
    for event in (
        relay_events.Begun("rt_1", "epoch"),
        events.UpstreamOpened(1),
        relay_events.SessionCreated(1, bytes(size), "sess_1", "model", None, "event_1", SessionFacts()),
    ):
        relay.receive(event, 100.0)

    assert (relay.tap.fill[0], relay.tap._newer.count) == (3, written)
    assert replay(read(recorder.recording_of("rt_1") or b"")).is_same


def test_what_somebody_types_does_not_wait() -> None:
    recorder = Recorder(LIMITS)
    world = world_of(recorder)
    assert tap_of(world).fill == (4, 0)
    world.do(events.TextGiven("my card"))

    assert tap_of(world).fill[1] > 0


def test_a_start_is_told_by_what_it_has_in_common_with_others(capsys: pytest.CaptureFixture[str]) -> None:
    recorder = Recorder(LIMITS)
    worlds = unsettled(recorder, 20)
    sizes = [len(lot.pressed) for (lot,) in map(lots_of, worlds) if lot.pressed]

    with capsys.disabled():
        print(f"\n{lots_of(worlds[0])[0].count} steps of a start in {sizes[0]}, then {sizes[-1]} bytes")
    assert sizes[0] < 1_000
    assert len(sizes) == 20
    assert max(sizes[1:]) < 250
    for number in range(20):
        recording = read(recorder.recording_of(f"hf_{number:032x}") or b"")
        assert (len(recording.steps), recording.header.session) == (4, f"hf_{number:032x}")
        assert replay(recording).is_same


def test_what_starts_have_in_common_is_bounded() -> None:
    starts = Starts()
    chance = random.Random(1)
    told = [chance.randbytes(1_000) for _ in range(20)]
    pressed = [starts.press(steps) for steps in told]

    assert [unpressed(*one) for one in pressed] == told
    assert max(len(known) for _, known in pressed) <= STARTS_BYTES_MAX
