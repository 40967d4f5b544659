"""A gateway that listens on addresses of IPv6, on real sockets: who is one client, what it is called."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from uvicorn.config import Config
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from holdfast.auth import GateOptions, PortalGate
from holdfast.server.listening import QuietServer, bound_socket, listening
from holdfast.server.rest import PageOptions, Readiness, create_rest_app
from tests.server.guarded import KEY, guarded

TICKET = "/api/financial-sherpa/ticket"
PAGE = PageOptions("Financial Sherpa", "Hi", {"name": "local", "kind": "local", "model": "m"})


def has_ipv6() -> bool:
    try:
        bound_socket("::1", 0).close()
    except OSError:
        return False
    return socket.has_dualstack_ipv6()


pytestmark = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@asynccontextmanager
async def served(host: str) -> AsyncIterator[str]:
    gate = PortalGate(GateOptions(customers={"cust-1": "Anna"}))
    app = create_rest_app(
        gate=gate, page=PAGE, readiness=lambda: Readiness(ready=True), web_root=None, clock=lambda: 0.0
    )
    server = QuietServer(Config(app, log_config=None, lifespan="off"))
    async with listening(server, bound_socket(host, 0)) as authority:
        yield authority


async def tickets(base: str, address: str, number: int) -> list[int]:
    """The answers to so many requests from one of this machine's addresses."""
    transport = httpx.AsyncHTTPTransport(local_address=address)
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        return [(await client.post(TICKET)).status_code for _ in range(number)]


async def test_clients_of_both_families_are_counted_each_for_itself() -> None:
    async with served("::") as authority:
        base = f"http://127.0.0.1:{authority.rpartition(':')[2]}"

        assert 429 in await tickets(base, "127.0.0.1", 61)
        assert 429 not in await tickets(base, "127.0.0.2", 1)


async def test_sessions_are_counted_by_the_network_that_one_client_has(tmp_path: Path) -> None:
    proxies, limits = {"trusted_proxies": ["127.0.0.1"]}, {"sessions_per_ip": 1}
    async with (
        guarded(tmp_path, server=proxies, limits=limits) as (url, _, _),
        AsyncExitStack() as open_ones,
    ):
        statuses = []
        for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"):
            headers = {"Authorization": f"Bearer {KEY}", "X-Forwarded-For": address}
            try:
                await open_ones.enter_async_context(
                    connect(f"{url.replace('http', 'ws')}/v1/realtime", additional_headers=headers)
                )
                statuses.append(101)
            except InvalidStatus as refused:
                statuses.append(refused.response.status_code)

    assert statuses == [101, 429, 101]


async def test_the_address_told_can_be_opened() -> None:
    async with served("::1") as authority, httpx.AsyncClient() as client:
        assert (await client.get(f"http://{authority}/healthz")).status_code == 200
