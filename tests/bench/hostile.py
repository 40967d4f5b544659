"""Upstreams that do not do as they should: each plants one fault into the sound that it gives back."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

import picows
import pybase64

from holdfast.bench import frames
from holdfast.sockets import MessageListener

AT: Final = 2
"""The frame that is struck, of each session."""

Fault = Callable[[int, bytes], Iterator[bytes]]
"""What comes back for a frame, by its number."""


def none(number: int, pcm: bytes) -> Iterator[bytes]:
    yield pcm


def lost(number: int, pcm: bytes) -> Iterator[bytes]:
    if number != AT:
        yield pcm


def doubled(number: int, pcm: bytes) -> Iterator[bytes]:
    yield pcm
    if number == AT:
        yield pcm


def altered(number: int, pcm: bytes) -> Iterator[bytes]:
    yield bytes((*pcm[:500], pcm[500] ^ 1, *pcm[501:])) if number == AT else pcm


def cut(number: int, pcm: bytes) -> Iterator[bytes]:
    """A sample is missing within a frame: whatever follows stands elsewhere."""
    yield pcm[2:] if number == AT else pcm


def swapped() -> Fault:
    kept: list[bytes] = []

    def fault(number: int, pcm: bytes) -> Iterator[bytes]:
        if number == AT:
            kept.append(pcm)
            return
        yield pcm
        yield from kept
        kept.clear()

    return fault


def joined() -> Fault:
    """No fault: three frames come back in one message, the next in two halves."""
    kept: list[bytes] = []

    def fault(number: int, pcm: bytes) -> Iterator[bytes]:
        if number <= AT:
            kept.append(pcm)
            pcm = b"".join(kept) if number == AT else b""
        elif number == AT + 1:
            yield pcm[:480]
            pcm = pcm[480:]
        if pcm:
            yield pcm

    return fault


class Echo(MessageListener):
    """One session of such an upstream."""

    def __init__(self, fault: Fault) -> None:
        super().__init__()
        self.over = asyncio.Event()
        self._fault = fault
        self._count = 0

    def on_open(self) -> None:
        self.send_text(frames.SESSION_CREATED)

    def on_closed(self, code: int, reason: str) -> None:
        self.over.set()

    def on_text(self, payload: bytes) -> None:
        event = frames.parse(payload)
        if event.type == "session.update":
            self.send_text(frames.SESSION_UPDATED)
            self.send_text(frames.RESPONSE_CREATED)
            return
        for pcm in self._fault(self._count, pybase64.b64decode(event.audio)):
            self.send_text(frames.delta(pcm))
        self._count += 1


@contextlib.asynccontextmanager
async def echo(fault: Callable[[], Fault]) -> AsyncIterator[str]:
    """Such an upstream; answers its address."""
    sessions: list[Echo] = []

    def session(_: picows.WSUpgradeRequest) -> Echo:
        sessions.append(Echo(fault()))
        return sessions[-1]

    async with await picows.ws_create_server(session, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with asyncio.timeout(5):
        for one in sessions:
            await one.over.wait()


@contextlib.asynccontextmanager
async def strange(words: bytes) -> AsyncIterator[str]:
    """A server that answers the handshake, says these bytes and ends; answers its address."""

    meetings: set[asyncio.Task[None]] = set()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (meeting := asyncio.current_task()) is not None:
            meetings.add(meeting)
        head = await reader.readuntil(b"\r\n\r\n")
        key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if b"-Key: " in line)
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept(key) + b"\r\n\r\n" + words
        )
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(meet, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    await asyncio.gather(*meetings)


def accept(key: bytes) -> bytes:
    """The handshake's answer (RFC 6455, 4.2.2)."""
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return pybase64.b64encode(digest)
