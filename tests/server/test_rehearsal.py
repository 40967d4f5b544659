"""`POST /dev/faults`: real faults for application developers, only where they were asked for."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from holdfast.emulator import Emulator, EmulatorOptions
from tests.server.gateway import Client
from tests.server.test_canary import CANARY, program

OPTIONS = EmulatorOptions(api_key=CANARY, speed=0)


@pytest.mark.parametrize("fault", ["drop_upstream", "stall_upstream", "slow_upstream", "refuse_upstreams"])
async def test_a_rehearsed_fault_happens_and_the_conversation_goes_on(fault: str, tmp_path: Path) -> None:
    chaos = {"HOLDFAST_SERVER__CHAOS": "true"}
    async with Emulator(OPTIONS) as upstream, program(upstream.http_base, tmp_path, chaos) as (url, _):
        client = await Client.connect(url.replace("http", "ws", 1) + "/api/openai/realtime")
        client.say("create_session")
        await client.until_told("session_ready")
        async with httpx.AsyncClient(base_url=url) as http:
            answer = await http.post("/dev/faults", json={"fault": fault, "seconds": 0.6})
        assert answer.json() == {"fault": fault, "sessions": 1}
        client.say("input_text", text="hello")
        await client.until_told("response_done")
        assert len(upstream.records) == (2 if fault == "drop_upstream" else 1)
        client.say("end_session")
        await client.until_closed()


async def test_a_dropped_client_can_come_back(tmp_path: Path) -> None:
    chaos = {"HOLDFAST_SERVER__CHAOS": "true"}
    async with Emulator(OPTIONS) as upstream, program(upstream.http_base, tmp_path, chaos) as (url, _):
        client = await Client.connect(url.replace("http", "ws", 1) + "/api/openai/realtime")
        client.say("create_session")
        created = await client.until_told("session_created")
        await client.until_told("session_ready")
        async with httpx.AsyncClient(base_url=url) as http:
            wrong = await http.post("/dev/faults", json={"fault": "meteorite"})
            assert wrong.status_code == 422
            elsewhere = {"fault": "drop_client", "session": "hf_other"}
            assert (await http.post("/dev/faults", json=elsewhere)).json()["sessions"] == 0
            await http.post("/dev/faults", json={"fault": "drop_client", "session": created["sessionId"]})
        assert (await client.until_closed())[0] == 1006
        again = await Client.connect(url.replace("http", "ws", 1) + "/api/openai/realtime")
        again.say(
            "resume_session",
            sessionId=created["sessionId"],
            resumeToken=created["resumeToken"],
            epoch=created["epoch"],
            offset=0,
        )
        assert (await again.until_told("session_resumed"))["recovered"]
        again.say("end_session")
        await again.until_closed()


async def test_it_does_not_exist_unless_asked_for(tmp_path: Path) -> None:
    async with Emulator(OPTIONS) as upstream, program(upstream.http_base, tmp_path) as (url, _):
        async with httpx.AsyncClient(base_url=url) as http:
            answer = await http.post("/dev/faults", json={"fault": "drop_upstream"})
        assert answer.status_code in {404, 405}
