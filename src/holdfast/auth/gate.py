"""The gate: one answer to "may this request come in, and whom does it speak for?"

What lives here: `PortalGate`, which fills the port `Gate` for sockets and judges the REST routes alike.
Synchronous, without IO.
What never will: rate limits, sessions, routes.

Two postures. *Bare*: no secret and no client keys are configured; then only clients on this machine, under a
loopback name, are let in, and the first demo customer is signed in. *Guarded*: a browser needs a ticket, a
client of `/v1/realtime` a key. Every refusal of a credential reads the same.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from holdfast.auth.client_secrets import ClientSecrets
from holdfast.auth.cookies import Cookies, PortalSession, has_cookie
from holdfast.auth.keys import ClientKeys, bearer, offered_key
from holdfast.auth.operators import Operator, Operators
from holdfast.auth.origins import OriginPolicy, is_loopback_name, normal_origin, read_host
from holdfast.auth.peers import Peer, TrustedProxies
from holdfast.auth.tickets import TICKET_SUBPROTOCOL, TicketError, Tickets
from holdfast.core.limits import DEFAULT
from holdfast.ports import Principal, Refusal, UpgradeRequest

log = structlog.get_logger()

_FETCH_SITES: Final = frozenset({"same-origin", "none"})

FOREIGN_HOST: Final = Refusal(
    403, "FOREIGN_HOST", "This server does not answer to this host name: add its origin to [server] origins."
)
FOREIGN_ORIGIN: Final = Refusal(
    403, "FOREIGN_ORIGIN", "Pages of this origin may not talk to this server: see [server] origins."
)
NO_ORIGIN: Final = Refusal(403, "FOREIGN_ORIGIN", "A request with a cookie must name its page.")
BAD_CREDENTIAL: Final = Refusal(401, "NOT_AUTHORIZED", "A valid ticket is needed: ask for a new one.")
NO_KEY: Final = Refusal(401, "NOT_AUTHORIZED", "A key is needed: send it as Authorization: Bearer.")
EXPIRED_SECRET: Final = Refusal(
    401,
    "invalid_api_key",
    "The client secret has expired or is not of this server: ask your backend for a new one.",
    in_band=True,
)
WRONG_KEY: Final = Refusal(401, "invalid_api_key", "Incorrect API key provided.", in_band=True)
NO_MONITOR: Final = Refusal(
    401, "NOT_AUTHORIZED", "The figures are for this machine, or for a key of [metrics] keys."
)
BAD_CSRF: Final = Refusal(
    403, "CSRF", "The page's token is missing or out of date: load the page's configuration again."
)


@dataclass(frozen=True, slots=True)
class GateOptions:
    """What the gate is told. `customers` are the demo portal's, id -> name; empty when there is no demo."""

    secret: str = field(default="", repr=False)
    client_keys: Sequence[str] = ()
    operator_keys: Sequence[str] = field(default=(), repr=False)
    origins: Sequence[str] = ()
    trusted_proxies: Sequence[str] = ()
    customers: Mapping[str, str] = field(default_factory=dict)
    client_secrets: int = DEFAULT.client_secrets
    client_secrets_bytes: int = DEFAULT.client_secrets_bytes
    monitor_keys: Sequence[str] = ()
    """Hashes of the keys that open `/metrics`."""
    monitors_need_keys: bool = False
    """Whether programs of this machine need one, too."""


METRICS_PATH: Final = "/metrics"
_FORWARDED: Final = frozenset({"forwarded", "x-forwarded-for", "x-real-ip", "via"})
"""Who sends one of these speaks for somebody else, named as trusted or not."""


