"""What the runtime asks of the outside world, as protocols.

What lives here: the shapes that floors above fill in (upstreams, tools, admission).
What never will: an implementation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from holdfast.core.faults import Fault
from holdfast.express import Express, Leg

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class UpgradeRequest:
    """A WebSocket upgrade as the gate sees it.

    `headers` has lower-case names, the last value of a repeated name joined by ", ".
    `peer` is the address of the direct TCP peer (before trusted proxies are looked at).
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    peer: str
    scheme: Literal["http", "https"] = "http"

    @property
    def subprotocols(self) -> Sequence[str]:
        """The offered subprotocols, in order."""
        offered = self.headers.get("sec-websocket-protocol")
        if offered is None:
            return ()
        return [name.strip() for name in offered.split(",") if name.strip()]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is speaking, decided by a ticket or the portal's session, never by the browser's word.

    `session` is what a client secret is bound to: the settings its conversation begins with; `origin` the
    only web origin that may use it, empty for any that is welcome.
    """

    customer_id: str
    customer_name: str
    source: Literal["ticket", "cookie", "demo", "client_key", "client_secret", "loopback"]
    limits: Mapping[str, int] = field(default_factory=dict)
    session: Mapping[str, Any] | None = None
    origin: str = ""

    def as_record(self) -> dict[str, Any]:
        """As it stands in the journal: by name."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody was not let in. `status` is HTTP's; `in_band` asks for 101, `error`, close 3000."""

    status: int
    code: str
    message: str
    in_band: bool = False


class Purse(Protocol):
    """What customers may still spend."""

    def refusal(self, customer_id: str) -> Fault | None:
        """Why no session may begin for this customer; None when it may."""
        ...


class PeerAddress(Protocol):
    """Who is at the other end, behind trusted proxies."""

    @property
    def line(self) -> str:
        """What limits count by: the address, or the network that one client has."""
        ...


class Gate(Protocol):
    """Admission of sockets: Host, Origin, credentials. Synchronous and without IO."""

    def peer(self, request: UpgradeRequest) -> PeerAddress:
        """Who is at the other end."""
        ...

    def admit_browser(self, request: UpgradeRequest) -> Principal | Refusal:
        """Judge an upgrade of the browser protocol."""
        ...

    def admit_client(self, request: UpgradeRequest) -> Principal | Refusal:
        """Judge an upgrade of `/v1/realtime`."""
        ...


@dataclass(frozen=True, slots=True)
class ToolContext:
    """On whose behalf a tool runs. `last_reply` is what the assistant said last (for `repeat`)."""

    session_id: str
    call_id: str
    customer_id: str
    customer_name: str
    last_reply: str = ""

    @property
    def idempotency_key(self) -> str:
        """The same for every run of this call, and for no other call."""
        return f"{self.session_id}/{self.call_id}"


@dataclass(frozen=True, slots=True)
class ClientAction:
    """What the page shall do, for what voice alone may not do."""

    action: str
    target: str
    arguments: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """A tool's end. `output` is JSON text for the model; `say` in it is a sentence ready to be spoken."""

    output: str
    status: Literal["ok", "failed", "timeout", "refused"]
    client_action: ClientAction | None = None
    end_session: bool = False
    fault: str | None = None  # a code of the fault table


class Toolbox(Protocol):
    """The tools of an application."""

    def definitions(self) -> Sequence[Json]:
        """Flat function tools (realtime dialect). `parameters` may bear the schema extensions
        `x-utterances` (spoken examples), `x-title` (what it does, as a spoken noun phrase) and `x-openings`
        (how its results begin), which only the embedded engine is sent.
        """
        ...

    @property
    def idempotent(self) -> frozenset[str]:
        """Names of the tools that may run twice under one `ToolContext.idempotency_key`."""
        ...

    async def call(self, name: str, arguments: str, context: ToolContext) -> ToolOutcome:
        """Run one tool. Never raises: a fault is an outcome."""
        ...


