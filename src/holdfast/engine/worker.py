"""One engine process: a Realtime server on a loopback port. `python -m holdfast.engine.worker`.

What lives here: the process's life, who is let in, and the sockets. What never will: understanding.

The parent's first line on standard input is a JSON object: `token`, `options`, `warm`. When ready the
worker says `{"port": ...}` on standard output, and later `{"sessions": n}` at every change; what stops it
from starting is `{"error": ...}`. It ends when standard input closes, so no worker outlives its parent.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hmac
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import uvloop
from picows import (
    WSAutoPingStrategy,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from holdfast.engine.assembly import Assembly, assemble
from holdfast.engine.options import EngineOptions, RemoteStage
from holdfast.engine.pipeline import Assistant
from holdfast.engine.stages import SpeechError
from holdfast.engine.switch import StageNews
from holdfast.sockets.listener import MessageBounds, MessageListener
from holdfast.wire.realtime import Intent, RealtimeHost, new_id

_BOUNDS: Final = MessageBounds()
_OUTBOX_BYTES: Final = 1024 * 1024
_OUTBOX_BYTES_MAX: Final = 32 * 1024 * 1024
"""Speech waits while the outbox is full; what a client asks for does not, and may be as large as a turn."""
_CLOSE_S: Final = 1.0
_LIFE_SHOWN_S: Final = 1.0
STAGES_EVENT: Final = "holdfast.stages"
"""Who does the work of which stage: an event of our own, for our own gateway."""
WORKING_EVENT: Final = "holdfast.working"
"""The same again, while a server of others is waited for: nobody need think that nothing happens."""


class EngineSession(MessageListener):
    """One socket and the assistant behind it."""

    def __init__(self, worker: Worker, model: str, intent: Intent) -> None:
        super().__init__(_BOUNDS)
        self._worker = worker
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._assistant = Assistant(worker.assembly.stages, self)
        self._life_s = worker.options.session_s
        self._end: asyncio.TimerHandle | None = None
        self._life: asyncio.TimerHandle | None = None
        self._work: asyncio.TimerHandle | None = None
        self._host = RealtimeHost(
            model=model,
            responder=self._assistant,
            emit=self.send_text,
            expires_at=int(time.time() + self._life_s),
            intent=intent,
        )

    def on_open(self) -> None:
        self.transport.underlying_transport.set_write_buffer_limits(high=_OUTBOX_BYTES)
        self._end = asyncio.get_running_loop().call_later(self._life_s, self._expire)
        self._worker.joined(self)
        self._host.open()
        self.tell_stages()
        if self._worker.assembly.servers:
            self._show_work()

    def on_text(self, payload: bytes) -> None:
        if self.send_buffer_bytes > _OUTBOX_BYTES_MAX:
            self.close(1008, "asks for more than it reads")
            return
        self._host.receive(payload)

    def on_binary(self, payload: bytes) -> None:  # noqa: ARG002 - any binary message is answered alike
        self._host.receive_binary()

    def on_closed(self, code: int, reason: str) -> None:  # noqa: ARG002 - how it ended changes nothing here
        for timer in (self._end, self._work):
            if timer is not None:
                timer.cancel()
        self._stay_quiet()
        self._may_write.set()
        self._assistant.close()
        self._worker.left(self)

    def pause_writing(self) -> None:
        """picows: the socket is full."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """picows: the socket takes more."""
        self._may_write.set()

    async def writable(self) -> None:
        """Returns when the socket takes more."""
        await self._may_write.wait()

    def pause_reading(self, *, paused: bool) -> None:
        """Let TCP hold back a client that sends faster than we hear."""
        transport = self.transport.underlying_transport
        if transport.is_closing():
            return
        self._stay_quiet()
        if paused:
            transport.pause_reading()
            self._show_life()
        else:
            transport.resume_reading()

    def _show_life(self) -> None:
        """Who does not read sees no ping, and would be taken for dead: it says by itself that it lives."""
        if self.is_open:
            self.transport.send_pong()
            # Nor the answers to its own pings.
            self.transport.notify_user_specific_pong_received()
            self._life = asyncio.get_running_loop().call_later(_LIFE_SHOWN_S, self._show_life)

    def _stay_quiet(self) -> None:
        if self._life is not None:
            self._life.cancel()
            self._life = None

    def tell_stages(self, kind: str = STAGES_EVENT) -> None:
        """Say who does the work of the stages that are served by others, if any are."""
        served = self._worker.assembly.served
        if served and self.is_open:
            told = {"type": kind, "event_id": new_id("event"), "stages": served}
            self.send_text(json.dumps(told).encode())

    def _show_work(self) -> None:
        """Who waits for a server of others is not dead, however long that server takes: it says so."""
        if self._assistant.is_at_work and self._worker.assembly.awaits_servers:
            self.tell_stages(WORKING_EVENT)
        self._work = asyncio.get_running_loop().call_later(_LIFE_SHOWN_S, self._show_work)

    def _expire(self) -> None:
        minutes = round(self._life_s / 60)
        self._host.fail(
            "invalid_request_error",
            "session_expired",
            f"Your session hit the maximum duration of {minutes} minutes.",
        )
        self.close(1001, "invalid_request_error.session_expired")


class Worker:
    """Who is let in, and who is in."""

    def __init__(self, assembly: Assembly, options: EngineOptions, token: str) -> None:
        self.assembly = assembly
        self.options = options
        for server in assembly.servers:
            server.switch.tell = self.stage_changed
        self._token = token
        self._sessions: set[EngineSession] = set()
        self._is_empty = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def listen(self, ping_s: float = 20.0) -> int:
        """Open the port on loopback; gives its number. Who is silent for `ping_s` is asked, and has as long
        to answer.
        """
        self._server = server = await ws_create_server(
            self._admit,
            "127.0.0.1",
            0,
            max_frame_size=_BOUNDS.frame_bytes,
            enable_auto_ping=True,
            auto_ping_idle_timeout=ping_s,
            auto_ping_reply_timeout=ping_s,
            auto_ping_strategy=WSAutoPingStrategy.PING_WHEN_IDLE,
        )
        return int(server.sockets[0].getsockname()[1])

    async def drain(self) -> None:
        """Tell every session that we go."""
        if self._server is not None:
            self._server.close()
        for session in list(self._sessions):
            session.close(1001, "engine stops")
        if self._sessions:
            self._is_empty.clear()
        else:
            self._is_empty.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await self._is_empty.wait()
        await self.assembly.close()

    def stage_changed(self, news: StageNews) -> None:
        """Somebody else does the work of a stage: the parent and every session hear of it."""
        tell(stage=asdict(news))
        for session in list(self._sessions):
            session.tell_stages()

    def joined(self, session: EngineSession) -> None:
        """A session begins."""
        self._sessions.add(session)
        tell(sessions=len(self._sessions))

    def left(self, session: EngineSession) -> None:
        """A session is over."""
        self._sessions.discard(session)
        if not self._sessions:
            self._is_empty.set()
        tell(sessions=len(self._sessions))

    def _admit(self, request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        try:
            return self._judge(request)
        except SpeechError as fault:
            return _refuse(503, "engine_failed", str(fault))

    def _judge(self, request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        scheme, _, token = str(request.headers.get("Authorization", "")).partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.encode(), self._token.encode()):
            return _refuse(401, "invalid_api_key", "This engine serves its own gateway only.")
        target = urlsplit(request.path.decode("latin-1"))
        if target.path != "/v1/realtime":
            return _refuse(404, "not_found", "There is only /v1/realtime here.")
        if len(self._sessions) >= self.options.sessions_per_worker:
            return _refuse(503, "engine_full", f"All {self.options.sessions_per_worker} sessions are taken.")
        query = parse_qs(target.query)
        intent: Intent = "transcription" if query.get("intent") == ["transcription"] else "realtime"
        session = EngineSession(self, query.get("model", ["holdfast-local"])[0], intent)
        offered = str(request.headers.get("Sec-WebSocket-Protocol", ""))
        is_offered = "realtime" in [name.strip() for name in offered.split(",")]
        chosen = {"Sec-WebSocket-Protocol": "realtime"} if is_offered else None
        return WSUpgradeResponseWithListener(WSUpgradeResponse.create_101_response(chosen), session)


def _refuse(status: int, code: str, message: str) -> WSUpgradeResponseWithListener:
    body = json.dumps({"error": {"type": "invalid_request_error", "code": code, "message": message}}).encode()
    response = WSUpgradeResponse.create_error_response(
        status, body, extra_headers={"Content-Type": "application/json"}
    )
    return WSUpgradeResponseWithListener(response, None)


def tell(**facts: Any) -> None:
    """One line to the parent."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def read_options(told: Mapping[str, Any]) -> EngineOptions:
    """Options as the parent wrote them: paths are strings."""
    known = {field.name for field in fields(EngineOptions)}
    values = {name: value for name, value in told.items() if name in known}
    for name in ("transcription", "chat", "speech"):
        if values.get(name) is not None:
            values[name] = RemoteStage(**values[name])
    for name in ("speech_folder", "model_folder", "vad_model", "turn_model"):
        if values.get(name) is not None:
            values[name] = Path(values[name])
    return EngineOptions(**values)


