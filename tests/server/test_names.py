"""An upstream's name that cannot be looked up any more: the last good address stands in, for a while."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pytest
from structlog.testing import CapturingLogger

from holdfast.core.faults import Fault
from holdfast.core.limits import Limits
from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.ports import UpstreamLine
from holdfast.providers import addresses
from holdfast.providers.addresses import Addresses, Found
from holdfast.providers.openai import OpenAIDialer
from holdfast.providers.realtime_link import Address, dial
from tests.server.gateway import Client, gateway

NAME = "voice.invalid"
QUICK = Limits(retry_base_s=0.01, retry_cap_s=0.02, lookup_s=0.1, recovery_budget_s=1.5)


@dataclass
class Names:
    """A directory of names that can break."""

    is_broken: bool = False
    is_silent: bool = False
    is_deserted: bool = False
    asked: int = 0

    async def __call__(self, host: str, port: int) -> Found:
        assert host == NAME
        self.asked += 1
        if self.is_silent:
            await asyncio.sleep(60)
        if self.is_broken:
            raise socket.gaierror(socket.EAI_NONAME, "unknown name")
        unused = (socket.AF_INET, ("127.0.0.1", 1))  # nobody listens at the first address
        if self.is_deserted:
            return [unused]
        return [unused, (socket.AF_INET, ("127.0.0.1", port))]


def dialer(upstream: Emulator, names: Names, limits: Limits = QUICK) -> OpenAIDialer:
    base = f"http://{NAME}:{urlsplit(upstream.http_base).port}/v1"
    return OpenAIDialer("openai", base, "sk-test", "gpt-realtime-2.1", limits, Addresses(limits, names))


async def live(url: str) -> Client:
    client = await Client.connect(url)
    client.say("create_session")
    await client.until_told("session_ready")
    return client


@pytest.mark.parametrize("how", ["is_broken", "is_silent"])
async def test_the_last_good_address_stands_in_for_a_name_that_is_unknown(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()  # whatever other tests have configured
    monkeypatch.setattr(addresses, "log", log)
    names = Names()
    async with (
        Emulator(EmulatorOptions(speed=0)) as upstream,
        gateway(dialer(upstream, names), limits=QUICK) as gw,
    ):
        client = await live(gw.browser_url)
        setattr(names, how, True)
        upstream.break_now("reset")
        await upstream.wait_for(lambda: len(upstream.records) == 2)
        client.say("input_text", text="hello")
        await client.until_told("response_done")
        (kept,) = [call.kwargs for call in log.calls if call.args == ("upstream.address_kept",)]

        assert kept["host"] == NAME
        assert not client.told("error")
        client.close()


async def test_an_address_that_worked_long_ago_stands_in_no_more() -> None:
    names, limits = Names(), replace(QUICK, address_kept_s=0.0)
    async with (
        Emulator(EmulatorOptions(speed=0)) as upstream,
        gateway(dialer(upstream, names, limits), limits=limits) as gw,
    ):
        client = await live(gw.browser_url)
        names.is_broken = True
        upstream.break_now("reset")
        ended = await client.until_told("session_ended")

        assert ended["fault"]["code"] == "provider.name_unknown"
        assert len(upstream.records) == 1
        client.close()


async def test_an_address_where_no_upstream_answered_is_not_a_good_one() -> None:
    names = Names()
    async with Emulator(EmulatorOptions(faults=["http:503"])) as upstream:
        addresses = Addresses(QUICK, names)
        one = replace(dialer(upstream, names), names=addresses)
        async with gateway(one, limits=QUICK) as gw:
            client = await Client.connect(gw.browser_url)
            client.say("create_session")
            await upstream.wait_for(lambda: len(upstream.attempts) > 0)
            names.is_broken = True
            with pytest.raises(socket.gaierror):
                await addresses.connected(NAME, 1)
            client.close()


async def test_those_who_dial_at_once_share_one_lookup() -> None:
    names = Names(is_silent=True)
    addresses = Addresses(replace(QUICK, dial_s=0.1), names)

    failed = await asyncio.gather(*(addresses.connected(NAME, 1) for _ in range(20)), return_exceptions=True)

    assert {type(one) for one in failed} == {socket.gaierror}
    assert names.asked == 1


class Waiting:
    """Whoever a link is dialled for."""

    def __init__(self) -> None:
        self.lost: list[str] = []

    def upstream_opened(self, generation: int, line: UpstreamLine) -> None:
        raise AssertionError(generation, line)

    def upstream_message(self, generation: int, raw: bytes) -> None:
        raise AssertionError(generation, raw)

    def upstream_lost(self, generation: int, cause: Fault) -> None:
        assert generation == 1
        self.lost.append(cause.code)

    def upstream_paused(self, *, paused: bool) -> None:
        raise AssertionError(paused)


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("how", ["is_broken", "is_silent", "is_deserted"])
async def test_a_dial_that_failed_keeps_nobody_alive(how: str) -> None:
    names = Names()
    setattr(names, how, True)
    limits = replace(QUICK, dial_s=0.1)
    waiting = [Waiting() for _ in range(2)]
    address = Address(f"ws://{NAME}:1/", "sk-test", limits, Addresses(limits, names))

    await asyncio.gather(*(dial(address, 1, one, {}) for one in waiting))
    await asyncio.sleep(0)
    unreachable = ["provider.unreachable" if how == "is_deserted" else "provider.name_unknown"]
    assert [one.lost for one in waiting] == [unreachable] * 2
    left = [weakref.ref(one) for one in waiting]
    waiting.clear()
    assert [one() for one in left] == [None, None]


async def test_an_address_of_a_family_that_this_system_does_not_have_is_passed_over() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream:
        port = urlsplit(upstream.http_base).port

        async def lookup(host: str, port: int) -> Found:
            assert host == NAME
            return [(9_999, ("127.0.0.1", port)), (socket.AF_INET, ("127.0.0.1", port))]

        found = await Addresses(QUICK, lookup).connected(NAME, port or 0)
        assert found is not None
        assert found[1] == (socket.AF_INET, ("127.0.0.1", port))
        found[0].close()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Nobody answers there: so many wait to be let in that the system loses who else asks."""
    with socket.socket() as server, contextlib.ExitStack() as stack:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port: int = server.getsockname()[1]
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        yield port


async def test_an_address_that_says_nothing_keeps_nobody_from_the_next(silent_port: int) -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream:
        good = (socket.AF_INET, ("127.0.0.1", urlsplit(upstream.http_base).port))

        async def lookup(host: str, port: int) -> Found:
            assert (host, port) == (NAME, 1)
            return [(socket.AF_INET, ("127.0.0.1", silent_port)), good]

        async with asyncio.timeout(5):
            found = await Addresses(QUICK, lookup).connected(NAME, 1)
        assert found is not None
        assert found[1] == good
        found[0].close()
