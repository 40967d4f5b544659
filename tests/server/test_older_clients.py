"""Clients of the shape before GA: refused with the cure, or translated where that is switched on."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.resources.beta.realtime.realtime import AsyncRealtimeConnection

from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.providers.compatible import CompatibleDialer
from holdfast.wire.dialects import BETA
from tests.server.gateway import Client, frames, gateway, tone
from tests.wire.strict import judge_older_server_event

HEADER = {"OpenAI-Beta": "realtime=v1"}
OLD_MODEL = "gpt-4o-realtime-preview"


async def connect(authority: str, model: str = OLD_MODEL, **kwargs: Any) -> Client:
    return await Client.connect(f"ws://{authority}/v1/realtime?model={model}", **kwargs)


@pytest.mark.parametrize("how", ["header", "subprotocol"])
async def test_the_older_shape_is_refused_with_the_cure(how: str) -> None:
    headers = HEADER if how == "header" else {"Sec-WebSocket-Protocol": "realtime, openai-beta.realtime-v1"}
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        client = await connect(gw.authority, extra_headers=headers)
        code, reason = await client.until_closed()

        assert (code, reason) == (4000, "invalid_request_error.beta_api_shape_disabled")
        (error,) = client.told("error")
        assert "client.realtime" in error["error"]["message"]
        assert "beta_clients" in error["error"]["message"]
        assert not upstream.attempts


@pytest.mark.parametrize(
    ("event", "param", "cure"),
    [
        (
            {"type": "session.update", "session": {"modalities": ["text"]}},
            "session.modalities",
            "session.output_modalities",
        ),
        (
            {"type": "session.update", "session": {"type": "realtime", "temperature": 0.8}},
            "session.temperature",
            "leave it out",
        ),
        (
            {"type": "response.create", "response": {"voice": "alloy"}},
            "response.voice",
            "response.audio.output.voice",
        ),
        ({"type": "transcription_session.update", "session": {}}, "type", "session.update"),
    ],
)
async def test_an_older_event_of_a_ga_client_is_refused_with_what_to_write(
    event: dict[str, Any], param: str, cure: str
) -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        client = await connect(gw.authority, "gpt-realtime-2.1")
        await client.until_told("session.created")
        client.say(
            **{"kind": event["type"], "event_id": "mine", **{k: v for k, v in event.items() if k != "type"}}
        )
        error = (await client.until_told("error"))["error"]

        assert (error["event_id"], error["param"], error["code"]) == ("mine", param, "unknown_parameter")
        assert cure in error["message"]
        client.close()


async def collect(connection: AsyncRealtimeConnection, last: str) -> list[str]:
    heard: list[str] = []
    async with asyncio.timeout(10):
        async for event in connection:
            heard.append(event.type)
            if event.type == last:
                return heard
    raise AssertionError(f"the connection ended before {last}: {heard}")


async def test_the_sdks_older_client_speaks_and_is_answered_where_it_is_translated() -> None:
    options = EmulatorOptions(speed=0)
    async with Emulator(options) as upstream, gateway(upstream.http_base, translates_beta=True) as gw:
        client = AsyncOpenAI(websocket_base_url=f"ws://{gw.authority}/v1", api_key="anything")
        async with client.beta.realtime.connect(model="gpt-4o-realtime-preview") as connection:
            await connection.session.update(
                session={"modalities": ["text"], "instructions": "Be brief.", "temperature": 0.8}
            )
            assert await collect(connection, "session.updated") == [
                "session.created",
                "conversation.created",
                "session.updated",
            ]
            content: Any = [{"type": "input_text", "text": "hello"}]
            await connection.conversation.item.create(
                item={"type": "message", "role": "user", "content": content}
            )
            await connection.response.create()
            heard = await collect(connection, "response.done")
            assert "response.text.delta" in heard
            assert "conversation.item.created" in heard
            assert "conversation.item.added" not in heard

            await connection.session.update(session={"modalities": ["text", "audio"]})
            for frame in frames(tone(0.5) + bytes(48_000)):
                await connection.input_audio_buffer.append(audio=base64.b64encode(frame).decode())
            heard = await collect(connection, "response.done")
            assert "response.audio.delta" in heard
            assert "error" not in heard
        await client.close()
        assert upstream.sessions[0].host.session["instructions"] == "Be brief."


@pytest.mark.parametrize("upstream_is_older", [False, True])
async def test_all_that_an_older_client_is_told_is_of_its_shape(*, upstream_is_older: bool) -> None:
    options = EmulatorOptions(speed=0, dialect="beta" if upstream_is_older else "openai")
    async with Emulator(options) as upstream:
        older = CompatibleDialer("older", upstream.http_base, "sk-test", "gpt-4o-realtime-preview", BETA)
        behind = older if upstream_is_older else upstream.http_base
        async with gateway(behind, translates_beta=True) as gw:
            client = await connect(gw.authority, extra_headers=HEADER)
            tool = {"type": "function", "name": "balance", "parameters": {"type": "object"}}
            client.say("session.update", session={"tools": [tool], "voice": "coral"})
            await client.until_told("session.updated")
            for frame in frames(tone(0.5) + bytes(48_000)):
                client.say("input_audio_buffer.append", audio=base64.b64encode(frame).decode())
            await client.until_told("response.done")
            content = [{"type": "input_text", "text": "call balance {}"}]
            item = {"type": "message", "role": "user", "content": content}
            client.say("conversation.item.create", item=item)
            client.say("response.create", response={"modalities": ["text", "audio"]})
            await client.until_told("response.done", 2)
            client.say("session.update", event_id="wrong", session={"speed": 99})
            error = (await client.until_told("error"))["error"]

            assert (error["event_id"], error["param"]) == ("wrong", "session.speed")
            for event in client.texts:
                if "session" in event:
                    event["session"]["model"] = OLD_MODEL  # the types know no other
                judge_older_server_event(event)
            updated = client.told("session.updated")[0]["session"]
            assert (updated["voice"], updated["modalities"]) == ("coral", ["text", "audio"])
            client.close()
