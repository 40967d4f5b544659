"""The engine's worker processes: started, counted, started again when they die, within bounds.

What lives here: `EnginePool`, what the gateway's dialer asks for an address. What never will: audio.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from holdfast.core.faults import fault
from holdfast.engine.options import EngineOptions, missing
from holdfast.engine.switch import StageNews

_log = structlog.get_logger()

_LINE_BYTES: Final = 64 * 1024
_STOP_S: Final = 3.0
_BACK_OFF_S: Final = 0.25
_BACK_OFF_CAP_S: Final = 8.0
_KEPT_WORDS: Final = 2_000
_GRACE_S: Final = 2.0
"""Of a silent worker, then: it may have been this process that stood still, and there is a line by now."""
_TAKEN_UP_S: Final = 15.0
"""Who was given an address has dialled by then, or never will."""
_ONE_THREAD: Final = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""A worker has one core: a library of linear algebra would start threads for all of them, and let them spin.
"""


class EngineUnavailableError(Exception):
    """No worker is ready. The text says why and what to do."""


@dataclass(frozen=True, slots=True)
class EngineAddress:
    """Where a worker listens. `token` is never part of a log line."""

    url: str
    token: str


class _Worker:
    """One process and what it told us last."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        token: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.process = process
        self.token = token
        self.port: int | None = None
        self.stages: Mapping[str, str] = {}
        self.sessions = 0
        self._promised: deque[float] = deque()
        self._clock = clock
        self.troubles: dict[str, StageNews] = {}
        self.error: str | None = None
        self.last_words = ""

    @property
    def load(self) -> int:
        """Sessions that run, and addresses that were given away of late and are not taken up yet."""
        while self._promised and self._clock() - self._promised[0] > _TAKEN_UP_S:
            self._promised.popleft()  # who had it never came
        return self.sessions + len(self._promised)

    def promise(self) -> None:
        """Its address is given away."""
        self._promised.append(self._clock())

    def hears(self, told: Mapping[str, Any]) -> None:
        """A line of its standard output."""
        if isinstance(told.get("port"), int):
            self.port = told["port"]
            self.stages = told.get("stages") or {}
        if isinstance(told.get("sessions"), int):
            for _ in range(min(len(self._promised), max(0, told["sessions"] - self.sessions))):
                self._promised.popleft()
            self.sessions = told["sessions"]
        if isinstance(told.get("error"), str):
            self.error = told["error"]

    def hears_of_stage(self, news: StageNews) -> None:
        """Somebody else does the work of a stage."""
        self.troubles.pop(news.stage, None)
        if news.code:
            self.troubles[news.stage] = news


class EnginePool:
    """Workers of one kind. `warm` holds the `tools` and `instructions` most sessions will bring.

    `on_change` is called whenever `ready` or `reasons` may have changed.
    """

    def __init__(
        self,
        options: EngineOptions | None = None,
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        instructions: str = "",
        on_change: Callable[[], None] | None = None,
    ) -> None:
        self.options = options or EngineOptions()
        self._warm = {"tools": list(tools), "instructions": instructions}
        self._on_change = on_change or (lambda: None)
        self._workers: list[_Worker] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._reasons: dict[int, str] = {}
        self._missing: list[str] = []

    @property
    def ready(self) -> bool:
        """Whether a session can start now."""
        return any(worker.port is not None for worker in self._workers)

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Workers that are ready, all that should be, and the sessions that they serve."""
        ready = sum(worker.port is not None for worker in self._workers)
        return ready, self.options.workers, sum(worker.sessions for worker in self._workers)

    @property
    def reasons(self) -> list[str]:
        """Why it is not ready, or not whole: what, why, fix. Empty when all is well."""
        told = self._missing or [self._reasons[at] for at in sorted(self._reasons)]
        return list(dict.fromkeys(told))

    @property
    def is_incomplete(self) -> bool:
        """Whether something has to be installed or corrected first: waiting does not help."""
        return bool(self._missing)

    @property
    def stages(self) -> Mapping[str, str]:
        """Which implementation serves which stage, as a worker told it."""
        return next((worker.stages for worker in self._workers if worker.port is not None), {})

    @property
    def stage_troubles(self) -> list[StageNews]:
        """Stages that are served by what is built in, because their server failed."""
        return [news for worker in self._workers for news in worker.troubles.values()]

    async def start(self) -> None:
        """Start the workers and wait until one is ready, or none can be. Never raises for a worker."""
        self._missing = await asyncio.to_thread(missing, self.options)
        if self._missing:
            _log.warning("engine.unavailable", category="engine", source="engine.pool", reasons=self._missing)
            self._on_change()
            return
        firsts = [asyncio.get_running_loop().create_future() for _ in range(self.options.workers)]
        self._keepers = [
            asyncio.create_task(self._keep(at, first), name=f"engine-worker-{at}")
            for at, first in enumerate(firsts)
        ]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.options.ready_s):
                await asyncio.gather(*firsts)

    async def close(self) -> None:
        """Stop every worker. Twice is harmless."""
        keepers, self._keepers = self._keepers, []
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)

    def address(self) -> EngineAddress:
        """The least loaded worker. Raises EngineUnavailableError."""
        able = [worker for worker in self._workers if worker.port is not None]
        if not able:
            raise EngineUnavailableError(
                " ".join(self.reasons) or "The embedded engine is still starting. Try again in a second."
            )
        worker = min(able, key=lambda one: one.load)
        worker.promise()
        return EngineAddress(f"ws://127.0.0.1:{worker.port}/v1/realtime", worker.token)

    async def hand_out(self) -> EngineAddress:
        """`address`, for those who would also wait for it. Raises EngineUnavailableError."""
        return self.address()

    async def _keep(self, at: int, first: asyncio.Future[None]) -> None:
        """One place in the pool: a worker, and another one when it dies, not too often."""
        deaths: deque[float] = deque(maxlen=self.options.restarts)
        clock = asyncio.get_running_loop().time
        unbegun = 0
        try:
            while True:
                started = clock()
                try:
                    await self._live(at, first)
                except OSError as error:
                    self._not_begun(at, error)
                    if not first.done():
                        first.set_result(None)
                    await asyncio.sleep(min(_BACK_OFF_CAP_S, _BACK_OFF_S * 2**unbegun))
                    unbegun = min(unbegun + 1, 8)
                    continue
                unbegun = 0
                if clock() - started > self.options.restart_window_s:
                    deaths.clear()
                deaths.append(clock())
                if len(deaths) == self.options.restarts:
                    _log.error("engine.worker_given_up", category="engine", source="engine.pool", place=at)
                    return
                await asyncio.sleep(min(_BACK_OFF_CAP_S, _BACK_OFF_S * 2 ** (len(deaths) - 1)))
        finally:
            if not first.done():
                first.set_result(None)

    async def _live(self, at: int, first: asyncio.Future[None]) -> None:
        """One worker from its start to its end."""
        worker = await self._spawn()
        try:
            await self._listen(at, worker, first)
        finally:
            worker.port = None
            if worker in self._workers:
                self._workers.remove(worker)
            await _stop(worker.process)
        code = worker.process.returncode
        self._reasons[at] = worker.error or (
            f"An engine worker ended unexpectedly (exit code {code}). It is started again; "
            "if this goes on, run `holdfast doctor`."
        )
        _log.warning(
            "engine.worker_ended",
            category="engine",
            source="engine.pool",
            place=at,
            exit_code=code,
            reason=worker.error,
            last_words=worker.last_words,
        )
        self._on_change()
        if not first.done():
            first.set_result(None)

    def _not_begun(self, at: int, error: OSError) -> None:
        """This machine has no process or no file descriptor for it now, which is no fault of the worker's."""
        self._reasons[at] = (
            f"An engine worker could not be started ({error.strerror or error}). It is tried again; "
            "look at this machine's memory, processes and `ulimit -n`."
        )
        facts = {"place": at, "exit_code": None, "reason": self._reasons[at]}
        _log.warning("engine.worker_ended", category="engine", source="engine.pool", **facts)
        self._on_change()

    async def _spawn(self) -> _Worker:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "holdfast.engine.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
            env={**os.environ, **_ONE_THREAD},
        )
        worker = _Worker(process, secrets.token_urlsafe(32))
        self._workers.append(worker)
        told = {"token": worker.token, "options": _plain(self.options), "warm": self._warm}
        assert process.stdin is not None
        with contextlib.suppress(ConnectionError):
            process.stdin.write(json.dumps(told).encode() + b"\n")
            await process.stdin.drain()
        return worker

    async def _listen(self, at: int, worker: _Worker, first: asyncio.Future[None]) -> None:
        """Everything it says, until it says no more."""
        words = asyncio.create_task(_last_words(worker))
        try:
            while line := await self._line(worker):
                try:
                    told = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if not isinstance(told, dict):
                    continue  # a library's word, not ours
                was_ready = worker.port is not None
                worker.hears(told)
                if isinstance(told.get("stage"), dict):
                    self._hear_of_stage(at, worker, StageNews(**told["stage"]))
                if worker.port is not None and not was_ready:
                    self._reasons.pop(at, None)
                    _log.info(
                        "engine.worker_ready",
                        category="engine",
                        source="engine.pool",
                        place=at,
                        **worker.stages,
                    )
                    if not first.done():
                        first.set_result(None)
                    self._on_change()
            worker.port = None  # nobody is sent there any more
            await worker.process.wait()
        finally:
            words.cancel()

    async def _line(self, worker: _Worker) -> bytes:
        """Its next line; none at its end. A worker says now and then that it lives: one that does not stands
        still, keeps its sessions in silence, and is ended.
        """
        assert worker.process.stdout is not None
        if worker.port is not None:
            for patience_s in (self.options.silent_s, _GRACE_S):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(patience_s):
                        return await worker.process.stdout.readline()
            worker.error = (
                f"An engine worker stood still for {self.options.silent_s:g} s. It is started again."
            )
            worker.process.kill()
        return await worker.process.stdout.readline()

    def _hear_of_stage(self, at: int, worker: _Worker, news: StageNews) -> None:
        worker.hears_of_stage(news)
        facts: dict[str, Any] = {"place": at, "stage": news.stage, "served_by": news.served_by}
        if news.code:
            cause = fault(news.code, [news.why])
            facts |= cause.facts
            _log.warning("engine.stage_switched", category="engine", source="engine.pool", **facts)
        else:
            _log.info("engine.stage_switched", category="engine", source="engine.pool", **facts)
        self._on_change()


async def _last_words(worker: _Worker) -> None:
    """The end of what it wrote on standard error, for the log."""
    assert worker.process.stderr is not None
    while part := await worker.process.stderr.read(4096):
        worker.last_words = (worker.last_words + part.decode("utf-8", "replace"))[-_KEPT_WORDS:]


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Close its input, which is its sign to go; make sure that it does."""
    if process.returncode is not None:
        return
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _plain(options: EngineOptions) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(options).items()}
