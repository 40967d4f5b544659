"""The door of a gateway, knocked at: what a page, a program or a stranger is told there.

What lives here: one request by hand with any Host and Origin, and what a refusal means for who was refused.
What never will: admission (`auth`), a session.
"""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import msgspec

from holdfast.core.faults import FAULTS
from holdfast.diagnosis.checks import Answer
from holdfast.diagnosis.network import Peer, connected
from holdfast.sockets import bracketed

KNOCK_TIMEOUT_S: Final = 5.0
GOODBYE: Final = b"\x88\x82\x00\x00\x00\x00\x03\xe8"
"""A masked close frame with 1000: a knock is no lost connection in anybody's log."""
ANSWER_BYTES_MAX: Final = 64 * 1024

REFUSALS: Final[Mapping[str, tuple[str, str]]] = {
    "FOREIGN_ORIGIN": (
        "application.not_authorized",
        (
            "Add the page's origin to [server] origins (HOLDFAST_SERVER__ORIGINS) of the gateway: scheme, "
            "host and port exactly as the browser writes them."
        ),
    ),
    "FOREIGN_HOST": (
        "application.not_authorized",
        (
            "The gateway does not answer to this host name: use one of its own, or add its origin to "
            "[server] origins (HOLDFAST_SERVER__ORIGINS)."
        ),
    ),
    "NOT_AUTHORIZED": (
        "application.not_authorized",
        "It wants a ticket or a client key: `holdfast token`, then HOLDFAST_TICKET or HOLDFAST_CLIENT_KEY.",
    ),
    "NOT_FOUND": (
        "configuration.invalid",
        "There is no such path: sockets live at /api/openai/realtime and /v1/realtime.",
    ),
}
"""Codes of refusals at the door -> fault, and what whoever was refused can do."""


@dataclass(frozen=True, slots=True)
class Knocked:
    """What was answered."""

    status: int
    code: str = ""
    message: str = ""
    body: bytes = b""

    @property
    def refusal(self) -> Answer:
        """The refusal, explained."""
        told = [f"HTTP {self.status}", *filter(None, (self.code, self.message))]
        if self.code in FAULTS:
            return Answer.failed(self.code, *told)
        if self.code in REFUSALS:
            code, remedy = REFUSALS[self.code]
            return Answer.failed(code, *told, remedy=remedy)
        code = (
            "gateway.internal" if self.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "configuration.invalid"
        )
        remedy = (
            "Look whether a proxy in between answers in the gateway's place, and whether it passes upgrades."
        )
        return Answer.failed(code, *told, remedy=remedy)


async def knock(
    peer: Peer,
    path: str,
    context: ssl.SSLContext | None,
    headers: Mapping[str, str] | None = None,
    *,
    upgrade: bool = False,
) -> Knocked:
    """One GET, or one upgrade that is closed at once. Raises OSError (also for a time-out), ValueError."""
    fields = {"Host": _host_of(peer), "Connection": "Upgrade" if upgrade else "close"}
    if upgrade:
        key = base64.b64encode(os.urandom(16)).decode()
        fields |= {"Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
    fields |= dict(headers or {})
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    async with asyncio.timeout(KNOCK_TIMEOUT_S), connected(peer, context) as (reader, writer):
        writer.write("\r\n".join([*lines, "", ""]).encode())
        knocked = await _answer(reader)
        if knocked.status == HTTPStatus.SWITCHING_PROTOCOLS:
            writer.write(GOODBYE)
        return knocked


def _host_of(peer: Peer) -> str:
    host = bracketed(peer.host)
    return host if peer.port == (443 if peer.tls else 80) else f"{host}:{peer.port}"


def origin_of(peer: Peer) -> str:
    """The origin of the gateway's own page."""
    return f"{'https' if peer.tls else 'http'}://{_host_of(peer)}"


async def _answer(reader: asyncio.StreamReader) -> Knocked:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError("the connection ended before an answer came") from error
    except asyncio.LimitOverrunError as error:
        raise ValueError("the answer's head is too long") from error
    version, _, rest = head[0].partition(" ")
    if not version.startswith("HTTP/") or not rest[:3].isdecimal():
        raise ValueError(f"what answers there speaks no HTTP: {head[0][:60]!r}")
    status = int(rest[:3])
    if status == HTTPStatus.SWITCHING_PROTOCOLS:
        return Knocked(status)
    lengths = [line.partition(":")[2] for line in head if line.lower().startswith("content-length:")]
    size = min(int(lengths[0]) if lengths else ANSWER_BYTES_MAX, ANSWER_BYTES_MAX)
    body = b""
    while len(body) < size and (more := await reader.read(size - len(body))):
        body += more
    try:
        told = msgspec.json.decode(body, type=_Body).error
    except msgspec.MsgspecError:
        told = _Error()
    return Knocked(status, told.code or "", told.message or "", body)


class _Error(msgspec.Struct):
    code: str | None = None
    message: str | None = None


class _Body(msgspec.Struct):
    error: _Error
