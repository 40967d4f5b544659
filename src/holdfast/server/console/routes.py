"""The console over HTTP: the stream, a session, why it went wrong, what may be taken along.

What lives here: one small function for each route, and who may ask.
What never will: pages (`server.pages`), what is remembered (`ledger`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import msgspec
import structlog
from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response, StreamingResponse

from holdfast.auth import PortalGate
from holdfast.auth.operators import BAD_TOKEN, READ_ONLY, Operator
from holdfast.core.limits import DEFAULT, Limits
from holdfast.diagnosis.explain import explain
from holdfast.ports import Refusal
from holdfast.ports.transcripts import Transcript
from holdfast.server.console.bundle import Packing, cleaned
from holdfast.server.console.feed import Feed
from holdfast.server.console.overview import Overview
from holdfast.server.doorway import AddressLimits, as_upgrade_request
from holdfast.server.errors import error
from holdfast.telemetry.redaction import Redactor

log = structlog.get_logger()

ROOT: Final = "/api/console"
CHECKS_KEPT_S: Final = 10.0
_SIGN_INS_PER_S: Final = 0.2
_SIGN_INS_BURST: Final = 10.0
_NO_STORE: Final = {"Cache-Control": "no-store"}
_STREAM: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """What the console is given. `checks` asks the doctor's questions that need nobody else."""

    overview: Overview
    feed: Feed
    packing: Packing
    checks: Callable[[], Awaitable[dict[str, Any]]]
    version: str
    words: Callable[[str], Transcript | None] | None = None
    """Reads what was said in a session, from a disk; None where operators may not see it."""
    may_act: bool = False
    limits: Limits = field(default=DEFAULT)


