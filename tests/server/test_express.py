"""Audio by the compiled way and by the way through Python: the same comes out, however it comes in."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import random
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.emulator.record import SessionRecord
from holdfast.express import IS_BUILT
from holdfast.runtime.session_runner import SessionRunner
from holdfast.server.client_socket import ClientSocket
from tests.server.gateway import TestGateway, eventually, gateway, tone

WAYS = [pytest.param(True, id="compiled", marks=pytest.mark.skipif(not IS_BUILT, reason="it was not built"))]
WAYS += [pytest.param(False, id="python")]


class Raw:
    """A client that writes its frames byte by byte, to cut them where no library would."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.told: list[tuple[int, bytes]] = []
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def dial(cls, gw: TestGateway, path: str, trust: ssl.SSLContext | None = None) -> Raw:
        host, _, port = gw.authority.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port), ssl=trust)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {gw.authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        return cls(reader, writer)

    async def _read(self) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ssl.SSLError):
            await self._messages()

    async def _messages(self) -> None:
        while True:
            first, size = await self.reader.readexactly(2)
            if size >= 126:
                wide = 2 if size == 126 else 8
                size = int.from_bytes(await self.reader.readexactly(wide))
            self.told.append((first & 15, await self.reader.readexactly(size)))

    def kinds(self) -> list[str]:
        return [json.loads(payload)["type"] for opcode, payload in self.told if opcode == 1]

    async def until(self, kind: str) -> None:
        await eventually(lambda: kind in self.kinds())

    async def close(self) -> None:
        self._reading.cancel()
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


def frame(payload: bytes, opcode: int, *, fin: bool = True) -> bytes:
    mask, size = os.urandom(4), len(payload)
    lengths = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
    body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return bytes([(0x80 if fin else 0) | opcode]) + lengths + mask + body


def event(kind: str, **fields: object) -> bytes:
    return frame(json.dumps({"type": kind, **fields}).encode(), 1)


def append(pcm: bytes) -> bytes:
    return event("input_audio_buffer.append", audio=base64.b64encode(pcm).decode())


def sound(face: str, pcm: bytes) -> bytes:
    return frame(pcm, 2) if face == "browser" else append(pcm)


@asynccontextmanager
async def talking(face: str, *, is_compiled: bool) -> AsyncIterator[tuple[Raw, SessionRecord, TestGateway]]:
    async with (
        Emulator(EmulatorOptions(speed=0)) as upstream,
        gateway(upstream.http_base, is_compiled=is_compiled) as gw,
    ):
        path = "/api/openai/realtime" if face == "browser" else "/v1/realtime?model=gpt-realtime"
        raw = await Raw.dial(gw, path)
        if face == "browser":
            raw.writer.write(frame(b'{"type":"create_session","turnDetection":"manual"}', 1))
            await raw.until("session_ready")
        else:
            detection = {"audio": {"input": {"turn_detection": None}}}
            raw.writer.write(event("session.update", session={"type": "realtime", **detection}))
            await raw.until("session.updated")
        try:
            yield raw, upstream.records[0], gw
        finally:
            await raw.close()


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def passed(gw: TestGateway) -> int:
    return 0 if gw.directory.express is None else gw.directory.express.up


@pytest.mark.parametrize("face", ["browser", "realtime"])
@pytest.mark.parametrize("is_compiled", WAYS)
@pytest.mark.parametrize("seed", range(3))
async def test_every_sample_comes_up_once_and_in_order_however_it_is_cut(
    face: str, seed: int, *, is_compiled: bool
) -> None:
    chance = random.Random(seed)
    spoken = tone(2.0)
    async with talking(face, is_compiled=is_compiled) as (raw, record, gw):
        stream, at = bytearray(), 960
        raw.writer.write(sound(face, spoken[:at]))
        await eventually(lambda: record.audio_bytes == at)  # from a boundary between frames on it may pass
        while at < len(spoken):
            pcm = spoken[at : at + 2 * chance.choice((480, 480, 480, 240, 500, 1200, 9000))]
            at += len(pcm)
            whole = sound(face, pcm)
            match chance.randrange(12):
                case 0 if face == "browser":  # in two fragments, with a ping between them
                    half = len(pcm) // 4 * 2
                    whole = frame(pcm[:half], 2, fin=False) + frame(b"?", 9) + frame(pcm[half:], 0)
                case 1:
                    whole += frame(b"are you there", 9)
                case 2:
                    said = b'{"type":"ack","offset":1}' if face == "browser" else b"{}"
                    whole += frame(said, 1)
                case 3:
                    whole += frame("{ün".encode(), 1)  # no message, and no reason to lose one
            stream += whole
        while stream:
            cut = chance.choice((1, 7, 100, 1400, 5000, 30_000))
            raw.writer.write(bytes(stream[:cut]))
            del stream[:cut]
            if chance.randrange(3) == 0:
                await raw.writer.drain()
                await asyncio.sleep(0)
        await eventually(lambda: record.audio_bytes >= len(spoken))
        assert record.audio_bytes == len(spoken)
        assert record.audio_sha256 == hashlib.sha256(spoken).hexdigest()
        assert (passed(gw) > 5) is is_compiled
        await eventually(lambda: any(opcode == 10 for opcode, _ in raw.told))  # a ping's pong


