"""TLS in front of an upstream that speaks none, with everything in hand that goes wrong there."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from holdfast.providers.openai import OpenAIDialer
from holdfast.providers.realtime_link import Address
from holdfast.server.listening import Tls
from holdfast.sockets.trust import trusting

NO_RECORD = b"\x17\x03\x03\x00\x20" + bytes(32)
"""It begins as one, and nobody sealed it."""


@dataclass(frozen=True, slots=True)
class TrustingDialer(OpenAIDialer):
    """As OpenAI's, and believes one authority."""

    trust: ssl.SSLContext = field(kw_only=True)

    def address(self, query: Mapping[str, str]) -> Address:
        there = OpenAIDialer.address(self, query)  # a class with slots is made twice: no `super`
        return Address(there.url, there.token, there.limits, there.names, trust=self.trust)


@dataclass(eq=False)
class TlsFront:
    """Passes on what it gets. `reads`: whether it takes anything from the gateway. `chance`: cuts what goes
    to the gateway into records, anywhere.
    """

    behind: int
    reads: asyncio.Event = field(default_factory=asyncio.Event)
    chance: random.Random | None = None
    lines: list[asyncio.StreamWriter] = field(default_factory=list)
    """To the gateway."""
    port: int = 0

    def dialer(self, proof: Tls) -> TrustingDialer:
        base = f"https://127.0.0.1:{self.port}/v1"
        trust = trusting(proof.certificate)
        return TrustingDialer("openai", base, "sk-test-canary", "gpt-realtime-2.1", trust=trust)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up, down = await asyncio.open_connection("127.0.0.1", self.behind)
        self.lines.append(writer)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._up(reader, down))
            both.create_task(self._down(up, writer))

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(16 * 1024):
                await self.reads.wait()
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(64 * 1024):
                while data:
                    size = self.chance.choice((1, 3, 500, 20_000)) if self.chance else len(data)
                    writer.write(data[:size])
                    data = data[size:]
                await writer.drain()
        writer.close()

    def spoil(self) -> None:
        """Something on the newest line that no record of TLS is."""
        os.write(self.lines[-1].get_extra_info("socket").fileno(), NO_RECORD)


@asynccontextmanager
async def tls_front(port: int, proof: Tls) -> AsyncIterator[TlsFront]:
    """A front of that port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(proof.certificate, proof.key)
    front = TlsFront(port)
    front.reads.set()
    here = socket.create_server(("127.0.0.1", 0))
    here.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)  # little is kept on the way
    server = await asyncio.start_server(front.serve, sock=here, ssl=context)
    front.port = server.sockets[0].getsockname()[1]
    try:
        yield front
    finally:
        server.close()
        for line in front.lines:
            line.close()
