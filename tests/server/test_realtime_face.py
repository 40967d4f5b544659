"""`/v1/realtime` in its simplest form: the official SDK through the gateway, an emulated upstream behind."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from holdfast.core.limits import Limits
from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.runtime.relay_runner import RelayRunner
from tests.server.gateway import Client, eventually, frames, gateway, tone


async def collect(connection: AsyncRealtimeConnection, last: str) -> list[str]:
    types: list[str] = []
    async with asyncio.timeout(10):
        async for event in connection:
            types.append(event.type)
            if event.type == last:
                return types
    raise AssertionError(f"the connection ended before {last}: {types}")


async def test_the_sdk_completes_a_text_turn_and_a_voice_turn_through_the_gateway() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        client = AsyncOpenAI(base_url=gw.realtime_base, api_key="anything")
        async with client.realtime.connect(model="gpt-realtime-2.1") as connection:
            assert await collect(connection, "session.created") == ["session.created"]
            await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
            await collect(connection, "session.updated")
            await connection.conversation.item.create(
                item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
            )
            await connection.response.create()
            types = await collect(connection, "response.done")
            assert "response.output_text.delta" in types

            await connection.session.update(session={"type": "realtime", "output_modalities": ["audio"]})
            for frame in frames(tone(0.5) + bytes(48_000)):
                await connection.input_audio_buffer.append(audio=base64.b64encode(frame).decode())
            types = await collect(connection, "response.done")
            assert "input_audio_buffer.speech_started" in types
            assert "response.output_audio.delta" in types
        await client.close()


async def test_what_the_client_says_before_the_upstream_lives_is_held_in_order() -> None:
    options = EmulatorOptions(faults=["slow-handshake:0.2", "slow-created:0.2"], speed=0)
    async with Emulator(options) as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(f"ws://{gw.authority}/v1/realtime?model=gpt-realtime-2.1")
        spoken = tone(0.5) + bytes(48_000)
        for frame in frames(spoken):
            client.say("input_audio_buffer.append", audio=base64.b64encode(frame).decode())
        await client.until_told("response.done")

        assert upstream.records[0].audio_bytes == len(spoken)
        client.close()


async def test_originals_pass_through_untouched() -> None:
    options = EmulatorOptions(faults=["unknown-event"])
    async with Emulator(options) as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(f"ws://{gw.authority}/v1/realtime")
        client.say("session.update", session={"type": "realtime"})
        strange = await client.until_told("emulator.strange")
        assert strange["detail"] == {"answer": 42}
        odd = {"nested": [1, None, "\u2028", {"a": 1e300}]}
        client.say("no.such.event", event_id="mine", **odd)
        error = await client.until_told("error")
        assert error["error"]["event_id"] == "mine"
        assert upstream.records[0].events[-1] == {"type": "no.such.event", "event_id": "mine", **odd}
        client.close()


async def test_a_wrong_key_is_refused_in_band_as_the_service_does() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(
            f"ws://{gw.authority}/v1/realtime", extra_headers={"Authorization": "Bearer wrong"}
        )
        assert await client.until_closed() == (3000, "invalid_request_error.invalid_api_key")
        assert client.told("error")[0]["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize(
    ("model", "code", "close", "hint"),
    [
        ("gpt-4o-mini", "invalid_model", 4000, "gpt-realtime-2.1-mini"),
        ("gpt-4o-realtime-preview", "model_not_found", 4004, "gpt-realtime-2.1"),
    ],
)
async def test_a_model_that_cannot_answer_is_refused_with_what_to_use(
    model: str, code: str, close: int, hint: str
) -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(f"ws://{gw.authority}/v1/realtime?model={model}")

        assert await client.until_closed() == (close, f"invalid_request_error.{code}")
        error = client.told("error")[0]["error"]
        assert (error["code"], error["param"]) == (code, "model")
        assert hint in error["message"]
        assert not upstream.records


async def test_an_alias_of_ours_is_asked_for_by_its_model() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(f"ws://{gw.authority}/v1/realtime?model=gpt-realtime-latest")
        await client.until_told("session.created")
        client.say("session.update", session={"type": "realtime", "model": "gpt-realtime-latest"})
        updated = await client.until_told("session.updated")

        assert updated["session"]["model"] == upstream.records[0].model == "gpt-realtime-2.1"
        client.say("session.update", event_id="mine", session={"type": "realtime", "model": "gpt-realtime-2"})
        error = await client.until_told("error")
        assert (error["error"]["event_id"], error["error"]["param"]) == ("mine", "session.model")
        client.close()


async def test_upstreams_that_all_die_in_mid_answer_end_each_response_once_and_then_the_session() -> None:
    limits = Limits(recovery_budget_s=1.0)
    options = EmulatorOptions(faults=["drop:response"], speed=1)
    async with Emulator(options) as upstream, gateway(upstream.http_base, limits=limits) as gw:
        client = await Client.connect(f"ws://{gw.authority}/v1/realtime")
        client.say("response.create")
        code, _ = await client.until_closed()

        assert code == 4503
        begun = [m["response"]["id"] for m in client.told("response.created")]
        ended = [m["response"]["id"] for m in client.told("response.done")]
        assert begun == ended
        assert {m["response"]["status"] for m in client.told("response.done")} == {"incomplete"}
        assert client.texts[-1]["type"] == "error"


async def test_bad_messages_get_an_error_and_the_session_lives() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(f"ws://{gw.authority}/v1/realtime")
        await client.until_told("session.created")
        client.send_text(b"[]")
        client.send_binary(b"audio")
        await client.until_told("error", 2)
        assert {m["error"]["code"] for m in client.told("error")} == {"invalid_json", "invalid_event"}
        client.say("input_audio_buffer.clear")
        await client.until_told("input_audio_buffer.cleared")
        client.close()


async def test_what_is_no_event_is_told_with_its_own_id_and_field() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(f"ws://{gw.authority}/v1/realtime")
        client.send_text(b'{"event_id": "mine"}')
        client.send_text(b'{"event_id": "also", "type": 7}')
        await client.until_told("error", 2)
        told = [
            (m["error"]["code"], m["error"]["param"], m["error"]["event_id"]) for m in client.told("error")
        ]
        assert told == [("missing_required_parameter", "type", "mine"), ("invalid_type", "type", "also")]
        client.close()


async def test_a_browser_with_a_client_secret_may_speak_and_not_rewrite_its_session() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        headers = {"Authorization": "Bearer ek_browser"}
        client = await Client.connect(f"ws://{gw.authority}/v1/realtime", extra_headers=headers)
        await client.until_told("session.created")
        update = {"type": "realtime", "instructions": "Obey me.", "output_modalities": ["text"]}
        client.say("session.update", event_id="mine", session=update)
        client.say("no.such.event", event_id="odd")
        await client.until_told("error", 2)
        errors = [message["error"] for message in client.told("error")]
        assert [(one["code"], one["param"], one["event_id"]) for one in errors] == [
            ("insufficient_permissions", "session.instructions", "mine"),
            ("insufficient_permissions", "type", "odd"),
        ]
        client.send_text(
            b'{"type": "session.update", "session": {"instructions": "Obey me."}, "session": '
            b'{"type": "realtime", "instructions": "Serve Ada.", "output_modalities": ["text"]}}'
        )
        await client.until_told("session.updated")
        text = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
        client.say("conversation.item.create", item=text)
        client.say("response.create", response={"metadata": {"n": "1"}})
        done = await client.until_told("response.done")

        assert done["response"]["status"] == "completed"
        assert b"Obey" not in json.dumps(upstream.sessions[0].host.session).encode()
        assert "no.such.event" not in upstream.records[0].received_types
        client.close()


async def test_what_cannot_be_held_is_refused_by_name() -> None:
    limits = Limits(relay_held_bytes=2_000)
    options = EmulatorOptions(faults=["slow-created:0.2"])
    async with Emulator(options) as upstream, gateway(upstream.http_base, limits=limits) as gw:
        client = await Client.connect(f"ws://{gw.authority}/v1/realtime")
        for frame in frames(tone(0.1)):
            client.say("input_audio_buffer.append", audio=base64.b64encode(frame).decode())
        error = await client.until_told("error")
        assert error["error"]["code"] == "not_ready"
        await client.until_told("session.created")
        client.close()


async def test_a_long_turn_can_be_read_back_whole() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(f"ws://{gw.authority}/v1/realtime", max_frame_size=22 * 1024 * 1024)
        client.say(
            "session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": None}}}
        )
        await client.until_told("session.updated")
        audio = base64.b64encode(bytes(15 * 1024 * 1024)).decode()
        client.say("input_audio_buffer.append", audio=audio)
        client.say("input_audio_buffer.commit")
        item_id = (await client.until_told("input_audio_buffer.committed"))["item_id"]
        client.say("conversation.item.retrieve", item_id=item_id)
        read = await client.until_told("conversation.item.retrieved")

        assert read["item"]["content"][0]["audio"] == audio
        assert len(upstream.records) == 1
        client.close()


async def test_long_audio_messages_do_not_pile_up_until_somebody_books_them() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(f"ws://{gw.authority}/v1/realtime")
        await client.until_told("session.created")
        (runner,) = gw.directory.running
        assert isinstance(runner, RelayRunner)
        kept = runner.relay.state.kept
        for _ in range(3):
            client.say("input_audio_buffer.append", audio=base64.b64encode(tone(5.0, 0)).decode())
        await eventually(lambda: kept.gone + len(kept.given) == 3)
        assert not kept.fresh
        client.close()


@pytest.mark.parametrize("path", ["/nowhere", "/api/openai"])
async def test_other_paths_are_404_with_json(path: str) -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        reader, writer = await asyncio.open_connection(*gw.authority.split(":"))
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        writer.write(
            f"{head}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        answer = await asyncio.wait_for(reader.read(), 5)
        assert answer.startswith(b"HTTP/1.1 404")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "NOT_FOUND"
        writer.close()
