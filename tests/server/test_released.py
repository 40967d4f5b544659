"""Who has gone is gone: nothing of an ended conversation, or of a refused one, waits for the collector."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

import pytest
from picows import WSError

from holdfast.core.limits import Limits
from holdfast.core.relay_state import RelayState
from holdfast.core.state import State
from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.providers.realtime_link import RealtimeLink
from holdfast.runtime.shell import Shell
from holdfast.server.arrival import Arrival
from holdfast.server.client_socket import ClientSocket
from holdfast.server.handover import HandedOver, HandingOver
from holdfast.sockets.listener import LINGER_S
from tests.server.gateway import Client, TestGateway, eventually, gateway, tone
from tests.server.realtime_client import converse, dial, send_text, update
from tests.server.test_realtime_return import back as back_to_relay
from tests.server.test_realtime_return import begin, wish
from tests.server.test_return import back, handle, send, talking

WATCHED = (Shell, State, RelayState, ClientSocket, RealtimeLink, Arrival, HandingOver, HandedOver)

Life = Callable[[TestGateway, Emulator], Awaitable[None]]


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """It stays away, so that what it would have to collect is seen."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive() -> Counter[str]:
    """By class, what there is of it."""
    return Counter(type(one).__name__ for one in gc.get_objects() if issubclass(type(one), WATCHED))


async def browser_says_goodbye(gw: TestGateway, upstream: Emulator) -> None:
    client = await talking(gw)
    send(client, tone(1.0) + bytes(48_000))
    await client.until_told("response_done")
    client.say("input_text", text="call balance {}")
    await client.until(lambda: bool(gw.tools.runs))
    await client.until_told("response_done", 2)
    client.say("end_session")
    await client.until_closed()


async def browser_closes(gw: TestGateway, upstream: Emulator) -> None:
    client = await talking(gw)
    client.close()


async def browser_loses_its_upstream(gw: TestGateway, upstream: Emulator) -> None:
    client = await talking(gw)
    client.say("input_text", text="hello")
    await client.until_told("response_done")
    upstream.break_now("reset")
    await upstream.wait_for(lambda: len(upstream.records) > 1)
    client.say("input_text", text="hello again")
    await client.until_told("response_done", 2)
    client.close()


async def browser_comes_back(gw: TestGateway, upstream: Emulator) -> None:
    client = await talking(gw)
    found = handle(client)
    client.transport.disconnect(graceful=False)
    again = await back(gw, found)
    await again.until_told("session_resumed")
    other = await back(gw, {**found, "resumeToken": handle(again)["resumeToken"]})
    await other.until_told("session_resumed")
    await again.until_closed()
    other.close()


async def browser_never_asks(gw: TestGateway, upstream: Emulator) -> None:
    client = await Client.connect(gw.browser_url)
    client.say("nonsense")
    await client.until_told("error")
    client.transport.disconnect(graceful=False)


async def relayed_converses(gw: TestGateway, upstream: Emulator) -> None:
    client = await dial(gw)
    await converse(client)
    client.close()


async def relayed_loses_its_upstream(gw: TestGateway, upstream: Emulator) -> None:
    client = await dial(gw)
    update(client)
    await client.until_told("session.updated")
    upstream.break_now("reset")
    await upstream.wait_for(lambda: len(upstream.records) > 1)
    send_text(client, "hello")
    await client.until_told("response.done")
    client.close()


async def relayed_comes_back(gw: TestGateway, upstream: Emulator) -> None:
    client = await begin(gw)
    wanted = wish(client)
    client.transport.disconnect(graceful=False)
    again = await back_to_relay(gw, wanted)
    await again.until_told("holdfast.resumed")
    again.close()


async def some_are_refused(gw: TestGateway, upstream: Emulator) -> None:
    for path in ("?refuse=1", "/elsewhere"):
        with pytest.raises(WSError):
            await Client.connect(gw.browser_url + path)
    client = await dial(gw, extra_headers={"Authorization": "Bearer wrong"})
    await client.until_closed()


async def a_dial_is_given_up(gw: TestGateway, upstream: Emulator) -> None:
    client = await Client.connect(gw.browser_url)
    client.say("create_session")
    await upstream.wait_for(lambda: bool(upstream.attempts))
    client.close()


async def a_key_is_refused(gw: TestGateway, upstream: Emulator) -> None:
    for client in (await Client.connect(gw.browser_url), await dial(gw)):
        client.say("create_session")
        await client.until_closed()


async def all_are_sent_home(gw: TestGateway, upstream: Emulator) -> None:
    clients = await talking(gw), await begin(gw)
    gw.directory.drain(at_once=True)
    for client in clients:
        await client.until_closed()


LIVES: dict[Life, str] = {
    browser_says_goodbye: "",
    browser_closes: "",
    browser_loses_its_upstream: "",
    browser_comes_back: "",
    browser_never_asks: "",
    relayed_converses: "",
    relayed_loses_its_upstream: "",
    relayed_comes_back: "",
    some_are_refused: "",
    a_dial_is_given_up: "slow-handshake:0.3",
    a_key_is_refused: "http:401",
    all_are_sent_home: "",
}
"""How it went, and what the upstream was told to break."""


@pytest.mark.parametrize("life", LIVES)
async def test_nothing_of_it_waits_for_the_collector(life: Life) -> None:
    limits = Limits(retry_base_s=0.01, retry_cap_s=0.02, resume_window_s=0.2)
    faults = [LIVES[life]] if LIVES[life] else []
    async with (
        Emulator(EmulatorOptions(speed=0, faults=faults)) as upstream,
        gateway(upstream.http_base, limits=limits) as gw,
    ):
        before = alive()
        await life(gw, upstream)
        await eventually(lambda: not alive() - before, LINGER_S + 2)


async def test_a_session_that_lives_keeps_no_heads() -> None:
    """They hold credentials, and two kilobytes."""
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        await talking(gw)
        links = [one for one in gc.get_objects() if isinstance(one, ClientSocket | RealtimeLink)]
        heads = [head for one in links for head in (one.transport.request, one.transport.response)]

        assert heads
        assert not any(head.headers for head in heads)
