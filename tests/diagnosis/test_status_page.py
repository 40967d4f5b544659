"""A service's page about itself: asked only when it is wished, and never more than a warning."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from holdfast.diagnosis import Status
from holdfast.diagnosis.status_page import link_of, status_page

CALM = {"page": {"name": "Voice"}, "status": {"indicator": "none", "description": "All Systems Operational"}}
SICK = {
    "status": {"indicator": "major", "description": "Partial Outage"},
    "components": [],
    "incidents": [{"name": "Realtime sessions fail", "status": "investigating"}],
}


@asynccontextmanager
async def page(body: bytes, status: int = 200) -> AsyncIterator[tuple[str, list[str]]]:
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.decode().split(" ")[1])
        writer.write(f"HTTP/1.1 {status} Told\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


async def test_a_calm_service_and_one_that_knows_of_its_trouble() -> None:
    async with page(json.dumps(CALM).encode()) as (link, asked):
        calm = await status_page(link)()
        assert asked == ["/api/v2/summary.json"]
    async with page(json.dumps(SICK).encode()) as (link, _):
        sick = await status_page(link)()

    assert (calm.status, sick.status) == (Status.OK, Status.WARNING)
    assert "All Systems Operational" in calm.detail
    assert "Partial Outage; Realtime sessions fail (investigating)" in sick.detail


@pytest.mark.parametrize(
    ("body", "status"), [(b"<html>", 200), (b"{}", 200), (b"", 503), (b"x" * 2_000_000, 200)]
)
async def test_a_page_that_tells_nothing_is_no_finding(body: bytes, status: int) -> None:
    async with page(body, status) as (link, _):
        answer = await status_page(link)()

    assert answer.status is Status.OK
    assert "tells nothing that can be read" in answer.detail


def test_whose_page_is_known() -> None:
    assert link_of("https://api.openai.com/v1") == "https://status.openai.com"
    assert link_of("https://me.openai.azure.com/openai/v1") == "https://azure.status.microsoft"
    assert link_of("https://api.openai.com.evil.example/v1") == ""
