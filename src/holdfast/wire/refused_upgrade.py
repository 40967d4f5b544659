"""What an upgrade that was answered with a status means, whoever asked for it.

What lives here: HTTP status, headers and body -> fault. What never will: sockets, what to do about it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import msgspec

from holdfast.core.faults import FAULTS, Fault, fault
from holdfast.wire.error_codes import ERROR_FAULTS

STATUS_FAULTS: Final[Mapping[int, str]] = {
    400: "configuration.session_refused",
    401: "configuration.invalid_api_key",
    403: "configuration.no_access",
    404: "configuration.model_not_found",
    408: "provider.unavailable",
    429: "provider.rate_limited",
}
"""HTTP status of the handshake (protocol reference, 9.2); 3xx and 5xx go by their hundred."""

BODY_BYTES: Final = 2000
RETRY_AFTER_MAX_S: Final = 60.0
_REFUSALS: Final = frozenset({400, 401, 403, 404, 429})
"""Where the body's code says more exactly what the status says: a blocked account is a 401, too."""


def of_status(status: int, headers: Mapping[str, str], body: str) -> Fault:
    """The fault behind a refused handshake. Headers' names are in lower case."""
    evidence = [f"HTTP status {status}"]
    if request_id := headers.get("x-request-id"):
        evidence.append(f"request id {request_id[:80]}")
    if "insufficient_quota" in body:
        return fault("configuration.quota_exhausted", evidence)
    named = _code_in(body)
    if named:
        evidence.append(f"error.code {named}")
    if named in FAULTS:  # another gateway's word, which knows best
        code = named
    elif status in _REFUSALS and named in ERROR_FAULTS:
        code = ERROR_FAULTS[named]
    elif status in STATUS_FAULTS:
        code = STATUS_FAULTS[status]
    elif 300 <= status < 400:
        code = "configuration.redirected"
    else:
        code = "provider.unavailable"
    return fault(code, evidence, retry_after_s=_retry_after(headers))


def _code_in(body: str) -> str:
    """The code of an error's body, as OpenAI and Azure write it; empty where there is none."""
    try:
        return str(_error_body(body).error.code or "")[:80]
    except (msgspec.MsgspecError, RecursionError):
        return ""


class _Said(msgspec.Struct):
    code: str | int | None = None


class _ErrorBody(msgspec.Struct):
    error: _Said


_error_body: Final = msgspec.json.Decoder(_ErrorBody).decode


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), RETRY_AFTER_MAX_S)