class UpstreamLine(Protocol):
    """An open connection to an upstream."""

    @property
    def request_id(self) -> str:
        """What its server calls the request that opened it, for its support; empty where it does not say."""
        ...

    def send_text(self, payload: bytes) -> None:
        """Send one client event."""
        ...

    def send_large(self, payload: bytes) -> None:
        """Send one client event for which no room is to be kept."""
        ...

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Hang up. Twice is harmless."""
        ...

    def abort(self) -> None:
        """Break the connection without a word, as a network does."""
        ...

    @property
    def leg(self) -> Leg | None:
        """Its place on the express, once it rides."""
        ...

    def ride(self, express: Express) -> None:
        """Let `express` read it from the next boundary between frames on, where it can."""
        ...

    def pause_reading(self, *, paused: bool) -> None:
        """Do not read, or read on."""
        ...


class UpstreamSink(Protocol):
    """Who hears what an upstream does. Called inside the socket's callbacks: synchronous and quick."""

    def upstream_opened(self, generation: int, line: UpstreamLine) -> None:
        """The socket is open."""
        ...

    def upstream_message(self, generation: int, raw: bytes) -> None:
        """One server event."""
        ...

    def upstream_lost(self, generation: int, cause: Fault) -> None:
        """The connection is over, or never came about."""
        ...

    def upstream_paused(self, *, paused: bool) -> None:
        """The upstream reads more slowly than we send: stop, or go on, reading the client."""
        ...


@dataclass(frozen=True, slots=True)
class UpstreamTraits:
    """What an upstream is and can do."""

    name: str
    kind: Literal["openai", "azure", "compatible", "local"]
    model: str
    voices: tuple[str, ...]
    default_voice: str
    transcription_model: str | None
    knows_utterances: bool = False
    """Whether tools may bear `x-utterances` and `x-title` (the embedded engine learns from them)."""


class UpstreamDialer(Protocol):
    """How to reach one upstream."""

    @property
    def traits(self) -> UpstreamTraits:
        """What it is."""
        ...

    async def dial(self, generation: int, sink: UpstreamSink, query: Mapping[str, str]) -> None:
        """Connect; everything else comes through the sink, a failure as `upstream_lost`. Never raises
        but `CancelledError`.
        """
        ...


class Conversation(Protocol):
    """A runner, as its client's socket sees it."""

    def start(self) -> None:
        """The socket is open."""
        ...

    def client_text(self, payload: bytes) -> None:
        """One text message."""
        ...

    def client_binary(self, payload: bytes) -> None:
        """One binary message."""
        ...

    def client_breached(self, code: int, reason: str) -> None:
        """The client broke a rule of sockets. This close code follows; words can still be sent."""
        ...

    def client_closed(self, code: int, reason: str) -> None:
        """The socket is over."""
        ...

    def client_stalled(self, waiting_bytes: int) -> None:
        """The client does not read."""
        ...

    def drain(self, *, at_once: bool = False) -> None:
        """The process stops."""
        ...


class ClientLine(Protocol):
    """A client's socket, as the runtime uses it."""

    def send_text(self, payload: bytes) -> None:
        """Send one text message."""
        ...

    def send_binary(self, payload: bytes) -> None:
        """Send one binary message."""
        ...

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake."""
        ...

    @property
    def leg(self) -> Leg | None:
        """Its place on the express, once it rides."""
        ...

    def ride(self, express: Express) -> None:
        """Let `express` read it from the next boundary between frames on, where it can."""
        ...

    def pause_reading(self, *, paused: bool) -> None:
        """Let TCP do the waiting."""
        ...

    @property
    def round_trip_ms(self) -> float | None:
        """How long a packet takes to the client and back; None where nobody knows."""
        ...

    def make_room(self, size: int) -> None:
        """A message of that size is about to be sent: it alone is no reason to take the client for slow."""
        ...

    def abort(self) -> None:
        """Break the connection without a word, as a network does."""
        ...

    def hand_to(self, conversation: Conversation | None) -> None:
        """From here on what the client sends is for this conversation, or for nobody."""
        ...
