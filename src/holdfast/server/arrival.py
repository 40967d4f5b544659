"""Who has just connected: a WebSocket goes to picows at once, everybody else to uvicorn.

What lives here: the look at the first bytes, and the time they may take.
What never will: reading HTTP. Whatever is not plainly a whole upgrade, in one piece and in the spelling that
picows takes, is uvicorn's, which hands an upgrade over all the same (`handover`).

Why: uvicorn's protocol, its parser and its flow control are made for requests and answers. To a set-up they
cost a tenth, and kept 5 kB for each session (decision 38).
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.server import ServerState

from holdfast.server.handover import HANDSHAKE_S, HEAD_BYTES_MAX, Came, HandingOver, Router, hand_over

_REQUEST: Final = re.compile(rb"GET (/[!-~]*) HTTP/1\.1\r\n")
_UPGRADE: Final = b"\r\nupgrade: websocket\r\n"
_CONNECTION: Final = b"\r\nconnection: upgrade\r\n"


class Arrival(asyncio.Protocol):
    """A connection that has not said yet what it wants. `router` and `http` are set by `arrivals`."""

    router: Router
    http: type[HandingOver]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._config = config
        self._state = server_state
        self._app_state = app_state
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        self._transport = transport
        self._state.connections.add(self)  # type: ignore[arg-type] # all it asks of one is `shutdown`
        if not self.router.may_accept():
            transport.write(_NO_ROOM)
            transport.close()
            return
        self._timer = asyncio.get_running_loop().call_later(HANDSHAKE_S, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._leave()

    def shutdown(self) -> None:
        """uvicorn stops."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._leave()
        target = _target_of_upgrade(data)
        if target is not None:
            peer = self._transport.get_extra_info("peername")
            scheme = "https" if self._config.is_ssl else "http"
            came = Came(peer[0] if peer else "", scheme, target)
            hand_over(self._state, self.router, self._transport, came, data)
            return
        http = self.http(self._config, self._state, self._app_state)
        http.connection_made(self._transport)
        self._transport.set_protocol(http)
        http.data_received(data)

    def _leave(self) -> None:
        self._state.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def arrivals(router: Router) -> type[Arrival]:
    """The class for uvicorn's `http=`, with `router` deciding about upgrades."""
    http = type("Http", (HandingOver,), {"router": staticmethod(router)})
    return type("Arriving", (Arrival,), {"router": staticmethod(router), "http": http})


def _target_of_upgrade(data: bytes) -> bytes | None:
    """What a whole upgrade asks for; None for everything else, and for what is not certainly one."""
    asked = _REQUEST.match(data)
    end = data.find(b"\r\n\r\n") + 2
    if asked is None or not 2 <= end <= HEAD_BYTES_MAX:
        return None
    head = data[asked.end() - 2 : end].lower()
    is_upgrade = _UPGRADE in head and _CONNECTION in head and head.count(b"\r\nconnection:") == 1
    return asked[1] if is_upgrade else None


_NO_ROOM: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"content-type: application/json\r\ncontent-length: 40\r\nretry-after: 5\r\nconnection: close\r\n\r\n"
    b'{"error":{"code":"gateway.overloaded"}}\n'
)
