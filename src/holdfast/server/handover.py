"""One listener for pages and audio: uvicorn reads HTTP, and hands a WebSocket upgrade over to picows.

What lives here: the hand-over, and what uvicorn needs to drain the sockets.
What never will: who is let in (the router), what is said (the listeners).

httptools decides what an upgrade is, so split heads and kept-alive connections work. What followed the head
in the same segment goes along: it is the client's first frame. picows accepts only `Connection: Upgrade`
to the letter, and Firefox sends `keep-alive, Upgrade`, so the head is written anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

import httptools
from picows import WSAutoPingStrategy, WSListener, WSUpgradeRequest, WSUpgradeResponseWithListener
from picows.picows import WSProtocol  # type: ignore[attr-defined] # not in the stubs, but what ws_create_server builds
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from holdfast.sockets import READ_BUFFER_BYTES, Complaints, MessageListener, OwnBytes, heartbeat

HEAD_BYTES_MAX: Final = 16 * 1024
HANDSHAKE_S: Final = 5.0
PING_IDLE_S: Final = 15.0
PONG_WAIT_S: Final = 10.0
Answer = WSListener | WSUpgradeResponseWithListener


class Router(Protocol):
    """Decides about one upgrade. Must not raise and not wait."""

    def __call__(self, request: WSUpgradeRequest, peer: str, scheme: str) -> Answer:
        """A listener to talk to, or a refusal."""
        ...

    def may_accept(self) -> bool:
        """Whether a new connection may be spoken with at all."""
        ...

    def frame_bytes_max(self, path: str) -> int:
        """The largest frame that is read from a client of this path; more is not even buffered."""
        ...


class Drainable(Protocol):
    """A listener that can be told that the process stops."""

    def drain(self) -> None:
        """Finish politely."""
        ...


class SocketTaker(WSListener):
    """A listener that wants the socket itself, not what picows reads of it."""

    def take(
        self,
        handed: HandedOver,
        transport: asyncio.Transport,
        connections: set[Any],
        head: bytes,
        rest: bytes,
    ) -> None:
        """The head has been answered, well or not; `rest` came behind it. picows is not used any more."""
        raise NotImplementedError


class _Complaints(Complaints):
    """picows' logger for one connection, which complains before it closes with 1002.

    picows reads one frame ahead. A peer whose close frame comes twice in one read must get its own code back,
    and picows would answer the second before anybody has seen the first.
    """

    handed: HandedOver | None = None

    def error(self, msg: object, *args: object, **fields: Any) -> None:
        """Told before picows' own close frame is sent, which is then one too many."""
        super().error(msg, *args, **fields)
        transport = self.handed.transport if self.handed is not None else None
        closing = transport.close_handshake if transport is not None else None
        if closing is None and self.handed is not None and isinstance(self.handed.listener, MessageListener):
            match args:
                case ((int(code), str(reason)),):
                    self.handed.listener.refused_below(int(code), reason)
        if closing is None or closing.recv is None or closing.sent is not None:
            return
        assert self.handed is not None
        if isinstance(self.handed.listener, MessageListener):
            self.handed.listener.agree_to_close(int(closing.recv.code), closing.recv.reason or "")


