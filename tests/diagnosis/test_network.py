"""Each layer below the WebSocket, made to fail on loopback."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from holdfast.diagnosis import Answer, Status, network
from holdfast.diagnosis.network import Peer


def test_where_an_upstream_lives() -> None:
    assert Peer.of("https://api.openai.com/v1") == Peer("api.openai.com", 443, tls=True)
    assert Peer.of("ws://127.0.0.1:9100/v1/realtime") == Peer("127.0.0.1", 9100, tls=False)
    with pytest.raises(ValueError, match="no http"):
        Peer.of("api.openai.com")


async def test_a_name_that_nobody_knows() -> None:
    answer = await network.name(Peer("no-such-host.invalid", 443, tls=True))

    assert answer.fault is not None
    assert answer.fault.code == "provider.name_unknown"


async def test_what_can_be_no_name_is_unknown() -> None:
    answer = await network.name(Peer.of("https://api..example.com/v1"))

    assert answer.fault is not None
    assert answer.fault.code == "provider.name_unknown"


async def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        peer = Peer("127.0.0.1", unused.getsockname()[1], tls=False)

        answer = await network.tcp(peer)

    assert answer.fault is not None
    assert answer.fault.code == "provider.unreachable"


async def test_somebody_listens_but_does_not_speak_tls() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]

        assert (await network.name(Peer("127.0.0.1", port, tls=True))).status is Status.OK
        assert (await network.tcp(Peer("127.0.0.1", port, tls=True))).status is Status.OK
        assert (await network.tls(Peer("127.0.0.1", port, tls=False))).status is Status.OK
        answer = await network.tls(Peer("127.0.0.1", port, tls=True))

    assert answer.fault is not None
    assert answer.fault.code == "provider.tls_failed"


async def shown(date: datetime | None, zone: str = "GMT") -> Answer:
    """What is said of a server whose clock shows that."""
    told = "" if date is None else format_datetime(date, usegmt=True).replace("GMT", zone)
    head = f"Date: {told}\r\n".encode() if told else b""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\n" + head + b"Content-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        return await network.clock(Peer("127.0.0.1", server.sockets[0].getsockname()[1], tls=False))


async def test_a_clock_that_differs_from_the_servers_is_named() -> None:
    now = datetime.now(UTC)

    fine, ahead, behind = [await shown(now + timedelta(seconds=s)) for s in (2, -600, 600)]

    assert fine.status is Status.OK
    assert [one.status for one in (ahead, behind)] == [Status.WARNING] * 2
    assert "600 s ahead of" in ahead.detail or "601 s ahead of" in ahead.detail
    assert "s behind" in behind.detail
    assert "NTP" in ahead.remedy


async def test_a_clock_of_no_zone_is_of_utc() -> None:
    assert (await shown(datetime.now(UTC) + timedelta(seconds=2), "-0000")).status is Status.OK


async def test_a_server_that_shows_no_clock_is_no_finding() -> None:
    assert (await shown(None)).detail == "not told"
