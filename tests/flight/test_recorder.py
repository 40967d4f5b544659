"""Who is recorded, when a file is written, and what happens when there is no room."""

from __future__ import annotations

import asyncio
import gzip
import os
import stat
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from holdfast.core import events
from holdfast.core.events import ClientAudio, SessionOptions
from holdfast.core.faults import fault
from holdfast.core.window import ReplayWindow
from holdfast.flight import SUFFIX, Recorder, Shelf, read, replay
from holdfast.flight.blanking import Blanking
from holdfast.flight.forms import AGAIN, LIST, TEXTS_MAX, Portrait
from holdfast.flight.tap import LIGHT_BYTES, SHORT_MAX
from holdfast.ports import sightings as seen
from holdfast.ports.sightings import Watched
from tests.core.world import World, pcm, surroundings
from tests.flight.recorded_lives import LIMITS, lots_of, world_of
from tests.server.gateway import eventually

LOST = fault("provider.connection_lost", ["close code 1006"])


def shown(recorder: Recorder, session_id: str, *what: seen.Sighting) -> None:
    at = asyncio.get_running_loop().time()
    for sighting in what:
        recorder.saw(Watched(session_id, "browser", "C-1"), sighting, at)


def files(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir()) if folder.exists() else []


async def written(recorder: Recorder, count: int = 1) -> None:
    await eventually(lambda: recorder.counts.written + recorder.counts.failed >= count)


def test_the_last_steps_are_always_there_and_never_many_more() -> None:
    limits = replace(LIMITS, flight_steps=50)
    recorder = Recorder(limits)
    world = world_of(recorder, limits)
    for number in range(1_000):
        world.do(events.Pinged(number), events.Acknowledged(world.session.state.output.offset), after=0.1)
    recording = read(recorder.recording_of("hf_1") or b"")

    assert 50 <= len(recording.steps) <= 100 + SHORT_MAX
    assert recording.steps[-1].step == 2_003
    assert replay(recording).is_same


def test_of_old_messages_only_the_newest_are_in_a_portrait() -> None:
    limits = replace(LIMITS, flight_steps=50)
    recorder = Recorder(limits)
    world = world_of(recorder, limits)
    for number in range(3_000):
        world.do(events.Pinged("a client that never says what it has" * (number % 3)), after=0.1)

    assert all(len(lot.begins) < 100 * TEXTS_MAX for lot in lots_of(world))
    assert replay(read(recorder.recording_of("hf_1") or b"")).is_same


def test_a_heavy_state_is_portrayed_less_often() -> None:
    limits = replace(LIMITS, flight_steps=50, client_messages_per_s=1e6)
    recorder = Recorder(limits)
    world = world_of(recorder, limits)
    for number in range(800):
        world.do(events.TextGiven(f"I have typed {number} turns"), after=0.1)
        world.do(events.Acknowledged(world.session.state.output.offset))
    lots = lots_of(world)

    assert max(len(lot.begins) for lot in lots) > LIGHT_BYTES
    assert lots[0].count > 2 * limits.flight_steps
    assert replay(read(recorder.recording_of("hf_1") or b"")).is_same


def test_bytes_are_bounded_as_well() -> None:
    limits = replace(LIMITS, flight_bytes=4_000)
    recorder = Recorder(limits)
    world = world_of(recorder, limits)
    for number in range(400):
        world.do(events.Pinged([number] * 50), after=0.1)
        kept = sum(len(lot.steps) for lot in lots_of(world))
        assert kept <= 2 * (4_000 + 1_000), "a step of this test has less than a thousand bytes"
    assert replay(read(recorder.recording_of("hf_1") or b"")).is_same


def test_audio_costs_its_length_and_is_not_kept_alive() -> None:
    recorder = Recorder(LIMITS)
    world = world_of(recorder)
    world.do(ClientAudio(pcm(48_000)))
    (lot,) = lots_of(world)

    assert len(lot.steps) < 4_000


