"""Opening a WebSocket to a server: picows' protocol on a connection of the loop's.

What lives here: the handshake with picows' settings, and the logger that both ends give to picows.
What never will: names (`providers.addresses`), what a failure means (`providers.classify`), retrying.

Why not picows' `ws_connect`: redirects and proxies, which a dial of ours never has, a logger for each
connection, and the same address parsed at each dial cost as much as the handshake itself (decision 38).
"""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from picows import WSAutoPingStrategy, WSParsedURL
from picows.picows import WSProtocol  # type: ignore[attr-defined] # not in the stubs, but what ws_connect builds
from picows.url import parse_url

from holdfast.sockets import heartbeat
from holdfast.sockets.listener import MessageListener
from holdfast.sockets.sealing import Opening, Terms, sealed

READ_BUFFER_BYTES: Final = 2048
"""The least that picows takes: a frame of 20 ms fits in, and with the first one that does not it grows."""
_parsed: Final = functools.lru_cache(maxsize=64)(parse_url)
P = TypeVar("P", bound=asyncio.BaseProtocol)

Connected = Callable[[WSParsedURL], Awaitable[socket.socket | None]]
"""Answers a connected socket, or None where the address needs no looking up."""


class Complaints(logging.LoggerAdapter[logging.Logger]):
    """A logger for picows. What it says of each connection below a warning is never written, and from a plain
    logger it would make another one for each.
    """

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the standard library's name
        return level >= logging.WARNING

    def info(self, msg: object, *args: object, **fields: Any) -> None:
        """Nobody reads it."""


_COMPLAINTS: Final = Complaints(logging.getLogger("picows.client"), {})


@dataclass(frozen=True, slots=True)
class Handshake:
    """How a connection is opened and watched. Times in seconds."""

    timeout_s: float
    ping_s: float
    """Without a word from the server, until it is asked for one."""
    pong_s: float
    frame_bytes_max: int
    trusted: ssl.SSLContext | None
    """Whose certificates are believed, where it is TLS."""
    headers: Mapping[str, str]


def bracketed(host: str) -> str:
    """A host as it stands in an address, before its port."""
    return f"[{host}]" if ":" in host else host


async def connect(url: str, listener: MessageListener, handshake: Handshake, connected: Connected) -> None:
    """Open the connection. Returns when `listener` is connected, or when the server hung up unheard; raises
    what picows and the loop raise. Redirects are not followed: a credential is never sent elsewhere.
    """
    there = _parsed(url)

    def protocol() -> WSProtocol:
        return WSProtocol(
            host_port=there.netloc,
            ws_path=there.resource_name,
            is_client_side=True,
            ws_listener_factory=lambda _request, _response: listener,
            logger=_COMPLAINTS,
            disconnect_on_exception=True,
            websocket_handshake_timeout=handshake.timeout_s,
            enable_auto_ping=not heartbeat.TELLS,
            auto_ping_idle_timeout=handshake.ping_s,
            auto_ping_reply_timeout=handshake.pong_s,
            auto_ping_strategy=WSAutoPingStrategy.PING_WHEN_IDLE,
            enable_auto_pong=True,
            max_frame_size=handshake.frame_bytes_max,
            extra_headers=handshake.headers,
            read_buffer_init_size=READ_BUFFER_BYTES,
        )

    sock = await connected(there)
    if there.is_secure and handshake.trusted is not None:
        raw, opening = await _connection(Opening, there, sock)
        made = await sealed(raw, opening, Terms(handshake.trusted, there.host), protocol)
    else:
        _, made = await _connection(protocol, there, sock)
    try:
        await made.wait_until_handshake_complete()
    except BaseException:
        made.transport.disconnect(graceful=False)  # nobody else has it, and picows is patient
        raise
    heartbeat.watch(listener, handshake.ping_s, handshake.pong_s)


async def _connection(
    protocol: Callable[[], P], there: WSParsedURL, sock: socket.socket | None
) -> tuple[asyncio.Transport, P]:
    loop = asyncio.get_running_loop()
    if sock is None:
        return await loop.create_connection(protocol, there.host, there.port)
    return await loop.create_connection(protocol, sock=sock)
