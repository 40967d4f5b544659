"""A fault over real sockets: recorded, written, walked again, turned into a test; nothing private in it."""

from __future__ import annotations

import asyncio
import gzip
import io
import sys
import zipfile
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from holdfast.core.limits import Limits
from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.flight import SUFFIX, Recorder, Shelf, faults, provider_sessions, read, replay
from holdfast.telemetry import Redactor
from tests.cli.commands import run_beside
from tests.server.desk import ROOT, desk
from tests.server.gateway import Client, TestGateway, eventually, frames, gateway, tone
from tests.server.realtime_client import dial, send_audio, send_text, update
from tests.server.test_canary import CANARY, program

LIMITS = Limits(retry_base_s=0.01, retry_cap_s=0.02, flight_settle_s=0.2)
SPEECH = tone(0.6) + bytes(48 * 900)
WORDS = "Erika Mustermann, my card is 4111 1111 1111 1111"
PRIVATE = (
    b"Erika",
    b"Mustermann",
    b"4111 1111",
    b"4111111",
    b"Ada",
    b"sk-test-canary",
    b"nine euros",
    b'"C-1"',
)


@asynccontextmanager
async def recorded(
    folder: Path, upstream: Emulator, limits: Limits = LIMITS, *, is_compiled: bool = True
) -> AsyncIterator[tuple[TestGateway, Recorder]]:
    """A gateway with a flight recorder."""
    recorder = Recorder(limits, shelf=Shelf(folder, 10), version="0", hide=Redactor(["sk-test-canary"]).hide)
    async with gateway(upstream.http_base, limits=limits, is_compiled=is_compiled) as gw:
        gw.directory.session_core, gw.directory.relay_core = recorder.session, recorder.relay
        gw.directory.watches.add(recorder)
        yield gw, recorder
    await recorder.close()


async def browser_talk(gw: TestGateway) -> str:
    """Speak, lose the upstream in mid-answer, be answered all the same, type; answers the session's id."""
    client = await Client.connect(gw.browser_url)
    client.say("create_session", customerName="Erika Mustermann", framing="raw")
    for frame in frames(SPEECH):
        client.send_binary(frame)
    await client.until_told("response_done", 2)
    client.say("input_text", text=WORDS, eventId="typed-1")
    await client.until_told("response_done", 3)
    client.say("end_session")
    await client.until_closed()
    return str(client.told("session_created")[0]["sessionId"])


async def relayed_talk(gw: TestGateway) -> str:
    """The same behind `/v1/realtime`."""
    client = await dial(gw, "&holdfast_resume=1")
    update(client, instructions=WORDS)
    await client.until_told("session.updated")
    send_audio(client, SPEECH)
    await client.until_told("response.done", 2)
    send_text(client, WORDS)
    await client.until_told("response.done", 3)
    (told,) = client.told("holdfast.session")
    client.close()
    return str(told["session_id"])


@pytest.mark.plain_loop  # on the other the reset overtakes the end of the turn, and nobody speaks on
@pytest.mark.parametrize("is_compiled", [True, False])
async def test_a_fault_of_a_browser_session_is_recorded_and_decided_again(
    tmp_path: Path, *, is_compiled: bool
) -> None:
    options = EmulatorOptions(speed=0, faults=["reset:delta=3@1"])
    async with (
        Emulator(options) as upstream,
        recorded(tmp_path, upstream, is_compiled=is_compiled) as (gw, _),
    ):
        session_id = await browser_talk(gw)

    data = (tmp_path / f"{session_id}{SUFFIX}").read_bytes()
    recording = read(data)
    walked = replay(recording)
    assert walked.is_same, walked.stopped or walked.differences[0].differs
    assert recording.header.why.startswith("provider.")
    met = next(one for one in faults(recording) if one.moment == "upstream.reconnecting")
    assert (met.code, met.evidence) != ("", ())
    ids = [one.id for one in provider_sessions(recording)]
    assert len(set(ids)) == 2
    assert all(one.startswith("sess_") for one in ids)
    assert recording.steps[-1].name in {"EndAsked", "ClientGone"}
    assert {one.name for one in recording.steps} > {"SessionAsked", "UpstreamLost", "TextGiven"}
    for secret in PRIVATE:
        assert secret not in gzip.decompress(data)


async def test_a_fault_of_a_relayed_conversation_is_recorded_and_decided_again(tmp_path: Path) -> None:
    options = EmulatorOptions(speed=0, faults=["reset:delta=3@1"])
    async with Emulator(options) as upstream, recorded(tmp_path, upstream) as (gw, recorder):
        session_id = await relayed_talk(gw)
        await eventually(lambda: recorder.counts.written > 0)

    data = (tmp_path / f"{session_id}{SUFFIX}").read_bytes()
    walked = replay(read(data))
    assert walked.is_same, walked.stopped or walked.differences[0].differs
    assert any(one.booked and one.booked[0] for one in walked.recording.steps), "audio took the short way"
    assert faults(walked.recording)
    for secret in PRIVATE:
        assert secret not in gzip.decompress(data)


CHANGED = """
import pytest
from holdfast.core import links

@pytest.fixture(autouse=True)
def no_second_chance(monkeypatch):
    lost = links.lost
    monkeypatch.setattr(links, "lost", lambda s, cause, now: lost(s, cause, now)[1:])  # does not hang up
"""


