"""Who is let in, and the HTTP beside the socket.

What lives here: reading a request's credential, the answers of refusals, models, client secrets.
What never will: sockets, counting.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from holdfast.core.models import refused_at_the_door
from holdfast.emulator.faults import HTTP_STATUSES, QUOTA
from holdfast.emulator.front import Answer, Request
from holdfast.emulator.options import EmulatorOptions
from holdfast.emulator.spelling import FaultSpec
from holdfast.wire.realtime import Intent, Refused, SessionConfig, new_id

MODELS: Final = ("gpt-realtime-2.1", "gpt-realtime-2.1-mini", "gpt-realtime-2", "gpt-realtime-1.5")
REDIRECTED: Final = "redirected"
"""The query by which a request is known that followed a 3xx answer of ours."""

_KEY_SUBPROTOCOL: Final = "openai-insecure-api-key."
_SECRET_S: Final = 600
_RETRIED: Final = (429, 503)


def credential(request: Request) -> tuple[str | None, str]:
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


def refused_at_once(request: Request, key: str | None, *, has_call: bool = False) -> Answer | None:
    """Why a request does not even get a socket, if it does not."""
    if key is None:
        return error(401, "missing_api_key", "Send 'Authorization: Bearer KEY'.")
    if "call_id" in request.query and not has_call:
        return error(404, "not_found", "There is no such call.")
    return None


def refusal(request: Request, key: str, options: EmulatorOptions) -> str | None:
    """Why this request is refused in band: a code of `REFUSALS`, if it is."""
    if options.api_key is not None and key != options.api_key:
        return "invalid_api_key"
    if "realtime=v1" in request.headers.get("openai-beta", "") and options.dialect == "openai":
        return "beta_api_shape_disabled"
    if "call_id" in request.query or request.query.get("intent") == "transcription":
        return None
    is_openai = options.dialect == "openai"  # elsewhere a model is a deployment, or a name of long ago
    model = request.query.get("model") or ("" if is_openai else request.query.get("deployment"))
    if not model:
        return "missing_model"
    if not is_openai:
        return None
    wrong = refused_at_the_door(model, datetime.now(UTC).date())
    return None if wrong is None else "model_not_found" if wrong.kind == "retired" else "invalid_model"


def told_status(fault: FaultSpec, delay_s: float, port: int, host: str) -> Answer:
    """The answer of an `http` fault. A redirect points to this emulator under another name."""
    status = int(fault.arguments[0])
    detail = fault.arguments[1] if len(fault.arguments) > 1 else None
    kind, code = HTTP_STATUSES[status]
    message = f"The emulator was told to answer {status}."
    headers: dict[str, str] = {}
    if detail == "quota":
        kind = code = QUOTA
        message = "You exceeded your current quota, please check your plan and billing details."
    elif detail is not None:
        headers["Retry-After"] = detail
    elif status in _RETRIED:
        headers["Retry-After"] = "1"
    elif status // 100 == 3:
        other = "localhost" if host != "localhost" else "127.0.0.1"
        headers["Location"] = f"http://{other}:{port}/v1/realtime?model={MODELS[0]}&{REDIRECTED}=1"
    return error(status, code, message, kind=kind, headers=headers, delay_s=delay_s)


def error(
    status: int,
    code: str,
    message: str,
    *,
    kind: str = "invalid_request_error",
    headers: Mapping[str, str] | None = None,
    delay_s: float = 0.0,
) -> Answer:
    """An error as HTTP."""
    document = {"error": {"type": kind, "code": code, "message": message, "param": None}}
    return Answer(status, document, headers or {}, delay_s)


def models() -> Answer:
    """`GET /v1/models`."""
    listed = [{"id": name, "object": "model", "created": 0, "owned_by": "holdfast"} for name in MODELS]
    return Answer(200, {"object": "list", "data": listed})


def client_secret(request: Request) -> Answer:
    """An ephemeral secret with the session it stands for. Any key is good here, this one too."""
    try:
        asked = msgspec.json.decode(request.body or b"{}", type=dict[str, dict[str, object]])
    except ValueError:
        return error(400, "invalid_json", "The body is not a JSON object.")
    wanted = asked.get("session", {})
    intent: Intent = "transcription" if wanted.get("type") == "transcription" else "realtime"
    now = int(time.time())
    model = str(wanted.get("model", MODELS[0]))
    config = SessionConfig(intent=intent, model=model, session_id=new_id("sess"), expires_at=now + 3600)
    try:
        config.update({"type": intent, **wanted}, voice_is_locked=False)
    except Refused as refused:
        return error(400, refused.code or "invalid_value", refused.message)
    seconds = asked.get("expires_after", {}).get("seconds", _SECRET_S)
    if not isinstance(seconds, int) or not 10 <= seconds <= 7200:
        return error(400, "invalid_value", "'expires_after.seconds' must be 10 to 7200.")
    return Answer(200, {"value": new_id("ek"), "expires_at": now + seconds, "session": config.effective})
