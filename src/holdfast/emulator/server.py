"""An OpenAI Realtime upstream on this machine: `Emulator`, listening, with the books of its sessions.

What lives here: starting and stopping, going dark and coming back, faults set while it runs.
What never will: who is let in (`door`), what happens in a session (`session`).
"""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

from holdfast.emulator import door, stages
from holdfast.emulator.calls import CallRecord, Calls
from holdfast.emulator.control import control_router
from holdfast.emulator.dialects import SPOKEN
from holdfast.emulator.front import Break, Decision, Front, Request, Router, Upgrade
from holdfast.emulator.options import Darkness, EmulatorOptions
from holdfast.emulator.plan import FaultPlan, Misbehaviour
from holdfast.emulator.record import Attempt, SessionRecord
from holdfast.emulator.session import EmulatedSession
from holdfast.emulator.shelf import Shelf
from holdfast.emulator.spelling import FaultSpec, FaultSpelling, parse_fault
from holdfast.sockets import bracketed
from holdfast.wire.realtime import new_id

ATTEMPTS_KEPT: Final = 20_000

STOP_S: Final = 2.0


class PortTaken(OSError):  # noqa: N818 - the name says it
    """Another program listens there."""


class Emulator:
    """`async with Emulator(options) as emulator:` listens on `emulator.url`."""

    def __init__(self, options: EmulatorOptions | None = None) -> None:
        """Raises `FaultSpelling` when a fault of the options is not understood."""
        self.options = options or EmulatorOptions()
        self.plan = FaultPlan.of(self.options.faults, self.options.seed)
        self._spoken = SPOKEN[self.options.dialect]
        self.shelf = Shelf()
        self.calls = Calls()
        self.attempts: deque[Attempt] = deque(maxlen=ATTEMPTS_KEPT)
        self.works: deque[stages.Work] = deque(maxlen=ATTEMPTS_KEPT)
        self.handshakes = 0
        self.port = 0
        self.control_port = 0
        self.darkness: Darkness | None = None
        self._listener: asyncio.Server | None = None
        self._control: asyncio.Server | None = None
        self._opening: set[asyncio.Task[None]] = set()
        self._fronts: set[Front] = set()
        self._control_fronts: set[Front] = set()
        self._changed = asyncio.Event()

    @property
    def url(self) -> str:
        """The WebSocket address, without `model`."""
        return f"ws://{self._authority(self.port)}{self._spoken.path}"

    @property
    def http_base(self) -> str:
        """What official clients call `base_url`."""
        return f"http://{self._authority(self.port)}{self._spoken.base}"

    @property
    def control_url(self) -> str:
        """The control port's address."""
        return f"http://{self._authority(self.control_port)}"

    @property
    def sessions(self) -> deque[EmulatedSession]:
        """The sessions whose books are kept, oldest first."""
        return self.shelf.sessions

    @property
    def records(self) -> list[SessionRecord]:
        """The books of all sessions, oldest first."""
        return [session.record for session in self.sessions]

    @property
    def open_sessions(self) -> list[EmulatedSession]:
        """The sessions whose connection stands."""
        return [session for session in self.sessions if session.record.is_open]

    async def start(self) -> None:
        """Listen. Raises `PortTaken`."""
        try:
            self._listener = await self._listen(self.options.port, self._route, self._fronts)
            self.port = _port_of(self._listener)
            if self.options.control_port is not None:
                router = control_router(self)
                self._control = await self._listen(self.options.control_port, router, self._control_fronts)
                self.control_port = _port_of(self._control)
        except OSError:
            await self.close()
            raise

    async def close(self) -> None:
        """Say 1001 to every session and stop. Twice is harmless."""
        servers = [server for server in (self._listener, self._control) if server is not None]
        self._listener = self._control = None
        for server in servers:
            server.close()
        for front in (*self._fronts, *self._control_fronts):
            front.abort()
        for session in self.sessions:
            session.end(1001, "the emulator stops")
        try:
            await self.wait_for(lambda: not self.open_sessions, STOP_S)
        except TimeoutError:
            for session in self.open_sessions:
                session.transport.disconnect(graceful=False)
        for server in servers:
            await server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def wait_for(self, condition: Callable[[], bool], timeout_s: float | None = 5.0) -> None:
        """Wait until `condition` holds; looked at after each handshake and message. Raises `TimeoutError`."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    # breaking things while it runs

    def set_faults(self, faults: Iterable[str | FaultSpec], *, live: bool = False) -> None:
        """Replace the faults, for connections from now on, and with `live` for those that stand, too.

        Raises `FaultSpelling` and changes nothing.
        """
        self.plan = FaultPlan.of(faults, self.options.seed)
        if live:
            for session in self.open_sessions:
                session.misbehaviour = self.plan.for_running(session.record.number)

    def break_now(self, fault: str, sessions: Sequence[EmulatedSession] | None = None) -> int:
        """Carry out a fault that has a moment at once, in these sessions or in all that are open; gives
        their number. Raises `FaultSpelling`.
        """
        try:
            spec = parse_fault(fault)
        except FaultSpelling:
            spec = parse_fault(f"{fault}:idle")
        if spec.moment is None:
            raise FaultSpelling(f"{fault!r} has no moment, so it cannot happen now; set it instead")
        hit = [session for session in (sessions or self.open_sessions) if session.record.is_open]
        for session in hit:
            session.suffer(spec)
        return len(hit)

    def kill(self, code: int | None = None, reason: str = "told so") -> int:
        """End all connections now, by a close code or by a reset; gives their number."""
        hit = self.open_sessions
        for session in hit:
            if code is None:
                session.abort(reset=True)
            else:
                session.end(code, reason)
        return len(hit)

    def go_dark(self, how: Darkness = "refuse", *, kill: bool = True) -> None:
        """Take no connections any more; with `kill` the running ones are reset. Twice is harmless."""
        self.darkness = how
        if how == "refuse" and self._listener is not None:
            self._listener.close()
            self._listener = None
        for front in list(self._fronts):
            front.abort()
        if kill:
            self.kill()

    def come_back(self) -> None:
        """Take connections again, on the same port. Raises `PortTaken`. Twice is harmless."""
        self.darkness = None
        if self._listener is not None or self._opening or not self.port:
            return
        family = socket.AF_INET6 if ":" in self.options.host else socket.AF_INET
        try:
            # Listening begins here, not in the task: who dials next is not refused.
            listening = socket.create_server((self.options.host, self.port), family=family, backlog=100)
        except OSError as failed:
            raise PortTaken(f"port {self.port} on {self.options.host} is in use") from failed
        task = asyncio.get_running_loop().create_task(self._reopen(listening))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    # who is let in

    def _route(self, request: Request) -> Decision:
        if request.path.rstrip("/") == self._spoken.path and request.wants_websocket:
            number = self.handshakes = self.handshakes + 1
            decision, outcome = self._admit(request, number)
            _, kind = door.credential(request)
            is_redirected = door.REDIRECTED in request.query
            self.attempts.append(Attempt(number, time.monotonic(), time.time(), kind, outcome, is_redirected))
            self._changed.set()
            return decision
        if self.darkness is not None:
            return Break("silence" if self.darkness == "silence" else "reset")
        return self._beside_the_socket(request)

    def _beside_the_socket(self, request: Request) -> Decision:
        """What is asked of it as a plain HTTP server."""
        if (request.method, request.path) == ("GET", "/v1/models"):
            return door.models()
        if (request.method, request.path) == ("POST", "/v1/realtime/client_secrets"):
            return door.client_secret(request)
        if (answer := self.calls.answer(request)) is not None:
            self._changed.set()
            return answer
        if request.method == "POST" and request.path in stages.PATHS:
            return self._work(request)
        return door.error(404, "not_found", f"There is no {request.method} {request.path} here.")

    def _work(self, request: Request) -> Decision:
        """A stage's work: written down in the books, and done or not done as told."""
        stage = stages.PATHS[request.path]
        told = self.plan.beside_connections().take("stage", stage)
        done = stages.Work(stage, time.monotonic())
        self.works.append(done)
        self._changed.set()
        key, _ = door.credential(request)
        if self.options.api_key is not None and key != self.options.api_key:
            return door.error(401, "invalid_api_key", "That key is not the one.")
        return stages.work(request, done, self.options, None if told is None else told.arguments[1])

    def _admit(self, request: Request, number: int) -> tuple[Decision, str]:
        """The decision, and its name in the books."""
        if self.darkness is not None:
            return Break("silence" if self.darkness == "silence" else "reset"), "dark"
        misbehaviour = self.plan.next_connection()
        slow = misbehaviour.take("slow-handshake")
        delay_s = 0.0 if slow is None else float(slow.arguments[0])
        for fault in misbehaviour.at("connecting"):
            return _broken(fault, delay_s), str(fault)
        told = misbehaviour.take("http")
        if told is not None:
            return door.told_status(told, delay_s, self.port, self.options.host), f"HTTP {told.arguments[0]}"
        key, kind = door.credential(request)
        call = self.calls.running(request.query.get("call_id", ""))
        answer = self._spoken.refusal(request, key, self.options.api_key, self.options.deployments)
        answer = answer or door.refused_at_once(request, key, has_call=call is not None)
        if answer is not None or key is None:
            assert answer is not None, "who has no key is answered"
            return replace(answer, delay_s=delay_s), f"HTTP {answer.status}"
        refuse = misbehaviour.take("refuse")
        refusal = door.refusal(request, key, self.options) if refuse is None else refuse.arguments[0]
        session = self._session(request, number, kind, misbehaviour, refusal, call=call)
        if call is not None:
            call.endings.append(lambda: session.end(1000, "the call is over"))
        offered = [name.strip() for name in request.headers.get("sec-websocket-protocol", "").split(",")]
        upgrade = Upgrade(session, "realtime" if "realtime" in offered else None, delay_s)
        return upgrade, "101" if refusal is None else f"101 {refusal}"

    def _session(
        self,
        request: Request,
        number: int,
        kind: str,
        misbehaviour: Misbehaviour,
        refusal: str | None,
        *,
        call: CallRecord | None,
    ) -> EmulatedSession:
        record = SessionRecord(
            id=new_id("sess"),
            number=number,
            path=request.path,
            model=_model_of(request) if call is None else call.model,
            intent=request.query.get("intent", "realtime"),
            credential=kind,
            faults=[str(spec) for spec in misbehaviour.specs],
            keep_audio=self.options.keep_audio,
        )
        return EmulatedSession(
            self.options,
            record,
            misbehaviour,
            refusal=refusal,
            settings=None if call is None else call.settings,
            on_begin=self.shelf.add,
            on_change=self._changed.set,
        )

    # inside

    def _authority(self, port: int) -> str:
        return f"{bracketed(self.options.host)}:{port}"

    async def _listen(self, port: int, router: Router, fronts: set[Front]) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        try:
            return await loop.create_server(lambda: Front(router, fronts), self.options.host, port or None)
        except UnicodeError as wrong:
            raise OSError(f"{self.options.host[:80]!r} is no name of a host") from wrong
        except OSError as failed:
            if failed.errno == errno.EADDRINUSE:
                raise PortTaken(f"port {port} on {self.options.host} is in use") from failed
            raise

    async def _reopen(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Front(self._route, self._fronts), sock=listening)


def _model_of(request: Request) -> str:
    return request.query.get("model") or request.query.get("deployment", "")


def _port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


def _broken(fault: FaultSpec, delay_s: float) -> Break:
    """What a fault at the moment `connecting` does; any but these two is silence."""
    if fault.name == "drop":
        return Break("drop", delay_s)
    return Break("reset" if fault.name == "reset" else "silence", delay_s)