async def pytest_of(folder: Path) -> tuple[int, str]:
    """`pytest` as a process, in a folder of its own."""
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0", str(folder))
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT, cwd=folder)
    printed, _ = await process.communicate()
    return process.returncode or 0, printed.decode()


@pytest.mark.plain_loop  # as above
async def test_a_recording_becomes_a_test_that_fails_when_the_decision_is_changed(tmp_path: Path) -> None:
    options = EmulatorOptions(speed=0, faults=["reset:delta=3@1"])
    async with Emulator(options) as upstream, recorded(tmp_path, upstream) as (gw, _):
        session_id = await browser_talk(gw)
    folder = tmp_path / "tests"
    file = str(tmp_path / f"{session_id}{SUFFIX}")

    made = await run_beside("replay", file, "--quiet", "--test", str(folder / "test_incident.py"))
    assert (made.exit_code, made.stderr) == (0, "")
    assert "HangUp(generation=1)" in (folder / "test_incident.py").read_text()
    exit_code, printed = await pytest_of(folder)
    assert exit_code == 0, printed
    assert "2 passed" in printed

    (folder / "conftest.py").write_text(CHANGED)
    exit_code, printed = await pytest_of(folder)
    assert exit_code == 1, printed
    assert "2 failed" in printed
    assert "HangUp" in printed


async def test_the_whole_program_records_where_the_settings_say_and_keeps_its_key(tmp_path: Path) -> None:
    folder = tmp_path / "flights"
    settings = {
        "HOLDFAST_RECORDER__FOLDER": str(folder),
        "HOLDFAST_LIMITS__FLIGHT_SETTLE_S": "0.1",
        "HOLDFAST_LIMITS__RETRY_BASE_S": "0.01",
    }
    options = EmulatorOptions(api_key=CANARY, speed=0, faults=["reset:delta=3@1"])
    async with (
        Emulator(options) as upstream,
        program(upstream.http_base, tmp_path, settings) as (url, printed),
    ):
        client = await Client.connect(url.replace("http", "ws", 1) + "/api/openai/realtime")
        client.say("create_session")
        client.say("input_text", text=WORDS)
        await client.until_told("response_done")
        client.say("end_session")
        await client.until_closed()
        session_id = client.told("session_created")[0]["sessionId"]
        await eventually((folder / f"{session_id}{SUFFIX}").exists)
    data = (folder / f"{session_id}{SUFFIX}").read_bytes()

    assert replay(read(data)).is_same
    text = gzip.decompress(data)
    for secret in (CANARY.encode(), b"Erika", b"4111 1111", b"4111111"):
        assert secret not in text
    assert b"recorder." not in printed


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("HOLDFAST_RECORDER__STEPS", "false"), ("HOLDFAST_RECORDER__ON_FAULT", "false")],
)
async def test_who_wants_no_recordings_has_none(tmp_path: Path, name: str, wanted: str) -> None:
    settings = {"HOLDFAST_RECORDER__FOLDER": str(tmp_path / "flights"), name: wanted}
    options = EmulatorOptions(api_key="sk-another-key", speed=0)
    async with Emulator(options) as upstream, program(upstream.http_base, tmp_path, settings) as (url, _):
        client = await Client.connect(url.replace("http", "ws", 1) + "/api/openai/realtime")
        client.say("create_session")
        await client.until_closed()

    assert not (tmp_path / "flights").exists()


async def test_a_session_that_could_not_begin_is_recorded_with_its_cause(tmp_path: Path) -> None:
    settings = {"HOLDFAST_RECORDER__FOLDER": str(tmp_path / "flights")}
    options = EmulatorOptions(api_key="sk-another-key", speed=0)
    async with Emulator(options) as upstream, program(upstream.http_base, tmp_path, settings) as (url, _):
        client = await Client.connect(url.replace("http", "ws", 1) + "/api/openai/realtime")
        client.say("create_session")
        await client.until_closed()
    (path,) = (tmp_path / "flights").iterdir()
    recording = read(path.read_bytes())

    assert recording.header.why == "configuration.invalid_api_key"
    assert replay(recording).is_same
    assert CANARY.encode() not in gzip.decompress(path.read_bytes())


async def test_the_console_gives_out_what_there_is_of_a_session(tmp_path: Path) -> None:
    folder = {"folder": str(tmp_path / "flights")}
    async with desk(tmp_path, recorder=folder) as (url, _, _), httpx.AsyncClient() as http:
        client = await Client.connect(
            f"{url.replace('http', 'ws')}/api/openai/realtime", extra_headers={"Origin": url}
        )
        client.say("create_session")
        session_id = (await client.until_told("session_created"))["sessionId"]
        await client.until_told("session_ready")
        told = await http.get(f"{url}{ROOT}/sessions/{session_id}/recording")
        packed = await http.get(f"{url}{ROOT}/sessions/{session_id}/bundle")
        client.say("end_session")
        await client.until_closed()
        later = await http.get(f"{url}{ROOT}/sessions/{session_id}/recording")
        nobody = await http.get(f"{url}{ROOT}/sessions/hf_nobody/recording")

    assert replay(read(told.content)).is_same
    assert told.headers["content-disposition"].endswith(f'{SUFFIX}"')
    with zipfile.ZipFile(io.BytesIO(packed.content)) as bundle:
        assert read(bundle.read(f"recording{SUFFIX}")).header.session == session_id
    assert len(read(later.content).steps) > len(read(told.content).steps)
    assert nobody.status_code == 404
