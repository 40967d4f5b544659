"""`POST /v1/realtime/calls` before an emulator that takes calls: real requests, real sideband sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import picows
import pytest
from openai import AsyncOpenAI

from holdfast.app import Gateway
from holdfast.emulator import EmulatedSession, Emulator
from holdfast.emulator.calls import CallRecord
from tests.server.gateway import Client, eventually
from tests.server.guarded import KEY, ORIGIN, guarded

OFFER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
TOOL = {"type": "function", "name": "next_payment", "parameters": {"type": "object", "properties": {}}}
BOUND: dict[str, Any] = {"type": "realtime", "model": "gpt-realtime-2.1", "instructions": "Be brief."}


class House:
    """A gateway, and the emulator behind it."""

    def __init__(self, url: str, emulator: Emulator, gateway: Gateway) -> None:
        self.url, self.emulator, self.gateway = url, emulator, gateway
        self.path = f"{url}/v1/realtime/calls"

    @property
    def call(self) -> CallRecord:
        return list(self.emulator.calls.by_id.values())[-1]

    async def sideband(self) -> EmulatedSession:
        await eventually(lambda: bool(self.emulator.open_sessions))
        return self.emulator.open_sessions[-1]

    async def secret(self, session: dict[str, Any] | None = None, **headers: str) -> str:
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {KEY}", **headers}) as client:
            made = await client.post(
                f"{self.path.removesuffix('calls')}client_secrets", json={"session": session or BOUND}
            )
        assert made.status_code == 200, made.text
        return str(made.json()["value"])

    async def ask(self, key: str, **headers: str) -> httpx.Response:
        told = {"Authorization": f"Bearer {key}", "Content-Type": "application/sdp", **headers}
        async with httpx.AsyncClient() as client:
            return await client.post(self.path, content=OFFER, headers=told)


@asynccontextmanager
async def house(
    folder: Path, upstreams: list[dict[str, Any]] | None = None, **limits: float
) -> AsyncIterator[House]:
    patience = {"drain_s": 2, "retry_base_s": 0.01, "retry_cap_s": 0.02}
    async with guarded(folder, upstreams, limits={**patience, **limits}) as (url, emulator, gateway):
        yield House(url, emulator, gateway)


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as found:
        yield found


def says(session: EmulatedSession, /, **event: Any) -> None:
    """As the browser's data channel would: the same session, another door."""
    session.on_text(json.dumps(event).encode())


def types(text: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return {
        "type": "conversation.item.create",
        "item": {"type": "message", "role": "user", "content": content},
    }


async def test_the_official_clients_call_is_taken_and_held(at: House) -> None:
    async with AsyncOpenAI(base_url=f"{at.url}/v1", api_key=KEY, max_retries=0) as client:
        answered = await client.realtime.calls.create(sdp=OFFER, session=BOUND)  # type: ignore[arg-type] # a plain dict, as users write it
        assert answered.read().startswith(b"v=0")
        assert b"m=audio" in answered.read()
        assert answered.response.status_code == 201
        assert answered.response.headers["content-type"].startswith("application/sdp")
        call_id = answered.response.headers["location"].rpartition("/")[2]
        assert (call_id, at.call.offer) == (at.call.id, OFFER)
        session = await at.sideband()
        assert session.host.session["instructions"] == "Be brief."
        assert session.record.credential == "authorization"
        await client.realtime.calls.hangup(call_id)
    await eventually(lambda: at.call.ended_by == "hangup")
    await eventually(lambda: not at.gateway.directory.calls and not len(at.gateway.directory))


async def test_a_browser_calls_with_its_secret(at: House) -> None:
    answered = await at.ask(await at.secret(), Origin=ORIGIN)
    assert answered.status_code == 201, answered.text
    assert answered.headers["access-control-allow-origin"] == ORIGIN
    assert answered.headers["access-control-expose-headers"] == "location"
    assert at.call.settings["instructions"] == "Be brief."


async def test_what_the_browser_changes_is_set_back(at: House) -> None:
    await at.ask(await at.secret())
    session = await at.sideband()
    says(session, type="session.update", session={"type": "realtime", "instructions": "Swear."})
    await eventually(lambda: session.host.session["instructions"] == "Be brief.")
    for _ in range(4):
        says(session, type="session.update", session={"type": "realtime", "instructions": "Swear."})
    await eventually(lambda: at.call.ended_by == "hangup")


async def test_the_portals_tools_are_run_for_the_customer_and_no_others(at: House) -> None:
    own = {**TOOL, "name": "the_pages_own"}
    customer = next(iter(at.gateway.gate.customers.items()))
    headers = {"Holdfast-Customer-Id": customer[0], "Holdfast-Customer-Name": customer[1]}
    await at.ask(await at.secret({**BOUND, "tools": [TOOL, own]}, **headers))
    session = await at.sideband()
    says(session, **types("call next_payment {}"))
    says(session, type="response.create")
    await eventually(lambda: bool(results(session)))
    assert "say" in json.loads(results(session)[0]["output"])
    await eventually(lambda: session.record.responses["completed"] == 2)
    says(session, **types("call the_pages_own {}"))
    says(session, type="response.create")
    await eventually(lambda: session.record.responses["completed"] == 3)
    assert len(results(session)) == 1


def results(session: EmulatedSession) -> list[dict[str, Any]]:
    return [one.item for one in session.record.items if one.item["type"] == "function_call_output"]


async def test_a_sideband_that_breaks_is_opened_again(at: House) -> None:
    await at.ask(KEY)
    first = await at.sideband()
    at.emulator.kill()
    await eventually(lambda: first not in at.emulator.open_sessions and bool(at.emulator.open_sessions))
    assert at.call.ended_by is None
    at.call.end("the caller")
    await eventually(lambda: not at.gateway.directory.calls)


async def test_calls_count_as_sessions(tmp_path: Path) -> None:
    async with house(tmp_path, sessions_per_ip=1) as at:
        assert (await at.ask(KEY)).status_code == 201
        refused = await at.ask(KEY)
        assert refused.status_code == 429
        assert refused.json()["error"]["type"] == "rate_limit_error"
        at.call.end("the caller")
        await eventually(lambda: not at.gateway.directory.calls)
        assert (await at.ask(KEY)).status_code == 201


async def test_a_call_that_lasts_too_long_is_hung_up(tmp_path: Path) -> None:
    async with house(tmp_path, session_s=0.3) as at:
        await at.ask(KEY)
        await eventually(lambda: at.call.ended_by == "hangup")


async def test_a_gateway_that_stops_leaves_no_call_that_nobody_holds(tmp_path: Path) -> None:
    async with house(tmp_path) as at:
        await at.ask(KEY)
        await at.sideband()
    assert at.call.ended_by == "hangup"


NO_OFFERS = [
    (b'{"sdp": "v=0"}', "application/json", "unsupported_content_type"),
    (b"hello", "application/sdp", "invalid_offer"),
    (b"nonsense", "multipart/form-data; boundary=b", "invalid_form"),
    (b"nonsense", "multipart/form-data", "invalid_form"),
    (
        b'--b\r\nContent-Disposition: form-data; name="sdp"\r\n\r\nv=0\r\n'
        b'--b\r\nContent-Disposition: form-data; name="session"\r\n\r\n' + b"[" * 5_000 + b"\r\n--b--\r\n",
        "multipart/form-data; boundary=b",
        "invalid_value",
    ),
]


async def test_what_is_no_offer(at: House) -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}) as client:
        for content, kind, code in NO_OFFERS:
            answered = await client.post(at.path, content=content, headers={"Content-Type": kind})
            assert (answered.status_code, answered.json()["error"]["code"]) == (400, code), kind
    assert not at.emulator.calls.by_id


