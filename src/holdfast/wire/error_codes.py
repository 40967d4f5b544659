"""What an `error.code` means, whoever sent it.

What lives here: one table from the codes of all providers to faults.
What never will: what to do about it (`core.recovery`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from holdfast.core.faults import FAULTS, Fault, fault

ERROR_FAULTS: Final[Mapping[str, str]] = {
    # Azure's own spellings, at the handshake and in the session.
    "DeploymentNotFound": "configuration.model_not_found",
    "OperationNotSupported": "configuration.model_not_found",
    "OpperationNotSupported": "configuration.model_not_found",
    "Unauthorized": "configuration.invalid_api_key",
    "PermissionDenied": "configuration.no_access",
    "RateLimitReached": "provider.rate_limited",
    "too_many_requests": "provider.rate_limited",
    "InternalServerError": "provider.server_error",
    # Servers of the same dialect.
    "model_load_error": "configuration.model_not_found",
    "session_limit_reached": "provider.overloaded",
    "invalid_api_key": "configuration.invalid_api_key",
    "account_deactivated": "configuration.quota_exhausted",
    "billing_hard_limit_reached": "configuration.quota_exhausted",
    "insufficient_quota": "configuration.quota_exhausted",
    "credit_balance_exhausted": "configuration.quota_exhausted",
    "missing_model": "configuration.model_not_found",
    "invalid_model": "configuration.model_not_found",
    "model_not_found": "configuration.model_not_found",
    "beta_api_shape_disabled": "configuration.beta_shape",
    "session_expired": "provider.session_expired",
    "rate_limit_exceeded": "provider.rate_limited",
    "inference_rate_limit_exceeded": "provider.rate_limited",
    "server_error": "provider.server_error",
}
"""`error.code` to fault (protocol reference, 9.4). Others are about one of our messages."""


def fault_of_error(
    code: str, kind: str, message: str, otherwise: str = "application.invalid_message"
) -> Fault:
    """The fault that an `error` object names; the code decides, then the type, then `otherwise`.

    A code of the fault table is the word of another gateway, which knows best whose fault it is.
    """
    known = code if code in FAULTS else ERROR_FAULTS.get(code) or ERROR_FAULTS.get(kind)
    codes = [f"error.code {code or 'none'}", f"error.type {kind or 'none'}"]
    return fault(known or otherwise, [message or "no message", *codes])
