"""Sound is recorded where its speaker agreed to it and that stands in the book, and nowhere else."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from holdfast.config import ConfigError, load
from holdfast.emulator import EmulatorOptions
from holdfast.ports.sound import Consent
from holdfast.sound import RecordingOptions, StereoRecordings
from holdfast.sound.retention import sweep
from holdfast.store import StoreUnavailableError
from tests.cli.commands import run_beside
from tests.server.gateway import Client, eventually, frames, tone
from tests.server.test_transcripts import file_in, whole

WORDS = "This call is recorded to improve our service. Say yes if that is fine."
RECORDED: Mapping[str, Any] = {"enabled": True, "words": WORDS}
SPEECH = tone(1.0) + bytes(48 * 900)


@asynccontextmanager
async def talking(folder: Path, *, speed: float = 4.0, **asked: Any) -> AsyncIterator[tuple[Client, str]]:
    """A client whose session was created; the gateway's authority."""
    tables: dict[str, Any] = {"recording": RECORDED, "limits": {"flight_steps": 3}}
    async with whole(folder, options=EmulatorOptions(speed=speed), **tables) as (authority, _, _):
        client = await Client.connect(f"ws://{authority}/api/openai/realtime")
        client.say("create_session", **asked)
        await client.until_told("session_ready")
        yield client, authority


def consents(folder: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(file_in(folder))) as file:
        return file.execute("select session_id, words from consent").fetchall()


