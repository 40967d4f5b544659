"""Links that wait for sessions: taken when alive, dialled anew when not, bounded."""

from __future__ import annotations

from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.providers.openai import OpenAIDialer
from holdfast.providers.warm import WarmDialer
from tests.server.gateway import Client, eventually, gateway


def warm_dialer(base_url: str, size: int) -> WarmDialer:
    return WarmDialer(OpenAIDialer("openai", base_url, "sk-test-canary", "gpt-realtime-2.1"), size)


async def test_a_session_takes_a_link_that_waits_and_the_pool_is_filled_again() -> None:
    options = EmulatorOptions(faults=["slow-handshake:0.2"], speed=0)
    async with Emulator(options) as upstream:
        warm = warm_dialer(upstream.http_base, 2)
        async with warm.running(), gateway(warm) as gw:
            await eventually(lambda: warm.waiting == 2)
            client = await Client.connect(gw.browser_url)
            client.say("create_session")
            client.say("input_text", text="hello")
            await client.until_told("response_done")
            assert warm.taken == 1
            await eventually(lambda: warm.waiting == 2)
            assert len(upstream.records) == 3
            client.close()


async def test_a_link_that_died_while_waiting_is_not_given_out() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream:
        warm = warm_dialer(upstream.http_base, 1)
        async with warm.running(), gateway(warm) as gw:
            await eventually(lambda: warm.waiting == 1)
            upstream.kill()
            client = await Client.connect(gw.browser_url)
            client.say("create_session")
            await client.until_told("session_ready")
            assert not client.told("error")
            client.close()


async def test_another_model_is_dialled_for_itself() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream:
        warm = warm_dialer(upstream.http_base, 1)
        async with warm.running(), gateway(warm) as gw:
            await eventually(lambda: warm.waiting == 1)
            client = await Client.connect(gw.browser_url)
            client.say("create_session", model="gpt-realtime-2")
            await client.until_told("session_ready")
            assert warm.taken == 0
            client.close()


async def test_none_waits_while_memory_is_short() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream:
        warm = warm_dialer(upstream.http_base, 2)
        async with warm.running(), gateway(warm) as gw:
            await eventually(lambda: warm.waiting == 2)
            warm.shed()
            warm.shed()
            assert warm.waiting == 0
            await upstream.wait_for(lambda: not upstream.open_sessions)
            client = await Client.connect(gw.browser_url)
            client.say("create_session")
            await client.until_told("session_ready")
            assert (warm.taken, warm.waiting, len(upstream.records)) == (0, 0, 3)
            client.close()
