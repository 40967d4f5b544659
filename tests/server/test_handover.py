"""One port: what the hand-over from uvicorn to picows must survive, byte by byte."""

from __future__ import annotations

import asyncio
import base64
import os
import struct

import pytest

from holdfast.emulator import Emulator
from holdfast.sockets.listener import CLOSE_WAIT_S
from tests.server.gateway import Client, TestGateway, gateway

KEY = base64.b64encode(os.urandom(16)).decode()


def head(connection: str = "Upgrade", path: str = "/api/openai/realtime", extra: str = "") -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: {connection}\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{extra}\r\n"
    ).encode()


def frame(payload: bytes, opcode: int = 1, *, fin: bool = True, rsv: int = 0) -> bytes:
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + struct.pack(">H", size)
    mask = b"\1\2\3\4"
    masked = bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))
    return bytes([first]) + length + mask + masked


async def talk(gw: TestGateway, *segments: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = gw.authority.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for segment in segments:
        writer.write(segment)
        await writer.drain()
    return reader, writer


async def read_until(reader: asyncio.StreamReader, wanted: bytes) -> bytes:
    seen = b""
    async with asyncio.timeout(5):
        while wanted not in seen:
            more = await reader.read(4096)
            assert more, f"the connection ended without {wanted!r}: {seen!r}"
            seen += more
    return seen


PING = frame(b'{"type":"ping","id":"first"}')


async def test_a_frame_in_the_upgrades_own_segment_is_not_lost() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        reader, writer = await talk(gw, head() + PING)
        await read_until(reader, b'"type":"pong"')
        writer.close()


async def test_firefox_sends_keep_alive_with_upgrade() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        reader, writer = await talk(gw, head("keep-alive, Upgrade"), PING)
        seen = await read_until(reader, b"pong")
        assert seen.startswith(b"HTTP/1.1 101")
        writer.close()


@pytest.mark.parametrize(
    "spelled",
    [
        head()
        .replace(b"Connection: Upgrade", b"connection: upgrade")
        .replace(b": websocket", b": WebSocket"),
        head().replace(b"Connection: Upgrade", b"Connection:Upgrade"),
        head(extra="X-Long: " + "x" * 8000 + "\r\n"),
    ],
)
async def test_a_head_is_taken_however_it_is_spelled(spelled: bytes) -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        reader, writer = await talk(gw, spelled + PING)
        seen = await read_until(reader, b"pong")
        assert seen.startswith(b"HTTP/1.1 101")
        writer.close()


@pytest.mark.parametrize(
    ("broken", "status"),
    [
        (head(extra="X-Long: " + "x" * 20_000 + "\r\n"), b"431"),
        (head(extra="no header\r\n"), b"400"),
        (head(extra="X: a\x01b\r\n"), b"400"),
        (head(extra="Content-Length: 3\r\n"), b"400"),
        (head(extra="Transfer-Encoding: chunked\r\n"), b"400"),
        (head().replace(KEY.encode(), b"short"), b"400"),
    ],
)
async def test_a_head_that_is_none_is_refused(broken: bytes, status: bytes) -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        reader, writer = await talk(gw, broken)
        seen = await asyncio.wait_for(reader.read(), 5)
        assert seen.startswith(b"HTTP/1.1 " + status), seen
        writer.close()


async def test_a_head_that_comes_byte_by_byte() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        whole = head() + PING
        reader, writer = await talk(gw, *(whole[n : n + 1] for n in range(len(whole))))
        await read_until(reader, b"pong")
        writer.close()


async def test_an_upgrade_on_a_kept_alive_connection() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        plain = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        reader, writer = await talk(gw, plain)
        await read_until(reader, b"ok")
        writer.write(head() + PING)
        await read_until(reader, b"pong")
        writer.close()


async def test_a_refusal_is_json_before_the_upgrade() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        reader, writer = await talk(gw, head(path="/api/openai/realtime?refuse=1"))
        seen = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        assert seen.startswith(b"HTTP/1.1 401")
        assert b'"code": "NOT_AUTHORIZED"' in seen


async def test_the_subprotocol_is_chosen_and_a_ticket_never_echoed() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        offered = "Sec-WebSocket-Protocol: holdfast.v1, holdfast.ticket.CANARY\r\n"
        reader, writer = await talk(gw, head(extra=offered))
        seen = await read_until(reader, b"\r\n\r\n")
        assert b"Sec-WebSocket-Protocol: holdfast.v1\r\n" in seen
        assert b"CANARY" not in seen
        writer.close()


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (frame(b"x", rsv=4), 1002),
        (frame(b"\xff\xfe"), 1007),
        (frame(b"tail", opcode=0), 1002),
        (frame(b"a", fin=False) + frame(b"b"), 1002),
        (frame(b"\xc3", fin=False) + frame(b"\x28", opcode=0), 1007),
        (frame(struct.pack(">H", 1005), opcode=8), 1002),
        (frame(struct.pack(">H", 5001), opcode=8), 1002),
        (frame(struct.pack(">H", 0), opcode=8), 1002),
        (frame(struct.pack(">H", 1000), opcode=8), 1000),
        (frame(b"", opcode=8), 1000),
        (frame(b"a", fin=False) + b"".join(frame(b"", opcode=0, fin=False) for _ in range(70)), 1009),
    ],
)
async def test_broken_framing_is_closed_with_the_right_code(broken: bytes, code: int) -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        reader, writer = await talk(gw, head(), broken)
        seen = await read_until(reader, struct.pack(">H", code))
        # Who sent too much is told so in words first.
        assert seen[seen.index(b"\r\n\r\n") + 4] == (0x81 if code == 1009 else 0x88)
        assert (b"MESSAGE_TOO_LARGE" in seen) is (code == 1009)
        writer.close()


