"""Who reads late gets every byte, and none other: large messages wait in the transport as they were."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import Any, cast

from picows import WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener
from uvicorn.server import ServerState

from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.server.handover import Came, hand_over
from holdfast.sockets import MessageListener
from tests.server.test_handover import frame, head

PAIRS = 600
LARGE = "w" * 20_000


async def message(reader: asyncio.StreamReader) -> Any:
    """One whole text message."""
    first, size = await reader.readexactly(2)
    assert first == 0x81
    if size == 126:
        (size,) = struct.unpack(">H", await reader.readexactly(2))
    elif size == 127:
        (size,) = struct.unpack(">Q", await reader.readexactly(8))
    return json.loads(await reader.readexactly(size))


def event(kind: str, **fields: Any) -> bytes:
    return frame(json.dumps({"type": kind, **fields}).encode())


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection of which little is kept on the way."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    small.setblocking(False)
    await asyncio.get_running_loop().sock_connect(small, ("127.0.0.1", port))
    return await asyncio.open_connection(sock=small, limit=16 * 1024)


class Talkative(MessageListener):
    """Says everything at once, more than any socket takes."""

    def on_open(self) -> None:
        for _ in range(PAIRS):
            self.send_text(json.dumps(LARGE).encode())
            self.send_text(b"0")


class Door(asyncio.Protocol):
    """Hands over whoever comes, as the server does."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        hand_over(ServerState(), self, self._transport, Came("127.0.0.1", "http", b"/"), data)

    def __call__(self, request: WSUpgradeRequest, peer: str, scheme: str) -> WSUpgradeResponseWithListener:
        return WSUpgradeResponseWithListener(WSUpgradeResponse.create_101_response(), Talkative())

    def may_accept(self) -> bool:
        return True

    def frame_bytes_max(self, path: str) -> int:
        return 1024


async def test_large_messages_arrive_whole_at_a_client_that_reads_late() -> None:
    server = await asyncio.get_running_loop().create_server(Door, "127.0.0.1", 0)
    reader, writer = await connect(server.sockets[0].getsockname()[1])
    writer.write(head())
    await reader.readuntil(b"\r\n\r\n")
    try:
        async with asyncio.timeout(10):
            for _ in range(PAIRS):
                assert await message(reader) == LARGE
                assert await message(reader) == 0
    finally:
        writer.transport.abort()
        server.close()


async def test_large_messages_of_the_emulator_arrive_whole() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream:
        reader, writer = await connect(upstream.port)
        writer.write(head(path="/v1/realtime?model=gpt-realtime-2.1", extra="Authorization: Bearer any\r\n"))
        await reader.readuntil(b"\r\n\r\n")
        assert (await message(reader))["type"] == "session.created"
        part = {"type": "input_text", "text": LARGE}
        item = {"id": "large", "type": "message", "role": "user", "content": [part]}
        long = json.dumps({"type": "conversation.item.create", "item": item}).encode()
        writer.write(frame(long))
        assert [(await message(reader))["type"] for _ in range(2)] == [
            "conversation.item.added",
            "conversation.item.done",
        ]

        for _ in range(PAIRS):
            writer.write(event("conversation.item.retrieve", item_id="large"))
            writer.write(event("input_audio_buffer.clear"))
        [record] = upstream.records
        await upstream.wait_for(lambda: record.sent_counts["input_audio_buffer.cleared"] == PAIRS, 20)
        async with asyncio.timeout(20):
            for _ in range(PAIRS):
                assert (await message(reader))["item"]["content"] == [part]
                assert (await message(reader))["type"] == "input_audio_buffer.cleared"
        writer.close()
