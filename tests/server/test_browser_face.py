"""The browser protocol over real sockets, an emulated upstream behind."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import os
import struct

import pytest
import websockets
from picows import WSHandshakeError

from holdfast.core.limits import Limits
from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.ports import ClientAction, ToolContext
from holdfast.tools import FunctionToolbox, ToolResult, function_tool
from tests.server.gateway import Client, frames, gateway, tone


async def test_a_spoken_turn_is_answered_with_audio_and_both_transcripts() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        for frame in frames(tone(0.5) + bytes(48_000)):
            client.send_binary(frame)
        done = await client.until_told("response_done")

        assert done["status"] == "completed"
        assert len(client.audio) > 4800
        assert client.told("user_transcript")[-1]["final"]
        assert client.told("assistant_transcript")[-1]["final"]
        assert [m["offset"] for m in client.texts if "offset" in m] == sorted(
            m["offset"] for m in client.texts if "offset" in m
        )
        client.say("end_session")
        assert (await client.until_closed())[0] == 1000
        assert client.texts[-1]["type"] == "session_ended"


@pytest.mark.parametrize("ids", ["counted from one", "empty"])
async def test_an_upstream_whose_event_ids_are_not_unique_comes_live(ids: str) -> None:
    dials = 0

    async def serve(socket: websockets.ServerConnection) -> None:
        nonlocal dials
        dials += 1
        mine, numbers = dials, itertools.count(1)

        async def say(kind: str) -> None:
            event_id = f"event_{next(numbers)}" if ids != "empty" else ""
            session = {"id": f"sess_{mine}", "type": "realtime", "object": "realtime.session", "model": "m"}
            await socket.send(json.dumps({"type": kind, "event_id": event_id, "session": session}))

        await say("session.created")
        async for raw in socket:
            if json.loads(raw)["type"] == "session.update":
                if mine == 1 and ids != "empty":
                    await socket.close(1011, "restart")
                    return
                await say("session.updated")

    async with websockets.serve(serve, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with gateway(f"http://127.0.0.1:{port}/v1") as gw:
            client = await Client.connect(gw.browser_url)
            client.say("create_session")
            await client.until_told("session_ready")
            assert dials == (1 if ids == "empty" else 2)
            client.close()


SLOW_S = float(os.environ.get("HOLDFAST_SLOW_S", "0.2"))
"""Seconds for each of handshake, session.created and session.updated; the issue's proof runs with 3."""


