"""The REST side: the page, its configuration, tickets, the demo's customers, health.

What lives here: `create_rest_app`, one small function per route.
What never will: admission rules (auth), sockets (the router), speech.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from holdfast.auth import PortalGate
from holdfast.auth.cookies import PortalSession
from holdfast.ports import Refusal, UpgradeRequest
from holdfast.runtime.rehearsal import FaultName, Rehearsing
from holdfast.server import pages
from holdfast.server.bodies import BodyRules
from holdfast.server.console import ConsoleOptions, ConsoleRoutes
from holdfast.server.doorway import AddressLimits, Doorway, as_upgrade_request
from holdfast.server.errors import error, error_at
from holdfast.server.metrics import MetricsRoute, Told
from holdfast.server.v1 import SECRETS_PATH, V1Options, add_v1
from holdfast.server.v1_audio import TRANSCRIPTIONS_PATH, AudioRoutes, Service
from holdfast.server.v1_calls import CallOptions, CallRoutes

ROOT: Final = "/api/financial-sherpa"
_TICKETS_PER_S: Final = 1.0
_TICKETS_BURST: Final = 60.0
_NO_STORE: Final = {"Cache-Control": "no-store"}
_REMEDIES: Final = {
    404: "See the reference for the routes that exist.",
    405: "See the Allow header for the methods of this route.",
}


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether new sessions are taken; `reasons` say why not."""

    ready: bool
    reasons: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PageOptions:
    """What the page is told about the assistant. `models` are (id, label)."""

    assistant_name: str
    greeting: str
    upstream: Mapping[str, str]
    models: Sequence[tuple[str, str]] = ()
    voices: Sequence[str] = ()
    socket_path: str = "/api/openai/realtime"
    protocol: str = "holdfast.v1"
    binary_bytes: int = 64 * 1024
    recording_words: str = ""
    """What people must agree to before their sound is recorded; empty where it never is."""
    audio: Mapping[str, Any] = field(
        default_factory=lambda: {"format": "pcm16", "sampleRate": 24_000, "channels": 1, "frameMs": 20}
    )


class DemoCustomer(BaseModel):
    """The body of `POST demo-customer`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    customerId: Annotated[str, Field(min_length=1, max_length=64)]  # noqa: N815 - the wire's name


class RehearsedFault(BaseModel):
    """The body of `POST /dev/faults`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    fault: FaultName
    seconds: Annotated[float, Field(gt=0, le=600)] = 5.0
    session: str | None = None


class RefusedError(Exception):
    """A route's request is refused."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def create_rest_app(
    *,
    gate: PortalGate,
    page: PageOptions,
    readiness: Callable[[], Readiness],
    web_root: Path | None,
    durability: str = "none",
    rehearsal: Rehearsing | None = None,
    v1: V1Options | None = None,
    audio: Sequence[Service] = (),
    calls: CallOptions | None = None,
    figures: Callable[[], Awaitable[Told]] | None = None,
    console: ConsoleOptions | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """The ASGI application for everything that is no socket.

    `readiness` is asked at each /readyz and must not wait. `web_root` is the folder of the built web client;
    without it (or its index.html) a plain page says how to build it. `clock` is for rate limits.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, title="Holdfast")
    limits = AddressLimits(_TICKETS_PER_S, _TICKETS_BURST, clock)
    routes = _Routes(gate, page, readiness, limits, durability)
    app.add_api_route("/healthz", routes.healthz, methods=["GET", "HEAD"])
    app.add_api_route("/readyz", routes.readyz, methods=["GET", "HEAD"])
    if not pages.has_console(web_root):
        app.add_api_route("/console", pages.console_not_built, methods=["GET"], response_class=HTMLResponse)
    app.add_api_route(f"{ROOT}/realtime", routes.configuration, methods=["GET"])
    changing = [Depends(routes.judge_change)]
    app.add_api_route(f"{ROOT}/ticket", routes.ticket, methods=["POST"], dependencies=changing)
    if gate.customers:
        app.add_api_route(
            f"{ROOT}/demo-customer", routes.demo_customer, methods=["POST"], dependencies=changing
        )
    if rehearsal is not None:
        app.add_api_route("/dev/faults", _faults(rehearsal, gate), methods=["POST"])
    sizes: dict[str, int] = {}
    if figures is not None:
        MetricsRoute(gate, figures).add_to(app)
    if v1 is not None:
        add_v1(app, gate, v1, clock)
        sizes[SECRETS_PATH] = v1.limits.client_secret_bytes
        if audio:
            routes_of_audio = app.state.audio = AudioRoutes(gate, audio, v1.limits)
            routes_of_audio.add_to(app)
            sizes |= routes_of_audio.sizes
    if calls is not None:
        routes_of_calls = CallRoutes(gate, calls)
        routes_of_calls.add_to(app)
        sizes |= routes_of_calls.sizes
    if console is not None:
        ConsoleRoutes(gate, console, clock).add_to(app)
    if web_root is not None and (web_root / "index.html").is_file():
        app.mount("/", pages.WebClient(web_root))
    else:
        app.add_api_route("/", pages.not_built, methods=["GET"], response_class=HTMLResponse)
    app.add_exception_handler(RefusedError, _on_refusal)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_wrong_body)
    app.add_middleware(Doorway, gate=gate, bodies=BodyRules(sizes, frozenset({TRANSCRIPTIONS_PATH})))
    return app


