"""A scripted gateway for the browser: each message at the moment the test wants it.

What lives here: the page's files under the strictest policy the page must live with, its REST, and a socket
that keeps what it hears and says what it is told. It is here for what a real gateway does only by luck: a
session that is unknown, a drop in mid-word, a barge-in at a chosen millisecond, a state that lasts.
What never will: anything that decides, but for one thing: a session that comes back goes on (`talk.py`).
How the page and the real gateway work together is `test_gateway.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from tests.e2e.serving import Serving
from tests.e2e.talk import Json, Samples, Talk, message

WEB = Path(__file__).parents[2] / "src" / "holdfast" / "_web"

POLICY = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
    "connect-src 'self' ws://127.0.0.1:{port}; require-trusted-types-for 'script'; trusted-types holdfast"
)
UPSTREAM = {"name": "local", "kind": "local", "model": "holdfast-local"}
CUSTOMERS = [{"id": "C-1001", "name": "Anna Berg"}, {"id": "C-1002", "name": "Tomás Oliveira"}]


HEADER = struct.Struct("<QIIQ")


@dataclass
class Call:
    """One socket as the stage saw it, and the conversation it came to carry."""

    number: int
    commands: list[Json] = field(default_factory=list)
    protocols: list[str] = field(default_factory=list)
    pieces: list[tuple[int, bytes]] = field(default_factory=list)
    open: bool = True
    closed_with: int | None = None
    talk: Talk | None = None
    socket: WebSocket | None = None

    @property
    def received(self) -> int:
        """Samples heard from the session's first; a hole fails the test."""
        if self.talk is None:
            return 0
        assert not self.talk.gaps, f"samples are missing: {self.talk.gaps}"
        return self.talk.received

    @property
    def samples(self) -> Samples:
        assert self.talk is not None
        return self.talk.samples

    def first(self, kind: str) -> Json | None:
        """The first command of this type."""
        return next((each for each in self.commands if each["type"] == kind), None)