class SignIn(BaseModel):
    """The body of `POST sign-in`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    key: Annotated[str, Field(min_length=1, max_length=512)]


class ConsoleRoutes:
    """Routes under `/api/console`. Host and Origin are judged by the doorway before."""

    def __init__(
        self, gate: PortalGate, options: ConsoleOptions, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._gate = gate
        self._options = options
        self._clock = clock
        self._attempts = AddressLimits(_SIGN_INS_PER_S, _SIGN_INS_BURST, clock)
        self._redactor = Redactor(options.packing.secrets)
        self._checked: tuple[float, dict[str, Any]] | None = None
        self._checking = asyncio.Lock()

    def add_to(self, app: FastAPI) -> None:
        """All of them."""
        routes: dict[str, Callable[..., Awaitable[Response]]] = {
            "stream": self.stream,
            "sessions/{session_id}": self.session,
            "sessions/{session_id}/explain": self.explain,
            "sessions/{session_id}/bundle": self.bundle,
            "sessions/{session_id}/recording": self.recording,
            "faults": self.faults,
            "checks": self.checks,
            "me": self.me,
        }
        for path, route in routes.items():
            app.add_api_route(f"{ROOT}/{path}", route, methods=["GET"], response_model=None)
        app.add_api_route(f"{ROOT}/sign-in", self.sign_in, methods=["POST"], response_model=None)
        end = f"{ROOT}/sessions/{{session_id}}/end"
        app.add_api_route(end, self.end, methods=["POST"], response_model=None)
        app.add_api_route(f"{ROOT}/sign-out", self.sign_out, methods=["POST"], response_model=None)

    # who asks

    def _operator(self, request: Request) -> Operator | Refusal:
        return self._gate.admit_operator(as_upgrade_request(request.scope))

    def _secure(self, request: Request) -> bool:
        return self._gate.peer(as_upgrade_request(request.scope)).scheme == "https"

    async def me(self, request: Request) -> Response:
        """Who asks, and what they may do. Answered to everybody: the page shows what is missing."""
        operator, operators = self._operator(request), self._gate.operators
        signed_in = isinstance(operator, Operator)
        told = {
            "signedIn": signed_in,
            "needsKey": operators.needs_key,
            "mayAct": signed_in and self._options.may_act,
            "csrf": operators.token(operator) if isinstance(operator, Operator) else "",
            "version": self._options.version,
            "reason": operator.message if isinstance(operator, Refusal) else "",
        }
        return JSONResponse(told, headers=_NO_STORE)

    async def sign_in(self, request: Request, given: SignIn) -> Response:
        """A key for a cookie."""
        asked = as_upgrade_request(request.scope)
        if not self._attempts.admits(self._gate.peer(asked).line):
            words = "Too many attempts from this address."
            return error(429, "RATE_LIMITED", words, "Wait a moment.", **{"Retry-After": "5"})
        cookie = self._gate.operators.sign_in(given.key, secure=self._secure(request))
        if cookie is None:
            fix = "Use a key whose hash stands in [console] keys."
            return error(401, "NOT_AUTHORIZED", "This is no operator's key.", fix)
        return Response(status_code=204, headers={**_NO_STORE, "Set-Cookie": cookie})

    async def sign_out(self, request: Request) -> Response:
        """The cookie is taken back."""
        cookie = self._gate.operators.sign_out(secure=self._secure(request))
        return Response(status_code=204, headers={**_NO_STORE, "Set-Cookie": cookie})

    # what they may do

    async def end(self, request: Request, session_id: str) -> Response:
        """End a session, politely: it may finish its sentence and is told why."""
        operator = self._operator(request)
        if isinstance(operator, Refusal):
            return _told(operator)
        if not self._options.may_act:
            return _told(READ_ONLY)
        token = request.headers.get("x-csrf-token", "")
        if not self._gate.operators.is_token(operator, token):
            return _told(BAD_TOKEN)
        found = await self._document(request, session_id)
        if isinstance(found, Response):
            return found
        session_id = found["row"]["id"]  # it may have been asked for by a provider's
        facts = {"session": session_id, "operator": operator.name}
        log.warning("console.ended", category="auth", source="console", **facts)
        self._options.overview.end(session_id, operator.name)
        return JSONResponse({"session": session_id}, 202, headers=_NO_STORE)

    # what they see

    async def stream(self, request: Request) -> Response:
        """Everything as it happens, within a second."""
        if (refused := self._refused(request)) is not None:
            return refused
        if not self._options.feed.has_room:
            words = "As many consoles are open as there is room for, or the gateway is stopping."
            fix = "Close one, or raise [limits] console_watchers."
            return error(503, "TOO_MANY_WATCHERS", words, fix, **{"Retry-After": "5"})
        return StreamingResponse(self._events(), headers=_STREAM, media_type="text/event-stream")

    async def _events(self) -> AsyncIterator[bytes]:
        """Who goes before the first event has taken no place."""
        watcher = self._options.feed.join()
        if watcher is None:  # somebody else was quicker
            return
        try:
            async for event in watcher.events():
                yield event
        finally:
            self._options.feed.leave(watcher)

    async def session(self, request: Request, session_id: str) -> Response:
        """One session whole."""
        found = await self._document(request, session_id)
        if isinstance(found, Response):
            return found
        if self._options.words is not None:
            said = await asyncio.to_thread(self._options.words, found["row"]["id"])
            began_ms = found["row"]["beganAt"]
            found["transcript"] = [] if said is None else [*_spoken(said, began_ms)]
        return _json(found)

    async def explain(self, request: Request, session_id: str) -> Response:
        """Why it went wrong, in one sentence and with evidence."""
        found = await self._document(request, session_id)
        return found if isinstance(found, Response) else _json(explain(found).as_object())

    async def bundle(self, request: Request, session_id: str) -> Response:
        """What may be taken along of it."""
        found = await self._document(request, session_id)
        if isinstance(found, Response):
            return found
        told, session_id = explain(found).as_object(), found["row"]["id"]
        extras = await self._options.overview.extras(session_id)
        packed = await asyncio.to_thread(self._options.packing.pack, found, told, extras)
        return _download(packed, f"holdfast-{_file_name(session_id)}.zip", "application/zip")

    async def recording(self, request: Request, session_id: str) -> Response:
        """Its flight recording."""
        if (refused := self._refused(request)) is not None:
            return refused
        found = await self._options.overview.document(session_id)
        # A file outlives what is known of its session.
        session_id = session_id if found is None else found["row"]["id"]
        recording = (await self._options.overview.extras(session_id)).recording
        if recording is None:
            words = "There is no recording of this session."
            fix = "Recordings are written when a fault is met, or asked for while the session runs."
            return error(404, "NOT_FOUND", words, fix)
        name = f"{_file_name(session_id)}-{recording.name}"
        return _download(recording.content, name, "application/octet-stream")

    async def faults(self, request: Request, since: int = 0) -> Response:
        """Faults of all sessions beyond a number."""
        if (refused := self._refused(request)) is not None:
            return refused
        found = await self._options.feed.faults_since(since)
        return _json({"faults": found, "next": found[-1].id if found else since})

    async def checks(self, request: Request) -> Response:
        """What the doctor finds on this machine; an answer holds for a few seconds."""
        if (refused := self._refused(request)) is not None:
            return refused
        async with self._checking:
            if self._checked is None or self._clock() - self._checked[0] > CHECKS_KEPT_S:
                self._checked = self._clock(), await self._options.checks()
        return _json(self._checked[1])

    async def _document(self, request: Request, session_id: str) -> dict[str, Any] | Response:
        if (refused := self._refused(request)) is not None:
            return refused
        found = await self._options.overview.document(session_id)
        if found is None:
            words = "No session of this id is known here (any more)."
            fix = "Live sessions and those that ended lately are: see [limits] console_ended."
            return error(404, "NOT_FOUND", words, fix)
        whole: dict[str, Any] = cleaned({**found, "verdict": explain(found).verdict()}, self._redactor)
        return whole

    def _refused(self, request: Request) -> Response | None:
        judged = self._operator(request)
        return _told(judged) if isinstance(judged, Refusal) else None


def _told(refusal: Refusal) -> Response:
    fix = "Sign in at /console." if refusal.status == 401 else ""
    return error(refusal.status, refusal.code, refusal.message, fix)


def _spoken(said: Transcript, began_ms: int) -> Iterator[dict[str, Any]]:
    """Who said what, and when; of a cut answer what was heard, where that is known."""
    for entry in said.entries:
        if entry.kind in {"user", "assistant"}:
            yield {"t_ms": round(entry.at / 1000 - began_ms), "who": entry.kind, "text": entry.text}
        elif entry.kind == "cut" and entry.heard is not None:
            words = f"(only this was heard: {entry.heard or 'nothing'})"
            yield {"t_ms": round(entry.at / 1000 - began_ms), "who": "assistant", "text": words}


def _json(told: Any) -> Response:
    return Response(msgspec.json.encode(told), media_type="application/json", headers=_NO_STORE)


def _download(content: bytes, name: str, kind: str) -> Response:
    headers = {**_NO_STORE, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=headers)


def _file_name(session_id: str) -> str:
    """Ids are ours; what a request says is not."""
    return "".join(one for one in session_id if one.isascii() and (one.isalnum() or one in "_-"))[:80]
