"""A network between page and gateway that a test can break.

What lives here: a TCP relay that can be cut (connections die, new ones are refused), frozen (nothing passes
and nobody is told, as on a dead radio link), and mended. What never will: knowledge of what passes.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

_CHUNK = 64 * 1024


class Line:
    """Methods may be called from the test's thread."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self.port = 0
        self.mended_at = 0.0
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="line")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def running(self) -> Iterator[Line]:
        self._thread.start()
        self._do(self._listen)
        try:
            yield self
        finally:
            with contextlib.suppress(TimeoutError):
                self._do(self._end)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=10)
            self._loop.close()

    def cut(self) -> None:
        """Every connection dies at once; new ones are refused."""
        self._do(self._cut)

    def freeze(self) -> None:
        """Nothing passes any more; connections stay open, new ones are accepted and get no answer."""

        async def stop() -> None:
            self._flowing.clear()

        self._do(stop)

    def mend(self) -> None:
        """Whole again; `mended_at` says when (wall clock)."""
        self._do(self._mend)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _mend(self) -> None:
        if self._server is None:
            await self._listen()
        self._flowing.set()
        self.mended_at = time.time()

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for pair in list(self._pairs):
            for writer in pair:
                writer.transport.abort()
        self._pairs.clear()

    async def _end(self) -> None:
        await self._cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
        except OSError:
            # The gateway is away: as its own port would, this one refuses.
            writer.transport.abort()
            return
        pair = (writer, far_writer)
        self._pairs.add(pair)
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = self._loop.create_task(self._relay(source, sink, pair))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _relay(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(_CHUNK):
                await self._flowing.wait()
                sink.write(data)
                await sink.drain()
        await self._flowing.wait()
        self._pairs.discard(pair)
        for writer in pair:
            writer.close()

    def _do(self, work: Callable[[], Any]) -> None:
        asyncio.run_coroutine_threadsafe(work(), self._loop).result(timeout=10)
