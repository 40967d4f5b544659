"""An application served from a thread beside the test, on a port of its own.

What lives here: starting, stopping, and work on the server's loop. What never will: what is served.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from tests.e2e.waiting import until


class Serving:
    """`do` may be called from the test's thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextlib.contextmanager
    def running(self, app: Any, *, before_end: Callable[[], object] = lambda: None) -> Iterator[None]:
        """Serve `app` within the block. `before_end` lets go of what would keep the server waiting."""
        config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=self._run, args=[server], name=self._name)
        thread.start()
        until(lambda: server.started, f"the {self._name} is up")
        try:
            yield
        finally:
            server.should_exit = True
            before_end()
            thread.join(timeout=10)
            self._socket.close()

    def _run(self, server: uvicorn.Server) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            await server.serve(sockets=[self._socket])

        asyncio.run(serve())

    def do(self, work: Callable[[], Any]) -> None:
        """Carry out a coroutine function on the server's loop, while there is one."""
        if self._loop is not None and self._loop.is_running():
            asyncio.run_coroutine_threadsafe(work(), self._loop).result(timeout=10)
