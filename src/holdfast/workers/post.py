"""One worker's post: a process, another one when it dies or hangs, and what waits for it meanwhile.

What lives here: starting, the line to it, noticing its end or its silence.
What never will: which socket goes to which post (`staff`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable
from typing import Final

import msgspec
import structlog

from holdfast.core.overload import Overload
from holdfast.workers import memos
from holdfast.workers.channel import Channel
from holdfast.workers.counting import Elsewhere

MODULE: Final = "holdfast.worker"
START_S: Final = 60.0
HUNG_S: Final = 10.0
"""A worker tells how it is four times a second."""
STOP_S: Final = 5.0
"""Beyond what its journal may take."""
BACK_OFF_S: Final = 0.25
BACK_OFF_CAP_S: Final = 8.0
SETTLED_S: Final = 30.0
"""One that lived for so long is replaced at once."""
WAITING_MAX: Final = 512
"""Sockets that wait for a worker which is starting: their sessions are in its journal."""

log = structlog.get_logger()


class Post:
    """`orders` are what a process is told at its start. `hear` gets its memos, `lost` hears of each end."""

    def __init__(
        self,
        number: int,
        orders: bytes,
        hear: Callable[[Post, memos.FromWorker], None],
        lost: Callable[[Post], None],
    ) -> None:
        self.number = number
        self.inside: dict[int, Elsewhere] = {}
        """Conversations that it has, or is just given, by ticket."""
        self.overload = Overload()
        self.looked: memos.Looked | None = None
        self.failed: memos.Failed | None = None
        self.pid: int | None = None
        self.restarts = 0
        """How often a process of it ended unasked."""
        self.ready = asyncio.Event()
        self.began = asyncio.Event()
        """Its first process is ready, or has failed."""
        self._orders, self._hear, self._lost = orders, hear, lost
        self._line: Channel | None = None
        self._gone = asyncio.Event()
        self._waiting: dict[int, tuple[memos.TakeIn, int]] = {}
        """By ticket, for the next process."""
        self._under_way: dict[int, tuple[memos.TakeIn, int]] = {}
        """Sent, and kept until it says that it has them: it may die before."""
        self._heard_at = 0.0
        self._closing = False

    @property
    def is_ready(self) -> bool:
        """Whether it takes sockets now."""
        return self.ready.is_set()

    @property
    def awaited(self) -> set[int]:
        """Tickets of the sockets that wait for the next process."""
        return {*self._waiting, *self._under_way}

    def tell(self, memo: memos.FromFront) -> None:
        """Send; nothing to nobody."""
        if self._line is not None:
            self._line.send(memos.written(memo))

    def give(self, memo: memos.TakeIn, descriptor: int) -> bool:
        """Give a client's socket away, or keep it for the process that is starting. False: it is closed."""
        if self._sent(memo, descriptor):
            self._under_way[memo.ticket] = memo, descriptor
            return True
        is_stuck = (
            self._line is not None and self._line.is_open and self.is_ready and not self._line.is_ending
        )
        if self._closing or is_stuck or len(self._waiting) >= WAITING_MAX:
            os.close(descriptor)
            return False
        self._waiting[memo.ticket] = memo, descriptor
        return True

    def _sent(self, memo: memos.TakeIn, descriptor: int) -> bool:
        if self._line is None or not self.is_ready:
            return False
        try:
            copy = os.dup(descriptor)
        except OSError:  # none is left
            return False
        is_sent = self._line.send(memos.written(memo), copy)
        if not is_sent:
            os.close(copy)
        return is_sent

    async def keep(self) -> None:
        """A process, and the next when it ends, until cancelled."""
        clock, quick = asyncio.get_running_loop().time, 0
        while not self._closing:
            started = clock()
            try:
                await self._live()
            except OSError as error:
                self._not_begun(error)
            self.began.set()
            quick = 0 if clock() - started > SETTLED_S else quick + 1
            if quick > 1 and not self._closing:
                await asyncio.sleep(min(BACK_OFF_CAP_S, BACK_OFF_S * 2 ** (quick - 2)))

    def close(self) -> None:
        """Hang up: its process says goodbye to whom it has, and ends."""
        self._closing = True
        self._let_go()
        if self._line is not None:
            self._line.close()
        self._gone.set()

    async def _live(self) -> None:
        """One process from its start to its end."""
        process = await self._spawn()
        self.pid = process.pid
        watch = asyncio.create_task(self._watch(process))
        ends = asyncio.create_task(process.wait())
        hangs_up = asyncio.create_task(self._gone.wait())
        try:
            await asyncio.wait({ends, hangs_up}, return_when=asyncio.FIRST_COMPLETED)
            await self._ended(ends)
        finally:
            watch.cancel()
            hangs_up.cancel()
            if process.returncode is None:
                process.kill()
            await ends
            self._after(process)

    def _not_begun(self, error: OSError) -> None:
        """This machine has no process or no file descriptor for it now; it is tried again."""
        if not self._closing:
            facts = {"worker": self.number + 1, "sessions": len(self.inside), "exit_code": None}
            reason = error.strerror or str(error)
            log.error("worker.lost", category="server", source="workers", reason=reason, **facts)
        self._let_go()
        self._lost(self)

    async def _ended(self, ends: asyncio.Task[int]) -> None:
        """Its line is over, so it is about to end; or it has ended, and what it said last is still heard."""
        if ends.done():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), 1.0)
            return
        wait_s = STOP_S + (5.0 if self._closing else 0.0)
        await asyncio.wait({ends}, timeout=wait_s)

    def _after(self, process: asyncio.subprocess.Process) -> None:
        was_ready, self.pid = self.is_ready, None
        self.ready.clear()
        if self._line is not None:
            self._line.close()
        self._line = None
        self.looked, self.overload = None, Overload()
        if not self._closing:
            self.restarts += 1
            facts = {"worker": self.number + 1, "sessions": len(self.inside), "exit_code": process.returncode}
            log.error("worker.lost", category="server", source="workers", was_ready=was_ready, **facts)
        self._waiting |= self._under_way  # what it had not said to have, it has not read
        self._under_way = {}
        if not was_ready:
            self._let_go()
        self._lost(self)

    def _let_go(self) -> None:
        """Close what waits: its clients come again."""
        for _, descriptor in (*self._waiting.values(), *self._under_way.values()):
            os.close(descriptor)
        self._waiting.clear()
        self._under_way.clear()

    async def _spawn(self) -> asyncio.subprocess.Process:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with contextlib.ExitStack() as unless_begun, theirs:
            unless_begun.callback(ours.close)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                MODULE,
                str(theirs.fileno()),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
            unless_begun.pop_all()
        self._gone.clear()
        self._heard_at = asyncio.get_running_loop().time()
        self._line = Channel(ours, self._memo, self._gone.set)
        if self._closing:
            self.close()
        assert process.stdin is not None
        with contextlib.suppress(ConnectionError):
            process.stdin.write(self._orders)
            await process.stdin.drain()
        process.stdin.close()
        return process

    def _memo(self, message: bytes, descriptor: int | None) -> None:
        assert descriptor is None, "sockets go to workers only"
        self._heard_at = asyncio.get_running_loop().time()
        try:
            memo = memos.read_from_worker(message)
        except msgspec.DecodeError as error:
            log.warning("worker.memo_odd", category="server", source="workers", reason=str(error))
            return
        if isinstance(memo, memos.Failed):
            self.failed = memo
            return
        if isinstance(memo, memos.Took):
            os.close(self._under_way.pop(memo.ticket)[1])
            return
        if isinstance(memo, memos.Left) and (untaken := self._under_way.pop(memo.ticket, None)):
            os.close(untaken[1])  # it had no room for it: its client comes again
        self._hear(self, memo)
        if isinstance(memo, memos.Ready):
            facts = {"worker": self.number + 1, "left_behind": len(memo.left_behind)}
            log.info("worker.ready", category="server", source="workers", pid=self.pid, **facts)
            self.ready.set()
            self.began.set()
            waiting, self._waiting = self._waiting, {}
            for one, kept in waiting.values():
                if not self.give(one, kept):
                    self._hear(self, memos.Left(one.ticket))  # its client comes again

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """End a process that says nothing. If we were held up ourselves, it has a tick more."""
        clock, silent = asyncio.get_running_loop().time, 0
        looked_at = clock()
        while True:
            await asyncio.sleep(1.0)
            silent = silent + 1 if self._heard_at < looked_at else 0
            looked_at = clock()
            if silent >= (HUNG_S if self.is_ready else START_S):
                facts = {"worker": self.number + 1, "silent_s": silent}
                log.error("worker.hung", category="server", source="workers", **facts)
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                return
