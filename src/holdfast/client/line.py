"""The socket to whoever is asked: dial, send, hear with time stamps.

What lives here: connecting with every failure named after the fault table, and a bounded queue of what came.
What never will: what a conversation makes of it.
"""

from __future__ import annotations

import asyncio
import binascii
import ipaddress
import socket
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import picows

from holdfast.client import happenings as hp
from holdfast.client.dialects import Dialect
from holdfast.sockets.listener import MessageBounds, MessageListener
from holdfast.sockets.trust import trusting
from holdfast.wire.error_codes import ERROR_FAULTS
from holdfast.wire.refused_upgrade import BODY_BYTES, of_status

DIAL_TIMEOUT_S: Final = 10.0
HEARD_MAX: Final = 20_000
_BOUNDS: Final = MessageBounds(binary_bytes=1024 * 1024)

Heard = tuple[float, hp.Happening]

ADMISSION_FAULTS: Final[Mapping[str, str]] = {
    **ERROR_FAULTS,
    "NOT_AUTHORIZED": "application.not_authorized",
    "UNSUPPORTED_MODEL": "application.unsupported_model",
}
"""The code of a refusal after 101, in either dialect -> fault."""


_NO_GATEWAYS: Final = frozenset({404, 405})
"""What a web server says to a path that it does not know; any gateway knows the browser protocol's."""


class CallError(Exception):
    """A call that failed. `code` is from the fault table; `evidence` are short facts without secrets;
    `told` is the other side's own fault object, where it gave one.
    """

    def __init__(self, code: str, *evidence: str, told: dict[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {'; '.join(evidence)}")
        self.code = code
        self.evidence = evidence
        self.told = told


GATEWAY_UNREACHABLE: Final = "user_network.gateway_unreachable"
OF_THE_WAY: Final = frozenset(
    {
        "provider.name_unknown",
        "provider.unreachable",
        "provider.tls_failed",
        "provider.handshake_timeout",
        "provider.connection_lost",
        "provider.closed",
    }
)
"""What a client calls a server that cannot be had. Where that is a gateway, the way is the user's."""


class DialError(CallError):
    """No connection."""


class Line(MessageListener):
    """One open socket of a client. `heard` yields (loop time, happening), the last one being `Closed`."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(_BOUNDS)
        self.dialect = dialect
        self.heard: asyncio.Queue[Heard] = asyncio.Queue(HEARD_MAX)
        self._loop = asyncio.get_running_loop()
        self.over = self._loop.create_future()

    def on_text(self, payload: bytes) -> None:
        try:
            happenings = self.dialect.understand(payload)
        except (msgspec.DecodeError, binascii.Error, ValueError):
            self._hear([hp.Trouble("protocol_breach", "a message that is no JSON object came")])
            return
        self._hear(happenings)
        if any(isinstance(happening, hp.Created) for happening in happenings):
            self.send_all(self.dialect.created())

    def on_binary(self, payload: bytes) -> None:
        self._hear(self.dialect.hear(payload))

    def on_closed(self, code: int, reason: str) -> None:
        if not self.over.done():
            self.over.set_result(None)
        self._hear([hp.Closed(code, reason)])

    def send_all(self, messages: Sequence[bytes]) -> None:
        """Send text messages in order."""
        for message in messages:
            self.send_text(message)

    def send_audio(self, pcm: bytes) -> None:
        """Send one piece of input audio."""
        binary, message = self.dialect.audio(pcm)
        (self.send_binary if binary else self.send_text)(message)

    async def end(self) -> None:
        """Say goodbye and wait until the socket is over. Twice is harmless."""
        self.send_all(self.dialect.ending())
        self.close()
        await asyncio.wait([self.over], timeout=2 * DIAL_TIMEOUT_S)

    def _hear(self, happenings: Sequence[hp.Happening]) -> None:
        now = self._loop.time()
        for happening in happenings:
            if self.heard.full() and not isinstance(happening, hp.Closed):
                self.close(1008, "nobody listens")
                return
            if self.heard.full():
                self.heard.get_nowait()
            self.heard.put_nowait((now, happening))


async def dial(url: str, dialect: Dialect, credential: str | None = None, *, ca: Path | None = None) -> Line:
    """Connect and send the opening messages. Raises DialError.

    `ca` is believed beside the system's authorities. A credential never travels unencrypted to another
    machine.
    """
    address = dialect.url(url)
    parts = urlsplit(address)
    if parts.scheme not in {"ws", "wss"} or not parts.hostname:
        raise DialError("configuration.invalid", f"{url} is no ws:// or wss:// address")
    if credential and parts.scheme == "ws" and not is_loopback(parts.hostname):
        raise DialError(
            "configuration.invalid", f"a key is not sent unencrypted to {parts.hostname}: use wss://"
        )
    try:
        async with asyncio.timeout(DIAL_TIMEOUT_S):
            _, line = await picows.ws_connect(
                lambda: Line(dialect),
                address,
                extra_headers=dialect.headers(credential),
                max_frame_size=_BOUNDS.frame_bytes,
                websocket_handshake_timeout=None,
                max_redirects=0,
                ssl_context=trusting(ca) if parts.scheme == "wss" else None,
            )
    except (OSError, picows.WSError) as error:  # TimeoutError and ssl.SSLError are OSErrors
        raise _named(error, parts.hostname, dialect) from error
    if not isinstance(line, Line):  # what came was no HTTP, and the line was over
        hint = "; does it speak TLS (wss://)?" if parts.scheme == "ws" else ""
        raise DialError("provider.unreachable", f"host {parts.hostname}", f"it answered no upgrade{hint}")
    line.send_all(dialect.opening())
    return line


def is_address(url: str) -> bool:
    """Whether it names a host that can be dialled."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for a port that is none
        (parts.hostname or "").encode("idna")  # raises for what can be no name, as a..b
    except ValueError:
        return False
    return parts.scheme in {"http", "https", "ws", "wss"} and bool(parts.hostname)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _named(error: Exception, host: str, dialect: Dialect) -> DialError:
    if isinstance(error, picows.WSInvalidStatusError) and error.response is not None:
        return _refused(error, host, dialect)
    for kind, code in (
        (TimeoutError, "provider.handshake_timeout"),
        (socket.gaierror, "provider.name_unknown"),
        (ssl.SSLCertVerificationError, "configuration.tls_certificate"),
        (ssl.SSLError, "provider.tls_failed"),
        (picows.WSError, "provider.protocol_breach"),
    ):
        if isinstance(error, kind):
            return DialError(code, f"host {host}", str(error) or type(error).__name__)
    return DialError("provider.unreachable", f"host {host}", str(error) or type(error).__name__)


def _refused(error: picows.WSInvalidStatusError, host: str, dialect: Dialect) -> DialError:
    assert error.response is not None, "a refusal is an answer"
    status = int(error.response.status)
    evidence = f"{host} answered the upgrade with HTTP {status}"
    headers = {name.lower(): value for name, value in error.response.headers.items()}
    body = bytes(error.raw_body or b"")[:BODY_BYTES].decode("utf-8", "replace")
    cause = of_status(status, headers, body)
    if dialect.name == "browser" and status in {401, 403}:
        return DialError("application.not_authorized", evidence)
    if dialect.name == "browser" and (status in _NO_GATEWAYS or status < 300):
        return DialError("provider.unreachable", f"{evidence}: that is no gateway's door")
    return DialError(cause.code, evidence, *cause.evidence[1:])
