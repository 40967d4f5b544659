"""Tickets: who a socket speaks for, signed, for a minute, once.

What lives here: minting and redeeming JSON Web Tokens (HS256 and nothing else), the memory of used ones.
What never will: a ticket in a log line or an answer.

A ticket travels as the subprotocol `holdfast.ticket.<ticket>`, because browsers cannot set a header on a
socket. A portal's own backend may sign tickets with the same secret. Claims: `sub` (customer id), `name`,
`iat`, `exp`, `jti`, and optionally `limits` (names and whole numbers).
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import jwt

TICKET_SUBPROTOCOL: Final = "holdfast.ticket."
TICKET_S: Final = 60
SKEW_S: Final = 60
"""How far a portal's clock may differ from ours."""

_ALGORITHM: Final = "HS256"
_TICKET_CHARS_MAX: Final = 4_096
_JTI_CHARS_MAX: Final = 64
_TEXT_CHARS_MAX: Final = 200
_LIMITS_MAX: Final = 16
_REMEMBERED_MAX: Final = 100_000
_OPTIONS: Final[Any] = {
    "require": ["sub", "iat", "exp", "jti"],
    # times are judged below, by our own clock
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


class TicketError(Exception):
    """A ticket is not accepted. The text is for the log; clients get the same answer for every reason."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket says."""

    customer_id: str
    customer_name: str
    expires_at: int
    limits: Mapping[str, int] = field(default_factory=dict)


class Tickets:
    """Mints and redeems with one secret. `clock` gives seconds since 1970."""

    def __init__(
        self, secret: str, clock: Callable[[], float], *, remembered_max: int = _REMEMBERED_MAX
    ) -> None:
        self._secret = secret
        self._clock = clock
        self._used: OrderedDict[str, float] = OrderedDict()  # jti -> when it can be forgotten
        self._remembered_max = remembered_max

    def mint(
        self, customer_id: str, customer_name: str, *, limits: Mapping[str, int] | None = None
    ) -> tuple[str, int]:
        """A ticket and when it expires (seconds since 1970)."""
        now = int(self._clock())
        claims: dict[str, Any] = {
            "sub": customer_id,
            "name": customer_name,
            "iat": now,
            "exp": now + TICKET_S,
            "jti": secrets.token_urlsafe(16),
        }
        if limits:
            claims["limits"] = dict(limits)
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM), now + TICKET_S

    def redeem(self, ticket: str) -> Ticket:
        """What the ticket says; it is used up by this. Raises TicketError."""
        if not ticket or len(ticket) > _TICKET_CHARS_MAX:
            raise TicketError("no ticket, or a huge one")
        try:
            claims = jwt.decode(ticket, self._secret, algorithms=[_ALGORITHM], options=_OPTIONS)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            # the last two: a head that is no text, or nested a thousand deep, is read before its signature
            raise TicketError(type(error).__name__) from None
        now = self._clock()
        issued, expires = _whole(claims, "iat"), _whole(claims, "exp")
        if expires - issued > TICKET_S:
            raise TicketError(f"valid for longer than {TICKET_S} s")
        if issued > now + SKEW_S:
            raise TicketError("issued in the future")
        if expires <= now - SKEW_S:
            raise TicketError("expired")
        found = Ticket(_text(claims, "sub"), _text(claims, "name", ""), expires, _limits(claims))
        self._use(_text(claims, "jti"), now, forget_at=expires + SKEW_S)
        return found

    def _use(self, jti: str, now: float, *, forget_at: float) -> None:
        if len(jti) > _JTI_CHARS_MAX:
            raise TicketError("its jti is too long")
        if jti in self._used:
            raise TicketError("used before")
        if len(self._used) >= self._remembered_max:
            self._forget(now)
        if len(self._used) >= self._remembered_max:
            raise TicketError("too many tickets at once")  # rather refuse one than accept one twice
        self._used[jti] = forget_at

    def _forget(self, now: float) -> None:
        for jti in [jti for jti, forget_at in self._used.items() if forget_at <= now]:
            del self._used[jti]


def _whole(claims: Mapping[str, Any], name: str) -> int:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
        raise TicketError(f"{name} is no time")
    return int(value)


def _text(claims: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = claims.get(name, default)
    if not isinstance(value, str) or len(value) > _TEXT_CHARS_MAX or (default is None and not value):
        raise TicketError(f"{name} is missing or too long")
    if not _is_whole(value):
        raise TicketError(f"{name} holds half a character")  # it could be written nowhere
    return value


def _is_whole(text: str) -> bool:
    """Whether every character is one: JSON can hold halves, which no UTF-8 can."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _limits(claims: Mapping[str, Any]) -> dict[str, int]:
    limits = claims.get("limits", {})
    fits = isinstance(limits, dict) and len(limits) <= _LIMITS_MAX
    if not fits or any(type(value) is not int or value < 0 for value in limits.values()):
        raise TicketError("limits are no whole numbers by name")
    return dict(limits)
