"""The listener: uvicorn on uvloop with our hand-over, started and stopped.

What lives here: uvicorn's options and the order of stopping.
What never will: routes.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uvicorn import Config, Server

from holdfast.server.arrival import arrivals
from holdfast.server.handover import NoWebSockets, Router
from holdfast.sockets import bracketed
from holdfast.sockets.sealing import Reception, Terms, telling

STOP_S = 10
DATE_S = 1.0
TLS_HANDSHAKE_S = 5.0
TLS_GOODBYE_S = 2.0


class CannotListenError(OSError):
    """Nobody can listen there, for the system's reason."""


class PortTakenError(CannotListenError):
    """Another program listens there."""


def bound_socket(host: str, port: int) -> socket.socket:
    """A bound socket, so that a taken port is known before anything is built. Port 0 takes a free one.

    Raises CannotListenError.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except UnicodeError as error:
        sock.close()
        raise CannotListenError(errno.EADDRNOTAVAIL, "this can be no name") from error
    except OSError as error:
        sock.close()
        kind = PortTakenError if error.errno == errno.EADDRINUSE else CannotListenError
        raise kind(error.errno, error.strerror) from error
    sock.set_inheritable(True)
    return sock


class QuietServer(Server):
    """uvicorn's server without its signal handlers, which belong to the program, not to a part of it; without
    waking ten times a second to see whether it should stop; and without patience for half a TLS handshake.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, for sockets that are bound: it would wait a minute for a client that opens a
        connection and never says hello, and half a minute for one that never says goodbye.
        """
        loop, config = asyncio.get_running_loop(), self.config
        if sockets is None or config.ssl is None:
            await super().startup(sockets)
            return

        def protocol() -> asyncio.Protocol:
            kind: Any = config.http_protocol_class
            made: asyncio.Protocol = kind(config=config, server_state=self.server_state, app_state={})
            return made

        terms = Terms(
            telling(config.ssl), is_server=True, handshake_s=TLS_HANDSHAKE_S, goodbye_s=TLS_GOODBYE_S
        )
        self.servers = [
            await loop.create_server(lambda: Reception(terms, protocol), sock=sock, backlog=config.backlog)
            for sock in sockets
        ]
        self.started = True

    def stop(self) -> None:
        """Let `serve` return, after the connections."""
        self.should_exit = True
        self._told.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # which renews the Date header
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DATE_S):
                    await self._told.wait()


@dataclass(frozen=True, slots=True)
class Tls:
    """A certificate chain and its key, both PEM files."""

    certificate: Path
    key: Path


def uvicorn_server(
    app: Any, router: Router, *, drain_s: float = STOP_S, tls: Tls | None = None
) -> QuietServer:
    """A server for `app` (ASGI) whose WebSockets `router` decides about."""
    config = Config(
        app,
        http=arrivals(router),
        ws=NoWebSockets,
        loop="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,  # the gate reads them, by its own list of trusted proxies
        timeout_graceful_shutdown=int(drain_s),
        timeout_keep_alive=15,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )
    return QuietServer(config)


@contextlib.asynccontextmanager
async def listening(server: QuietServer, sock: socket.socket) -> AsyncIterator[str]:
    """Serve until the block ends; answers the address. For tests and for programs that embed the gateway."""
    task = asyncio.get_running_loop().create_task(server.serve(sockets=[sock]))
    while not server.started:
        if task.done():
            task.result()
            raise RuntimeError("the server ended while starting")
        await asyncio.sleep(0.005)
    host, port = sock.getsockname()[:2]
    try:
        yield f"{bracketed(host)}:{port}"
    finally:
        server.stop()
        await task
