"""Clients that misbehave, and networks between a client and its gateway.

What lives here: one small act for each fault of a client; a proxy that breaks the way. What never will: the
truth, judging.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final

from picows import WSMsgType

from benchmarks.verdicts.caller import READY_S, Caller, verdict_of_watch
from benchmarks.verdicts.house import Door
from benchmarks.verdicts.truth import HEALTHY

_NO_LINGER: Final = struct.pack("ii", 1, 0)
_SECOND: Final = bytes(48_000)

Act = Callable[[Door, Caller], Awaitable[None]]


async def _ready(caller: Caller) -> None:
    caller.say("create_session")
    await caller.until(lambda: bool(caller.of("session_ready")), READY_S)


async def _told(caller: Caller, seconds: float = 3.0) -> None:
    await caller.until(lambda: bool(caller.of("error")), seconds)


async def _seen(door: Door, seconds: float) -> None:
    """Wait until those who run the gateway have seen a fault."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while verdict_of_watch(door.seen) == HEALTHY:  # noqa: ASYNC110 - a watch tells nobody
                await asyncio.sleep(0.05)


async def early_audio(_door: Door, caller: Caller) -> None:
    """Sound before there is a session."""
    caller.send_binary(bytes(960))
    await _told(caller)


async def no_json(_door: Door, caller: Caller) -> None:
    """What is no JSON."""
    await _ready(caller)
    caller.send_text(b"{hello")
    await _told(caller)


async def unknown_type(_door: Door, caller: Caller) -> None:
    """A message that nobody knows."""
    await _ready(caller)
    caller.say("sing")
    await _told(caller)


async def wrong_field(_door: Door, caller: Caller) -> None:
    """A number for a text."""
    await _ready(caller)
    caller.say("input_text", text=7)
    await _told(caller)


async def large_text(door: Door, caller: Caller) -> None:
    """More text than a message may have."""
    await _ready(caller)
    caller.say("input_text", text="x" * 300_000)
    await _seen(door, 3.0)


async def large_audio(_door: Door, caller: Caller) -> None:
    """More sound than a message may have."""
    await _ready(caller)
    caller.send_binary(bytes(70_000))
    await caller.until(lambda: caller.closed is not None, 3.0)


async def flood(_door: Door, caller: Caller) -> None:
    """Far more messages than a person can send."""
    await _ready(caller)
    for _ in range(60):
        for _ in range(20):
            caller.say("ping")
        await asyncio.sleep(0.05)
        if caller.is_over:
            return


async def fast_audio(_door: Door, caller: Caller) -> None:
    """A minute of sound within a moment."""
    await _ready(caller)
    for _ in range(70):
        caller.send_binary(_SECOND)
    await _told(caller)


async def chat_model(_door: Door, caller: Caller) -> None:
    """A model that does not speak."""
    caller.say("create_session", model="gpt-4o")
    await _told(caller)


async def retired_model(_door: Door, caller: Caller) -> None:
    """A model that is switched off."""
    caller.say("create_session", model="gpt-4o-realtime-preview")
    await _told(caller)


async def other_customer(_door: Door, caller: Caller) -> None:
    """Somebody else's name."""
    caller.say("create_session", customerId="somebody-else")
    await _told(caller)


async def idle(_door: Door, caller: Caller) -> None:
    """Not a word."""
    await _ready(caller)
    await caller.until(lambda: caller.is_over, 5.0)


async def reset(door: Door, caller: Caller) -> None:
    """The network cuts the line."""
    await _ready(caller)
    handle = caller.transport.underlying_transport.get_extra_info("socket")
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    caller.transport.disconnect(graceful=False)
    await _seen(door, 3.0)


async def half_open(door: Door, caller: Caller) -> None:
    """The network takes every byte and delivers none: the peer answers no ping."""
    await _ready(caller)
    caller.transport.underlying_transport.pause_reading()
    await _seen(door, 40.0)


async def slow(door: Door, caller: Caller) -> None:
    """Whoever plays the answer reads nothing of it."""
    await _ready(caller)
    handle = caller.transport.underlying_transport.get_extra_info("socket")
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    caller.transport.underlying_transport.pause_reading()
    caller.say("input_text", text="Tell me a very long story. " * 250)
    await _seen(door, 40.0)


async def broken_framing(door: Door, caller: Caller) -> None:
    """A frame with a reserved bit."""
    await _ready(caller)
    caller.transport.send(WSMsgType.TEXT, b"{}", rsv1=True)
    await _seen(door, 3.0)


async def no_session(_door: Door, caller: Caller) -> None:
    """A return to a session that never was."""
    fields = {"sessionId": "sess_none", "resumeToken": "none", "epoch": "none", "offset": 0}
    caller.send_text(json.dumps({"type": "resume_session", **fields}).encode())
    await _told(caller)


ACTS: Final[Mapping[str, Act]] = {
    "early-audio": early_audio,
    "no-json": no_json,
    "unknown-type": unknown_type,
    "wrong-field": wrong_field,
    "large-text": large_text,
    "large-audio": large_audio,
    "flood": flood,
    "fast-audio": fast_audio,
    "chat-model": chat_model,
    "retired-model": retired_model,
    "other-customer": other_customer,
    "idle": idle,
    "reset": reset,
    "half-open": half_open,
    "slow": slow,
    "broken-framing": broken_framing,
    "no-session": no_session,
}
"""By the names of `truth.CLIENT`."""
LIMITS: Final[Mapping[str, dict[str, float]]] = {
    "idle": {"idle_s": 1.0},
    "flood": {"client_flood_s": 1.0},
    "slow": {"client_outbox_bytes": 65_536},
}
"""What an act needs of its gateway."""


@contextlib.asynccontextmanager
async def bad_way(how: str, door: Door, after: int) -> AsyncIterator[str]:
    """An address before the gateway's, which breaks every connection so; `after` so many bytes of the answer,
    where it cuts.
    """
    host, _, port = door.authority.rpartition(":")
    open_ones: set[asyncio.StreamWriter] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.add(writer)
        if how == "reset":
            _reset(writer)
        elif how == "stranger":
            await reader.read(1024)
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
            writer.close()
        elif how == "cut":
            await _cut(reader, writer, host, int(port), after)
        else:
            await reader.read()

    async with await asyncio.start_server(pass_on, "127.0.0.1", 0) as server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        if how == "refuse":
            server.close()
        yield address
        for writer in open_ones:
            writer.close()


async def _cut(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int, after: int
) -> None:
    there, away = await asyncio.open_connection(host, port)

    async def up() -> None:
        while chunk := await reader.read(4096):
            away.write(chunk)

    task = asyncio.ensure_future(up())
    left = after
    while left > 0 and (chunk := await there.read(min(4096, left))):
        left -= len(chunk)
        writer.write(chunk)
    task.cancel()
    away.close()
    if left <= 0:
        _reset(writer)
    else:
        writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    writer.transport.abort()
