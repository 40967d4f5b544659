"""Under which names a session and a customer are told of, in logs and traces alike.

What lives here: pseudonyms of customers; the trace that a session is. Pure but for one random key.
What never will: who the customer is.
"""

from __future__ import annotations

import hmac
import re
import secrets
from functools import lru_cache
from typing import Final

_CHARS: Final = 12
_SESSION: Final = re.compile(r"(?:hf|rt)_([0-9a-f]{32})")
_REMEMBERED: Final = 4096


class Pseudonyms:
    """The same customer is the same word; nobody finds the customer by the word without the key."""

    def __init__(self, key: str = "") -> None:
        """Without a key of its own, one that lives as long as this object."""
        self._key = (key or secrets.token_urlsafe(32)).encode()
        self.of = lru_cache(_REMEMBERED)(self._of)
        """The pseudonym of a customer."""

    def _of(self, customer_id: str) -> str:
        told = f"holdfast customer {customer_id}".encode()
        return hmac.digest(self._key, told, "sha256").hex()[:_CHARS]


def trace_id_of(session_id: str) -> str:
    """The trace of a session: 128 random bits are what both are. Empty for what is no session of ours."""
    found = _SESSION.fullmatch(session_id)
    return "" if found is None else found[1]
