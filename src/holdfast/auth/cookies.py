"""The demo portal's session cookie, and the CSRF token that belongs to it.

What lives here: signing, reading, the cookie's attributes. Pure but for chance.
What never will: the decision who may sign in.

The cookie bears a random session id and the signed-in customer. The CSRF token is a signature of that
session id: a token of another session is worthless. Two cookies of the name are refused: one of them was
tossed in, from a sub-domain perhaps.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from itsdangerous import BadData, URLSafeSerializer

SESSION_S: Final = 12 * 3600
_NAME: Final = "holdfast-portal"
_COOKIE_CHARS_MAX: Final = 1_024
_TOKEN_CHARS_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class PortalSession:
    """A signed-in session of the demo portal."""

    id: str
    customer_id: str
    expires_at: int


class Cookies:
    """Signs and reads with keys derived from one secret. `clock` gives seconds since 1970."""

    def __init__(self, secret: str, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._serializer = URLSafeSerializer(
            _derived(secret, "cookie"),
            salt="holdfast.portal.session",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )
        self._csrf_key = _derived(secret, "csrf")

    def new_session(self, customer_id: str, *, session_id: str | None = None) -> PortalSession:
        """A session for a customer, from now on."""
        expires_at = int(self._clock()) + SESSION_S
        return PortalSession(session_id or secrets.token_urlsafe(16), customer_id, expires_at)

    def read(self, cookie_header: str, *, secure: bool) -> PortalSession | None:
        """The session in a Cookie header; None when there is none, or more than one, or it is not ours."""
        found = [
            value.strip()
            for name, _, value in (pair.partition("=") for pair in cookie_header.split(";"))
            if name.strip() == cookie_name(secure=secure)
        ]
        if len(found) != 1 or len(found[0]) > _COOKIE_CHARS_MAX:
            return None
        try:
            session_id, customer_id, expires_at = self._serializer.loads(found[0])
        except (BadData, ValueError, TypeError):
            return None
        if not (isinstance(session_id, str) and isinstance(customer_id, str) and isinstance(expires_at, int)):
            return None
        return PortalSession(session_id, customer_id, expires_at) if expires_at > self._clock() else None

    def set_cookie(self, session: PortalSession, *, secure: bool) -> str:
        """The value of a Set-Cookie header."""
        signed = self._serializer.dumps([session.id, session.customer_id, session.expires_at])
        attributes = f"Path=/; Max-Age={SESSION_S}; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"
        return f"{cookie_name(secure=secure)}={signed}; {attributes}"

    def csrf_token(self, session: PortalSession) -> str:
        """A fresh token for the pages of a session."""
        nonce = secrets.token_urlsafe(12)
        return f"{nonce}.{self._mac(session, nonce)}"

    def is_csrf_token(self, session: PortalSession, token: str) -> bool:
        """Whether a token was made for this session."""
        nonce, _, mac = token[:_TOKEN_CHARS_MAX].partition(".")
        return hmac.compare_digest(mac.encode("utf-8", "replace"), self._mac(session, nonce).encode())

    def _mac(self, session: PortalSession, nonce: str) -> str:
        return hmac.new(
            self._csrf_key, f"{session.id}\n{nonce}".encode("utf-8", "replace"), hashlib.sha256
        ).hexdigest()


def cookie_name(*, secure: bool) -> str:
    """With the prefix that browsers tie to this very host, wherever TLS allows it."""
    return f"__Host-{_NAME}" if secure else _NAME


def has_cookie(cookie_header: str, *, secure: bool) -> bool:
    """Whether a Cookie header bears our cookie at all, good or bad."""
    wanted = cookie_name(secure=secure)
    return any(pair.partition("=")[0].strip() == wanted for pair in cookie_header.split(";"))


def _derived(secret: str, purpose: str) -> bytes:
    return hmac.new(secret.encode(), f"holdfast {purpose}".encode(), hashlib.sha256).digest()
