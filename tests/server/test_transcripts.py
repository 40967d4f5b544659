"""A whole gateway keeps what was said on both faces, cleaned, and tells it by the command line."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from holdfast.app import Gateway
from holdfast.config import load
from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.ports.transcripts import Line, Talk, Transcript, Wanted
from holdfast.redaction import Redaction
from holdfast.store import Database, SqliteTranscripts, Visit
from tests.cli.commands import run_beside
from tests.server.gateway import Client, eventually, frames, tone
from tests.server.realtime_client import SPEECH, converse

CARD_SENTENCE = "my card number is 4111 1111 1111 1111"


@asynccontextmanager
async def whole(
    folder: Path, *, options: EmulatorOptions | None = None, **tables: Mapping[str, Any]
) -> AsyncIterator[tuple[str, Emulator, Gateway]]:
    """A gateway with a file, before an emulator; its authority."""
    async with Emulator(options or EmulatorOptions(speed=0)) as emulator:
        settings = load(
            environ={"OPENAI_API_KEY": "sk-upstream-canary", "OPENAI_BASE_URL": emulator.http_base},
            folder=folder,
            overrides={
                "port": 0,
                "portal": {"database": str(folder / "portal.sqlite3")},
                "journal": {"database": str(file_in(folder))},
                **tables,
            },
        )
        gateway = Gateway(settings)
        async with gateway.running() as url:
            yield url.removeprefix("http://"), emulator, gateway
            gateway.stop()
            gateway.stop()


def file_in(folder: Path) -> Path:
    return folder / "holdfast.sqlite3"


def on_the_disk(folder: Path) -> bytes:
    """Every byte of the file and of what belongs to it."""
    return b"".join(file.read_bytes() for file in folder.glob("holdfast.sqlite3*"))


def kept(folder: Path) -> list[Transcript]:
    return list(Visit(file_in(folder)).sessions(Wanted()))


def entries(folder: Path) -> list[tuple[str, str]]:
    (session,) = kept(folder)
    return [(one.kind, one.text) for one in Visit(file_in(folder)).entries(session.session_id)]


async def test_what_was_said_behind_the_browser_protocol_is_kept_and_cleaned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with whole(tmp_path) as (authority, emulator, _):
        client = await Client.connect(f"ws://{authority}/api/openai/realtime")
        client.say("create_session")
        for frame in frames(SPEECH):
            client.send_binary(frame)
        await client.until_told("response_done")
        client.say("input_text", text=CARD_SENTENCE)
        await client.until_told("response_done", 2)
        emulator.kill(1011, "server error")
        await eventually(lambda: ("fault", "") in entries(tmp_path) if kept(tmp_path) else False)
        client.say("end_session")
        await client.until_closed()
        session_id = client.told("session_created")[0]["sessionId"]
        heard = client.told("user_transcript")[-1]["text"]

    told = entries(tmp_path)
    assert [one.session_id for one in kept(tmp_path)] == [session_id]
    assert told[0] == ("began", "")
    assert told[-1] == ("ended", "")
    assert ("user", heard) in told
    assert ("user", "my card number is [card]") in told
    assert len([text for kind, text in told if kind == "assistant" and text]) >= 2
    assert b"4111" not in on_the_disk(tmp_path)
    logged = capsys.readouterr().out
    assert "session.created" in logged
    assert all(words not in logged for words in ("4111", "card number", heard))


async def test_what_was_said_behind_v1_realtime_is_kept(tmp_path: Path) -> None:
    async with whole(tmp_path) as (authority, _, _):
        client = await Client.connect(f"ws://{authority}/v1/realtime?model=gpt-realtime-2.1")
        await converse(client)
        client.close()

    told = entries(tmp_path)
    assert ("user", "call balance {}") in told
    assert [kind for kind, _ in told].count("assistant") >= 2
    assert ("tool", "") in told
    assert kept(tmp_path)[0].source == "realtime"


async def test_an_answer_that_was_cut_tells_what_was_heard(tmp_path: Path) -> None:
    async with whole(tmp_path, options=EmulatorOptions(speed=2.0)) as (authority, _, _):
        client = await Client.connect(f"ws://{authority}/api/openai/realtime")
        client.say("create_session")
        client.say("input_text", text="say " + "one two three four five six seven " * 6)
        await client.until(lambda: len(client.audio) > 48_000)
        item = client.told("assistant_transcript")[0]["itemId"]
        client.say("played", itemId=item, ms=900)
        for frame in frames(tone(0.6)):
            client.send_binary(frame)
        await client.until_told("interrupted")
        client.say("end_session")
        await client.until_closed()

    (session,) = kept(tmp_path)
    found = {one.kind: one for one in Visit(file_in(tmp_path)).entries(session.session_id)}
    cut, words = found["cut"], found["assistant"].text
    assert cut.heard is not None
    assert cut.item_id == found["assistant"].item_id
    assert 0 < len(cut.heard) < len(words)
    assert words.startswith(cut.heard)


async def test_nothing_is_kept_where_nobody_wants_it(tmp_path: Path) -> None:
    async with whole(tmp_path, transcripts={"enabled": False}) as (authority, _, _):
        client = await Client.connect(f"ws://{authority}/api/openai/realtime")
        client.say("create_session")
        client.say("input_text", text="hello")
        await client.until_told("response_done")
    assert kept(tmp_path) == []


async def test_what_was_kept_grows_old_also_where_nothing_more_is_kept(tmp_path: Path) -> None:
    database = Database(file_in(tmp_path))
    store = SqliteTranscripts(database, Redaction())
    await store.start()
    store.put(
        Line(Talk("s-old", "anna", "browser", "conversation"), 1_000_000, "user", "i1", "Good morning.")
    )
    await store.close()
    await database.close()
    sound = tmp_path / "sound" / "s-old.flac"
    sound.parent.mkdir()
    sound.write_bytes(b"")
    os.utime(sound, (1, 1))
    assert len(kept(tmp_path)) == 1

    async with whole(tmp_path, transcripts={"enabled": False}):
        await eventually(lambda: not kept(tmp_path))
        await eventually(lambda: not sound.exists())


async def test_a_running_gateway_s_transcripts_are_read_and_deleted_by_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOLDFAST_JOURNAL__DATABASE", str(file_in(tmp_path)))
    async with whole(tmp_path) as (authority, _, _):
        client = await Client.connect(f"ws://{authority}/api/openai/realtime")
        client.say("create_session")
        client.say("input_text", text="what do I owe?")
        await client.until_told("response_done")
        await eventually(lambda: bool(kept(tmp_path)) and kept(tmp_path)[0].count >= 4)
        (session,) = json.loads((await run_beside("transcripts", "list", "--json")).stdout)
        customer = session["customerId"]

        deleted = await run_beside("transcripts", "delete", "--customer", customer, "--yes", "--json")

        told = json.loads(deleted.stdout)
        assert (deleted.exit_code, told["sessionsInUse"]) == (1, 1)
        assert told["rows"]["transcripts"] >= 4
        client.say("input_text", text="and now?")
        await client.until_told("response_done", 2)
        client.say("end_session")
        await client.until_closed()
    texts = [text for _, text in entries(tmp_path)]
    assert "what do I owe?" not in texts
    assert "and now?" in texts

    done = await run_beside("transcripts", "delete", "--customer", customer, "--yes")
    assert (done.exit_code, kept(tmp_path)) == (0, [])
