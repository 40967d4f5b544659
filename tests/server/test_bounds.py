"""Bounds that a stranger runs into before anybody knows him, and lines that must not outlive their use."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from holdfast.core.limits import Limits
from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.server import arrival, handover
from tests.server.gateway import Client, eventually, gateway
from tests.server.test_handover import PING, frame, head, read_until, talk


@pytest.mark.parametrize("face", ["/api/openai/realtime", "/v1/realtime"])
async def test_no_upstream_line_outlives_a_client_that_vanished_while_dialling(face: str) -> None:
    options = EmulatorOptions(faults=["slow-handshake:0.05"])
    limits = Limits(resume_window_s=0.2)
    async with Emulator(options) as upstream, gateway(upstream.http_base, limits=limits) as gw:
        for _ in range(40):
            client = await Client.connect(f"ws://{gw.authority}{face}")
            client.say("create_session")
            await asyncio.sleep(0)
            client.transport.disconnect(graceful=False)
        await eventually(lambda: len(gw.directory) == 0)
        await eventually(lambda: all(not record.is_open for record in upstream.records))


async def test_a_second_create_session_changes_nothing() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(gw.browser_url)
        client.say("create_session", framing="positioned")
        await client.until_told("session_ready")
        client.say("create_session", eventId="second")
        refused = await client.until_told("error")
        assert refused["eventId"] == "second"
        client.send_binary((0).to_bytes(8, "little") + bytes(960))
        await upstream.wait_for(lambda: upstream.records[0].audio_bytes > 0)
        assert upstream.records[0].audio_bytes == 960
        client.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost:", head()[:60]])
async def test_a_head_that_does_not_come_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(arrival, "HANDSHAKE_S", 0.2)
    monkeypatch.setattr(handover, "HANDSHAKE_S", 0.2)
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        reader, writer = await talk(gw, sent)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_a_plain_request_with_endless_headers_is_431() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        reader, writer = await talk(gw, b"GET / HTTP/1.1\r\nHost: x\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(64):
                writer.write(b"X-More: " + b"a" * 1000 + b"\r\n")
                await writer.drain()
        seen = await read_until(reader, b"431")
        assert seen.startswith(b"HTTP/1.1 431")
        writer.close()


@pytest.mark.parametrize(
    ("target", "status"), [("//[", b"404"), ("http://[", b"404"), ("http://any/api/openai/realtime", b"101")]
)
async def test_what_is_asked_for_is_a_path_and_no_url(target: str, status: bytes) -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        reader, writer = await talk(gw, head(path=target))
        assert (await read_until(reader, status)).startswith(b"HTTP/1.1 " + status)
        writer.close()


async def test_a_frame_over_the_bound_is_refused_before_it_is_read() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        announced = b"\x82\xff" + (20 * 1024 * 1024).to_bytes(8, "big") + b"\1\2\3\4"
        reader, writer = await talk(gw, head(), announced)
        assert (1009).to_bytes(2, "big") in await read_until(reader, (1009).to_bytes(2, "big"))
        writer.close()


async def test_a_flood_of_pings_is_1008() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        reader, writer = await talk(gw, head(), frame(b"", opcode=9) * 100)
        await read_until(reader, (1008).to_bytes(2, "big"))
        writer.close()


async def test_a_ping_is_answered_with_its_own_payload() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        reader, writer = await talk(gw, head(), frame(b"tick", opcode=9), PING)
        assert b"\x8a\x04tick" in await read_until(reader, b"pong")
        writer.close()


async def test_a_number_out_of_range_in_a_ping_is_refused_by_name() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(gw.browser_url)
        client.send_text(b'{"type":"ping","n":1e400}')
        assert (await client.until_told("error"))["code"] == "INVALID_MESSAGE"
        client.say("ping")
        await client.until_told("pong")
        client.close()


async def test_a_client_is_read_again_when_a_full_upstream_dies() -> None:
    limits = Limits(upstream_outbox_bytes=64 * 1024, audio_speed=100.0)
    options = EmulatorOptions(faults=["slow-reader:1000:updated@1"], speed=0)
    async with Emulator(options) as upstream, gateway(upstream.http_base, limits=limits) as gw:
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        await client.until_told("session_ready")
        for _ in range(300):
            client.send_binary(bytes(48_000))
        await asyncio.sleep(0.3)
        upstream.kill()
        client.say("input_text", text="hello")
        await client.until_told("response_done")
        client.close()
