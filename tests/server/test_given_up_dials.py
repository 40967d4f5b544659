"""A dial that nobody waits for any more, in the middle of its handshake: its connection is over at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from holdfast.core.limits import Limits
from holdfast.diagnosis.ear import GENERATION, Ear
from holdfast.diagnosis.support import Trace
from holdfast.examination.layers import ByAddress

PATIENT = Limits(dial_s=60.0)


class Silent:
    """A server that hears an upgrade and says nothing."""

    def __init__(self) -> None:
        self.asked, self.left = asyncio.Event(), asyncio.Event()

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked.set()
        with suppress(ConnectionError):
            await reader.read()
        self.left.set()
        writer.close()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        async with await asyncio.start_server(self.hear, "127.0.0.1", 0) as server:
            yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/realtime"


async def given_up(silent: Silent) -> None:
    async with silent.listening() as url:
        dialer, ear = ByAddress(url, "sk-test", PATIENT), Ear(Trace("url"))
        dialing = asyncio.create_task(dialer.dial(GENERATION, ear, {}))
        await asyncio.wait_for(silent.asked.wait(), 10)
        dialing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialing
        await asyncio.wait_for(silent.left.wait(), 10)
    assert ear.line is None


async def test_it_leaves_no_connection() -> None:
    await given_up(Silent())


@pytest.mark.plain_loop
async def test_nor_does_it_on_pythons_own_loop() -> None:
    await given_up(Silent())