class _Routes:
    def __init__(
        self,
        gate: PortalGate,
        page: PageOptions,
        readiness: Callable[[], Readiness],
        ticket_limits: AddressLimits,
        durability: str,
    ) -> None:
        self._gate = gate
        self._page = page
        self._readiness = readiness
        self._ticket_limits = ticket_limits
        self._durability = durability

    async def healthz(self) -> dict[str, str]:
        return {"status": "ok", "durability": self._durability}

    async def readyz(self) -> JSONResponse:
        found = self._readiness()
        told = {"ready": found.ready, "reasons": list(found.reasons)}
        return JSONResponse(told, 200 if found.ready else 503, _NO_STORE)

    async def configuration(self, request: Request) -> Response:
        """What the page needs to know; begins a portal session for a browser that has none."""
        asked = as_upgrade_request(request.scope)
        who = self._gate.signed_in(asked)
        if who is None:
            return error(401, "NOT_AUTHORIZED", "Nobody is signed in.", "Sign in to the portal first.")
        session = self._gate.session(asked)
        begun = session or self._gate.cookies.new_session(who.customer_id)
        customers = [{"id": one, "name": name} for one, name in self._gate.customers.items()]
        page = self._page
        told = {
            "customer": {"id": who.customer_id, "name": who.customer_name},
            "assistant": {"name": page.assistant_name},
            "greeting": page.greeting,
            "models": [{"id": model, "label": label} for model, label in page.models],
            "voices": list(page.voices),
            "audio": dict(page.audio),
            "socketPath": page.socket_path,
            "protocol": page.protocol,
            "csrfToken": self._gate.cookies.csrf_token(begun),
            "ticketRequired": self._gate.ticket_required,
            "demo": {"customers": customers} if customers else None,
            "upstream": dict(page.upstream),
            "limits": {"binaryBytes": page.binary_bytes},
            "recording": {"words": page.recording_words} if page.recording_words else None,
        }
        headers = {} if session else self._set_cookie(asked, begun)
        return JSONResponse(told, headers={**_NO_STORE, **headers})

    async def judge_change(self, request: Request) -> None:
        """A dependency of every route that changes something: CSRF, Sec-Fetch-Site, Origin, a session."""
        asked = as_upgrade_request(request.scope)
        if not self._ticket_limits.admits(self._gate.peer(asked).line):
            raise RefusedError(Refusal(429, "RATE_LIMITED", "Too many requests from this address."))
        judged = self._gate.judge_change(asked)
        if isinstance(judged, Refusal):
            raise RefusedError(judged)

    async def ticket(self, request: Request) -> Response:
        """A ticket for one socket, for the signed-in customer."""
        who = self._gate.signed_in(as_upgrade_request(request.scope))
        if who is None:
            return error(401, "NOT_AUTHORIZED", "Nobody is signed in.", "Sign in to the portal first.")
        ticket, expires_at = self._gate.tickets.mint(who.customer_id, who.customer_name)
        expires = datetime.fromtimestamp(expires_at, UTC).isoformat().replace("+00:00", "Z")
        return JSONResponse({"ticket": ticket, "expiresAt": expires}, headers=_NO_STORE)

    async def demo_customer(self, request: Request, wanted: DemoCustomer) -> Response:
        """Sign in another customer of the demo: a new session, with a new CSRF token."""
        name = self._gate.customers.get(wanted.customerId)
        if name is None:
            return error(404, "NOT_FOUND", "The demo portal has no such customer.", "See demo.customers.")
        session = self._gate.cookies.new_session(wanted.customerId)
        told = {
            "customer": {"id": wanted.customerId, "name": name},
            "csrfToken": self._gate.cookies.csrf_token(session),
        }
        asked = as_upgrade_request(request.scope)
        return JSONResponse(told, headers={**_NO_STORE, **self._set_cookie(asked, session)})

    def _set_cookie(self, asked: UpgradeRequest, session: PortalSession) -> dict[str, str]:
        secure = self._gate.peer(asked).scheme == "https"
        return {"Set-Cookie": self._gate.cookies.set_cookie(session, secure=secure)}


def _faults(rehearsal: Rehearsing, gate: PortalGate) -> Callable[..., Awaitable[Response]]:
    """The developer's faults. A page of another origin cannot send JSON here without a preflight, which
    nobody answers; Host and Origin are judged by the doorway as everywhere.
    """

    async def faults(request: Request, wanted: RehearsedFault) -> Response:
        if not gate.peer(as_upgrade_request(request.scope)).is_loopback:
            return error(403, "NOT_AUTHORIZED", "Faults are rehearsed from this machine only.", "")
        met = rehearsal.play(wanted.fault, seconds=wanted.seconds, session=wanted.session)
        return JSONResponse({"fault": wanted.fault, "sessions": met}, headers=_NO_STORE)

    return faults


async def _on_refusal(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, RefusedError)
    refusal = problem.refusal
    again = {"Retry-After": "5"} if refusal.status == 429 else {}
    return error(refusal.status, refusal.code, refusal.message, **again)


async def _on_http_error(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    code = HTTPStatus(problem.status_code).name
    remedy = _REMEDIES.get(problem.status_code, "")
    told = problem.headers or {}
    return error_at(request.url.path, problem.status_code, code, str(problem.detail), remedy, **told)


async def _on_wrong_body(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, RequestValidationError)
    first = problem.errors()[0]
    place = ".".join(str(step) for step in first["loc"])
    return error(
        422, "INVALID_BODY", f"{place}: {first['msg']}", "Send the body that the reference describes."
    )