async def test_a_close_that_comes_twice_in_one_read_gets_its_own_code_back() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        goodbye = frame(struct.pack(">H", 1000) + b"bye", opcode=8)
        reader, writer = await talk(gw, head(), goodbye + goodbye)
        seen = await asyncio.wait_for(reader.read(), 5)
        assert seen.endswith(b"\x88\x05" + struct.pack(">H", 1000) + b"bye")
        writer.close()


async def test_after_a_close_with_a_wrong_code_nobody_waits_for_another() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        reader, writer = await talk(gw, head(), frame(struct.pack(">H", 1006), opcode=8))
        seen = await asyncio.wait_for(reader.read(), CLOSE_WAIT_S / 2)
        assert struct.pack(">H", 1002) in seen
        writer.close()


async def test_fragments_with_a_ping_between_are_one_message() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        parts = frame(b'{"type":"pi', fin=False) + frame(b"", opcode=9) + frame(b'ng","id":1}', opcode=0)
        reader, writer = await talk(gw, head(), parts)
        seen = await read_until(reader, b'"type":"pong"')
        assert b"\x8a\x00" in seen
        writer.close()


async def test_a_head_over_16_kib_is_431() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        reader, writer = await talk(gw, head(extra=f"X-Big: {'a' * 17_000}\r\n"))
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 431")
        writer.close()


@pytest.mark.parametrize(("line", "status"), [("Sec-WebSocket-Version: 8", 426), ("", 426)])
async def test_other_versions_are_refused(line: str, status: int) -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        request = head().replace(b"Sec-WebSocket-Version: 13\r\n", f"{line}\r\n".encode() if line else b"")
        reader, writer = await talk(gw, request)
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(f"HTTP/1.1 {status}".encode())
        writer.close()


async def test_aborted_handshakes_hurt_nobody() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        for cut in range(1, len(head()), 7):
            _, writer = await talk(gw, head()[:cut])
            writer.transport.abort()
        reader, writer = await talk(gw, head(), PING)
        await read_until(reader, b"pong")
        assert len(gw.directory) == 1
        writer.close()


async def test_a_closed_socket_leaves_no_timer_behind() -> None:
    """At a thousand set-ups a second ten thousand would wait, each with what it is about."""
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(f"ws://{gw.authority}/api/openai/realtime")
        client.close()
        assert client._patience is not None
        await client.until(lambda: client.closed)
        assert client._patience is None
