"""A scripted gateway for the browser: each message at the moment the test wants it.

What lives here: the page's files under the strictest policy the page must live with, its REST, and a socket
that keeps what it hears and says what it is told. It is here for what a real gateway does only by luck: a
session that is unknown, a drop in mid-word, a barge-in at a chosen millisecond, a state that lasts.
What never will: anything that decides. How the page and the real gateway work together is `test_gateway.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from tests.e2e.waiting import until

WEB = Path(__file__).parents[2] / "src" / "holdfast" / "_web"

Json = dict[str, Any]
Samples = np.ndarray[tuple[int], np.dtype[np.int16]]

POLICY = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
    "connect-src 'self' ws://127.0.0.1:{port}; require-trusted-types-for 'script'; trusted-types holdfast"
)
CUSTOMERS = [{"id": "C-1001", "name": "Anna Berg"}, {"id": "C-1002", "name": "Tomás Oliveira"}]


@dataclass
class Call:
    """One session as the stage saw it."""

    number: int
    commands: list[Json] = field(default_factory=list)
    protocols: list[str] = field(default_factory=list)
    pieces: list[tuple[int, bytes]] = field(default_factory=list)
    open: bool = True
    offset: int = 0
    socket: WebSocket | None = None

    @property
    def received(self) -> int:
        """Samples heard without a hole, from the session's first."""
        end = 0
        for first, pcm in self.pieces:
            assert first == end, f"sample {first} came where {end} was due"
            end = first + len(pcm) // 2
        return end

    @property
    def samples(self) -> Samples:
        return np.frombuffer(b"".join(pcm for _, pcm in self.pieces), dtype="<i2")


class Stage:
    """The gateway's part, spoken by the test. Methods may be called from the test's thread."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.tickets = 0
        self.answering = True  # whether create_session gets its answer
        self.reachable = True
        self.configured = threading.Event()
        self.configured.set()
        self.customer = CUSTOMERS[0]
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._loop: asyncio.AbstractEventLoop | None = None
        config = uvicorn.Config(self._app(), log_config=None, lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="stage")

    @contextlib.contextmanager
    def running(self) -> Iterator[Stage]:
        self._thread.start()
        until(lambda: self._server.started, "the stage is up")
        try:
            yield self
        finally:
            self.drop()
            self._server.should_exit = True
            self._thread.join(timeout=10)
            self._socket.close()

    # ---- what a test says

    @property
    def call(self) -> Call:
        """The newest session."""
        return self.calls[-1]

    def say(self, kind: str, **fields: Any) -> None:
        """Send one text message in the newest session."""
        self.do(lambda: self._send(self.call, kind, fields))

    def play(self, stream: int, samples: Samples, first: int = 0) -> None:
        """Send audio of an announced item, 20 ms a message."""

        async def speak() -> None:
            call = self.call
            for at in range(0, len(samples), 480):
                call.offset += 1
                header = struct.pack("<QIIQ", call.offset, stream, 0, first + at)
                assert call.socket is not None
                await call.socket.send_bytes(header + samples[at : at + 480].tobytes())

        self.do(speak)

    def drop(self, code: int | None = None) -> None:
        """End every socket: with a close code, or as a dead network does."""

        async def cut() -> None:
            for call in self.calls:
                if call.open and call.socket is not None:
                    call.open = False
                    await call.socket.close(code or 1012)

        self.do(cut)

    # ---- the server

    def _run(self) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            await self._server.serve(sockets=[self._socket])

        asyncio.run(serve())

    def do(self, work: Callable[[], Any]) -> None:
        if self._loop is not None and self._loop.is_running():
            asyncio.run_coroutine_threadsafe(work(), self._loop).result(timeout=10)

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.middleware("http")
        async def policy(request: Request, forward: Callable[[Request], Any]) -> Response:
            if not self.reachable:
                return Response(status_code=503)
            response: Response = await forward(request)
            response.headers["Content-Security-Policy"] = POLICY.format(port=self.port)
            return response

        @app.get("/healthz")
        def healthz() -> Json:
            return {"status": "ok"}

        @app.get("/api/financial-sherpa/realtime")
        def config() -> Json:
            self.configured.wait(timeout=10)
            return self._config()

        @app.post("/api/financial-sherpa/ticket")
        def ticket(request: Request) -> Response:
            if request.headers.get("x-csrf-token") != "csrf-1":
                return JSONResponse({"error": "csrf"}, status_code=403)
            self.tickets += 1
            return JSONResponse({"ticket": f"ticket-{self.tickets}", "expiresAt": "2030-01-01T00:00:00Z"})

        @app.post("/api/financial-sherpa/demo-customer")
        async def demo(request: Request) -> Response:
            wanted = (await request.json())["customerId"]
            self.customer = next(each for each in CUSTOMERS if each["id"] == wanted)
            return Response(status_code=204)

        app.websocket("/api/openai/realtime")(self._session)
        app.mount("/", StaticFiles(directory=WEB, html=True))
        return app

    def _config(self) -> Json:
        return {
            "customer": self.customer,
            "assistant": {"name": "Financial Sherpa"},
            "greeting": "Hi, I'm your Financial Sherpa. How can I help you today?",
            "models": [],
            "voices": [],
            "audio": {"format": "pcm16", "sampleRate": 24000, "channels": 1, "frameMs": 20},
            "socketPath": "/api/openai/realtime",
            "protocol": "holdfast.v1",
            "csrfToken": "csrf-1",
            "ticketRequired": False,
            "demo": {"customers": CUSTOMERS},
            "upstream": {"name": "local", "kind": "local", "model": "holdfast-local"},
            "limits": {"binaryBytes": 65536},
        }

    async def _session(self, connection: WebSocket) -> None:
        if not self.reachable:
            await connection.close()
            return
        await connection.accept(subprotocol="holdfast.v1")
        call = Call(number=len(self.calls) + 1, socket=connection)
        call.protocols = connection.scope["subprotocols"]
        self.calls.append(call)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await self._hear(call, await connection.receive())
        call.open = False

    async def _hear(self, call: Call, message: Any) -> None:
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect
        if (pcm := message.get("bytes")) is not None:
            call.pieces.append((struct.unpack_from("<Q", pcm)[0], pcm[8:]))
            if len(call.pieces) % 10 == 0:
                await self._send(call, "audio_received", {"received": call.received, "durable": 0})
            return
        command = json.loads(message["text"])
        call.commands.append(command)
        if command["type"] == "create_session" and self.answering:
            await self.accept(call)

    async def accept(self, call: Call) -> None:
        upstream = {"name": "local", "kind": "local", "model": "holdfast-local"}
        created = {"sessionId": f"sess_{call.number}", "epoch": 1, "received": 0, "upstream": upstream}
        await self._send(call, "session_created", created, numbered=False)
        await self._send(call, "session_ready", {"upstream": {**upstream, "sessionId": "up_1"}})

    async def _send(self, call: Call, kind: str, fields: Json, *, numbered: bool = True) -> None:
        message = {"type": kind, "timestamp": "2026-11-20T12:00:00Z", **fields}
        if numbered:
            call.offset += 1
            message["offset"] = call.offset
        assert call.socket is not None
        await call.socket.send_text(json.dumps(message))
