"""Client secrets (`ek_...`): what a backend gives a browser so that it may open `/v1/realtime` for a while.

What lives here: minting, finding, forgetting, within bounds of number and size. They are kept in memory, by
hash: a restart forgets them, and a client then asks its backend for another.
What never will: what the holder of one may do (that is policy), the shape of a session.

A value ends in a tag of ours, so one that has expired is told apart from another server's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

PREFIX: Final = "ek_"
_RANDOM_CHARS: Final = 43
_TAG_CHARS: Final = 11
_VALUE: Final = len(PREFIX) + _RANDOM_CHARS + _TAG_CHARS


class NoRoomError(Exception):
    """As many secrets are in use as may be. `retry_after_s`: when the next one expires."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("too many client secrets at once")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """What a secret is bound to. An empty origin: any that the server welcomes."""

    id: str
    session: Mapping[str, Any]
    origin: str
    customer_id: str
    customer_name: str
    expires_at: int


class ClientSecrets:
    """The secrets in use. `clock` gives seconds since 1970; `key` signs the tag."""

    def __init__(self, key: str, clock: Callable[[], float], *, number_max: int, bytes_max: int) -> None:
        self._key = key.encode()
        self._clock = clock
        self._number_max = number_max
        self._bytes_max = bytes_max
        self._kept: dict[str, tuple[ClientSecret, int]] = {}  # hash -> what it is bound to, its size
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def size(self) -> int:
        """Bytes of the sessions that they are bound to."""
        return self._bytes

    def mint(
        self,
        session: Mapping[str, Any],
        *,
        seconds: int,
        size: int,
        origin: str = "",
        customer_id: str = "",
        customer_name: str = "",
    ) -> tuple[str, ClientSecret]:
        """A secret for `session`, whose text has `size` bytes. Raises NoRoomError."""
        self._forget()
        if len(self._kept) >= self._number_max or self._bytes + size > self._bytes_max:
            soonest = min((one.expires_at for one, _ in self._kept.values()), default=0)
            raise NoRoomError(max(1.0, soonest - self._clock()))
        chance = secrets.token_urlsafe(32)
        value = f"{PREFIX}{chance}{self._tag(chance)}"
        expires_at = int(self._clock()) + seconds
        hashed = _hashed(value)
        minted = ClientSecret(hashed[:12], session, origin, customer_id, customer_name, expires_at)
        self._kept[hashed] = minted, size
        self._bytes += size
        return value, minted

    def find(self, value: str) -> ClientSecret | None:
        """What the value is bound to; None when it has expired or was never minted here."""
        if not self.made(value):
            return None
        found, _ = self._kept.get(_hashed(value), (None, 0))
        return found if found is not None and found.expires_at > self._clock() else None

    def made(self, value: str) -> bool:
        """Whether the value was minted with our key, however long ago."""
        if len(value) != _VALUE or not value.startswith(PREFIX) or not value.isascii():
            return False
        chance, tag = value[len(PREFIX) : -_TAG_CHARS], value[-_TAG_CHARS:]
        return hmac.compare_digest(tag, self._tag(chance))

    def _tag(self, chance: str) -> str:
        digest = hmac.new(self._key, f"holdfast client secret {chance}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest)[:_TAG_CHARS].decode()

    def _forget(self) -> None:
        now = self._clock()
        for hashed, (one, size) in list(self._kept.items()):
            if one.expires_at <= now:
                del self._kept[hashed]
                self._bytes -= size


def _hashed(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
