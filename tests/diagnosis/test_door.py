"""Knocking at a gateway's door."""

from __future__ import annotations

import asyncio

import pytest

from holdfast.diagnosis.door import knock
from holdfast.diagnosis.network import Peer


async def test_who_knocks_says_goodbye() -> None:
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def door(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        heard.set_result(await reader.read())
        writer.close()

    server = await asyncio.start_server(door, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    knocked = await knock(Peer.of(f"http://127.0.0.1:{port}"), "/", None, upgrade=True)
    frame = await heard
    server.close()
    await server.wait_closed()

    mask, code = frame[2:6], frame[6:8]
    assert knocked.status == 101
    assert frame[:2] == b"\x88\x82", "a masked close frame of two bytes"
    assert int.from_bytes(bytes(one ^ key for one, key in zip(code, mask, strict=False))) == 1000


@pytest.mark.parametrize("head", [b"220 mail ESMTP", b"HTTP/1.1", b"HTTP/1.1 OK", b""])
async def test_what_speaks_no_http_is_told_so(head: bytes) -> None:
    async def door(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(door, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ValueError, match="speaks no HTTP"):
            await knock(Peer.of(f"http://127.0.0.1:{port}"), "/", None)
