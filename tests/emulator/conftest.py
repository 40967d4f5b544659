"""What the emulator's tests share: an emulator on a free port and a socket of an independent library."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from holdfast.emulator import Emulator, EmulatorOptions

Json = dict[str, Any]


class Caller:
    """A Realtime client of few words."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: list[Json] = []

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def next(self) -> Json:
        event: Json = json.loads(await self.socket.recv())
        self.events.append(event)
        return event

    async def until(self, kind: str) -> Json:
        """Read up to an event of that type."""
        while (event := await self.next())["type"] != kind:
            pass
        return event

    async def update(self, **session: Any) -> None:
        await self.send("session.update", session={"type": "realtime", **session})

    async def say(self, text: str, **response: Any) -> None:
        content = [{"type": "input_text", "text": text}]
        await self.send(
            "conversation.item.create", item={"type": "message", "role": "user", "content": content}
        )
        await self.send("response.create", response=response)

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]


Dial = Callable[..., AbstractAsyncContextManager[Caller]]


@asynccontextmanager
async def dial(
    emulator: Emulator, query: str = "?model=gpt-realtime-2.1", **headers: str
) -> AsyncIterator[Caller]:
    async with connect(
        emulator.url + query,
        additional_headers={"Authorization": "Bearer any", **headers},
        compression=None,
        proxy=None,
        max_size=None,
    ) as socket:
        yield Caller(socket)


@asynccontextmanager
async def emulating(*faults: str, **options: Any) -> AsyncIterator[Emulator]:
    quick = {"speed": 0, "char_ms": 5, **options}
    async with Emulator(EmulatorOptions(faults=faults, **quick)) as emulator:
        yield emulator


@pytest.fixture
def call() -> Dial:
    """Dial an emulator."""
    return dial


@pytest.fixture
def run() -> Callable[..., AbstractAsyncContextManager[Emulator]]:
    """Start an emulator with these faults and options."""
    return emulating
