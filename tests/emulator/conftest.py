"""What the emulator's tests share: an emulator on a free port and a socket of an independent library."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from holdfast.emulator import Emulator, EmulatorOptions

Json = dict[str, Any]

TOOL = {"type": "function", "name": "balance", "parameters": {"type": "object"}}


class Caller:
    """A Realtime client of few words."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: list[Json] = []
        self.bears_anything = False

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def next(self) -> Json:
        text = await self.socket.recv()
        try:
            event: Json = json.loads(text)
        except ValueError:
            if not self.bears_anything:
                raise
            event = {"type": "(broken)"}
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


async def append(caller: Caller, pcm: bytes, step: int = 960) -> None:
    """Stream audio."""
    for start in range(0, len(pcm), step):
        audio = base64.b64encode(pcm[start : start + step]).decode()
        await caller.send("input_audio_buffer.append", audio=audio)


async def ending(caller: Caller) -> ConnectionClosed:
    """Read until the connection ends; gives how."""
    try:
        while True:
            await caller.next()
    except ConnectionClosed as closed:
        return closed


def code_of(closed: ConnectionClosed) -> int:
    return closed.rcvd.code if closed.rcvd is not None else 1006


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
        close_timeout=0.5,
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
