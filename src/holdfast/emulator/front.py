"""The first bytes of a connection: small HTTP, or an upgrade that is handed to picows.

What lives here: reading one request (bounded), answering it late if told so, handing over.
What never will: knowing what is asked for; that is the router's.

It exists because a WebSocket library answers an upgrade at once, and being late is what we are for.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Literal, cast
from urllib.parse import parse_qsl, urlsplit

import httptools
import msgspec
from picows import WSAutoPingStrategy, WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener
from picows.picows import WSProtocol  # type: ignore[attr-defined] # there, but not in its stub

from holdfast.emulator.reading import json_object
from holdfast.sockets import MessageListener, OwnBytes
from holdfast.wire.realtime import new_id

REQUEST_BYTES_MAX: Final = 64 * 1024
RECORDING_BYTES_MAX: Final = 25 * 1024 * 1024
"""Of a request with a recording in it."""
RECORDING_PATH: Final = "/v1/audio/transcriptions"
REQUEST_S_MAX: Final = 10.0
REQUEST_ID: Final = "x-request-id"
"""What a provider's support looks a request up by."""
NO_LINGER: Final = struct.pack("ii", 1, 0)
"""The value of SO_LINGER that makes closing a reset."""

_log: Final = logging.getLogger("holdfast.emulator")