async def test_a_lost_upstream_is_written_when_it_is_seen_what_came_of_it(tmp_path: Path) -> None:
    recorder = Recorder(LIMITS, shelf=Shelf(tmp_path / "recordings", 10))
    world = world_of(recorder)
    world.now += 10
    world.lose()
    shown(
        recorder,
        "hf_1",
        seen.UpstreamLost(1, LOST, was_live=True),
        seen.FaultMet(LOST, "upstream.reconnecting"),
    )
    world.redial()
    assert files(tmp_path) == []
    await written(recorder)

    path = tmp_path / "recordings" / f"hf_1{SUFFIX}"
    recording = read(path.read_bytes())
    assert recording.header.why == "provider.connection_lost"
    assert recording.steps[-1].name in {"UpstreamLost", "TimerFired"}
    assert replay(recording).is_same
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    await recorder.close()


async def test_a_session_with_a_fault_is_written_once_more_when_it_ends(tmp_path: Path) -> None:
    recorder = Recorder(LIMITS, shelf=Shelf(tmp_path, 10))
    world = world_of(recorder)
    world.now += 10
    world.lose()
    shown(recorder, "hf_1", seen.UpstreamLost(1, LOST, was_live=True))
    await written(recorder)
    world.do(events.EndAsked(), events.ClientGone(1000))
    shown(recorder, "hf_1", seen.Ended("client_request"))
    await recorder.close()

    assert files(tmp_path) == [f"hf_1{SUFFIX}"]
    assert read((tmp_path / f"hf_1{SUFFIX}").read_bytes()).steps[-1].name == "EndAsked"


async def test_what_the_last_file_holds_and_was_forgotten_since_is_not_written_over(tmp_path: Path) -> None:
    limits = replace(LIMITS, flight_steps=20)
    recorder = Recorder(limits, shelf=Shelf(tmp_path, 10))
    world = world_of(recorder, limits)
    shown(recorder, "hf_1", seen.UpstreamLost(1, LOST, was_live=True))
    await written(recorder)
    for number in range(100):
        world.do(events.Pinged(number), after=0.1)
    shown(recorder, "hf_1", seen.UpstreamLost(2, LOST, was_live=True))
    await written(recorder, 2)
    await recorder.close()

    assert files(tmp_path) == [f"hf_1-2{SUFFIX}", f"hf_1{SUFFIX}"]
    assert Shelf(tmp_path, 10).newest_of("hf_1") in {tmp_path / one for one in files(tmp_path)}


@pytest.mark.parametrize(
    "sighting",
    [
        seen.Ended("client_request"),
        seen.Ended("idle", fault("application.idle")),
        seen.Ended("drain", fault("gateway.draining")),
        seen.FaultMet(fault("tool.failed"), "tool.done"),
        seen.FaultMet(fault("provider.server_error"), "upstream.error"),
    ],
)
async def test_what_ends_no_upstream_and_is_no_incident_is_not_written(
    tmp_path: Path, sighting: seen.Sighting
) -> None:
    recorder = Recorder(LIMITS, shelf=Shelf(tmp_path, 10))
    world_of(recorder)
    shown(recorder, "hf_1", sighting)
    await recorder.close()

    assert files(tmp_path) == []


async def test_a_folder_that_hangs_does_not_keep_the_gateway_from_stopping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.flight.recorder.CLOSE_S", 0.02)
    let_go = threading.Event()

    class Hanging(Shelf):
        def put(self, name: str, data: bytes) -> None:
            let_go.wait(10)
            super().put(name, data)

    recorder = Recorder(LIMITS, shelf=Hanging(tmp_path, 10))
    for number in range(2):
        world_of(recorder, session_id=f"hf_{number}")
        shown(recorder, f"hf_{number}", seen.UpstreamLost(1, LOST, was_live=True))
    async with asyncio.timeout(5):
        await recorder.close()
    await written(recorder)
    assert (recorder.counts.written, recorder.counts.failed) == (0, 1), "one hangs, the other was not begun"
    let_go.set()
    await written(recorder, 2)


async def test_an_end_by_a_bug_of_ours_is_written(tmp_path: Path) -> None:
    recorder = Recorder(LIMITS, shelf=Shelf(tmp_path, 10))
    world = world_of(recorder)
    cause = fault("gateway.internal", ["KeyError"])
    world.session.abort(cause)
    shown(recorder, "hf_1", seen.Ended("gateway_fault", cause))
    await recorder.close()

    recording = read((tmp_path / f"hf_1{SUFFIX}").read_bytes())
    assert (recording.header.why, recording.steps[-1].kind) == ("gateway.internal", "abort")