async def speak(client: Client, pcm: bytes) -> None:
    """Say it in real time, a frame every 20 ms."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for number, frame in enumerate(frames(pcm)):
        await asyncio.sleep(max(0.0, begun + number * 0.02 - loop.time()))
        client.send_binary(frame)


async def test_a_slow_upstream_gets_every_sample_that_was_spoken_meanwhile() -> None:
    slow = [f"slow-{step}:{SLOW_S}" for step in ("handshake", "created", "updated")]
    async with Emulator(EmulatorOptions(faults=slow)) as upstream, gateway(upstream.http_base) as gw:
        spoken = tone(3 * SLOW_S + 0.5) + bytes(48_000)
        client = await Client.connect(gw.browser_url)
        speaking = asyncio.create_task(speak(client, spoken))
        await client.until_told("error")  # NO_SESSION_EXISTS: the first frames came before create_session
        client.say("create_session")
        await client.until(lambda: client.told("response_done"), 20 + 4 * SLOW_S)
        await speaking

        (record,) = upstream.records
        await upstream.wait_for(lambda: record.audio_bytes >= len(spoken))
        assert record.audio_bytes == len(spoken)
        assert record.audio_sha256 == hashlib.sha256(spoken).hexdigest()
        assert [m["code"] for m in client.told("error")] == ["NO_SESSION_EXISTS"]
        assert not client.told("audio_lost")
        print(f"ready after {3 * SLOW_S:g} s: {record.audio_bytes} bytes, sha256 {record.audio_sha256}")
        client.close()


async def test_a_tool_call_runs_once_on_the_server_and_is_spoken() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(gw.browser_url)
        client.say("create_session", customerId="C-1")
        client.say("input_text", text="call balance {}")
        await client.until_told("response_done", 2)

        assert len(gw.tools.runs) == 1
        assert [m["status"] for m in client.told("tool_done")] == ["ok"]
        assert "Ada owes nine euros." in client.told("assistant_transcript")[-1]["text"]
        client.close()


async def test_an_action_that_no_page_can_be_told_is_the_tools_failure_and_the_session_goes_on() -> None:
    async def balance(_context: ToolContext) -> ToolResult:
        return ToolResult("There.", client_action=ClientAction("open_form", "form", {"field": object()}))

    box = FunctionToolbox([function_tool(balance, description="What is owed")])
    async with (
        Emulator(EmulatorOptions(speed=0)) as upstream,
        gateway(upstream.http_base, toolbox=box) as gw,
    ):
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        client.say("input_text", text="call balance {}")
        await client.until(lambda: len(client.told("response_done")) == 2 or client.closed)

        assert [m["status"] for m in client.told("tool_done")] == ["failed"]
        assert not client.told("session_ended")
        client.close()


async def test_the_greeting_is_spoken_word_for_word() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(gw.browser_url)
        client.say("create_session", greet=True)
        await client.until_told("response_done")
        assert client.told("assistant_transcript")[-1]["text"] == "Hello there."
        client.close()


async def test_a_refused_key_ends_with_clear_words_and_no_retry() -> None:
    options = EmulatorOptions(faults=["refuse:invalid_api_key"])
    async with Emulator(options) as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        code, _ = await client.until_closed()

        assert code == 4502
        (error,) = client.told("error")
        assert error["code"] == "SESSION_INITIALIZATION_FAILED"
        assert error["fault"]["code"] == "configuration.invalid_api_key"
        assert "OPENAI_API_KEY" in error["fault"]["remedy"]
        assert client.texts[-1]["type"] == "session_ended"
        assert upstream.handshakes == 1


async def test_a_busy_upstream_is_dialled_again_and_nothing_is_lost() -> None:
    options = EmulatorOptions(faults=["http:503@2"])
    async with Emulator(options) as upstream, gateway(upstream.http_base) as gw:
        spoken = tone(0.5) + bytes(48_000)
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        for frame in frames(spoken):
            client.send_binary(frame)
        await client.until_told("response_done")

        assert upstream.records[-1].audio_sha256 == hashlib.sha256(spoken).hexdigest()
        told = {m["fault"]["code"] for m in client.told("status") if "fault" in m}
        assert told <= {"provider.unavailable"}
        client.close()


async def test_an_upstream_that_stays_silent_is_dialled_again() -> None:
    limits = Limits(created_s=0.05, retry_base_s=0.01)
    options = EmulatorOptions(faults=["silent-created@1"])
    async with Emulator(options) as upstream, gateway(upstream.http_base, limits=limits) as gw:
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        await client.until_told("session_ready")
        assert upstream.handshakes == 2
        client.close()


async def test_an_upstream_lost_in_mid_answer_is_said_honestly_and_the_answer_carried_on() -> None:
    options = EmulatorOptions(faults=["drop:response@1"], speed=1)
    async with Emulator(options) as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(gw.browser_url)
        client.say("create_session", greet=True)
        await client.until_told("response_done", 2)

        first, second = client.told("response_done")
        assert (first["status"], first["reason"]) == ("incomplete", "upstream_lost")
        assert first["fault"]["party"] == "provider"
        assert second["status"] == "completed"
        assert not client.told("error")
        client.close()


async def test_an_upstream_that_stays_away_ends_the_session_and_says_when_to_come_back() -> None:
    limits = Limits(recovery_budget_s=1.0)
    async with Emulator() as upstream, gateway(upstream.http_base, limits=limits) as gw:
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        await client.until_told("session_ready")
        await upstream.close()
        code, _ = await client.until_closed()

        assert code == 4503
        (error,) = client.told("error")
        assert error["code"] == "RECONNECT_FAILED"
        assert error["retryAfterMs"] > 0
        assert client.texts[-1]["type"] == "session_ended"


async def test_positioned_framing_bears_offset_stream_and_sample() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(gw.browser_url)
        client.say("create_session", framing="positioned", greet=True)
        await client.until_told("response_done")

        started = client.told("audio_started")[0]
        expected = 0
        for message in client.binaries:
            _, stream, reserved, start = struct.unpack_from("<QIIQ", message)
            assert (stream, reserved, start) == (started["stream"], 0, expected)
            expected += (len(message) - 24) // 2
        offsets = [m["offset"] for m in client.texts if "offset" in m]
        offsets += [struct.unpack_from("<Q", message)[0] for message in client.binaries]
        assert sorted(offsets) == list(range(1, len(offsets) + 1))
        client.close()


async def test_bad_messages_name_the_field_and_the_session_lives() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(gw.browser_url)
        client.say("create_session", voice=7)
        assert (await client.until_told("error"))["field"] == "voice"
        client.send_text(b"{not json")
        client.say("create_session", model="gpt-4o")
        await client.until(lambda: any(m["code"] == "UNSUPPORTED_MODEL" for m in client.told("error")))
        refusal = next(m for m in client.told("error") if m["code"] == "UNSUPPORTED_MODEL")
        assert "gpt-realtime-2.1" in refusal["message"]

        client.say("create_session")
        await client.until_told("session_ready")
        client.send_binary(b"\1")
        await client.until(lambda: any(m.get("field") == "audio" for m in client.told("error")))
        client.say("ping", id=7)
        assert (await client.until_told("pong"))["id"] == 7
        client.send_binary(bytes(70_000))
        assert (await client.until_closed())[0] == 1009


async def test_sessions_of_one_address_are_bounded() -> None:
    limits = Limits(sessions_per_ip=1)
    async with Emulator() as upstream, gateway(upstream.http_base, limits=limits) as gw:
        client = await Client.connect(gw.browser_url)
        with pytest.raises(WSHandshakeError, match="429"):
            await Client.connect(gw.browser_url)
        client.close()
        await client.until_closed()


async def test_a_stopping_process_says_1001() -> None:
    async with Emulator() as upstream:
        async with gateway(upstream.http_base) as gw:
            client = await Client.connect(gw.browser_url)
            client.say("create_session")
            await client.until_told("session_ready")
        assert (await client.until_closed())[0] == 1001
        assert client.told("status")[-1]["state"] == "draining"
        assert client.texts[-1]["type"] == "session_ended"
