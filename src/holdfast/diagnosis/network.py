"""The way to an upstream, layer by layer: name, TCP, TLS; and the clock that it shows.

What lives here: one probe for each layer below the WebSocket, with its fault. What never will: a session.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from holdfast.diagnosis.checks import Answer
from holdfast.sockets.trust import trusting

LAYER_TIMEOUT_S: Final = 10.0
CLOCK_TIMEOUT_S: Final = 2.0
SKEW_MAX_S: Final = 60.0
"""So far apart clocks may be where tickets are judged (reliability reference, F)."""
_HEAD_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Peer:
    """Where an upstream lives."""

    host: str
    port: int
    tls: bool

    @classmethod
    def of(cls, url: str) -> Peer:
        """From an http(s) or ws(s) address. ValueError when it is none."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https", "ws", "wss"} or not parts.hostname:
            raise ValueError(f"{url} is no http(s) or ws(s) address")
        tls = parts.scheme in {"https", "wss"}
        return cls(parts.hostname, parts.port or (443 if tls else 80), tls)


async def name(peer: Peer) -> Answer:
    """Does the name resolve?"""
    try:
        async with asyncio.timeout(LAYER_TIMEOUT_S):
            found = await asyncio.get_running_loop().getaddrinfo(
                peer.host, peer.port, type=socket.SOCK_STREAM
            )
    except (OSError, UnicodeError) as error:  # TimeoutError says nothing of itself; a..b can be no name
        return Answer.failed("provider.name_unknown", f"{peer.host}: {str(error) or 'no answer'}")
    return Answer.ok(", ".join(dict.fromkeys(str(entry[4][0]) for entry in found)))


async def tcp(peer: Peer) -> Answer:
    """Does somebody listen?"""
    try:
        await _open(peer, None)
    except TimeoutError:
        return Answer.failed(
            "provider.unreachable", f"{peer.host}:{peer.port}: no answer in {LAYER_TIMEOUT_S:.0f} s"
        )
    except OSError as error:
        return Answer.failed("provider.unreachable", f"{peer.host}:{peer.port}: {error.strerror or error}")
    return Answer.ok(f"{peer.host}:{peer.port}")


async def tls(peer: Peer, ca: Path | None = None) -> Answer:
    """Is the way encrypted, and the certificate trusted here?"""
    if not peer.tls:
        return Answer.ok("not encrypted, as configured")
    try:
        await _open(peer, trusting(ca))
    except ssl.SSLCertVerificationError as error:
        return Answer.failed("configuration.tls_certificate", f"{peer.host}: {error.verify_message}")
    except OSError as error:
        return Answer.failed("provider.tls_failed", f"{peer.host}: {str(error) or 'no answer'}")
    return Answer.ok("certificate trusted")


async def clock(peer: Peer, ca: Path | None = None) -> Answer:
    """How far this machine's clock is from the one of whoever answers there; asked without a credential."""
    try:
        head = await _head(peer, trusting(ca) if peer.tls else None)
    except OSError as error:
        return Answer.ok(f"not told: {str(error) or 'no answer'}")
    told = next((line[5:].strip() for line in head.splitlines() if line[:5].lower() == "date:"), "")
    try:
        theirs = parsedate_to_datetime(told)
    except ValueError:
        return Answer.ok("not told")
    if theirs.tzinfo is None:  # "-0000" (RFC 5322, 3.3): UTC, and nobody's zone
        theirs = theirs.replace(tzinfo=UTC)
    skew_s = (datetime.now(UTC) - theirs).total_seconds()
    if abs(skew_s) > SKEW_MAX_S:
        side = "ahead of" if skew_s > 0 else "behind"
        return Answer.warning(
            f"this machine's clock is {abs(skew_s):.0f} s {side} {peer.host}'s",
            "Let the time be set by NTP: tickets and certificates are judged by it.",
        )
    return Answer.ok(f"{abs(skew_s):.0f} s apart")


async def _head(peer: Peer, context: ssl.SSLContext | None) -> str:
    async with asyncio.timeout(CLOCK_TIMEOUT_S), connected(peer, context) as (reader, writer):
        writer.write(f"HEAD / HTTP/1.1\r\nHost: {peer.host}\r\nConnection: close\r\n\r\n".encode())
        return (await reader.read(_HEAD_BYTES)).decode("latin-1")


async def _open(peer: Peer, context: ssl.SSLContext | None) -> None:
    async with asyncio.timeout(LAYER_TIMEOUT_S), connected(peer, context):
        pass


@contextlib.asynccontextmanager
async def connected(
    peer: Peer, context: ssl.SSLContext | None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """One connection by hand, closed behind the block. Raises OSError."""
    reader, writer = await asyncio.open_connection(peer.host, peer.port, ssl=context)
    try:
        yield reader, writer
    finally:
        writer.close()
        await asyncio.sleep(0)  # a loop that ended before its next round would leave the socket open