def files(folder: Path) -> list[Path]:
    return sorted((folder / "sound").glob("*.flac"))


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def loud(side: np.ndarray[Any, Any]) -> float:
    """Seconds in which somebody speaks."""
    pieces = np.abs(side[: len(side) // 240 * 240].reshape(-1, 240)).max(axis=1)
    return float((pieces > 500).sum() / 100)


async def test_who_agreed_is_recorded_on_both_sides_in_real_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with talking(tmp_path, consent=WORDS) as (client, _):
        await eventually(lambda: bool(files(tmp_path)))
        began = time.monotonic()
        for frame in frames(SPEECH):
            client.send_binary(frame)
            await asyncio.sleep(0.02)
        await client.until_told("response_done")
        spoken_s = len(client.audio) / 48_000
        await asyncio.sleep(max(0.0, spoken_s + 0.5 - (time.monotonic() - began - 1.9)))
        client.say("end_session")
        await client.until_closed()
        took = time.monotonic() - began
        session_id = client.told("session_created")[0]["sessionId"]

    assert consents(tmp_path) == [(session_id, WORDS)]
    (path,) = files(tmp_path)
    assert path.name == f"{session_id}.flac"
    assert mode(path) == 0o600
    both, rate = soundfile.read(path, dtype="int16")
    assert (rate, both.shape[1]) == (24_000, 2)
    assert abs(len(both) / rate - took) < 1.5
    assert loud(both[:, 0]) == pytest.approx(1.0, abs=0.1)
    assert loud(both[:, 1]) == pytest.approx(spoken_s, abs=0.6)
    user_ends = np.flatnonzero(np.abs(both[:, 0]) > 500)[-1]
    answer_begins = np.flatnonzero(np.abs(both[:, 1]) > 500)[0]
    assert answer_begins > user_ends, "each where it was heard"
    assert "recorder.stumbled" not in capsys.readouterr().out, "the flight recorder goes on beside it"


async def test_of_an_answer_that_is_cut_only_what_was_heard_is_kept(tmp_path: Path) -> None:
    async with talking(tmp_path, speed=0, consent=WORDS) as (client, _):
        await eventually(lambda: bool(files(tmp_path)))
        client.say("input_text", text="say " + "one two three four five six seven " * 6)
        await client.until_told("assistant_transcript")
        await client.until(lambda: len(client.audio) > 5 * 48_000)
        item = client.told("assistant_transcript")[0]["itemId"]
        client.say("played", itemId=item, ms=1_000)
        for frame in frames(tone(0.6)):
            client.send_binary(frame)
        cut = await client.until_told("interrupted")
        client.say("end_session")
        await client.until_closed()

    both, _ = soundfile.read(files(tmp_path)[0], dtype="int16")
    assert loud(both[:, 1]) <= cut["playedMs"] / 1_000 + 0.05


async def test_who_did_not_agree_is_not_recorded(tmp_path: Path) -> None:
    async with talking(tmp_path) as (client, authority):
        for frame in frames(SPEECH):
            client.send_binary(frame)
        await client.until_told("response_done")
        relayed = await Client.connect(f"ws://{authority}/v1/realtime?model=gpt-realtime-2.1")
        await relayed.until_told("session.created")
        relayed.close()
    assert (files(tmp_path), consents(tmp_path)) == ([], [])


async def test_who_agreed_to_other_words_is_told_so(tmp_path: Path) -> None:
    async with whole(tmp_path, recording=RECORDED) as (authority, _, _):
        client = await Client.connect(f"ws://{authority}/api/openai/realtime")
        client.say("create_session", consent="yes")
        refused = await client.until_told("error")
    assert refused["code"] == "INVALID_MESSAGE"
    assert "consent" in refused["message"]
    assert (files(tmp_path), client.told("session_created")) == ([], [])


async def test_a_consent_where_nothing_is_recorded_changes_nothing(tmp_path: Path) -> None:
    async with whole(tmp_path) as (authority, _, _):
        client = await Client.connect(f"ws://{authority}/api/openai/realtime")
        client.say("create_session", consent="anything")
        await client.until_told("session_ready")
    assert (files(tmp_path), consents(tmp_path)) == ([], [])


async def test_all_of_a_person_goes_with_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with talking(tmp_path, consent=WORDS) as (client, _):
        await eventually(lambda: bool(files(tmp_path)))
        client.say("end_session")
        await client.until_closed()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOLDFAST_JOURNAL__DATABASE", str(file_in(tmp_path)))
    customer = (await run_beside("transcripts", "list")).stdout.split()[2]

    done = await run_beside("transcripts", "delete", "--customer", customer, "--yes")

    assert (done.exit_code, "1 sound files" in done.stdout) == (0, True), done.output
    assert (files(tmp_path), consents(tmp_path)) == ([], [])


class NoBook:
    """A book in which nothing can be entered."""

    async def enter(self, consent: Consent) -> None:
        raise StoreUnavailableError("disk_full", "no space")


async def test_without_a_consent_on_the_disk_there_is_no_tape(tmp_path: Path) -> None:
    recordings = StereoRecordings(RecordingOptions(tmp_path, WORDS), NoBook())
    assert await recordings.begin(Consent("s1", "anna", WORDS, "a test")) is None
    assert recordings.running == 0


async def test_a_file_that_cannot_be_written_ends_the_recording_alone(tmp_path: Path) -> None:
    class Book:
        async def enter(self, consent: Consent) -> None: ...

    taken = tmp_path / "s1.flac"
    taken.write_bytes(b"somebody else's")
    recordings = StereoRecordings(RecordingOptions(tmp_path, WORDS), Book())
    tape = await recordings.begin(Consent("s1", "anna", WORDS, "a test"))
    assert tape is not None
    await eventually(lambda: recordings.running == 0)
    tape.heard(bytes(100), 0)
    tape.said(1, 0, bytes(100))
    assert (recordings.waiting_bytes, taken.read_bytes()) == (0, b"somebody else's")
    await recordings.close()


def test_recordings_grow_old(tmp_path: Path) -> None:
    old, new = tmp_path / "old.flac", tmp_path / "new.flac"
    (tmp_path / "lost.flac").symlink_to(tmp_path / "nowhere")
    for path in (old, new, tmp_path / "notes.txt"):
        path.write_bytes(b"")
    now = time.time()
    os.utime(old, (now - 31 * 86_400, now - 31 * 86_400))

    assert sweep(tmp_path, 30, now) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lost.flac", "new.flac", "notes.txt"]


def test_it_does_not_start_without_words_or_without_a_book(tmp_path: Path) -> None:
    overrides = {"recording": {"enabled": True}, "journal": {"kind": "memory"}}
    with pytest.raises(ConfigError) as refused:
        load(environ={}, folder=tmp_path, overrides=overrides)
    told = refused.value.render()
    assert "nobody can agree to being recorded without being told so" in told
    assert "a consent must be kept" in told