async def test_who_may_not_call(at: House) -> None:
    assert (await at.ask("hf_wrong")).status_code == 401
    assert (await at.ask(KEY, Origin="https://evil.example")).status_code == 403
    async with httpx.AsyncClient() as client:
        large = await client.post(
            at.path, content=b"v=0" + b"x" * 70_000, headers={"Authorization": f"Bearer {KEY}"}
        )
        assert large.status_code == 413
        form = {"sdp": (None, OFFER, "application/sdp"), "session": (None, "{}", "application/json")}
        secret = {"Authorization": f"Bearer {await at.secret()}"}
        altered = await client.post(at.path, files=form, headers=secret)
        assert altered.status_code == 403
        assert altered.json()["error"]["param"] == "session"
        preflight = await client.options(at.path, headers={"Origin": ORIGIN})
        assert preflight.headers["access-control-allow-origin"] == ORIGIN
        foreign = await client.options(at.path, headers={"Origin": "https://evil.example"})
        assert foreign.status_code == 403
        assert "access-control-allow-origin" not in foreign.headers
        gone = await client.post(f"{at.path}/rtc_none/hangup", headers={"Authorization": f"Bearer {KEY}"})
        assert gone.status_code == 404
    with pytest.raises(picows.WSInvalidStatusError) as refused:
        await Client.connect(
            f"{at.url.replace('http', 'ws', 1)}/v1/realtime?call_id=rtc_1",
            extra_headers={"Authorization": f"Bearer {KEY}"},
        )
    assert refused.value.response is not None
    assert refused.value.response.status == 404


async def test_a_providers_refusal_is_told_and_nothing_is_left(at: House) -> None:
    async with AsyncOpenAI(base_url=f"{at.url}/v1", api_key=KEY, max_retries=0) as client:
        with pytest.raises(openai.BadRequestError) as refused:
            await client.realtime.calls.create(sdp=OFFER, session={"type": "realtime", "voice": 5})  # type: ignore[arg-type] # wrong on purpose
    assert refused.value.code == "unknown_parameter"
    at.emulator.go_dark("refuse")
    assert (await at.ask(KEY)).status_code == 502
    assert not len(at.gateway.directory)


async def test_where_nobody_takes_calls_it_is_said_what_to_use_instead(tmp_path: Path) -> None:
    other = {"name": "other", "kind": "compatible", "base_url": "http://127.0.0.1:9/v1", "model": "m"}
    async with house(tmp_path, [other]) as at:
        answered = await at.ask(KEY)
    assert answered.status_code == 501
    told = answered.json()["error"]
    assert told["code"] == "webrtc_not_offered"
    assert "WS /v1/realtime" in told["message"]
