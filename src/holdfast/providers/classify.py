"""From what broke to a fault of the table: exceptions, close codes and reasons.

What lives here: the messy part, as tables.
What never will: what to do about it (`core.recovery`), what it means (`core.faults`).
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Mapping
from typing import Final

from picows import WSError, WSHandshakeError, WSInvalidMessageError

from holdfast.core.faults import FAULTS, Fault, fault
from holdfast.wire.error_codes import ERROR_FAULTS
from holdfast.wire.refused_upgrade import BODY_BYTES, of_status

CLOSE_FAULTS: Final[Mapping[int, str]] = {
    1000: "provider.closed",
    1001: "provider.closed",
    1002: "provider.protocol_breach",
    1003: "provider.protocol_breach",
    1005: "provider.closed",
    1006: "provider.connection_lost",
    1007: "provider.protocol_breach",
    1008: "provider.policy",
    1009: "provider.message_too_big",
    1011: "provider.server_error",
    1012: "provider.unavailable",
    1013: "provider.overloaded",
    3000: "configuration.invalid_api_key",
    4000: "configuration.session_refused",
    4004: "configuration.model_not_found",
}
"""Close codes (protocol reference, 9.3); a reason `<type>.<code>` knows better."""


_NOTHING_LEFT: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
"""What the system says when it has nothing left for us."""


def of_close(code: int, reason: str) -> Fault:
    """The fault behind a close frame, or 1006 for none."""
    evidence = [f"close code {code}"]
    if reason:
        evidence.append(f"close reason {reason[:120]}")
    told = reason.partition(".")[2]
    if told in FAULTS:  # another gateway's close, which bears a code of this table
        return fault(told, evidence)
    for part in reversed(reason.split(".")):
        if part in ERROR_FAULTS:
            return fault(ERROR_FAULTS[part], evidence)
    if code == 1008 and "expired" in reason.lower():
        return fault("provider.session_expired", evidence)
    return fault(CLOSE_FAULTS.get(code, "provider.closed"), evidence)


def of_exception(error: BaseException) -> Fault:
    """The fault behind a dial that raised."""
    if isinstance(error, WSHandshakeError) and error.response is not None:
        headers = {name.lower(): value for name, value in error.response.headers.items()}
        body = bytes(error.raw_body or b"")[:BODY_BYTES].decode("utf-8", "replace")
        return of_status(int(error.response.status), headers, body)
    what = f"{type(error).__name__}: {error}"[:200]
    match error:
        case ssl.SSLCertVerificationError():
            code = "configuration.tls_certificate"
        case ssl.SSLError():
            code = "provider.tls_failed"
        case socket.gaierror():
            code = "provider.name_unknown"
        case UnicodeError() if "idna" in str(error):  # it can't be a name, as `api..example.com`
            code = "provider.name_unknown"
        case TimeoutError():
            code = "provider.handshake_timeout"
        case OSError():
            is_ours = error.errno in _NOTHING_LEFT
            code = "gateway.out_of_resources" if is_ours else "provider.unreachable"
        case WSInvalidMessageError():  # the answer is no HTTP
            code = "provider.protocol_breach"
        case WSError():
            code = "provider.connection_lost"
        case _:
            code = "gateway.internal"
    return fault(code, [what])
