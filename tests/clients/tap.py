"""A tap between a client and a gateway: the same bytes both ways, read on the way.

What lives here: a listener that passes every byte on (TLS ends here where the client needs it), and the
messages of each WebSocket that came by, in both directions.
What never will: changing a byte, judging one (that is `judge`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Final

Json = dict[str, Any]

_HEAD_END: Final = b"\r\n\r\n"
_TEXT, _CLOSE, _CONTINUED = 1, 8, 0
_READ: Final = 1 << 16


@dataclass(slots=True)
class Frames:
    """The messages in one direction of a WebSocket, from its bytes."""

    told: Callable[[int, bytes], None]
    _bytes: bytearray = field(default_factory=bytearray)
    _message: bytearray = field(default_factory=bytearray)
    _opcode: int = 0

    def feed(self, data: bytes) -> None:
        """Take bytes of any length."""
        self._bytes += data
        while (size := self._frame()) is not None:
            del self._bytes[:size]

    def _frame(self) -> int | None:
        """Read one frame; gives its length, or None while it is not whole."""
        known = self._bytes
        if len(known) < 2:
            return None
        length, at = known[1] & 0x7F, 2
        if length >= 126:
            at = 4 if length == 126 else 10
            if len(known) < at:
                return None
            length = int.from_bytes(known[2:at], "big")
        is_masked = bool(known[1] & 0x80)
        mask_at = at
        at += 4 * is_masked
        if len(known) < at + length:
            return None
        payload = bytes(known[at : at + length])
        if is_masked:
            payload = _unmasked(payload, bytes(known[mask_at:at]))
        self._take(known[0] & 0x0F, payload, is_last=bool(known[0] & 0x80))
        return at + length

    def _take(self, opcode: int, payload: bytes, *, is_last: bool) -> None:
        if opcode > 2:
            self.told(opcode, payload)
            return
        if opcode != _CONTINUED:
            self._opcode = opcode
            self._message.clear()
        self._message += payload
        if is_last:
            self.told(self._opcode, bytes(self._message))


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    whole = (mask * (len(payload) // 4 + 1))[: len(payload)]
    mixed = int.from_bytes(payload, "little") ^ int.from_bytes(whole, "little")
    return mixed.to_bytes(len(payload), "little")


@dataclass(slots=True)
class Overheard:
    """One connection: what it asked for, and every message of it as (time, direction, event)."""

    request: str = ""
    status: str = ""
    server: list[Json] = field(default_factory=list)
    client: list[Json] = field(default_factory=list)
    both: list[tuple[str, Json]] = field(default_factory=list)
    """Both sides' events as they came by: `<` from the server, `>` from the client."""
    close_code: int | None = None

    @property
    def is_socket(self) -> bool:
        """Whether it became a WebSocket."""
        return " 101 " in self.status


class Tap:
    """Listens; `address` is what a client is given instead of the gateway's."""

    def __init__(
        self, host: str, port: int, shown: ssl.SSLContext | None = None, trusted: ssl.SSLContext | None = None
    ) -> None:
        self._gateway = host, port
        self._shown, self._trusted = shown, trusted
        self.connections: list[Overheard] = []
        self.on_event: Callable[[Json], None] = lambda _: None
        self.authority = ""
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Tap]:
        """Listen on a free port."""
        server = await asyncio.start_server(self._took, "127.0.0.1", 0, ssl=self._shown)
        self.authority = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def sockets(self) -> list[Overheard]:
        """The connections that became WebSockets."""
        return [one for one in self.connections if one.is_socket]

    def _took(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        one = Overheard()
        self.connections.append(one)
        try:
            from_gateway, to_gateway = await asyncio.open_connection(*self._gateway, ssl=self._trusted)
        except OSError:
            writer.close()
            return
        up = _Direction(reader, to_gateway, one, self._client_told(one), is_server=False)
        down = _Direction(from_gateway, writer, one, self._server_told(one), is_server=True)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(up.run())
                group.create_task(down.run())
        finally:
            to_gateway.close()
            writer.close()

    def _client_told(self, one: Overheard) -> Callable[[int, bytes], None]:
        def told(opcode: int, payload: bytes) -> None:
            if opcode == _TEXT:
                one.client.append(_event(payload))
                one.both.append((">", one.client[-1]))

        return told

    def _server_told(self, one: Overheard) -> Callable[[int, bytes], None]:
        def told(opcode: int, payload: bytes) -> None:
            if opcode == _TEXT:
                one.server.append(_event(payload))
                one.both.append(("<", one.server[-1]))
                self.on_event(one.server[-1])
            elif opcode == _CLOSE and one.close_code is None:
                one.close_code = int.from_bytes(payload[:2], "big") or None

        return told


def shortened(event: Json) -> Json:
    """An event for a person's eyes: audio by its length."""
    return {
        name: f"({len(value)} letters)" if name in ("audio", "delta") and len(value) > 200 else value
        for name, value in event.items()
    }


def _event(payload: bytes) -> Json:
    try:
        event = json.loads(payload)
    except ValueError:
        event = None
    return event if isinstance(event, dict) else {"type": "(no event)", "payload": repr(payload[:80])}


@dataclass(slots=True)
class _Direction:
    """Bytes from one side to the other, read as HTTP up to the head of an upgrade and as frames after it."""

    source: asyncio.StreamReader
    sink: asyncio.StreamWriter
    one: Overheard
    told: Callable[[int, bytes], None]
    is_server: bool
    _head: bytearray = field(default_factory=bytearray)
    _frames: Frames | None = None

    async def run(self) -> None:
        """Until either side is gone."""
        with contextlib.suppress(OSError, ssl.SSLError):
            while (data := await self.source.read(_READ)) and not self.sink.is_closing():
                self._look(data)
                self.sink.write(data)
                await self.sink.drain()
        with contextlib.suppress(OSError, ssl.SSLError, NotImplementedError):
            if self.sink.can_write_eof():
                self.sink.write_eof()
            elif self.is_server:
                self.sink.close()

    def _look(self, data: bytes) -> None:
        if self._frames is not None:
            self._frames.feed(data)
            return
        self._head += data
        head, end, rest = bytes(self._head).partition(_HEAD_END)
        if not end:
            return
        first = head.split(b"\r\n", 1)[0].decode("latin-1")
        if self.is_server:
            self.one.status = first
        else:
            self.one.request = first
        is_upgrade = b" 101 " in head if self.is_server else b"upgrade: websocket" in head.lower()
        if is_upgrade:
            self._frames = Frames(self.told)
            self._frames.feed(rest)
        else:
            self._head.clear()  # plain HTTP goes by unread
