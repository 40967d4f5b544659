"""An OpenAI Realtime upstream on this machine: `Emulator`, listening, with the books of its sessions.

What lives here: who is let in and how, HTTP beside the socket, starting and stopping.
What never will: what happens in a session (`session`).
"""

from __future__ import annotations

import asyncio
import errno
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Final, Self

import msgspec

from holdfast.emulator.control import control_router
from holdfast.emulator.faults import HTTP_STATUSES, FaultPlan, FaultSpec, Misbehaviour
from holdfast.emulator.front import Answer, Front, Request, Router, Upgrade
from holdfast.emulator.options import EmulatorOptions
from holdfast.emulator.record import SessionRecord
from holdfast.emulator.session import EmulatedSession
from holdfast.wire.realtime import Intent, Refused, SessionConfig, new_id

SESSIONS_KEPT: Final = 1_000
"""Sessions whose books are kept; the oldest go first."""

STOP_S: Final = 2.0

_KEY_SUBPROTOCOL: Final = "openai-insecure-api-key."
_MODELS: Final = ("gpt-realtime-2.1", "gpt-realtime-2.1-mini", "gpt-realtime-2", "gpt-realtime-1.5")
_SECRET_S: Final = 600


class PortTaken(OSError):  # noqa: N818 - the name says it
    """Another program listens there."""


class Emulator:
    """`async with Emulator(options) as emulator:` listens on `emulator.url`."""

    def __init__(self, options: EmulatorOptions | None = None) -> None:
        """Raises `FaultSpelling` when a fault of the options is not understood."""
        self.options = options or EmulatorOptions()
        self.plan = FaultPlan.of(self.options.faults)
        self.sessions: deque[EmulatedSession] = deque(maxlen=SESSIONS_KEPT)
        self.handshakes = 0
        self.port = 0
        self.control_port = 0
        self._servers: list[asyncio.Server] = []
        self._fronts: set[Front] = set()
        self._changed = asyncio.Event()

    @property
    def url(self) -> str:
        """The WebSocket address, without `model`."""
        return f"ws://{self._authority(self.port)}/v1/realtime"

    @property
    def http_base(self) -> str:
        """What official clients call `base_url`."""
        return f"http://{self._authority(self.port)}/v1"

    @property
    def control_url(self) -> str:
        """The control port's address."""
        return f"http://{self._authority(self.control_port)}"

    @property
    def records(self) -> list[SessionRecord]:
        """The books of all sessions, oldest first."""
        return [session.record for session in self.sessions]

    async def start(self) -> None:
        """Listen. Raises `PortTaken`."""
        try:
            self.port = await self._listen(self.options.port, self._route)
            if self.options.control_port is not None:
                self.control_port = await self._listen(self.options.control_port, control_router(self))
        except OSError:
            await self.close()
            raise

    async def close(self) -> None:
        """Say 1001 to every session and stop. Twice is harmless."""
        for server in self._servers:
            server.close()
        for front in list(self._fronts):
            front.abort()
        for session in self.sessions:
            session.close(1001, "the emulator stops")
        try:
            await self.wait_for(lambda: not any(record.is_open for record in self.records), STOP_S)
        except TimeoutError:
            for session in self.sessions:
                session.transport.disconnect(graceful=False)
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()

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

    def set_faults(self, faults: Iterable[str | FaultSpec]) -> None:
        """Replace the faults, for connections from now on. Raises `FaultSpelling` and changes nothing."""
        self.plan = FaultPlan.of(faults)

    async def wait_for(self, condition: Callable[[], bool], timeout_s: float | None = 5.0) -> None:
        """Wait until `condition` holds; looked at after each handshake and message. Raises `TimeoutError`."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    # who is let in

    def _route(self, request: Request) -> Answer | Upgrade:
        if request.path.rstrip("/") == "/v1/realtime" and request.wants_websocket:
            return self._admit(request)
        if (request.method, request.path) == ("GET", "/v1/models"):
            models = [
                {"id": name, "object": "model", "created": 0, "owned_by": "holdfast"} for name in _MODELS
            ]
            return Answer(200, {"object": "list", "data": models})
        if (request.method, request.path) == ("POST", "/v1/realtime/client_secrets"):
            return _client_secret(request)
        return _error(404, "not_found", f"There is no {request.method} {request.path} here.")

    def _admit(self, request: Request) -> Answer | Upgrade:
        self.handshakes += 1
        self._changed.set()
        misbehaviour = self.plan.next_connection()
        delay_s = misbehaviour.seconds("slow-handshake") or 0.0
        told = misbehaviour.find("http")
        if told is not None:
            return _told_status(int(told.arguments[0]), delay_s)
        key, credential = _credential(request)
        if key is None:
            return _error(401, "missing_api_key", "Send 'Authorization: Bearer KEY'.", delay_s=delay_s)
        if "call_id" in request.query:
            return _error(404, "not_found", "There is no such call.", delay_s=delay_s)
        record = SessionRecord(
            id=new_id("sess"),
            number=self.handshakes,
            path=request.path,
            model=request.query.get("model", ""),
            intent=request.query.get("intent", "realtime"),
            credential=credential,
            faults=[str(spec) for spec in misbehaviour.specs],
            keep_audio=self.options.keep_audio,
        )
        session = EmulatedSession(
            self.options,
            record,
            misbehaviour,
            refusal=self._refusal(request, record, key, misbehaviour),
            on_begin=self.sessions.append,
            on_change=self._changed.set,
        )
        offered = [name.strip() for name in request.headers.get("sec-websocket-protocol", "").split(",")]
        return Upgrade(session, "realtime" if "realtime" in offered else None, delay_s)

    def _refusal(
        self, request: Request, record: SessionRecord, key: str, misbehaviour: Misbehaviour
    ) -> str | None:
        told = misbehaviour.find("refuse")
        if told is not None:
            return told.arguments[0]
        if self.options.api_key is not None and key != self.options.api_key:
            return "invalid_api_key"
        if "realtime=v1" in request.headers.get("openai-beta", ""):
            return "beta_api_shape_disabled"
        if not record.model and record.intent != "transcription":
            return "missing_model"
        return None

    # inside

    def _authority(self, port: int) -> str:
        host = self.options.host
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def _listen(self, port: int, router: Router) -> int:
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(
                lambda: Front(router, self._fronts), self.options.host, port or None
            )
        except OSError as failed:
            if failed.errno == errno.EADDRINUSE:
                raise PortTaken(f"port {port} on {self.options.host} is in use") from failed
            raise
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])


def _credential(request: Request) -> tuple[str | None, str]:
    """The key and where it stood; no key is None."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip(), "authorization"
    if request.headers.get("api-key"):
        return request.headers["api-key"], "api-key"
    for offered in request.headers.get("sec-websocket-protocol", "").split(","):
        if offered.strip().startswith(_KEY_SUBPROTOCOL):
            return offered.strip().removeprefix(_KEY_SUBPROTOCOL), "subprotocol"
    return None, "none"


