"""A conversation with an upstream that has a fault: how rows with `emulate` are provoked, and some others.

What lives here: the conversation. What never will: which fault; the row says it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from holdfast.core.limits import Limits
from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.ports import UpstreamDialer
from tests.faults.seen import Seen
from tests.server.gateway import Client, TestGateway, frames, gateway
from tests.server.test_matrix import QUESTION, SILENCE

NOBODY = "http://127.0.0.1:1/v1"
"""Port 1: nobody listens there."""
LIMITS = Limits(
    dial_s=1.5,
    created_s=1.5,
    updated_s=1.5,
    upstream_ping_s=2.0,
    upstream_pong_s=2.0,
    response_first_s=2.0,
    response_stall_s=1.0,
    response_notice_s=1.5,
    reask_wait_s=0.05,
    start_budget_s=4.0,
    recovery_budget_s=4.0,
    retry_base_s=0.01,
    retry_cap_s=0.02,
)
"""Short, and long enough for a busy machine: only what a fault is about may run out."""
SEEN_S = 15.0


async def emulated(fault: str, code: str, seen: Seen) -> None:
    """Talk to an upstream with this fault until its code has been seen."""
    async with Emulator(EmulatorOptions(faults=[fault], speed=0)) as upstream:
        await conversed(upstream.http_base, code, seen)


async def conversed(upstream: str | UpstreamDialer, code: str, seen: Seen, limits: Limits = LIMITS) -> None:
    """Begin a session with this upstream, speak and write, until the code has been seen."""
    async with gateway(upstream, limits=limits) as gw, calling(gw, seen) as client:
        client.say("create_session", framing="raw")
        for frame in frames(QUESTION + SILENCE):
            client.send_binary(frame)
        await client.until(lambda: client.closed or seen.has(code) or client.told("response_done"), SEEN_S)
        if not seen.has(code) and client.closed is None:
            client.say("input_text", text="hello")
        await until_seen(code, seen)


@asynccontextmanager
async def calling(gw: TestGateway, seen: Seen, **options: object) -> AsyncIterator[Client]:
    """A client whose messages are looked at."""
    client = await Client.connect(gw.browser_url, **options)
    seen.clients.append(client)
    try:
        yield client
    finally:
        client.close()


async def until_seen(code: str, seen: Seen) -> None:
    """Wait for a log line or a message with the code."""
    try:
        async with asyncio.timeout(SEEN_S):
            while not seen.has(code):  # noqa: ASYNC110 - the log tells nobody that it was written
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"{code} was not seen; but {seen.codes}") from None


@asynccontextmanager
async def self_signed(files: Mapping[str, Path]) -> AsyncIterator[str]:
    """A server over TLS whose certificate nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files["certificate"], files["key"])

    def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
