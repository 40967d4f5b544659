"""Which upgrade becomes which conversation, or why none.

What lives here: paths, admission (the gate), limits (the directory), the chosen subprotocol.
What never will: credentials' rules (auth), what a conversation does (runtime).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, cast
from urllib.parse import parse_qsl

import structlog
from picows import WSListener, WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener

from holdfast.core.faults import Fault
from holdfast.core.limits import Limits
from holdfast.core.links import UpstreamFacts
from holdfast.core.models import refused_at_the_door
from holdfast.core.rights import Rights
from holdfast.ports import Gate, Principal, Refusal, UpgradeRequest
from holdfast.runtime.directory import Directory
from holdfast.runtime.relay_return import RelayWish
from holdfast.server import older_client
from holdfast.server.client_socket import RefusedSocket
from holdfast.server.doorway import joined
from holdfast.server.handover import Answer
from holdfast.server.host import BROWSER_PATH, REALTIME_PATH, Admission, Hosting, bounds_of
from holdfast.wire.dialects import asks_for_beta

BROWSER_PROTOCOL: Final = "holdfast.v1"
REALTIME_PROTOCOL: Final = "realtime"

_MODEL_REFUSALS: Final = {"other_product": ("invalid_model", 4000), "retired": ("model_not_found", 4004)}
"""As the service says it: code and close code (protocol, 9.3)."""


@dataclass(slots=True)
class SocketRouter:
    """Both faces of the gateway."""

    gate: Gate
    directory: Directory
    host: Hosting
    upstreams: Sequence[UpstreamFacts]
    limits: Limits
    secret_rights: Rights = Rights.NARROW
    translates_beta: bool = False
    """Whether clients of the shape before GA are let in."""

    def __call__(self, request: WSUpgradeRequest, peer: str, scheme: str) -> Answer:
        """Decide about one upgrade. A bug here is a plain 500: its text is nobody's business."""
        try:
            return self._route(upgrade_request(request, peer, scheme))
        except Exception:  # noqa: BLE001 - picows would print its text to the client
            structlog.get_logger().exception("upgrade.failed", category="server", source="router")
            return _refuse(500, "INTERNAL", "Something went wrong on our side.")

    def may_accept(self) -> bool:
        """Not with the last file descriptors: those are for the sessions that run."""
        descriptors = self.directory.descriptors
        return descriptors is None or descriptors.may_accept()

    def frame_bytes_max(self, path: str) -> int:
        """One byte more than a message may have, so that the listener is the one who refuses."""
        return bounds_of(path, self.limits).frame_bytes

    def _route(self, request: UpgradeRequest) -> Answer:
        if request.method != "GET":
            return _refuse(405, "METHOD", "WebSockets are opened with GET.")
        if request.headers.get("sec-websocket-version") != "13":
            return _refuse(
                426, "VERSION", "Only WebSocket version 13 is spoken.", {"Sec-WebSocket-Version": "13"}
            )
        if request.path == BROWSER_PATH:
            return self._browser(request)
        if request.path == REALTIME_PATH:
            return self._realtime(request)
        return _refuse(404, "NOT_FOUND", f"WebSockets live at {BROWSER_PATH} and {REALTIME_PATH}.")

    def _browser(self, request: UpgradeRequest) -> Answer:
        admitted = self.gate.admit_browser(request)
        if isinstance(admitted, Refusal):
            return self._refused(request, admitted)
        peer = self.gate.peer(request).line
        if (busy := self.directory.refusal(peer, admitted.customer_id)) is not None:
            return _busy(busy)
        entering = Admission(BROWSER_PATH, admitted, peer, admitted.customer_id)
        return _accept(request, BROWSER_PROTOCOL, self.host.listener(entering))

    def _realtime(self, request: UpgradeRequest) -> Answer:
        admitted = self.gate.admit_client(request)
        if isinstance(admitted, Refusal):
            return self._refused(request, admitted)
        if "call_id" in request.query:
            return _refuse(
                404, "not_found", "The sideband of a call is held by this gateway, for nobody else."
            )
        is_older = asks_for_beta(request.headers, request.subprotocols)
        if is_older and not self.translates_beta:
            return _accept(request, _protocol_for(request), older_client.refused())
        user = _counted_user(admitted)
        peer = self.gate.peer(request).line
        if (busy := self.directory.refusal(peer, user)) is not None:
            return _busy(busy)
        asked = RelayWish.of(request)
        if is_older:
            asked = asked.without_model()  # all that such a client could name are gone
        wish = asked.bound(admitted.session)
        if (refused := self._model_refused(wish)) is not None:
            return _accept(request, REALTIME_PROTOCOL, refused)
        entering = Admission(REALTIME_PATH, admitted, peer, user, self._rights_of(admitted), wish, is_older)
        return _accept(request, _protocol_for(request), self.host.listener(entering))

    def _rights_of(self, principal: Principal) -> Rights:
        """A server's own key may do all; what a browser was given, as much as the operator says."""
        return self.secret_rights if principal.source == "client_secret" else Rights.FULL

    def _model_refused(self, wish: RelayWish) -> RefusedSocket | None:
        """A name that no upstream could answer under, told as the service tells it, with what to use."""
        name = wish.query.get("model", "")
        if not name or wish.query.get("intent") == "transcription" or wish.returning is not None:
            return None
        if name in {one.model for one in self.upstreams}:
            return None
        found = refused_at_the_door(name, datetime.now(UTC).date())
        if found is None:
            return None
        code, close_code = _MODEL_REFUSALS[found.kind]
        structlog.get_logger().warning(
            "session.refused", category="session", source="router", model=name[:64], reason=found.reason
        )
        return RefusedSocket(code, found.message, close_code, "model")

    def _refused(self, request: UpgradeRequest, refusal: Refusal) -> Answer:
        """The gate has logged the reason, which the other side is not told."""
        if refusal.in_band:
            return _accept(request, REALTIME_PROTOCOL, RefusedSocket(refusal.code, refusal.message))
        return _refuse(refusal.status, refusal.code, refusal.message)