def _told_status(status: int, delay_s: float) -> Answer:
    kind, code = HTTP_STATUSES[status]
    headers: Mapping[str, str] = {"Retry-After": "1"} if status in (429, 503) else {}
    return _error(
        status,
        code,
        f"The emulator was told to answer {status}.",
        kind=kind,
        headers=headers,
        delay_s=delay_s,
    )


def _error(
    status: int,
    code: str,
    message: str,
    *,
    kind: str = "invalid_request_error",
    headers: Mapping[str, str] | None = None,
    delay_s: float = 0.0,
) -> Answer:
    document = {"error": {"type": kind, "code": code, "message": message, "param": None}}
    return Answer(status, document, headers or {}, delay_s)


def _client_secret(request: Request) -> Answer:
    """An ephemeral secret with the session it stands for. Any key is good here, this one too."""
    try:
        asked = msgspec.json.decode(request.body or b"{}", type=dict[str, dict[str, object]])
    except ValueError:
        return _error(400, "invalid_json", "The body is not a JSON object.")
    wanted = asked.get("session", {})
    intent: Intent = "transcription" if wanted.get("type") == "transcription" else "realtime"
    now = int(time.time())
    model = str(wanted.get("model", _MODELS[0]))
    config = SessionConfig(intent=intent, model=model, session_id=new_id("sess"), expires_at=now + 3600)
    try:
        config.update({"type": intent, **wanted}, voice_is_locked=False)
    except Refused as refusal:
        return _error(400, refusal.code or "invalid_value", refusal.message)
    seconds = asked.get("expires_after", {}).get("seconds", _SECRET_S)
    if not isinstance(seconds, int) or not 10 <= seconds <= 7200:
        return _error(400, "invalid_value", "'expires_after.seconds' must be 10 to 7200.")
    return Answer(200, {"value": new_id("ek"), "expires_at": now + seconds, "session": config.effective})
