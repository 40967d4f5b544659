"""The verdict on a session, live: what the emulator did is what `explain` says, party and code."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.emulator import Emulator, EmulatorOptions
from tests.server.desk import ROOT, gateway
from tests.server.gateway import Client, frames, tone

QUICK: dict[str, dict[str, Any]] = {
    "limits": {
        "retry_base_s": 0.01,
        "retry_cap_s": 0.02,
        "dial_s": 0.5,
        "created_s": 0.5,
        "updated_s": 0.5,
        "start_budget_s": 1.0,
        "response_first_s": 0.7,
        "response_stall_s": 0.7,
    }
}
CASES = {
    "http:401": "configuration.invalid_api_key",
    "http:403": "configuration.no_access",
    "http:404": "configuration.model_not_found",
    "http:429:quota": "configuration.quota_exhausted",
    "http:503": "provider.unavailable",
    "refuse:model_not_found": "configuration.model_not_found",
    "silent-created": "provider.silent",
    "silent-updated": "provider.unconfigured",
    "server-error": "provider.server_error",
    "reject-update": "configuration.session_refused",
    "drop:response": "provider.connection_lost",
    "close:1011:begun": "provider.server_error",
    "stall": "provider.stalled",
    "end-response:server_error": "provider.server_error",
}


async def talk(url: str) -> str:
    """One turn, as far as it goes; the session's id."""
    client = await Client.connect(
        f"{url.replace('http', 'ws')}/api/openai/realtime", extra_headers={"Origin": url}
    )
    client.say("create_session")
    created = await client.until_told("session_created")
    await client.until(lambda: client.told("session_ready") or client.closed)
    if client.closed is None:
        for frame in frames(tone(0.5) + bytes(48_000)):
            client.send_binary(frame)
        await client.until(lambda: client.told("response_done") or client.closed)
        client.say("end_session")
        await client.until_closed()
    return str(created["sessionId"])


async def explained(tmp_path: Path, faults: list[str]) -> dict[str, Any]:
    async with (
        Emulator(EmulatorOptions(faults=faults)) as emulator,
        gateway(tmp_path, emulator, **QUICK) as (url, _),
        httpx.AsyncClient(base_url=url) as http,
    ):
        session = await talk(url)
        document: dict[str, Any] = {"row": {"state": ""}}
        async with asyncio.timeout(5):
            while document["row"]["state"] != "ended":
                document = (await http.get(f"{ROOT}/sessions/{session}")).json()
        found: dict[str, Any] = (await http.get(f"{ROOT}/sessions/{session}/explain")).json()
    assert document["verdict"] == {key: found[key] for key in ("sentence", "party", "code")}
    return found


@pytest.mark.parametrize("broken", CASES)
async def test_what_was_broken_is_what_is_said(tmp_path: Path, broken: str) -> None:
    found = await explained(tmp_path, [broken])

    assert found["code"] == CASES[broken], found
    assert found["party"] == CASES[broken].partition(".")[0]
    assert found["evidence"]


async def test_of_a_healthy_session_nothing_is_said_to_be_wrong(tmp_path: Path) -> None:
    found = await explained(tmp_path, [])

    assert (found["code"], found["party"], found["ranked"]) == (None, None, [])


async def test_the_fault_that_ended_a_session_is_marked_on_the_timeline_of_all(tmp_path: Path) -> None:
    async with (
        Emulator(EmulatorOptions(faults=["http:401"])) as emulator,
        gateway(tmp_path, emulator, **QUICK) as (url, _),
        httpx.AsyncClient(base_url=url) as http,
    ):
        await talk(url)
        faults = (await http.get(f"{ROOT}/faults")).json()["faults"]

    assert [one["code"] for one in faults if one["ended"]] == ["configuration.invalid_api_key"]