@pytest.mark.skipif(not IS_BUILT, reason="it was not built")
async def test_after_a_message_in_fragments_audio_passes_again() -> None:
    async with talking("browser", is_compiled=True) as (raw, record, gw):
        raw.writer.write(frame(tone(0.02), 2))
        await eventually(lambda: record.audio_bytes == 960)
        pcm = tone(0.02)
        raw.writer.write(frame(pcm[:480], 2, fin=False) + frame(pcm[480:], 0) + frame(pcm, 2))
        await eventually(lambda: record.audio_bytes == 3 * 960)
        assert passed(gw) == 1


@pytest.mark.skipif(not IS_BUILT, reason="it was not built")
@pytest.mark.parametrize("face", ["browser", "realtime"])
async def test_while_joined_audio_goes_up_in_fewer_messages_and_before_what_was_said_after_it(
    face: str,
) -> None:
    spoken = tone(1.0) + tone(0.03)
    async with talking(face, is_compiled=True) as (raw, record, gw):
        assert gw.directory.express is not None
        raw.writer.write(sound(face, tone(0.02)))  # it boards
        await eventually(lambda: record.audio_bytes == 960)
        gw.directory.express.join(60)
        for at in range(0, len(spoken), 960):
            pcm = spoken[at : at + 960]
            raw.writer.write(sound(face, pcm))
        raw.writer.write(event("commit_audio" if face == "browser" else "input_audio_buffer.commit"))
        await eventually(lambda: any("commit" in str(one) for one in record.events))
        assert record.audio_bytes == 960 + len(spoken)
        assert record.audio_sha256 == hashlib.sha256(tone(0.02) + spoken).hexdigest()
        kinds = [one["type"] for one in record.events]
        assert 15 < kinds.count("input_audio_buffer.append") < 26
        assert "input_audio_buffer.append" not in kinds[kinds.index("input_audio_buffer.commit") :]


@pytest.mark.skipif(not IS_BUILT, reason="it was not built")
@pytest.mark.parametrize("face", ["browser", "realtime"])
async def test_what_is_held_back_goes_up_when_no_more_comes(face: str) -> None:
    async with talking(face, is_compiled=True) as (raw, record, gw):
        assert gw.directory.express is not None
        gw.directory.express.join(100)
        for _ in range(3):
            raw.writer.write(sound(face, tone(0.02)))
        await eventually(lambda: record.audio_bytes == 3 * 960)


@pytest.mark.parametrize("face", ["browser", "realtime"])
@pytest.mark.parametrize("is_compiled", WAYS)
@pytest.mark.parametrize("size", [2**64 - 14, 2**64 - 1, 2**63, 2**40])
async def test_a_frame_of_a_size_that_none_has_ends_its_line_alone(
    face: str, size: int, *, is_compiled: bool
) -> None:
    async with talking(face, is_compiled=is_compiled) as (raw, record, gw):
        raw.writer.write(sound(face, tone(0.02)))
        await eventually(lambda: record.audio_bytes == 960)
        raw.writer.write(bytes([0x81 if face == "realtime" else 0x82, 0xFF]) + size.to_bytes(8) + b"mask")
        await eventually(lambda: any(opcode == 8 for opcode, _ in raw.told))
        other = await Raw.dial(gw, "/v1/realtime?model=gpt-realtime")
        await other.until("session.created")
        await other.close()


@pytest.mark.parametrize("face", ["browser", "realtime"])
@pytest.mark.parametrize("is_compiled", WAYS)
async def test_no_sound_follows_our_close_frame(face: str, *, is_compiled: bool) -> None:
    async with (
        Emulator(EmulatorOptions(speed=1)) as upstream,
        gateway(upstream.http_base, is_compiled=is_compiled) as gw,
    ):
        raw = await Raw.dial(
            gw, "/api/openai/realtime" if face == "browser" else "/v1/realtime?model=gpt-realtime"
        )
        if face == "browser":
            raw.writer.write(event("create_session"))
            await raw.until("session_ready")
            raw.writer.write(event("input_text", text="Tell me a long story, please, about anything."))
            await eventually(lambda: sum(opcode == 2 for opcode, _ in raw.told) > 3)
        else:
            await raw.until("session.created")
            content = [{"type": "input_text", "text": "Tell me a long story, please, about anything."}]
            item = {"type": "message", "role": "user", "content": content}
            raw.writer.write(event("conversation.item.create", item=item) + event("response.create"))
            await eventually(lambda: raw.kinds().count("response.output_audio.delta") > 3)
        raw.writer.write(b"\xd1" + frame(b"x", 1)[1:])  # a reserved bit
        await eventually(lambda: any(opcode == 8 for opcode, _ in raw.told))
        await asyncio.sleep(0.3)  # for what must not come there is nothing to wait for
        at_close = [opcode for opcode, _ in raw.told].index(8)
        assert len(raw.told) == at_close + 1
        await raw.close()


