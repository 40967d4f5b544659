"""`POST /v1/realtime/calls`: WebRTC by the provider, its sideband held by us.

What lives here: reading an offer, admission, the answer's shape, hanging up.
What never will: media, what the sideband does (`core.call`).
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from fastapi import FastAPI, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.responses import Response

from holdfast.auth import PortalGate
from holdfast.core.limits import Limits
from holdfast.core.rights import Rights
from holdfast.ports import Principal, Refusal, Toolbox
from holdfast.ports.audio import AudioFailedError
from holdfast.ports.calls import CallProvider
from holdfast.runtime.call_runner import CallRunner
from holdfast.runtime.directory import Directory
from holdfast.server.doorway import as_upgrade_request
from holdfast.server.own_audio import InMemoryForm
from holdfast.server.v1 import RefusedV1Error, admitted, named_customer

CALLS_PATH: Final = "/v1/realtime/calls"
_NOT_OFFERED: Final = (
    "No upstream of this gateway takes WebRTC calls; the embedded engine does not. Open WS /v1/realtime "
    "instead, with the same key or client secret: the events are the same, audio travels in them."
)


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What the routes are told. Without a provider no call is taken."""

    provider: CallProvider | None
    model: str
    directory: Directory
    toolbox: Toolbox
    limits: Limits
    secret_rights: Rights = Rights.NARROW


class CallRoutes:
    """The routes, and the calls that run."""

    def __init__(self, gate: PortalGate, options: CallOptions) -> None:
        self._gate = gate
        self._options = options

    def add_to(self, app: FastAPI) -> None:
        """Put the routes into `app`."""
        app.add_api_route(CALLS_PATH, self.call, methods=["POST"])
        app.add_api_route(CALLS_PATH, self.preflight, methods=["OPTIONS"])
        app.add_api_route(CALLS_PATH + "/{call_id}/hangup", self.hang_up, methods=["POST"])

    @property
    def sizes(self) -> dict[str, int]:
        """How large an offer may be."""
        return {CALLS_PATH: self._options.limits.call_offer_bytes}

    async def preflight(self, request: Request) -> Response:
        """A page of a welcome origin may send an offer with its secret; the doorway has judged the origin."""
        allowed = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "authorization, content-type",
            "Access-Control-Max-Age": "600",
        }
        return Response(status_code=204, headers={**allowed, **_shared(request)})

    async def call(self, request: Request) -> Response:
        """An offer, passed on with our key; the answer, and a sideband of ours beside it."""
        who = self._admitted(request)
        sdp, asked = await _offer(request)
        options, provider = self._options, self._options.provider
        if provider is None:
            raise RefusedV1Error(501, "webrtc_not_offered", _NOT_OFFERED)
        session = self._session(who, asked)
        asked_by = as_upgrade_request(request.scope)
        peer = self._gate.peer(asked_by).line
        user = "" if who.source in {"client_key", "loopback"} else who.customer_id
        if (busy := options.directory.refusal(peer, user)) is not None:
            status = 429 if busy.code == "application.rate_limited" else 503
            raise RefusedV1Error(status, busy.code, busy.row.message, retry_after_s=busy.retry_after_s or 5)
        is_narrow = who.source == "client_secret" and options.secret_rights is Rights.NARROW
        runner = CallRunner(
            provider,
            options.directory,
            options.toolbox,
            options.limits,
            principal=who,
            bound=session if is_narrow else {},
        )
        options.directory.enter(runner, peer, user)
        try:
            answer = await provider.offer(sdp, session)
        except AudioFailedError as error:
            runner.give_up()
            raise RefusedV1Error(502, error.code, error.message) from error
        except BaseException:
            runner.give_up()
            raise
        if not answer.call_id:
            runner.give_up()
            if answer.status in {401, 403}:
                words = f"{provider.name} refuses this gateway's key. Its operator has to look at it."
                raise RefusedV1Error(502, "upstream_refused_key", words)
            return Response(answer.body, answer.status, {"content-type": answer.content_type})
        runner.start(answer.call_id)
        options.directory.calls[answer.call_id] = runner
        headers = {"Location": f"{CALLS_PATH}/{answer.call_id}", **_shared(request)}
        return Response(answer.body, 201, headers, media_type="application/sdp")

    async def hang_up(self, request: Request, call_id: str) -> Response:
        """End a call that we hold."""
        admitted(self._gate, request)
        runner = self._options.directory.calls.get(call_id)
        if runner is None:
            raise RefusedV1Error(404, "not_found", "No such call is held here.", param="call_id")
        runner.hang_up("asked")
        return Response(status_code=200)

    def _admitted(self, request: Request) -> Principal:
        judged = self._gate.admit_client(as_upgrade_request(request.scope))
        if isinstance(judged, Refusal):
            code = judged.code if judged.code.islower() else "missing_api_key"
            raise RefusedV1Error(judged.status, code, judged.message)
        if judged.source == "client_secret":
            return judged
        customer_id, name = named_customer(request)
        return replace(judged, customer_id=customer_id, customer_name=name) if customer_id else judged

    def _session(self, who: Principal, asked: Mapping[str, Any] | None) -> dict[str, Any]:
        """What the call begins with: what its secret is bound to, or what a trusted server asks for."""
        if who.session is not None and asked is not None:
            words = "The client secret decides what the session is: send the offer alone."
            raise RefusedV1Error(403, "insufficient_permissions", words, param="session")
        session = dict(who.session if who.session is not None else asked or {})
        if session.get("type", "realtime") != "realtime":
            raise RefusedV1Error(400, "invalid_value", "A call is a conversation.", param="session.type")
        return {"type": "realtime", "model": self._options.model, **session}


def _shared(request: Request) -> dict[str, str]:
    """For a page of another origin, which the doorway found welcome."""
    origin = request.headers.get("origin")
    if origin is None:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "location",
        "Vary": "Origin",
    }


async def _offer(request: Request) -> tuple[bytes, dict[str, Any] | None]:
    """SDP, and the session of the form if there is one. Raises RefusedV1Error."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/sdp":
        sdp, session = await request.body(), None
    elif kind == "multipart/form-data":
        sdp, session = await _form(request)
    else:
        words = "Send the offer as application/sdp, or a form with the parts sdp and session."
        raise RefusedV1Error(400, "unsupported_content_type", words)
    if not sdp.startswith(b"v=0"):
        raise RefusedV1Error(400, "invalid_offer", "The offer is no SDP: it begins with v=0.", param="sdp")
    return sdp, session


async def _form(request: Request) -> tuple[bytes, dict[str, Any] | None]:
    async def pieces() -> AsyncGenerator[bytes, None]:
        yield await request.body()

    try:
        form = await InMemoryForm(request.headers, pieces(), max_files=2, max_fields=2).parse()
    except (MultiPartException, KeyError) as error:
        raise RefusedV1Error(400, "invalid_form", f"The form can't be read: {error}.") from None
    try:
        parts = {
            name: await part.read() if isinstance(part, UploadFile) else part.encode()
            for name, part in form.items()
        }
    finally:
        await form.close()
    if "session" not in parts:
        return parts.get("sdp", b""), None
    try:
        session = json.loads(parts["session"])
    except (ValueError, RecursionError):
        session = None
    if not isinstance(session, dict):
        raise RefusedV1Error(400, "invalid_value", "session is no JSON object.", param="session")
    return parts.get("sdp", b""), session
