"""What the suite's own tests share: a visit to an emulator that behaves, or misbehaves as told."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from holdfast.conformance import CHECKS, Check, Result, Target, Visit, make
from holdfast.emulator import Emulator, EmulatorOptions, spoken

Json = dict[str, Any]

SPEECH = spoken("what is my balance today", char_ms=60)
BY_ID = {check.id: check for check in CHECKS}

CREATED = (
    b'{"type":"session.created","event_id":"event_1","session":{"type":"realtime","object":"realtime.session",'
    b'"id":"sess_1"}}'
)


def target(url: str, patience_s: float = 5.0, **more: Any) -> Target:
    return Target(url, "any", speech=SPEECH, patience_s=patience_s, many=5, **more)


@contextlib.asynccontextmanager
async def emulating(*faults: str, **options: Any) -> AsyncIterator[Emulator]:
    quick = {"speed": 30.0, "char_ms": 40, **options}
    async with Emulator(EmulatorOptions(faults=faults, **quick)) as emulator:
        yield emulator


async def made(
    emulator: Emulator, *checks: str, patience_s: float = 5.0, known: Sequence[Check] | None = None
) -> Result:
    """Make these checks in one visit; gives the result of the last."""
    visit = Visit(target(emulator.url, patience_s))
    for check in known or [BY_ID[name] for name in checks]:
        result = await make(check, visit)
    return result


@contextlib.asynccontextmanager
async def serving(handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]) -> AsyncIterator[str]:
    """A bare TCP server; gives its authority."""

    writers: set[asyncio.StreamWriter] = set()

    async def handled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await handle(reader, writer)
        writer.close()

    server = await asyncio.start_server(handled, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    try:
        yield f"{host}:{port}"
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def bears_anything(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that upgrades whoever comes, says session.created, and lets pass whatever follows."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    key = next(
        line.split(":", 1)[1].strip() for line in head.split("\r\n") if "sec-websocket-key" in line.lower()
    )
    accept = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest())
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    writer.write(bytes([0x81, len(CREATED)]) + CREATED)
    while await reader.read(65536):
        pass
