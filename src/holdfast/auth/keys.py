"""Keys of trusted server clients: `/v1/realtime` is theirs.

What lives here: making, hashing and comparing keys. Settings hold hashes only.
What never will: a key in clear.

A key is 256 random bits, so a plain SHA-256 is a fit hash: there is nothing to guess by dictionary.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import Final

from holdfast.ports import UpgradeRequest

KEY_SUBPROTOCOL: Final = "openai-insecure-api-key."
_HASHED: Final = re.compile(r"sha256:[0-9a-f]{64}")
_KEY_CHARS_MAX: Final = 512


def new_key() -> str:
    """A key to give to a client. Only its hash is kept."""
    return f"hf_{secrets.token_urlsafe(32)}"


def hash_key(key: str) -> str:
    """The form in which settings hold a key."""
    return f"sha256:{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()}"


def is_hashed_key(text: str) -> bool:
    """Whether a setting has that form."""
    return bool(_HASHED.fullmatch(text))


def bearer(request: UpgradeRequest) -> str:
    """The key in the header, where only a program can put one; else empty."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def offered_key(request: UpgradeRequest) -> str:
    """The key that a client offers, in the header or, as browsers must, as a subprotocol; else empty."""
    if key := bearer(request):
        return key
    for name in request.subprotocols:
        if name.startswith(KEY_SUBPROTOCOL):
            return name.removeprefix(KEY_SUBPROTOCOL)
    return ""


class ClientKeys:
    """The keys that are known, as hashes."""

    def __init__(self, hashed: Iterable[str] = ()) -> None:
        self._hashed = tuple(hashed)

    def __bool__(self) -> bool:
        return bool(self._hashed)

    def find(self, key: str) -> str | None:
        """A short name for a known key, for logs and limits; None for an unknown one. Constant time."""
        offered = hash_key(key[:_KEY_CHARS_MAX])
        matches = [hmac.compare_digest(offered, known) for known in self._hashed]
        return _name(offered) if any(matches) else None

    def has(self, name: str) -> bool:
        """Whether there is (still) a key of this short name."""
        return any(_name(known) == name for known in self._hashed)


def _name(hashed: str) -> str:
    return hashed.removeprefix("sha256:")[:12]