@dataclass(slots=True)
class Request:
    """One HTTP request. Header names are lower case."""

    method: str = ""
    path: str = ""
    target: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def document(self) -> dict[str, Any]:
        """The body as a JSON object; none is an empty one. Raises `ValueError`."""
        return json_object(self.body or b"{}")

    @property
    def wants_websocket(self) -> bool:
        """Whether this is an upgrade."""
        return self.headers.get("upgrade", "").lower() == "websocket"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, after a delay: JSON, or bytes as they are."""

    status: int
    document: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0

    def to_bytes(self) -> bytes:
        """The answer on the wire; the connection closes after it."""
        is_raw = isinstance(self.document, bytes)
        body = self.document if is_raw else msgspec.json.encode(self.document)
        head = {
            "Content-Type": "application/octet-stream" if is_raw else "application/json",
            "Content-Length": str(len(body)),
            "Connection": "close",
            REQUEST_ID: new_id("req"),
            **self.headers,
        }
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in head.items()]
        return "\r\n".join([*lines, "", ""]).encode() + bytes(body)


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A WebSocket for this listener, after a delay."""

    listener: MessageListener
    subprotocol: str | None = None
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Break:
    """No answer: the connection is dropped, reset, or stays silent for good."""

    how: Literal["drop", "reset", "silence"]
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer whose end is the connection's: piece by piece, one every so often. `on_end` is told how many
    pieces went out, and whether that was all. With `is_cut` the connection is reset instead of ended.
    """

    kind: str
    pieces: Iterable[bytes]
    every_s: float
    on_end: Callable[[int, bool], None]
    is_cut: bool = False
    delay_s: float = 0.0

    def head(self) -> bytes:
        """What goes before the first piece."""
        lines = ["HTTP/1.1 200 OK", f"Content-Type: {self.kind}", "Connection: close", "", ""]
        return "\r\n".join(lines).encode()


Decision = Answer | Upgrade | Break | Stream
Router = Callable[[Request], Decision]


class Front(asyncio.Protocol):
    """Reads one request and does what the router says."""

    def __init__(self, router: Router, fronts: set[Front]) -> None:
        """`fronts`: where the owner keeps those that are still at the door."""
        self._router = router
        self._fronts = fronts
        self._request = Request()
        self._raw = bytearray()
        self._parser = httptools.HttpRequestParser(self)
        self._complete = False
        self._timer: asyncio.TimerHandle | None = None
        self._streaming: tuple[Stream, int] | None = None

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, no assertion: uvloop's transports only look like asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._fronts.add(self)
        self._timer = asyncio.get_running_loop().call_later(REQUEST_S_MAX, self.abort)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._leave()
        if self._streaming is not None:
            (stream, sent), self._streaming = self._streaming, None
            stream.on_end(sent, False)

    def data_received(self, data: bytes) -> None:
        self._raw += data
        if self._complete:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._complete = True
        except httptools.HttpParserError:
            self._answer(Answer(400, {"error": {"message": "This is not HTTP."}}))
            return
        # Only now: the first piece may bear the address and much of a recording.
        is_recording = self._request.target.startswith(RECORDING_PATH)
        if len(self._raw) > (RECORDING_BYTES_MAX if is_recording else REQUEST_BYTES_MAX):
            self._answer(Answer(413, {"error": {"message": "The request is too large."}}))
            return
        if self._complete:
            self._act()

    # httptools' side

    def on_url(self, url: bytes) -> None:
        self._request.target += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        known = self._request.headers.get(key)
        self._request.headers[key] = text if known is None else f"{known}, {text}"

    def on_body(self, body: bytes) -> None:
        self._request.body += body

    def on_message_complete(self) -> None:
        self._complete = True

    # inside

    def abort(self) -> None:
        """Leave whoever is still at the door."""
        self._transport.abort()

    def _act(self) -> None:
        request = self._request
        try:
            parts = urlsplit(request.target)
        except ValueError as wrong:
            self._answer(Answer(400, {"error": {"message": f"This is no address: {wrong}."}}))
            return
        request.method = self._parser.get_method().decode()
        request.path, request.query = parts.path, dict(parse_qsl(parts.query))
        decision = self._router(request)
        self._stop_timer()
        if decision.delay_s:
            # What comes meanwhile waits in the kernel, where it is bounded.
            self._transport.pause_reading()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(decision.delay_s, self._carry_out, decision)
        else:
            self._carry_out(decision)

    def _carry_out(self, decision: Decision) -> None:
        if isinstance(decision, Answer):
            self._answer(decision)
        elif isinstance(decision, Upgrade):
            self._hand_over(decision)
        elif isinstance(decision, Stream):
            self._transport.write(decision.head())
            self._stream(decision, iter(decision.pieces), 0)
        elif decision.how == "silence":
            self._transport.pause_reading()
        else:
            self._break(is_reset=decision.how == "reset")

    def _break(self, *, is_reset: bool) -> None:
        if is_reset:
            handle = self._transport.get_extra_info("socket")
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.abort()

    def _stream(self, stream: Stream, pieces: Iterator[bytes], sent: int) -> None:
        """One piece now, the next when it is due; the reader may have gone meanwhile."""
        for piece in pieces:
            self._transport.write(piece)
            sent += 1
            self._streaming = (stream, sent)
            if stream.every_s:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(stream.every_s, self._stream, stream, pieces, sent)
                return
        self._streaming = None
        stream.on_end(sent, True)
        if stream.is_cut:
            self._break(is_reset=True)
        else:
            self._transport.close()

    def _answer(self, answer: Answer) -> None:
        self._complete = True
        self._transport.write(answer.to_bytes())
        self._transport.close()

    def _hand_over(self, upgrade: Upgrade) -> None:
        """Give the connection, with what was read of it, to picows."""
        self._leave()
        protocol = _websocket(upgrade)
        self._transport.set_protocol(protocol)
        protocol.connection_made(OwnBytes(self._transport))
        self._transport.resume_reading()
        rest = memoryview(bytes(self._raw))
        while rest and not self._transport.is_closing():
            room = protocol.get_buffer(len(rest))
            size = min(len(room), len(rest))
            room[:size] = rest[:size]
            protocol.buffer_updated(size)
            rest = rest[size:]

    def _leave(self) -> None:
        self._fronts.discard(self)
        self._stop_timer()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _websocket(upgrade: Upgrade) -> Any:
    def accept(_request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        extra = {REQUEST_ID: new_id("req")}
        if upgrade.subprotocol:
            extra["Sec-WebSocket-Protocol"] = upgrade.subprotocol
        return WSUpgradeResponseWithListener(
            WSUpgradeResponse.create_101_response(extra_headers=extra), upgrade.listener
        )

    # Positional, as picows' own `ws_create_server` calls it. No pings of its own: a session that is
    # told to be silent must be able to be.
    return WSProtocol(
        None,
        None,
        False,
        accept,
        _log,
        True,
        REQUEST_S_MAX,
        False,
        REQUEST_S_MAX,
        REQUEST_S_MAX,
        WSAutoPingStrategy.PING_PERIODICALLY,
        True,
        upgrade.listener.bounds.frame_bytes,
        None,
        16 * 1024,
    )
