"""What every HTTP request passes through, as plain ASGI: the gate, the size of bodies, the security headers.

What lives here: the middleware, limits per address.
What never will: routes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import parse_qsl

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdfast.auth import PortalGate
from holdfast.auth.origins import is_loopback_name, read_host
from holdfast.core.rates import TokenBucket
from holdfast.ports import UpgradeRequest
from holdfast.server import bodies
from holdfast.server.bodies import BodyRefusedError, BodyRules
from holdfast.server.errors import error_at

log = structlog.get_logger()

_ADDRESSES_MAX: Final = 10_000
ALIVE: Final = "/healthz"
"""A page of another portal looks here whether the gateway is back."""
PROBES: Final = frozenset({ALIVE, "/readyz"})
"""Asked by orchestrators under whatever Host they like; they tell nothing about anybody."""

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "connect-src 'self'; worker-src 'self'; media-src 'self'; manifest-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types holdfast"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), display-capture=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HSTS: Final = "max-age=31536000"


def joined(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Header fields with one value for each name, in small letters. Cookies that came over HTTP/2 may stand
    in several fields, which are joined as they would be in one.
    """
    headers: dict[str, str] = {}
    for field, value in fields:
        name = field.lower()
        separator = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{separator}{value}" if name in headers else value
    return headers


def as_upgrade_request(scope: Scope) -> UpgradeRequest:
    """An HTTP request in the shape that the gate judges."""
    headers = joined((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))
    client = scope.get("client")
    return UpgradeRequest(
        method=scope["method"],
        path=scope["path"],
        query=query,
        headers=headers,
        peer=client[0] if client else "",
        scheme="https" if scope.get("scheme") == "https" else "http",
    )


class Doorway:
    """Judges Host and Origin, reads bodies within bounds, and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, gate: PortalGate, *, bodies: BodyRules | None = None) -> None:
        self._app = app
        self._gate = gate
        self._bodies = bodies or BodyRules()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. A bug behind the door is a plain 500: its text goes to the log only."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = as_upgrade_request(scope)
        is_https = self._gate.peer(request).scheme == "https"
        answer = _Answer(
            send,
            pins_https=is_https and not _is_loopback(request),
            reader=self._gate.foreign_reader(request) if request.path == ALIVE else None,
        )
        try:
            await self._serve(request, scope, receive, answer)
        except Exception:
            log.exception("http.failed", category="server", source="http", path=request.path)
            if answer.started:
                raise
            words, fix = "Something went wrong on our side.", "Look into the log at this time."
            wrong = error_at(request.path, 500, "INTERNAL", words, fix)
            await wrong(scope, receive, answer)

    async def _serve(self, request: UpgradeRequest, scope: Scope, receive: Receive, send: _Answer) -> None:
        path = request.path
        refusal = None if path in PROBES else self._gate.judge_address(request)
        if refusal is not None:
            await error_at(path, refusal.status, refusal.code, refusal.message)(scope, receive, send)
            return
        if request.method in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        most = self._bodies.size(path)
        try:
            bodies.judge_length(request.headers.get("content-length", "0"), most)
            if path in self._bodies.flowing:
                await self._app(scope, bodies.counted(receive, most), send)
            else:
                body = await bodies.whole(receive, most)
                await self._app(scope, bodies.replayed(body, receive), send)
        except ClientDisconnect:
            return  # in the middle of its body: there is nobody to answer
        except BodyRefusedError:
            if send.started:
                raise
            words = f"A body has at most {most} bytes and comes within {bodies.BODY_S:g} s."
            await error_at(path, 413, "BODY_TOO_LARGE", words)(scope, receive, send)


def _is_loopback(request: UpgradeRequest) -> bool:
    """Whether we are called by a loopback name. A browser told there to insist on TLS would insist for every
    other server of its machine, too: ports do not count.
    """
    host = read_host(request.headers.get("host", ""))
    return host is not None and is_loopback_name(host.name)


class _Answer:
    """Sends an answer with the security headers on it, and knows whether it has begun."""

    def __init__(self, send: Send, *, pins_https: bool, reader: str | None) -> None:
        self._send = send
        self._reader = reader
        self._pins_https = pins_https
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            headers.update(SECURITY_HEADERS)
            if self._pins_https:
                headers["Strict-Transport-Security"] = _HSTS
            if self._reader is not None:
                headers["Access-Control-Allow-Origin"] = self._reader
                headers.add_vary_header("Origin")
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)


class AddressLimits:
    """A token bucket for each client, by `Peer.line` or its name. Of too many, the longest unseen goes."""

    def __init__(
        self,
        rate: float,
        burst: float,
        clock: Callable[[], float],
        *,
        addresses_max: int = _ADDRESSES_MAX,
    ) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._addresses_max = addresses_max
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def admits(self, key: str) -> bool:
        """Whether one more request of this client is within bounds."""
        bucket = self._buckets.pop(key, None) or TokenBucket(self._rate, self._burst)
        self._buckets[key] = bucket
        if len(self._buckets) > self._addresses_max:
            self._buckets.popitem(last=False)
        return bucket.take(1.0, self._clock())
