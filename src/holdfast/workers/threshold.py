"""A client's socket between its handshake, which the front answers, and the worker that takes it in.

What lives here: waiting until it is known whom the socket is meant for, and letting go of it without closing
it.
What never will: which worker (`staff`), what the client says.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import Any, Final, Protocol

from picows import WSTransport

from holdfast.server.handover import HandedOver, SocketTaker
from holdfast.server.host import BROWSER_PATH, Admission
from holdfast.workers.counting import Elsewhere
from holdfast.workers.first_words import meant_for

FLUSH_S: Final = 5.0
"""How long a client may take to read the answer to its handshake."""
_LOOK_S: Final = 0.001
_GOING_AWAY: Final = b"\x88\x0a\x03\xe9draining"
"""A close frame, 1001."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A client's socket on its way: what was read of it, and the descriptor."""

    head: bytes
    rest: bytes
    descriptor: int


class Takers(Protocol):
    """Who gives sockets to workers."""

    def take_in(self, guest: Guest, session_id: str, handed: Handed) -> None:
        """The socket is a worker's from here on."""
        ...

    def turned_away(self, guest: Guest) -> None:
        """It will not come to a worker."""
        ...


class _Threshold(asyncio.Protocol):
    """Reads no more than it must."""

    def __init__(
        self, guest: Guest, transport: asyncio.Transport, takers: Takers, connections: set[Any]
    ) -> None:
        self._guest, self._transport, self._takers = guest, transport, takers
        self._connections = connections
        self._seen = bytearray()
        self._head = b""
        self._timer: asyncio.TimerHandle | None = None
        self._is_meant = False
        self._is_over = False

    def begin(self, head: bytes, rest: bytes, wait_s: float) -> None:
        """`wait_s`: how long a client of the browser protocol may say nothing before any worker gets it."""
        self._head = head
        self._seen += rest
        self._connections.add(self)
        self._guest.one.goodbye = self.shutdown
        self._transport.set_protocol(self)
        if self._guest.admission.path == BROWSER_PATH:
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._meant, "")
            self._look()
            return
        wish = self._guest.admission.wish
        returning = wish.returning if wish is not None else None
        self._meant("" if returning is None else returning.session_id)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._seen += data
        if not self._is_meant:
            self._look()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """See `asyncio.Protocol`."""
        if self._end():
            self._takers.turned_away(self._guest)

    def shutdown(self) -> None:
        """The gateway stops."""
        if self._end():
            self._transport.write(_GOING_AWAY)
            self._transport.close()
            self._takers.turned_away(self._guest)

    def _look(self) -> None:
        session_id = meant_for(self._seen)
        if session_id is not None:
            self._meant(session_id)

    def _meant(self, session_id: str) -> None:
        """It is known who takes it in: when the 101 has left, and nothing more is read here."""
        if self._is_meant or self._is_over:
            return
        self._is_meant = True
        self._transport.pause_reading()
        loop = asyncio.get_running_loop()
        loop.call_soon(self._go, session_id, loop.time() + FLUSH_S)

    def _go(self, session_id: str, until: float) -> None:
        loop = asyncio.get_running_loop()
        if self._is_over:
            return
        if self._transport.get_write_buffer_size():
            if loop.time() < until:
                loop.call_later(_LOOK_S, self._go, session_id, until)
            else:
                self._transport.abort()
            return
        self._end()
        try:
            descriptor = os.dup(self._transport.get_extra_info("socket").fileno())
        except OSError:  # none is left
            self._takers.turned_away(self._guest)
        else:
            handed = Handed(self._head, bytes(self._seen), descriptor)
            self._takers.take_in(self._guest, session_id, handed)
        self._transport.abort()  # closes our descriptor of it, and only that

    def _end(self) -> bool:
        """Whether it had not ended before."""
        if self._timer is not None:
            self._timer.cancel()
        self._connections.discard(self)
        self._guest.one.goodbye = None
        was_over, self._is_over = self._is_over, True
        return not was_over


class Guest(SocketTaker):
    """Let in, and not yet with a worker. picows answers the handshake, and is left before the first frame.

    `wait_s`: how long a client of the browser protocol may say nothing before any worker gets it.
    """

    def __init__(self, admission: Admission, one: Elsewhere, takers: Takers, wait_s: float) -> None:
        self.admission = admission
        self.one = one
        self._takers = takers
        self._wait_s = wait_s
        self._is_greeted = False

    def on_ws_connected(self, transport: WSTransport) -> None:  # noqa: ARG002 - picows' signature
        """The 101 is written."""
        self._is_greeted = True

    def take(
        self,
        handed: HandedOver,
        transport: asyncio.Transport,
        connections: set[Any],
        head: bytes,
        rest: bytes,
    ) -> None:
        """See `SocketTaker`."""
        if not self._is_greeted:
            self._takers.turned_away(self)
            return
        _Threshold(self, transport, self._takers, connections).begin(head, rest, self._wait_s)
        handed.connection_lost(None)  # of no more use: its tasks and timers go