def upgrade_request(request: WSUpgradeRequest, peer: str, scheme: str) -> UpgradeRequest:
    """picows' request in our shape."""
    path, query = _target(request.path.decode("latin-1"))
    return UpgradeRequest(
        method=request.method.decode("latin-1"),
        path=path,
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers=joined(request.headers.items()),
        peer=peer,
        scheme=cast("Literal['http', 'https']", scheme),
    )


def _target(asked: str) -> tuple[str, str]:
    """Path and query of what is asked for, in origin or absolute form (RFC 9112, 3.2). By hand: as a URL
    "//[" would be a host, and a wrong one.
    """
    path, _, query = asked.partition("?")
    return (path if path.startswith("/") else "/" + path.partition("://")[2].partition("/")[2]), query


def _counted_user(principal: Principal) -> str:
    """Trusted server clients are one principal for many users: only their address is counted. A client secret
    that is bound to no customer is counted for itself.
    """
    return "" if principal.source in {"client_key", "loopback"} else principal.customer_id


def _protocol_for(request: UpgradeRequest) -> str:
    """A browser of the older shape may have offered that one alone."""
    offered = request.subprotocols
    older = older_client.SUBPROTOCOL
    return older if older in offered and REALTIME_PROTOCOL not in offered else REALTIME_PROTOCOL


def _accept(request: UpgradeRequest, protocol: str, listener: WSListener) -> Answer:
    """101; our own subprotocol is chosen when it was offered, a credential never echoed."""
    headers = {"Sec-WebSocket-Protocol": protocol} if protocol in request.subprotocols else None
    return WSUpgradeResponseWithListener(WSUpgradeResponse.create_101_response(headers), listener)


def _refuse(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Answer:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    body = json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}}).encode()
    fields = {"Content-Type": "application/json", "Cache-Control": "no-store", **(headers or {})}
    response = WSUpgradeResponse.create_error_response(status, body, fields)
    return WSUpgradeResponseWithListener(response, None)


def _busy(cause: Fault) -> Answer:
    status = 429 if cause.code == "application.rate_limited" else 503
    retry_after_s = round(cause.retry_after_s or 5)
    return _refuse(status, cause.code, cause.row.message, {"Retry-After": str(retry_after_s)})
