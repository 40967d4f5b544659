"""An engine whose stages others serve, in a whole gateway: named in the session, switched alone, told."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from holdfast.app import Gateway
from holdfast.config import load
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