class HandedOver(WSProtocol):  # type: ignore[misc] # no stubs
    """picows' protocol on a transport that uvicorn accepted, known to uvicorn until it ends."""

    def __init__(
        self,
        state: ServerState,
        listener_factory: Callable[[WSUpgradeRequest], Answer],
        frame_bytes_max: int,
    ) -> None:
        self._server_state = state
        self._complaints = _Complaints(logging.getLogger("picows.server"), {})
        super().__init__(
            host_port=None,
            ws_path=None,
            is_client_side=False,
            ws_listener_factory=listener_factory,
            logger=self._complaints,
            disconnect_on_exception=True,
            websocket_handshake_timeout=None,  # the head has come
            enable_auto_ping=not heartbeat.TELLS,
            auto_ping_idle_timeout=PING_IDLE_S,
            auto_ping_reply_timeout=PONG_WAIT_S,
            auto_ping_strategy=WSAutoPingStrategy.PING_WHEN_IDLE,
            enable_auto_pong=False,  # the listener answers, and counts
            max_frame_size=frame_bytes_max,
            extra_headers=None,
            read_buffer_init_size=READ_BUFFER_BYTES,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._server_state.connections.add(self)
        self._complaints.handed = self
        super().connection_made(OwnBytes(cast("asyncio.Transport", transport)))

    def connection_lost(self, exc: Exception | None) -> None:
        self._server_state.connections.discard(self)
        super().connection_lost(exc)
        self._complaints.handed = None  # each refers to the other

    def watch(self) -> None:
        """Its client is asked from here on whether it is still there; one that was refused is not."""
        if isinstance(self.listener, MessageListener):
            heartbeat.watch(self.listener, PING_IDLE_S, PONG_WAIT_S)

    def shutdown(self) -> None:
        """uvicorn stops: end with 1001 rather than by dropping the line."""
        listener = self.listener
        if listener is not None and hasattr(listener, "drain"):
            cast("Drainable", listener).drain()
        elif self.transport is not None:
            self.transport.disconnect()


class HandingOver(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with bounds on heads and the hand-over. `router` is set by `arrivals`."""

    router: Router
    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_head = True

    def _should_upgrade_to_ws(self) -> bool:
        return True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_head_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head, self._head_bytes = True, 0

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(HANDSHAKE_S, self.transport.close)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_timer is None:
                self._expect_head()
        try:
            self.parser.feed_data(data)
            if self._in_head and self._head_bytes > HEAD_BYTES_MAX:
                self._refuse_head()
        except httptools.HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self._hand_over(data[upgrade.args[0] :])
            else:
                self.send_400_response("Unsupported upgrade request.")
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")

    def _refuse_head(self) -> None:
        self.transport.write(_TOO_LARGE)
        self.transport.close()

    def _hand_over(self, remainder: bytes) -> None:
        self._stop_head_timer()
        head = _head(self.scope["method"], self.url, self.headers)
        if len(head) > HEAD_BYTES_MAX:
            self._refuse_head()
            return
        self.connections.discard(self)
        # Parser and protocol refer to each other, and nobody calls our `connection_lost`: without this each
        # upgrade, refused ones too, would leave both, and the transport, to the collector.
        self.parser = None  # type: ignore[assignment] # as uvicorn does at the end
        came = Came(self.client[0] if self.client else "", self.scheme or "http", self.url)
        hand_over(self.server_state, self.router, self.transport, came, head + remainder)


@dataclass(frozen=True, slots=True)
class Came:
    """Who wants an upgrade: address, scheme, and what it asked for, as it stands in the head."""

    peer: str
    scheme: str
    target: bytes


def hand_over(
    state: ServerState, router: Router, transport: asyncio.Transport, came: Came, data: bytes
) -> None:
    """Give a transport to picows. `data` is all that has come of it, the head in front."""
    largest = router.frame_bytes_max(came.target.decode("latin-1").partition("?")[0])
    handed = HandedOver(state, lambda request: router(request, came.peer, came.scheme), largest)
    handed.connection_made(transport)
    transport.set_protocol(handed)
    end = data.find(_HEAD_END) + len(_HEAD_END)
    head, rest = data[:end], data[end:]
    feed(handed, head)
    if isinstance(handed.listener, SocketTaker):
        handed.listener.take(handed, transport, state.connections, head, rest)
    else:
        feed(handed, rest)
        handed.watch()


def _head(method: str, url: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    lines = [b"%s %s HTTP/1.1\r\n" % (method.encode(), url)]
    lines += [b"%s: %s\r\n" % (name, value) for name, value in headers if name != b"connection"]
    return b"".join([*lines, b"connection: Upgrade\r\n\r\n"])


def feed(protocol: HandedOver, data: bytes) -> None:
    """Give bytes to a buffered protocol, as its transport would."""
    while data:
        buffer = protocol.get_buffer(len(data))
        size = min(len(buffer), len(data))
        buffer[:size] = data[:size]
        protocol.buffer_updated(size)
        data = data[size:]


_HEAD_END: Final = b"\r\n\r\n"

_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: application/json\r\ncontent-length: 46\r\nconnection: close\r\n\r\n"
    b'{"error":{"code":"HEADERS_TOO_LARGE_16_KIB"}}\n'
)


class NoWebSockets(asyncio.Protocol):
    """uvicorn wants a class for `ws=`; ours never comes to that."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
        raise NotImplementedError("upgrades are handed over by http=")