@pytest.mark.skipif(not IS_BUILT, reason="it was not built")
async def test_what_is_no_audio_is_not_joined_to_any() -> None:
    async with talking("realtime", is_compiled=True) as (raw, record, gw):
        assert gw.directory.express is not None
        raw.writer.write(append(tone(0.02)))
        await eventually(lambda: record.audio_bytes == 960)
        gw.directory.express.join(60)
        odd = [
            event("input_audio_buffer.append", audio="!!!!"),
            event("input_audio_buffer.append", delta="AAAA"),
        ]
        raw.writer.write(append(tone(0.02)) + odd[0] + append(tone(0.02)) + odd[1] + append(tone(0.02)))
        await eventually(lambda: record.audio_bytes == 4 * 960)
        assert record.audio_sha256 == hashlib.sha256(tone(0.02) * 4).hexdigest()


@pytest.mark.skipif(not IS_BUILT, reason="it was not built")
@pytest.mark.parametrize("face", ["browser", "realtime"])
async def test_while_audio_rides_the_loop_does_everything_else_in_time(face: str) -> None:
    loop = asyncio.get_running_loop()
    async with talking(face, is_compiled=True) as (raw, record, gw):
        for at in (1, 2):
            raw.writer.write(sound(face, tone(0.02)))
            await eventually(lambda at=at: record.audio_bytes == at * 960)  # type: ignore[misc] # now, not later
        assert passed(gw) == 1, "the first brought it to a boundary"
        begun, called = loop.time(), asyncio.Event()
        loop.call_later(0.2, called.set)
        await called.wait()
        assert loop.time() - begun >= 0.199, "nothing came, and the loop's clock went on"
        thread = asyncio.create_task(asyncio.to_thread(lambda: "done"))
        assert await asyncio.wait_for(thread, 5.0) == "done", "another thread woke the loop"
        other = await Raw.dial(gw, "/v1/realtime?model=gpt-realtime")
        await other.until("session.created")
        await other.close()


@pytest.mark.skipif(not IS_BUILT, reason="it was not built")
async def test_audio_does_not_overtake_what_waits_in_the_transport() -> None:
    """The client reads nothing, so a long message waits; what is said after it comes after it."""
    async with talking("browser", is_compiled=True) as (raw, record, gw):
        raw.writer.write(frame(tone(0.02), 2))
        await eventually(lambda: record.audio_bytes == 960)
        (one,) = gw.directory.running
        assert isinstance(one, SessionRunner)
        client = one.client
        assert isinstance(client, ClientSocket)
        leg = client.leg
        assert leg is not None
        raw.reader._transport.pause_reading()  # type: ignore[attr-defined] # as a slow client
        sent = 0
        while not client.send_buffer_bytes:
            client.send_text(json.dumps({"type": "long", "n": sent, "text": "x" * 100_000}).encode())
            sent += 1
        assert leg.may_wait, "who sends by way of the transport says so"
        client.ping()
        client.send_text(b'{"type":"last"}')
        raw.reader._transport.resume_reading()  # type: ignore[attr-defined] # as above
        await raw.until("last")
        told = [json.loads(payload) for opcode, payload in raw.told if opcode == 1]
        numbers = [one["n"] for one in told if one["type"] == "long"]
        assert numbers == list(range(sent))
        assert told[-1]["type"] == "last"
        assert any(opcode == 9 for opcode, _ in raw.told)


@pytest.mark.skipif(not IS_BUILT, reason="it was not built")
async def test_whoever_rides_has_a_descriptor_more_for_each_socket_and_gives_it_back() -> None:
    async with talking("browser", is_compiled=True) as (_, _, gw):
        before = descriptors()
        other = await Raw.dial(gw, "/api/openai/realtime")
        other.writer.write(frame(b'{"type":"create_session","turnDetection":"manual"}', 1))
        await other.until("session_ready")
        # ours, the gateway's, its line, the emulator's; and what the express has of two of them
        assert descriptors() == before + 6
        await other.close()
        # it is parked: its line stays
        await eventually(lambda: descriptors() == before + 3)


@pytest.mark.skipif(not IS_BUILT, reason="it was not built")
async def test_who_was_paused_before_there_was_a_leg_is_read_again() -> None:
    async with talking("browser", is_compiled=True) as (_, _, gw):
        assert gw.directory.express is not None
        (one,) = gw.directory.running
        assert isinstance(one, SessionRunner)
        client = one.client
        assert isinstance(client, ClientSocket)
        transport = client.transport.underlying_transport
        transport.pause_reading()
        leg = gw.directory.express.leg(
            client.transport, transport.get_extra_info("socket").fileno(), is_server=True, tls=None
        )
        leg.pause(False)
        assert transport.is_reading()
        leg.leave()
