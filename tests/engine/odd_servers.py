"""Servers of stages that answer as a test tells them, over real HTTP.

What lives here: one answer after the other, as it is handed over. What never will: a test.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from holdfast.engine.options import RemoteStage
from holdfast.engine.remote import StageServer
from holdfast.engine.switch import Stage

HEAD: Final = "HTTP/1.1 {}\r\ncontent-type: {}\r\nconnection: close\r\n\r\n"
DONE: Final = b"data: [DONE]\n\n"


def chunk(content: str) -> bytes:
    """A piece of a chat's answer."""
    return b"data: " + json.dumps({"choices": [{"delta": {"content": content}}]}).encode() + b"\n\n"


class OddServer:
    """Answers with the bytes of `answers`, one after the other; the last one again and again."""

    def __init__(
        self,
        *answers: Callable[[], AsyncIterator[bytes]],
        kind: str = "text/event-stream",
        status: str = "200 OK",
    ) -> None:
        self.asked = 0
        self._answers = answers
        self._head = HEAD.format(status, kind).encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r")[0] or 0))
        answer = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        writer.write(self._head)
        async for part in answer():
            writer.write(part)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def odd(stage: Stage, server: OddServer, **options: object) -> AsyncIterator[StageServer]:
    """The stage's server, as the engine has it."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        served = StageServer(stage, RemoteStage(f"http://127.0.0.1:{port}/v1", "odd", **options))  # type: ignore[arg-type] # by name
        try:
            yield served
        finally:
            await served.close()


def said(*parts: bytes) -> Callable[[], AsyncIterator[bytes]]:
    """An answer that comes at once."""

    async def answer() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    return answer
