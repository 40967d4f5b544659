"""TLS under a WebSocket, with its parts in hand.

What lives here: agreeing on TLS before the WebSocket hears of its connection, and the memory between both.
What never will: whose certificates are believed (`trust`), what a failure means (`providers.classify`).

Why not the loop's `ssl=`: it is the same protocol of the loop's, but keeps the connection beneath to itself,
and the express has to stop that one's reading (decision 62).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar, cast

from holdfast.express.session import TlsSession

P = TypeVar("P", bound=asyncio.BaseProtocol)


def telling(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same context; from here on its sessions are `TlsSession`."""
    wrap = context.wrap_bio

    @functools.wraps(wrap)
    def wrap_bio(
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - as it is in the standard library
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        made = wrap(incoming, outgoing, server_side, server_hostname, session)
        if isinstance(made, TlsSession):
            made.incoming, made.outgoing = incoming, outgoing
        return made

    context.sslobject_class = TlsSession
    context.wrap_bio = wrap_bio  # type: ignore[method-assign] # a context is told what to make, not of which class it is
    return context


class Opening(asyncio.Protocol):
    """Stands where the WebSocket's protocol will, until TLS is agreed on."""

    def __init__(self) -> None:
        self.then: asyncio.BaseProtocol | None = None
        self._early = b""

    def data_received(self, data: bytes) -> None:
        """The loop reads from the start: this came before TLS was there to hear it."""
        self._early += data

    def repeat(self, raw: asyncio.Transport) -> None:
        """Tell TLS, which is there now, what came before."""
        tls = cast(asyncio.BufferedProtocol, raw.get_protocol())
        while self._early:
            room = memoryview(tls.get_buffer(len(self._early)))
            size = min(len(room), len(self._early))
            room[:size] = self._early[:size]
            tls.buffer_updated(size)
            self._early = self._early[size:]

    def connection_lost(self, error: Exception | None) -> None:
        """What was on its way when the next one took over is the next one's."""
        if self.then is not None:
            self.then.connection_lost(error)


@dataclass(frozen=True, slots=True)
class Terms:
    """How TLS is agreed on. Times in seconds; None: the loop's own."""

    context: ssl.SSLContext
    server_hostname: str | None = None
    """As a client: whom the certificate has to name."""
    is_server: bool = False
    handshake_s: float | None = None
    goodbye_s: float | None = None


async def sealed(raw: asyncio.Transport, opening: Opening, terms: Terms, protocol: Callable[[], P]) -> P:
    """Agree on TLS over `raw`, whose protocol is `opening`; then what `protocol` makes has the line.

    Raises what the loop raises (OSError, of which ssl.SSLError is one).
    """
    loop = asyncio.get_running_loop()
    loop.call_soon(opening.repeat, raw)  # before the handshake begins, and before anything else is read
    try:
        transport = await loop.start_tls(
            raw,
            opening,
            terms.context,
            server_side=terms.is_server,
            server_hostname=terms.server_hostname,
            ssl_handshake_timeout=terms.handshake_s,
            ssl_shutdown_timeout=terms.goodbye_s,
        )
    except BaseException:
        raw.abort()  # cancelled in the wrong moment, uvloop leaves it open
        raise
    if transport is None or raw.is_closing():
        raise ConnectionResetError
    session = transport.get_extra_info("ssl_object")
    if isinstance(session, TlsSession):
        session.raw = raw
    made = opening.then = protocol()
    transport.set_protocol(made)
    made.connection_made(transport)
    return made


class _Nobody(asyncio.BufferedProtocol):
    """Hears nothing."""

    def get_buffer(self, sizehint: int) -> bytearray:
        return bytearray(max(sizehint, 1))

    def buffer_updated(self, nbytes: int) -> None: ...


_NOBODY: Final = _Nobody()


def let_go(transport: asyncio.Transport) -> None:
    """Of a line that is over: else the loop's part of TLS keeps whoever had it until the collector comes."""
    transport.set_protocol(_NOBODY)


class Reception(Opening):
    """A connection that was accepted: who does not agree on TLS in time is cut."""

    def __init__(self, terms: Terms, protocol: Callable[[], asyncio.BaseProtocol]) -> None:
        super().__init__()
        self._terms = terms
        self._protocol = protocol
        self._agreeing: asyncio.Task[None]

    def connection_made(self, raw: asyncio.BaseTransport) -> None:
        agreeing = self._agree(cast(asyncio.Transport, raw))
        self._agreeing = asyncio.get_running_loop().create_task(agreeing)

    async def _agree(self, raw: asyncio.Transport) -> None:
        with contextlib.suppress(OSError):  # the loop has cut it
            await sealed(raw, self, self._terms, self._protocol)