async def test_of_too_many_at_once_some_are_not_written_and_counted(tmp_path: Path) -> None:
    limits = replace(LIMITS, flight_waiting=4)
    recorder = Recorder(limits, shelf=Shelf(tmp_path, 100))
    for number in range(20):
        world_of(recorder, limits, f"hf_{number}")
        shown(recorder, f"hf_{number}", seen.UpstreamLost(1, LOST, was_live=True))
    await asyncio.sleep(limits.flight_settle_s)
    await recorder.close()

    assert recorder.counts.written <= 5
    assert recorder.counts.written + recorder.counts.skipped == 20


async def test_only_so_many_files_are_kept_the_newest(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, 3)
    for number in range(6):
        shelf.put(f"hf_{number}", b"x")
        os.utime(tmp_path / f"hf_{number}{SUFFIX}", (number, number))

    assert files(tmp_path) == [f"hf_{number}{SUFFIX}" for number in (3, 4, 5)]
    assert shelf.newest_of("hf_5") == tmp_path / f"hf_5{SUFFIX}"
    assert shelf.newest_of("hf_0") is None
    assert shelf.newest_of("../hf_5") is None


async def test_a_folder_that_takes_nothing_is_named_once_and_ends_no_session(tmp_path: Path) -> None:
    (tmp_path / "a_file").write_text("in the way")
    told: list[str] = []
    recorder = Recorder(
        LIMITS,
        shelf=Shelf(tmp_path / "a_file" / "recordings", 10),
        trouble=lambda moment, _: told.append(moment),
    )
    worlds = [world_of(recorder, session_id=f"hf_{number}") for number in range(3)]
    for number in range(3):
        shown(recorder, f"hf_{number}", seen.UpstreamLost(1, LOST, was_live=True))
    await written(recorder, 3)
    await recorder.close()

    assert recorder.counts.failed == 3
    assert told == ["recorder.not_written"]
    assert not any(world.has_ended() for world in worlds)


def test_a_step_that_can_not_be_recorded_ends_the_recording_and_not_the_session() -> None:
    told: list[str] = []
    recorder = Recorder(LIMITS, trouble=lambda moment, _: told.append(moment))
    world = world_of(recorder)
    world.do(events.Pinged(object()))
    done = world.do(events.Pinged("still here"))

    assert done
    assert (told, recorder.counts.stumbled) == (["recorder.stumbled"], 1)
    world.do(events.EndAsked(), events.ClientGone(1000))
    assert read(recorder.recording_of("hf_1") or b"").steps == ()


def test_who_ended_is_remembered_for_a_while_and_only_so_many() -> None:
    limits = replace(LIMITS, flight_ended=3)
    recorder = Recorder(limits)
    for number in range(10):
        world = world_of(recorder, limits, f"hf_{number}")
        world.do(events.EndAsked(), events.ClientGone(1000))
    here = [number for number in range(10) if recorder.recording_of(f"hf_{number}") is not None]

    assert here == [7, 8, 9]
    assert recorder.recording_of("hf_never") is None


def test_a_window_of_a_class_that_is_met_for_the_first_time_is_told_whole() -> None:
    class Unmet(ReplayWindow):
        __slots__ = ()

    window = Unmet(1_000, 10)
    former = Portrait(Blanking(lambda text: text))
    assert former.form([window, window]) == [LIST, former.form(ReplayWindow(1_000, 10)), [AGAIN, 1]]


def test_a_session_of_an_earlier_process_begins_where_the_journal_left_it() -> None:
    recorder = Recorder(LIMITS)
    world = World(recorder.session(surroundings(LIMITS, durability="local")))
    opened: dict[str, Any] = {"session_id": "hf_1", "options": SessionOptions().as_record()}
    item = {
        "id": "item_1",
        "place": 1,
        "role": "user",
        "text": "my card",
        "since": 0,
        "until": 0,
        "final": True,
    }
    item |= {"heard_chars": None, "name": "", "arguments": "", "leaves": []}
    world.session.restart([("opened", opened), ("item", item)], "epoch", 100.0)
    world.do(events.ResumeAsked("epoch", 0, "token"))
    data = recorder.recording_of("hf_1") or b""

    assert read(data).header.begins is not None
    assert replay(read(data)).is_same
    assert b"my card" not in gzip.decompress(data)