class PortalGate:
    """Admission by Host, Origin, ticket, cookie and key. `clock` gives seconds since 1970."""

    def __init__(self, options: GateOptions, clock: Callable[[], float] = time.time) -> None:
        # without a configured secret, what is signed lives as long as this process
        secret = options.secret or secrets.token_urlsafe(48)
        self._customers = dict(options.customers)
        self._origins = OriginPolicy(options.origins)
        self._proxies = TrustedProxies(options.trusted_proxies)
        self._keys = ClientKeys(options.client_keys)
        self._monitors = ClientKeys(options.monitor_keys)
        self._monitors_need_keys = options.monitors_need_keys
        self._guarded = bool(options.secret)
        self.tickets = Tickets(secret, clock)
        self.cookies = Cookies(secret, clock)
        self.operators = Operators(options.operator_keys, secret, clock)
        self.client_secrets = ClientSecrets(
            secret, clock, number_max=options.client_secrets, bytes_max=options.client_secrets_bytes
        )

    @property
    def customers(self) -> Mapping[str, str]:
        """The demo portal's customers, id -> name; empty when there is no demo."""
        return self._customers

    @property
    def ticket_required(self) -> bool:
        """Whether a browser's socket needs a ticket."""
        return self._guarded

    def welcomes(self, origin: str, request: UpgradeRequest) -> bool:
        """Whether a page of `origin` may talk to us under the name by which this request calls us."""
        host = request.headers.get("host", "")
        return self._origins.welcomes(origin, scheme=self.peer(request).scheme, host=host)

    def peer(self, request: UpgradeRequest) -> Peer:
        """Who is at the other end, behind trusted proxies: the address that limits count by."""
        return self._proxies.resolve(request.peer, request.scheme, request.headers)

    def admit_browser(self, request: UpgradeRequest) -> Principal | Refusal:
        """Judge an upgrade of the browser protocol: Host, Origin, then ticket or cookie."""
        refusal = self.judge_address(request)
        if refusal:
            return refusal
        ticket = _offered_ticket(request)
        if ticket is not None:
            return self._by_ticket(ticket, request)
        if not self._guarded and self._is_bare_loopback(request):
            return self.signed_in(request) or _refused(BAD_CREDENTIAL, request, "no demo customer")
        return _refused(BAD_CREDENTIAL, request, "no ticket")

    def admit_client(self, request: UpgradeRequest) -> Principal | Refusal:
        """Judge an upgrade of `/v1/realtime`: Host, Origin, then the key."""
        refusal = self.judge_address(request)
        if refusal:
            return refusal
        key = offered_key(request)
        if self.client_secrets.made(key):
            return self._by_secret(key, request)
        return self.admit_server(request)

    def admit_server(self, request: UpgradeRequest) -> Principal | Refusal:
        """Judge the key of a trusted server client, behind `judge_address`; a client secret is none."""
        key = offered_key(request)
        if not self._keys:
            is_bare = not self._guarded and self._is_bare_loopback(request)
            if is_bare and not self.client_secrets.made(key):
                return Principal("loopback", "", "loopback")
            return _refused(NO_KEY, request, "no client keys are configured")
        if not key:
            return _refused(NO_KEY, request, "no key")
        name = self._keys.find(key)
        if name is None:
            return _refused(WRONG_KEY, request, "unknown key")
        return Principal(f"client-{name}", "", "client_key")

    def judge_monitor(self, request: UpgradeRequest) -> Refusal | None:
        """Judge who wants the figures, behind `judge_address`: by key, or as a program of this machine. None:
        it may have them. A page has no business here.
        """
        if "origin" in request.headers:
            return _refused(FOREIGN_ORIGIN, request, "a page asks for the figures")
        if key := bearer(request):
            return None if self._monitors.find(key) else _refused(NO_MONITOR, request, "unknown key")
        is_forwarded = not _FORWARDED.isdisjoint(request.headers)
        if self._monitors_need_keys or is_forwarded or not self._is_bare_loopback(request):
            return _refused(NO_MONITOR, request, "no key")
        return None

    def admit_operator(self, request: UpgradeRequest) -> Operator | Refusal:
        """Judge who asks the console, behind `judge_address`."""
        is_open = not self._guarded and not self._keys and self._is_bare_loopback(request)
        secure = self.peer(request).scheme == "https"
        judged = self.operators.admit(request, is_open=is_open, secure=secure)
        return _refused(judged, request, "no operator") if isinstance(judged, Refusal) else judged

    def judge_address(self, request: UpgradeRequest) -> Refusal | None:
        """Host and Origin, for sockets and pages alike. None: the request may go on."""
        host = request.headers.get("host", "")
        origin = request.headers.get("origin")
        if not self._origins.answers_to(host) and not self._is_a_server(request, host):
            return _refused(FOREIGN_HOST, request, "foreign host")
        peer = self.peer(request)
        if origin is not None:
            welcome = self._origins.welcomes(origin, scheme=peer.scheme, host=host)
            return None if welcome else _refused(FOREIGN_ORIGIN, request, "foreign origin")
        # A browser names its page on every socket and every changing request.
        speaks_as_page = request.method != "GET" or "upgrade" in request.headers
        if speaks_as_page and has_cookie(request.headers.get("cookie", ""), secure=peer.scheme == "https"):
            return _refused(NO_ORIGIN, request, "cookie without an origin")
        return None

    def _is_a_server(self, request: UpgradeRequest, host: str) -> bool:
        """Whether this is a trusted server, which may call us by any name: an address, or what a proxy that
        ends TLS has written. A page cannot bring a key in the header under a rebound name.
        """
        if "origin" in request.headers or read_host(host) is None:
            return False
        key = bearer(request)
        if request.path == METRICS_PATH:
            return self._monitors.find(key) is not None
        return self._keys.find(key) is not None or self.operators.knows(key)

    def foreign_reader(self, request: UpgradeRequest) -> str | None:
        """The page's origin when it is a listed one: it may read answers that tell nothing about anybody."""
        origin = request.headers.get("origin")
        return origin if origin is not None and self._origins.lists(origin) else None

    def judge_change(self, request: UpgradeRequest) -> PortalSession | Refusal:
        """A request that changes something: Sec-Fetch-Site, Origin, and the CSRF token of its session."""
        refusal = self.judge_address(request)
        if refusal:
            return refusal
        if request.headers.get("sec-fetch-site", "none") not in _FETCH_SITES:
            return _refused(BAD_CSRF, request, "another site's request")
        session = self.session(request)
        token = request.headers.get("x-csrf-token", "")
        if session is None or not self.cookies.is_csrf_token(session, token):
            return _refused(BAD_CSRF, request, "no session, or a token of another one")
        return session

    def session(self, request: UpgradeRequest) -> PortalSession | None:
        """The portal session in the request's cookie, when it is of a customer we know."""
        secure = self.peer(request).scheme == "https"
        session = self.cookies.read(request.headers.get("cookie", ""), secure=secure)
        return session if session and session.customer_id in self._customers else None

    def signed_in(self, request: UpgradeRequest) -> Principal | None:
        """The portal's customer: by the cookie, without one the first of the demo; None without a demo."""
        session = self.session(request)
        if session:
            return Principal(session.customer_id, self._customers[session.customer_id], "cookie")
        for customer_id, name in self._customers.items():
            return Principal(customer_id, name, "demo")
        return None

    def _by_secret(self, value: str, request: UpgradeRequest) -> Principal | Refusal:
        secret = self.client_secrets.find(value)
        if secret is None:
            return _refused(EXPIRED_SECRET, request, "an expired client secret")
        if secret.origin and normal_origin(request.headers.get("origin", "")) != secret.origin:
            return _refused(FOREIGN_ORIGIN, request, "a client secret bound to another origin")
        customer = secret.customer_id or f"secret-{secret.id}"
        return Principal(
            customer,
            secret.customer_name,
            "client_secret",
            session=secret.session,
            origin=secret.origin,
        )

    def _by_ticket(self, text: str, request: UpgradeRequest) -> Principal | Refusal:
        try:
            ticket = self.tickets.redeem(text)
        except TicketError as error:
            return _refused(BAD_CREDENTIAL, request, str(error))
        return Principal(ticket.customer_id, ticket.customer_name, "ticket", ticket.limits)

    def _is_bare_loopback(self, request: UpgradeRequest) -> bool:
        host = read_host(request.headers.get("host", ""))
        return self.peer(request).is_loopback and host is not None and is_loopback_name(host.name)


def _offered_ticket(request: UpgradeRequest) -> str | None:
    for name in request.subprotocols:
        if name.startswith(TICKET_SUBPROTOCOL):
            return name.removeprefix(TICKET_SUBPROTOCOL)
    return None


def _refused(refusal: Refusal, request: UpgradeRequest, reason: str) -> Refusal:
    log.info(
        "auth.refused",
        category="auth",
        source="gate",
        path=request.path,
        status=refusal.status,
        reason=reason,
    )
    return refusal
