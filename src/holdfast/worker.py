"""`python -m holdfast.worker N`: one worker, started by the front, which is at the other end of descriptor N.

What lives here: the whole life of the process. What never will: a port, admission, behaviour.

Its orders come on standard input.
It ends when its line to the front does. Signals are for the front: whoever stops a service often sends them
to all its processes, and a worker that went at once would not let sentences be finished.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Coroutine
from typing import Any, Final

import msgspec
import structlog
import uvloop
from uvicorn.server import ServerState

from holdfast.core.breaker import BreakerState
from holdfast.core.overload import LoadSample
from holdfast.node import GatewayError, Node, open_portal
from holdfast.runtime import garbage
from holdfast.runtime.rehearsal import Rehearsal
from holdfast.telemetry import configure
from holdfast.workers import memos
from holdfast.workers.adopted import Adopted
from holdfast.workers.channel import Channel
from holdfast.workers.engine_door import FarEngine
from holdfast.workers.orders import Orders
from holdfast.workers.overlooking import Overseer
from holdfast.workers.reporting import ReportingDirectory

GOODBYE_S: Final = 3.0
"""How long clients may take to agree to a close when the front is gone."""
_GOODBYE_LOOK_S: Final = 0.02

log = structlog.get_logger()


class Worker:
    """Conversations, and the line to the front."""

    def __init__(self, orders: Orders, line: socket.socket) -> None:
        self._orders = orders
        self._over = asyncio.Event()
        self._line = Channel(line, self._hear, self._over.set)
        self._engine = FarEngine(self._tell)
        self._directory = ReportingDirectory(orders.settings.limits, self._tell)
        self._node = Node(orders.settings, self._directory, orders.place)
        self._rehearsal = Rehearsal(self._directory, self._node.refusing)
        self._overseer = Overseer(lambda: self._node.keeper, self._tell)
        self._state = ServerState()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until the front is gone."""
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(self._line.close)
            stack.callback(self._overseer.stop)
            try:
                portal = await open_portal(self._orders.settings)
                stack.callback(portal.close)
                await self._node.open(portal, self._engine, stack, self._looked)
            except GatewayError as error:
                self._tell(memos.Failed(error.what, error.why, error.fix))
                return
            garbage.settle()
            self._tell(memos.Ready(self._node.revival.left_behind))
            await self._over.wait()
            await self._goodbye()

    def _tell(self, memo: memos.FromWorker) -> bool:
        return self._line.send(memos.written(memo))

    def _looked(self, sample: LoadSample) -> None:
        upstreams, descriptors = self._node.upstreams, self._directory.descriptors
        states = upstreams.endpoints.status(asyncio.get_running_loop().time())
        self._tell(
            memos.Looked(
                sample,
                is_low=descriptors is not None and descriptors.is_low,
                is_outage=upstreams.is_outage(),
                is_cut_off=all(one.state is BreakerState.OPEN for one in states),
            )
        )

    def _hear(self, message: bytes, descriptor: int | None) -> None:
        try:
            memo = memos.read_from_front(message)
        except msgspec.DecodeError as error:
            log.warning("worker.memo_odd", category="server", source="worker", reason=str(error))
            if descriptor is not None:
                os.close(descriptor)
        else:
            self._obey(memo, descriptor)

    def _obey(self, memo: memos.FromFront, descriptor: int | None) -> None:
        match memo:
            case memos.TakeIn():
                self._take_in(memo, descriptor)
            case memos.GiveWay():
                if (one := self._directory.of(memo.ticket)) is not None and one.is_parked:
                    one.give_way()
            case memos.Drain():
                self._directory.drain(at_once=memo.at_once)
            case memos.Rehearse():
                self._rehearsal.play(memo.fault, seconds=memo.seconds, session=memo.session)
            case memos.EngineNews() | memos.EngineAt():
                self._engine.hears(memo)
            case memos.FiguresWanted():
                self._spawn(self._tell_figures(memo))
            case memos.Overlook() | memos.SessionWanted() | memos.EndWanted():
                self._overseer.hear(memo)

    def _take_in(self, memo: memos.TakeIn, descriptor: int | None) -> None:
        if descriptor is None:  # there was no room for it in our table
            self._tell(memos.Left(memo.ticket))
            return
        self._tell(memos.Took(memo.ticket))
        self._spawn(self._adopt(memo, socket.socket(fileno=descriptor)))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell_figures(self, memo: memos.FiguresWanted) -> None:
        self._tell(memos.Figures(memo.number, await self._node.figures.families()))

    async def _adopt(self, memo: memos.TakeIn, client: socket.socket) -> None:
        client.setblocking(False)
        protocol = Adopted(self._state, self._node.host, self._directory, memo)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, client)
        except OSError:
            client.close()
            if not protocol.is_made:
                self._tell(memos.Left(memo.ticket))

    async def _goodbye(self) -> None:
        """1001 to everybody; the journal has what they come back to."""
        self._directory.drain(at_once=True)
        loop = asyncio.get_running_loop()
        until = loop.time() + GOODBYE_S
        for one in list(self._state.connections):
            one.shutdown()
        while self._state.connections and loop.time() < until:  # noqa: ASYNC110 - uvicorn's set tells nobody
            await asyncio.sleep(_GOODBYE_LOOK_S)


def main() -> None:
    """The process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    line = socket.socket(fileno=int(sys.argv[1]))
    line.set_inheritable(False)
    orders = Orders.read(sys.stdin.buffer.read())
    settings = orders.settings
    by_format = {"auto": None, "text": False, "json": True}
    as_json = orders.as_json if orders.as_json is not None else by_format[settings.log.format]
    logs = configure(
        as_json=as_json,
        level=settings.log.level,
        secrets=settings.secrets,
        pseudonym_key=settings.pseudonym_key,
        has_traces=bool(settings.traces.endpoint),
    )
    structlog.contextvars.bind_contextvars(worker=orders.place.number + 1)

    async def run() -> None:
        await Worker(orders, line).run()

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())
    finally:
        logs.close()


if __name__ == "__main__":
    main()
