"""One WebSocket to an upstream that speaks the Realtime dialect, and how to open it.

What lives here: dialling, the socket's callbacks, back-pressure.
What never will: retrying, knowing what an event says.
"""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal

from picows import WSParsedURL

from holdfast.core.faults import fault
from holdfast.core.limits import DEFAULT, Limits
from holdfast.express import Express
from holdfast.ports import UpstreamSink, UpstreamTraits
from holdfast.providers import classify
from holdfast.providers.addresses import Addresses, Place
from holdfast.sockets import Handshake, MessageBounds, MessageListener, connect
from holdfast.sockets.trust import trusting
from holdfast.wire.dialects import Link

BOUNDS: Final = MessageBounds(text_bytes=21 * 1024 * 1024, binary_bytes=1024, fragments=64)
"""A spoken turn that a client reads back may be as long as the longest append."""


REQUEST_ID_CHARS: Final = 80
KeyHeader = Literal["authorization", "api-key"]
"""Which header bears the credential; `authorization` as a bearer token."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to dial, and with which credential. `token` is never part of a log line."""

    url: str
    token: str
    limits: Limits = DEFAULT
    names: Addresses = field(default_factory=Addresses)
    key_header: KeyHeader = "authorization"
    headers: Mapping[str, str] = field(default_factory=dict)
    translation: Link | None = None
    """Where the upstream speaks another dialect than GA: that of this one link."""
    trust: ssl.SSLContext | None = None
    """Whose certificates are believed; what the system believes where nobody else is named."""

    @property
    def upgrade_headers(self) -> Mapping[str, str]:
        """With the one that bears the credential, where there is one."""
        if not self.token:
            return self.headers
        if self.key_header == "api-key":
            return {**self.headers, "api-key": self.token}
        return {**self.headers, "Authorization": f"Bearer {self.token}"}


@functools.cache
def trusted() -> ssl.SSLContext:
    """Whose certificates are believed: what the system believes, read once. To read it takes some thirty
    milliseconds, in which nobody is heard: not a thing to do at each dial.
    """
    return trusting()


class RealtimeLink(MessageListener):
    """An upstream's socket; tells its sink everything it hears."""

    def __init__(self, generation: int, sink: UpstreamSink, outbox_bytes: int) -> None:
        super().__init__(BOUNDS)
        self._generation = generation
        self._sink = sink
        self._outbox_bytes = outbox_bytes
        self.has_opened = False
        self.is_abandoned = False
        """Nobody waits for this link any more: it must not live."""
        self.request_id = ""
        """See `UpstreamLine`."""

    def on_open(self) -> None:
        told = self.transport.response.headers.get("x-request-id", "")
        self.request_id = str(told)[:REQUEST_ID_CHARS]
        if self.is_abandoned:
            self.transport.disconnect(graceful=False)
            return
        self.has_opened = True
        self.transport.underlying_transport.set_write_buffer_limits(high=self._outbox_bytes)
        self.listen()
        self._sink.upstream_opened(self._generation, self)

    def listen(self) -> None:
        """From here on its events go to the sink."""
        # The hot path has no step between picows and the sink.
        self.on_text = partial(self._sink.upstream_message, self._generation)  # type: ignore[method-assign] # see above

    def on_binary(self, payload: bytes) -> None:
        cause = fault("provider.protocol_breach", [f"a binary message of {len(payload)} bytes"])
        self._sink.upstream_lost(self._generation, cause)
        self.close(1003, "text only")

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Hang up. Who does so is not told afterwards that it is over."""
        self.is_abandoned = True
        super().close(code, reason)

    def on_breach(self, code: int, reason: str) -> None:
        if not self.is_abandoned:
            self.is_abandoned = True
            cause = fault("provider.protocol_breach", [reason, f"closed by us with {code}"])
            self._sink.upstream_lost(self._generation, cause)

    def on_closed(self, code: int, reason: str) -> None:
        # The sink refers to this link; not the link to the sink, twice over.
        self.__dict__.pop("on_text", None)
        if self.is_abandoned:
            return
        self._sink.upstream_lost(self._generation, classify.of_close(code, reason))

    def pause_writing(self) -> None:
        self._sink.upstream_paused(paused=True)

    def resume_writing(self) -> None:
        self._sink.upstream_paused(paused=False)


class TranslatedLink(RealtimeLink):
    """A link to an upstream of another dialect. Its sink speaks and hears GA."""

    def __init__(self, generation: int, sink: UpstreamSink, outbox_bytes: int, translation: Link) -> None:
        super().__init__(generation, sink, outbox_bytes)
        self._translation = translation

    def ride(self, express: Express) -> None:
        """Not this one: each of its messages is translated."""

    def listen(self) -> None:
        heard = partial(self._sink.upstream_message, self._generation)
        down, up, say = self._translation.down, self._translation.up, self.send_text
        back = self._translation.back
        loop = asyncio.get_running_loop()

        def on_text(payload: bytes) -> None:
            for told in down(payload):
                heard(told)

        def send_text(payload: bytes) -> None:
            for told in up(payload):
                say(told)
            if back:
                # Not now: whoever sends is in the middle of a step.
                loop.call_soon(self._answer, heard, back.copy())
                back.clear()

        self.on_text = on_text  # type: ignore[method-assign] # as the class above does
        self.send_text = send_text  # type: ignore[method-assign] # as `MessageListener` does, one step more

    def send_large(self, payload: bytes) -> None:
        """What is large here may be small in the upstream's own dialect."""
        self.send_text(payload)

    def _answer(self, heard: Callable[[bytes], None], told: Sequence[bytes]) -> None:
        for one in told:
            if self.is_open:
                heard(one)


