"""No upstream can be reached, over real sockets: who starts hears it at once, and begins when one is back."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import replace

from benchmarks.rig.person import Person
from benchmarks.rig.voice import Voice

from holdfast.core.limits import Limits
from holdfast.emulator import Emulator
from tests.server.gateway import Client, TestGateway, gateway

QUICK = Limits(
    retry_base_s=0.01,
    retry_cap_s=0.02,
    retry_floor=10,
    start_budget_s=1.5,
    recovery_budget_s=0.2,
    breaker_open_s=1.0,
    breaker_alone_s=1.0,
    outage_wait_s=0.1,
)


async def dark(gw: TestGateway) -> None:
    """Somebody tries until it is plain that nobody can be reached."""
    async with asyncio.timeout(10.0):
        while True:
            client = await Client.connect(gw.browser_url)
            client.say("create_session")
            await client.until_closed()
            if not client.told("session_created"):
                return


async def test_who_starts_is_told_without_a_session() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base, limits=QUICK) as gw:
        upstream.go_dark("refuse")
        await dark(gw)
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        assert (await client.until_closed())[0] == 4503
        assert not client.told("session_created")
        [error] = client.told("error")
        assert error["code"] == "SESSION_INITIALIZATION_FAILED"
        assert error["fault"]["code"] == "provider.unreachable"
        assert error["retryAfterMs"] >= 1000
        assert client.texts[-1]["type"] == "session_ended"
        assert len(gw.directory) == 0


async def test_a_person_of_an_endurance_run_waits_as_long_as_it_was_told_each_time() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base, limits=QUICK) as gw:
        upstream.go_dark("refuse")
        await dark(gw)
        person = Person(Voice(1), gw.browser_url, random.Random(1))
        told: list[float] = []
        person.on_happening = lambda _, what: told.append(float(what.body.get("retryAfterMs", 0)))
        for _ in range(8):
            await person._once()
        assert 1.0 <= person.wait_s <= 1.3 * max(told) / 1000


async def test_who_waits_for_the_next_probe_gets_a_session_when_it_is_back() -> None:
    limits = replace(QUICK, outage_wait_s=5.0, start_budget_s=10.0)  # however late a busy machine probes
    async with Emulator() as upstream, gateway(upstream.http_base, limits=limits) as gw:
        upstream.go_dark("refuse")
        await dark_and_waiting(gw)
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        status = await client.until_told("status")
        assert (status["state"], status["fault"]["code"]) == ("connecting", "provider.unreachable")
        assert not client.told("session_created")
        upstream.come_back()
        await client.until_told("session_ready")
        assert client.told("session_created")


async def dark_and_waiting(gw: TestGateway) -> None:
    """As `dark`, where who starts waits."""
    async with asyncio.timeout(10.0):
        while True:
            client = await Client.connect(gw.browser_url)
            client.say("create_session")
            with contextlib.suppress(TimeoutError):
                await client.until(lambda: client.told("session_created"), 0.3)  # noqa: B023 - used at once
            client.say("end_session")
            await client.until_closed()
            if not client.told("session_created"):
                return
