"""The file: what stands in it, and what is no recording says so with its cure."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from holdfast.core import events
from holdfast.core.events import SessionOptions
from holdfast.core.faults import Party, fault
from holdfast.core.relay_events import Begun
from holdfast.flight import NoRecordingError, faults, provider_sessions, read, read_file, replay
from tests.cli.commands import run
from tests.core import relay_world
from tests.core.world import World, surroundings
from tests.flight.recorded_lives import recorder_of


def recorded() -> bytes:
    """A session whose upstream dies in mid-sentence and is rebuilt."""
    recorder = recorder_of()
    world = World(recorder.session(surroundings()))
    world.effects += world.session.start()
    world.create(SessionOptions(customer_name="Erika Mustermann", instructions="Be kind to Erika."))
    world.go_live()
    world.respond()
    world.do(events.OutputTranscribed(world.generation, "resp_1", "item_1", "You owe nine euros", final=True))
    world.rebuild()
    data = recorder.recording_of("hf_1")
    assert data is not None
    return data


@pytest.fixture(scope="module")
def data() -> bytes:
    return recorded()


def lines_of(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(data).splitlines()]


def test_a_recording_names_who_wrote_it_and_what_it_is_of(data: bytes) -> None:
    header, *steps, end = lines_of(data)

    assert header["holdfast_recording"] == 1
    assert (header["core"], header["session"], header["why"]) == ("session", "hf_1", "asked")
    assert header["surroundings"]["limits"]["sessions"] == 1_000
    assert [one["step"] for one in steps] == list(range(end["end"]))


def test_it_is_the_same_packed_or_not(data: bytes) -> None:
    assert read(gzip.decompress(data)) == read(data)


def test_who_reads_it_learns_of_faults_and_of_the_providers_sessions(data: bytes) -> None:
    recording = read(data)

    (met,) = faults(recording)
    assert (met.code, met.party, met.moment) == (
        "provider.connection_lost",
        Party.PROVIDER,
        "upstream.reconnecting",
    )
    assert recording.steps[met.step].name == "UpstreamLost"
    ids = [(one.generation, one.upstream, one.id) for one in provider_sessions(recording)]
    assert ids == [(1, "openai", "sess_1"), (2, "openai", "sess_2")]


def test_neither_words_nor_names_are_in_it(data: bytes) -> None:
    text = gzip.decompress(data)
    for word in (b"Erika", b"Mustermann", b"Be kind", b"owe", b"nine", b"euros", b'"token"'):
        assert word not in text


def without_end(data: bytes) -> bytes:
    return b"\n".join(gzip.decompress(data).splitlines()[:-1])


def altered(data: bytes) -> bytes:
    return gzip.decompress(data).replace(b'"generation":1', b'"generation":2', 1)


def of_another_format(data: bytes) -> bytes:
    return gzip.decompress(data).replace(b'"holdfast_recording":1', b'"holdfast_recording":9', 1)


def cut_short(data: bytes) -> bytes:
    return data[: len(data) // 2]


def scrambled(data: bytes) -> bytes:
    return data[:40] + bytes(40) + data[80:]


def with_header(data: bytes, **told: str | float) -> bytes:
    """Whole, and by somebody else."""
    header, *rest, _ = gzip.decompress(data).splitlines(keepends=True)
    body = json.dumps({**json.loads(header), **told}).encode() + b"\n" + b"".join(rest)
    return body + json.dumps({"end": len(rest), "check": f"{zlib.crc32(body):08x}"}).encode() + b"\n"


def packed(lines: list[dict[str, Any]]) -> bytes:
    """The same with a sum that fits."""
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines[:-1])
    return body + json.dumps({"end": len(lines) - 2, "check": f"{zlib.crc32(body):08x}"}).encode() + b"\n"


def test_a_file_of_somebody_else_is_read_like_ours(data: bytes) -> None:
    assert read(with_header(data, why="provider.stalled")).header.why == "provider.stalled"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: b"", "no recording"),
        (lambda _: b"hello\n", "no recording"),
        (lambda _: b'{"some": "json"}\n', "no recording"),
        (lambda _: b"[1, 2]\n", "no recording"),
        (without_end, "damaged"),
        (altered, "damaged"),
        (cut_short, "damaged"),
        (scrambled, "damaged"),
        (of_another_format, "format 9"),
        (lambda data: gzip.decompress(data).replace(b'"core":"session"', b'"core":"other"', 1), "damaged"),
        (lambda data: with_header(data, why='"""\nimport os\n"""'), "damaged"),
        (lambda data: with_header(data, session="hf_1\x1b]0;it is mine\x07"), "damaged"),
        (lambda data: with_header(data, version="{0}"), "damaged"),
        (lambda data: with_header(data, written=1e20), "damaged"),
        (lambda data: with_header(data, clock=-1e12), "damaged"),
    ],
)
def test_what_is_none_says_why_and_what_to_do(data: bytes, make: Any, words: str) -> None:
    with pytest.raises(NoRecordingError) as refused:
        read(make(data))
    assert words in refused.value.what
    assert refused.value.why
    assert refused.value.fix


NOTE = {"is": "effects.Note", "moment": "upstream.created", "level": "info"}
ODD_EFFECTS = [
    {},
    {"is": "effects.Note"},
    {**NOTE, "facts": {}},
    {**NOTE, "facts": {"map": 5}},
    {**NOTE, "facts": {"map": [["fault"], 5, ["fault", ["provider.closed"]]]}},
    {**NOTE, "facts": {"map": [["generation", [1]]]}},
    {**NOTE, "facts": {"map": [["fault", "provider.closed"], ["evidence", 5]]}},
]


@pytest.mark.parametrize("effect", ODD_EFFECTS)
def test_notes_of_another_version_are_read_as_far_as_they_can_be(
    data: bytes, tmp_path: Path, effect: dict[str, Any]
) -> None:
    lines = lines_of(data)
    before = len(faults(read(data)))
    lines[1]["due"] = [effect]
    path = tmp_path / "odd.flight.jsonl"
    path.write_bytes(packed(lines))
    done = run("replay", str(path), "--json")

    told = json.loads(done.stdout)
    assert done.exit_code == 1, "it decides otherwise"
    assert len(told["faults"]) == before + ("provider.closed" in str(effect) and "evidence" in str(effect))


@pytest.mark.parametrize("answers", [[["measured", {"a": 1}]], [["measured", 5]]])
def test_answers_of_another_version_stop_the_replay_by_name(data: bytes, answers: list[Any]) -> None:
    lines = lines_of(data)
    lines[2]["answers"] = answers

    assert replay(read(packed(lines))).stopped.startswith("step 1: ")


def test_a_file_that_is_larger_than_memory_is_refused_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    with path.open("wb") as file:
        file.truncate(1 << 40)

    with pytest.raises(NoRecordingError, match="no recording of a session"):
        read_file(path)


def test_a_beginning_of_another_version_is_refused_by_name(data: bytes) -> None:
    recording = read(data)
    recording.header.surroundings["limits"]["is"] = "limits.Boundaries"

    with pytest.raises(NoRecordingError, match="Boundaries"):
        replay(recording)


def test_a_step_of_another_version_stops_the_replay_by_name(data: bytes) -> None:
    recording = read(data)
    recording.steps[2].event["is"] = "events.SomethingNew"
    walked = replay(recording)

    assert not walked.is_same
    assert len(walked.walked) == 2
    assert "SomethingNew" in walked.stopped


def test_what_a_newer_core_has_besides_begins_as_it_does_there(data: bytes) -> None:
    recording = read(data)
    for step in recording.steps:
        step.event.pop("chance", None)
        step.event.pop("lifetime_s", None)

    assert not replay(recording).stopped


def test_the_end_that_a_bug_makes_is_in_it_and_is_walked_again() -> None:
    recorder = recorder_of()
    world = World(recorder.session(surroundings()))
    world.create()
    world.go_live()
    with pytest.raises(KeyError):
        world.do(events.TimerFired("of nobody"))
    world.session.abort(fault("gateway.internal", ["KeyError"]))
    data = recorder.recording_of("hf_1")
    assert data is not None
    walked = replay(read(data))

    assert [one.step.kind for one in walked.walked][-2:] == ["raised", "abort"]
    assert walked.is_same
    assert walked.walked[-1].machines["over"] == "yes"


def test_a_relayed_conversation_has_one_too(tmp_path: Path) -> None:
    recorder = recorder_of()
    world = relay_world.RelayWorld(recorder.relay(relay_world.surroundings()))
    world.do(Begun("rt_1", "epoch", settings={"instructions": "Serve Erika.", "voice": "marin"}))
    world.open()
    world.lose()
    data = recorder.recording_of("rt_1")
    assert data is not None

    assert replay(read(data)).is_same
    assert b"Erika" not in gzip.decompress(data)
    assert read(data).header.core == "relay"