def _link(address: Address, generation: int, sink: UpstreamSink) -> RealtimeLink:
    outbox_bytes = address.limits.upstream_outbox_bytes
    if address.translation is None:
        return RealtimeLink(generation, sink, outbox_bytes)
    return TranslatedLink(generation, sink, outbox_bytes, address.translation)


class RemoteDialer(ABC):
    """Dials a server elsewhere; a kind of upstream says where, and what it is."""

    __slots__ = ()

    base_url: str

    def __post_init__(self) -> None:
        if self.base_url.startswith("https:"):
            trusted()  # read while nobody speaks yet

    @property
    @abstractmethod
    def traits(self) -> UpstreamTraits:
        """What it is."""

    @abstractmethod
    def address(self, query: Mapping[str, str]) -> Address:
        """Where, with which credential, and the translation for one link."""

    async def dial(self, generation: int, sink: UpstreamSink, query: Mapping[str, str]) -> None:
        """See `UpstreamDialer`."""
        await dial(self.address(query), generation, sink, {})


async def dial(address: Address, generation: int, sink: UpstreamSink, headers: Mapping[str, str]) -> None:
    """Open a link. A failure is told to the sink; only `CancelledError` leaves this function.

    Who cancels the wait may be late: the link itself is told that it is not wanted.
    """
    limits = address.limits
    link = _link(address, generation, sink)
    reached: list[tuple[str, Place]] = []

    async def connected(url: WSParsedURL) -> socket.socket | None:
        found = await address.names.connected(url.host, url.port)
        if found is None:
            return None
        reached.append((url.host, found[1]))
        return found[0]

    try:
        handshake = Handshake(
            timeout_s=limits.dial_s,
            ping_s=limits.upstream_ping_s,
            pong_s=limits.upstream_pong_s,
            frame_bytes_max=BOUNDS.frame_bytes,
            trusted=(address.trust or trusted()) if address.url.startswith("wss:") else None,
            headers={**address.upgrade_headers, **headers},
        )
        await connect(address.url, link, handshake, connected)
        if link.has_opened:
            for name, place in reached:
                address.names.answered(name, place)
        else:  # the peer hung up before it answered, and picows says nothing of it
            cause = fault(
                "provider.connection_lost", ["the connection ended before the upgrade was answered"]
            )
            sink.upstream_lost(generation, cause)
    except asyncio.CancelledError:
        link.is_abandoned = True
        if link.is_open:
            link.close()
        raise
    except Exception as error:  # noqa: BLE001 - whatever breaks becomes a fault
        cause = classify.of_exception(error)
        # picows' handshake keeps the error, the error its frames, and these the handshake and the sink: all
        # of them would wait for the collector.
        error.__traceback__ = None
        sink.upstream_lost(generation, cause)