class Stage:
    """The gateway's part, spoken by the test. Methods may be called from the test's thread."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.talks: dict[str, Talk] = {}
        self.tickets = 0
        self.answering = True  # whether create_session and resume_session get their answers
        self.acknowledging = True
        self.reachable = True
        self.missing = ""  # files whose path holds this cannot be had
        self.durability = "none"
        self.limits: Json = {"resumeWindowSeconds": 120, "inputRingSeconds": 45}
        # What `session_resumed` says beyond the ordinary.
        self.resumed: Json = {"recovered": True, "contextRestored": "full", "state": "listening"}
        self.snapshot: list[Json] = []
        self.configured = threading.Event()
        self.configured.set()
        self.customer = CUSTOMERS[0]
        self._speaking = asyncio.Lock()
        self._serving = Serving("stage")
        self.port, self.url, self.do = self._serving.port, self._serving.url, self._serving.do

    @contextlib.contextmanager
    def running(self) -> Iterator[Stage]:
        with self._serving.running(self._app(), before_end=self.drop):
            yield self

    # ---- what a test says

    @property
    def call(self) -> Call:
        """The newest session."""
        return self.calls[-1]

    @property
    def talk(self) -> Talk:
        """The newest conversation."""
        return list(self.talks.values())[-1]

    def say(self, kind: str, **fields: Any) -> None:
        """One text message in the newest conversation; who is away gets it on return."""

        async def speak() -> None:  # numbered where it is sent, or another message may overtake it
            await self._tell(self.talk.numbered(kind, fields))

        self.do(speak)

    def play(self, stream: int, samples: Samples, first: int = 0) -> None:
        """Send audio of an announced item, 20 ms a message."""

        async def speak() -> None:
            for at in range(0, len(samples), 480):
                pcm = samples[at : at + 480].tobytes()
                await self._tell(self.talk.numbered_audio(HEADER, stream, first + at, pcm))

        self.do(speak)

    def drop(self, code: int | None = None) -> None:
        """End every socket with a close code."""

        async def cut() -> None:
            for call in self.calls:
                await self._close(call, code or 1012)

        self.do(cut)

    def forget(self) -> None:
        """As a gateway that was killed and keeps nothing: nobody's session is known."""
        self.talks.clear()

    # ---- the server

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.middleware("http")
        async def policy(request: Request, forward: Callable[[Request], Any]) -> Response:
            if not self.reachable or (self.missing and self.missing in request.url.path):
                return Response(status_code=503)
            response: Response = await forward(request)
            response.headers["Content-Security-Policy"] = POLICY.format(port=request.url.port)
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
            "upstream": UPSTREAM,
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

    async def _hear(self, call: Call, heard: Any) -> None:
        if heard["type"] == "websocket.disconnect":
            raise WebSocketDisconnect
        if (pcm := heard.get("bytes")) is not None:
            await self._hear_audio(call, struct.unpack_from("<Q", pcm)[0], pcm[8:])
            return
        command = json.loads(heard["text"])
        call.commands.append(command)
        if not self.answering:
            return
        if command["type"] == "create_session":
            await self.accept(call)
        elif command["type"] == "resume_session":
            await self.resume(call, command)
        elif "eventId" in command and call.talk is not None:
            await self._tell(call.talk.numbered("accepted", {"eventId": command["eventId"]}))
        elif command["type"] == "ping" and call.talk is not None:
            await self._tell(call.talk.numbered("pong", {}))

    async def _hear_audio(self, call: Call, first: int, pcm: bytes) -> None:
        call.pieces.append((first, pcm))
        talk = call.talk
        if talk is None:
            return
        gap = talk.hear(first, pcm)
        if gap is not None:
            lost = {"direction": "input", "from": gap[0], "to": gap[1], "reason": "gap_in_client_positions"}
            await self._tell(talk.numbered("audio_lost", lost))
        if self.acknowledging and len(call.pieces) % 10 == 0:
            await self._tell(
                talk.numbered("audio_received", {"received": talk.received, "durable": talk.durable})
            )

    async def accept(self, call: Call) -> None:
        """Answer create_session."""
        call.talk = talk = Talk(number=len(self.talks) + 1, tokens=[f"token-{call.number}"])
        self.talks[talk.id] = talk
        created = {
            "sessionId": talk.id,
            "resumeToken": talk.tokens[-1],
            "epoch": talk.epoch,
            "received": 0,
            "upstream": UPSTREAM,
            "durability": self.durability,
            "limits": self.limits,
        }
        await self._send(call, message("session_created", created))
        await self._tell(talk.numbered("session_ready", {"upstream": {**UPSTREAM, "sessionId": "up_1"}}))

    async def resume(self, call: Call, command: Json) -> None:
        """Answer resume_session: with what was missed, or with the whole as it is remembered."""
        talk = self.talks.get(command["sessionId"])
        if talk is None or not talk.knows(command["resumeToken"]):
            unknown = {"code": "NO_SESSION_EXISTS", "message": "There is no conversation yet."}
            await self._send(call, message("error", unknown))
            return
        for other in self.calls:
            if other is not call and other.talk is talk:
                await self._close(other, 4409)
        talk.tokens.append(f"token-{call.number}")
        recovered = self.resumed["recovered"] and command["epoch"] == talk.epoch
        offset = command["offset"] if recovered else talk.offset
        answer = {
            **self.resumed,
            "recovered": recovered,
            "epoch": talk.epoch,
            "offset": offset,
            "received": talk.received,
            "durable": talk.durable,
            "durability": self.durability,
            "resumeToken": talk.tokens[-1],
        }
        await self._send(call, message("session_resumed", answer))
        if not recovered:
            talk.numbered("snapshot", {"items": self.snapshot, "state": "listening"})
        # What is said while the tail is sent belongs behind it.
        while offset < talk.offset:
            missed, offset = talk.after(offset), talk.offset
            for payload in missed:
                await self._send(call, payload)
        call.talk = talk

    async def refuse(self, call: Call, error: Json) -> None:
        """Say no to a call that has no conversation."""
        await self._send(call, message("error", error))

    async def _tell(self, payload: str | bytes) -> None:
        """To whoever carries the newest conversation: its newest call, for an older one may be stuck. In the
        order of their numbers: who waits for a full socket wakes in no order.
        """
        async with self._speaking:
            if not self.talks:
                return
            carriers = (call for call in reversed(self.calls) if call.open and call.talk is self.talk)
            if (carrier := next(carriers, None)) is not None:
                await self._send(carrier, payload)

    async def _send(self, call: Call, payload: str | bytes) -> None:
        assert call.socket is not None
        # Who is away by now gets it on return.
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            if isinstance(payload, bytes):
                await call.socket.send_bytes(payload)
            else:
                await call.socket.send_text(payload)

    async def _close(self, call: Call, code: int) -> None:
        if call.open and call.socket is not None:
            call.open = False
            call.closed_with = code
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await call.socket.close(code)
