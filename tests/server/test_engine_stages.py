"""An engine whose stages others serve, in a whole gateway: named in the session, switched alone, told."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from holdfast.app import Gateway
from holdfast.config import load
from holdfast.conformance.caller import Caller
from holdfast.conformance.visit import hang_up
from holdfast.emulator import Emulator, EmulatorOptions
from tests.engine.talking import wire
from tests.server.gateway import Client, frames

pytestmark = pytest.mark.speech


@pytest.mark.usefixtures("speech_files")
async def test_each_stage_has_its_server_and_a_switch_of_its_own(tmp_path: Path) -> None:
    async with Emulator(EmulatorOptions(speed=40, char_ms=10)) as emulator:
        stage = {"kind": "openai", "base_url": emulator.http_base, "model": "emulated"}
        overrides = {
            "port": 0,
            "upstream": [{"name": "local", "kind": "local"}],
            "portal": {"database": str(tmp_path / "portal.sqlite3")},
            "journal": {"kind": "memory"},
            "engine": {"transcription": stage, "chat": stage, "speech": stage},
        }
        gateway = Gateway(load(environ={}, folder=tmp_path, overrides=overrides))
        async with gateway.running() as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
            await converse(url, http, emulator)
            gateway.stop()
            gateway.stop()


async def converse(url: str, http: httpx.AsyncClient, emulator: Emulator) -> None:
    socket = f"{url.replace('http', 'ws')}/api/openai/realtime"
    client = await Client.connect(socket, extra_headers={"Origin": url})
    client.say("create_session")
    ready = await client.until_told("session_ready")
    served = emulator.http_base.removeprefix("http://").removesuffix("/v1")
    assert ready["upstream"]["stages"] == dict.fromkeys(
        ("transcription", "chat", "speech"), f"emulated at {served}"
    )
    for frame in frames(wire("what is my next payment")):
        client.send_binary(frame)
    await client.until_told("response_done")
    heard = client.told("user_transcript")[-1]["text"]
    assert heard.endswith("ms of speech")
    assert client.told("assistant_transcript")[-1]["text"] == f"You said: {heard}. That is all."
    assert len(client.audio) > 4_800
    [work] = [work for work in emulator.works if work.stage == "chat"]
    assert "next_payment" in str(work.asked["tools"])
    assert (await http.get("/readyz")).json() == {"ready": True, "reasons": []}

    emulator.set_faults(["stage:chat:503"])
    client.say("input_text", text="hello")
    await client.until_told("response_done", 2)
    status = client.told("status")[-1]
    assert (status["state"], status["notes"]) == ("live", ["chat: built in"])
    told = (await http.get("/readyz")).json()
    assert told["ready"] is True
    assert "chat stage" in told["reasons"][0]
    assert "HTTP 503" in told["reasons"][0]
    client.close()


@pytest.mark.usefixtures("speech_files")
@pytest.mark.parametrize("face", ["page", "relay"])
async def test_who_waits_for_a_silent_server_is_not_taken_for_dead(tmp_path: Path, face: str) -> None:
    """The engine's own patience may be longer than the gateway's: what is built in answers in the end."""
    async with Emulator(EmulatorOptions(speed=40, char_ms=10, faults=["stage:chat:silence"])) as emulator:
        stage = {"kind": "openai", "base_url": emulator.http_base, "model": "emulated", "silent_s": 4.0}
        overrides = {
            "port": 0,
            "upstream": [{"name": "local", "kind": "local"}],
            "portal": {"database": str(tmp_path / "portal.sqlite3")},
            "journal": {"kind": "memory"},
            "engine": {"chat": stage, "workers": 1},
            "limits": {"response_first_s": 2.0, "response_stall_s": 2.0},
        }
        gateway = Gateway(load(environ={}, folder=tmp_path, overrides=overrides))
        async with gateway.running() as url:
            await (_asks_the_page(url) if face == "page" else _asks_the_relay(url))
            gateway.stop()
            gateway.stop()


async def _asks_the_page(url: str) -> None:
    client = await Client.connect(
        f"{url.replace('http', 'ws')}/api/openai/realtime", extra_headers={"Origin": url}
    )
    client.say("create_session")
    await client.until_told("session_ready")
    client.say("input_text", text="good morning")
    await client.until_told("response_done")
    assert client.told("response_done")[0]["status"] == "completed"
    assert client.told("assistant_transcript")[-1]["text"]
    assert "reconnecting" not in {status["state"] for status in client.told("status")}
    assert client.told("status")[-1]["notes"] == ["chat: built in"]
    client.close()


async def _asks_the_relay(url: str) -> None:
    caller = await Caller.dial(f"{url.replace('http', 'ws')}/v1/realtime?model=m", {}, patience_s=20.0)
    await caller.until("session.created")
    caller.write("good morning")
    caller.send("response.create")
    done = await caller.until("response.done")
    assert done["response"]["status"] == "completed"
    assert not [event for event in caller.events if event["type"].startswith("holdfast.")]
    await hang_up(caller)
