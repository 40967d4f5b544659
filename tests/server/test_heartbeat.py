"""Whether the other side is still there: what a silent, a talking and a dead peer come to."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvloop
from picows import WSTransport, ws_create_server

from holdfast.sockets import Handshake, MessageListener, connect
from holdfast.sockets.heartbeat import TOGETHER, Heartbeat, _Watched
from tests.server.gateway import eventually

IDLE_S, ANSWER_S = 0.2, 0.3


class Peer(MessageListener):
    """The server; a deaf one reads nothing."""

    def __init__(self, *, deaf: bool) -> None:
        super().__init__()
        self.deaf = deaf
        self.pings = 0

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        self.pause_reading(paused=self.deaf)

    def _ping(self, frame: object) -> None:
        self.pings += 1
        super()._ping(frame)  # type: ignore[arg-type] # as it came


class Caller(MessageListener):
    """The client, which is watched."""

    closed = 0

    def on_closed(self, code: int, reason: str) -> None:
        self.closed = code


@asynccontextmanager
async def watched(*, deaf: bool = False) -> AsyncIterator[tuple[Caller, Peer]]:
    peer, caller = Peer(deaf=deaf), Caller()
    server = await ws_create_server(lambda _request: peer, "127.0.0.1", 0, enable_auto_pong=False)
    handshake = Handshake(2.0, IDLE_S, ANSWER_S, 1 << 20, None, {})

    async def nowhere(_url: object) -> None:
        """An address needs no looking up."""

    await connect(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", caller, handshake, nowhere)
    yield caller, peer
    caller.abort()
    peer.abort()
    server.close()
    await asyncio.sleep(0)


async def test_a_silent_peer_is_asked_again_and_again_and_stays() -> None:
    async with watched() as (caller, peer):
        await eventually(lambda: peer.pings >= 2)
        assert caller.is_open


async def test_a_peer_that_does_not_answer_is_left() -> None:
    async with watched(deaf=True) as (caller, peer):
        await eventually(lambda: caller.closed == 1006)
        assert not peer.pings


async def test_a_peer_that_talks_is_not_asked() -> None:
    async with watched() as (caller, peer):
        for _ in range(8):
            peer.send_text(b"a word")
            await asyncio.sleep(IDLE_S / 4)
        assert caller.is_open
        assert not peer.pings


async def test_many_that_are_due_at_once_are_looked_at_in_handfuls() -> None:
    async with watched() as (caller, _):
        beat = Heartbeat(asyncio.get_running_loop())
        for _ in range(3 * TOGETHER):
            beat._due.append((0.0, next(beat._numbers), _Watched(weakref.ref(caller), 60.0, 1.0)))
        beat._beat()
        assert sum(at == 0.0 for at, _, _ in beat._due) == 2 * TOGETHER
        await eventually(lambda: all(at > 0.0 for at, _, _ in beat._due))
        assert len(beat._due) == 3 * TOGETHER, "each is looked at again"


def test_a_look_may_be_due_at_once_and_another_before_it() -> None:
    """uvloop gives no time for a timer that is due at once."""

    async def watch() -> int:
        beat = Heartbeat(asyncio.get_running_loop())
        gone = weakref.ref(Peer(deaf=False))  # whoever is watched may be gone by then
        for seconds in (-0.3, -0.5, 0.0):
            beat._look_in(seconds, _Watched(gone, 1.0, 1.0))  # type: ignore[arg-type] # gone before anybody looks
        await eventually(lambda: not beat._due)
        return len(beat._due)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(watch()) == 0
