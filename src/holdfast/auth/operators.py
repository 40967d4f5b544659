"""Operators: who may look at the console, and who may act there.

What lives here: their keys (hashes, as those of clients), the cookie of one who has signed in, the token that
a page shows when it changes something.
What never will: what the console shows, the rate of attempts.

Without keys the console is open to this machine only, as the page is: under a loopback name, and only while
nothing else asks for credentials. The cookie bears a nonce and the key's short name, so that a key which is
taken out of the settings ends what was signed in with it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from itsdangerous import BadData, URLSafeSerializer

from holdfast.auth.keys import ClientKeys, bearer
from holdfast.ports import Refusal, UpgradeRequest

SIGNED_IN_S: Final = 12 * 3600
_NAME: Final = "holdfast-operator"
_COOKIE_CHARS_MAX: Final = 1_024
_TOKEN_CHARS_MAX: Final = 256
_FETCH_SITES: Final = frozenset({"same-origin", "none"})

CLOSED: Final = Refusal(
    403,
    "CONSOLE_CLOSED",
    "This gateway has no operators: add the hash of a key to [console] keys, as "
    "`holdfast token --new-client-key` prints it.",
)
NOT_SIGNED_IN: Final = Refusal(401, "NOT_AUTHORIZED", "An operator's key is needed.")
OTHER_SITE: Final = Refusal(403, "FOREIGN_ORIGIN", "The console answers its own page only.")

BAD_TOKEN: Final = Refusal(403, "CSRF", "The page's token is missing or out of date: load the page again.")
READ_ONLY: Final = Refusal(403, "READ_ONLY", "This console may only look: see [console] may_act.")


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who may look. `nonce` is of the cookie; empty for a key in the header and on this machine."""

    name: str
    nonce: str = ""


class Operators:
    """`clock` gives seconds since 1970."""

    def __init__(self, hashed: Iterable[str], secret: str, clock: Callable[[], float]) -> None:
        self._keys = ClientKeys(hashed)
        self._clock = clock
        key = hmac.new(secret.encode(), b"holdfast operator", hashlib.sha256).digest()
        self._csrf_key = hmac.new(key, b"csrf", hashlib.sha256).digest()
        self._serializer = URLSafeSerializer(
            key,
            salt="holdfast.operator.session",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )

    @property
    def needs_key(self) -> bool:
        """Whether there are keys, so that one is asked for everywhere."""
        return bool(self._keys)

    def knows(self, key: str) -> bool:
        """Whether it is an operator's key."""
        return self._keys.find(key) is not None

    def admit(self, request: UpgradeRequest, *, is_open: bool, secure: bool) -> Operator | Refusal:
        """Judge a request. `is_open`: this machine, and nothing asks for credentials."""
        if request.headers.get("sec-fetch-site", "none") not in _FETCH_SITES:
            return OTHER_SITE
        if not self._keys:
            return Operator("this machine") if is_open else CLOSED
        offered = bearer(request)
        if offered:
            name = self._keys.find(offered)
            return NOT_SIGNED_IN if name is None else Operator(name)
        return self._by_cookie(request.headers.get("cookie", ""), secure=secure) or NOT_SIGNED_IN

    def sign_in(self, key: str, *, secure: bool) -> str | None:
        """The Set-Cookie of whoever shows a known key; None for another."""
        name = self._keys.find(key)
        if name is None:
            return None
        until = int(self._clock()) + SIGNED_IN_S
        signed = self._serializer.dumps([secrets.token_urlsafe(16), name, until])
        return f"{_cookie_name(secure=secure)}={signed}; {_attributes(SIGNED_IN_S, secure=secure)}"

    @staticmethod
    def sign_out(*, secure: bool) -> str:
        """The Set-Cookie that takes it back."""
        return f"{_cookie_name(secure=secure)}=; {_attributes(0, secure=secure)}"

    def token(self, operator: Operator) -> str:
        """What the operator's page shows when it changes something."""
        nonce = secrets.token_urlsafe(12)
        return f"{nonce}.{self._mac(operator, nonce)}"

    def is_token(self, operator: Operator, token: str) -> bool:
        """Whether it was made for this operator."""
        nonce, _, mac = token[:_TOKEN_CHARS_MAX].partition(".")
        return hmac.compare_digest(mac.encode("utf-8", "replace"), self._mac(operator, nonce).encode())

    def _mac(self, operator: Operator, nonce: str) -> str:
        told = f"{operator.name}\n{operator.nonce}\n{nonce}".encode("utf-8", "replace")
        return hmac.new(self._csrf_key, told, hashlib.sha256).hexdigest()

    def _by_cookie(self, header: str, *, secure: bool) -> Operator | None:
        found = [
            value.strip()
            for name, _, value in (pair.partition("=") for pair in header.split(";"))
            if name.strip() == _cookie_name(secure=secure)
        ]
        if len(found) != 1 or len(found[0]) > _COOKIE_CHARS_MAX:
            return None
        try:
            nonce, name, until = self._serializer.loads(found[0])
        except (BadData, ValueError, TypeError):
            return None
        is_whole = isinstance(nonce, str) and isinstance(name, str) and isinstance(until, int)
        if not is_whole or until <= self._clock() or not self._keys.has(name):
            return None
        return Operator(name, nonce)


def _cookie_name(*, secure: bool) -> str:
    return f"__Host-{_NAME}" if secure else _NAME


def _attributes(seconds: int, *, secure: bool) -> str:
    return f"Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"