async def serve(told: Mapping[str, Any]) -> int:
    """Start, say so, and stay until the parent is gone. 1 when something is missing."""
    options = read_options(told.get("options") or {})
    warm = told.get("warm") or {}
    try:
        assembly = assemble(options)
        assembly.warm_up(warm.get("tools") or [], warm.get("instructions") or "")
    except SpeechError as fault:
        tell(error=str(fault))
        return 1
    # What was loaded stays: the garbage collector need not look through it again while people speak.
    gc.collect()
    gc.freeze()
    worker = Worker(assembly, options, str(told["token"]))
    port = await worker.listen()
    tell(port=port, stages=dict(assembly.names))
    life = asyncio.create_task(_tell_life(options.silent_s / 4))
    await _parent_is_gone()
    life.cancel()
    await worker.drain()
    return 0


async def _tell_life(every_s: float) -> None:
    """The parent ends a worker that stands still."""
    with contextlib.suppress(OSError):  # the parent is gone
        while True:
            await asyncio.sleep(every_s)
            tell(alive=True)


async def _parent_is_gone() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1024):
        pass


def _first_line() -> bytes:
    """The parent's one line, read without Python's buffer: the event loop reads on from the bare pipe."""
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(sys.stdin.fileno(), 65536)
        if not part:
            break
        line += part
    return line


def main() -> int:
    """The process. An interrupt in the terminal is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        told = json.loads(_first_line())
    except ValueError:
        tell(error="An engine worker is started by its gateway, not by hand. Run `holdfast serve`.")
        return 2
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(told))


if __name__ == "__main__":
    sys.exit(main())
