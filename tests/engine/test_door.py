"""The engine's one door: what a relayed client asked of its connection reaches the worker."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import msgspec
import pytest

from holdfast.core.faults import Fault, Party
from holdfast.engine.options import EngineOptions
from holdfast.engine.pool import EnginePool
from holdfast.ports import UpstreamLine
from holdfast.providers.local import LocalDialer

pytestmark = [pytest.mark.speech, pytest.mark.asyncio(loop_scope="module")]


class FirstWord:
    """A sink that waits for the first event and hangs up."""

    def __init__(self) -> None:
        self.event: asyncio.Future[dict[str, object]] = asyncio.get_running_loop().create_future()
        self.line: UpstreamLine | None = None

    def upstream_opened(self, generation: int, line: UpstreamLine) -> None:
        self.line = line

    def upstream_message(self, generation: int, raw: bytes) -> None:
        if not self.event.done():
            self.event.set_result(msgspec.json.decode(raw))
            assert self.line is not None
            self.line.close()

    def upstream_lost(self, generation: int, cause: Fault) -> None:
        """Expected after the first event."""

    def upstream_paused(self, *, paused: bool) -> None:
        """Nothing to pause."""


@pytest.mark.parametrize(
    ("query", "kind"), [({}, "realtime"), ({"intent": "transcription", "model": "other"}, "transcription")]
)
async def test_the_intent_is_passed_on_and_the_model_is_not(
    pool: EnginePool, query: dict[str, str], kind: str
) -> None:
    sink = FirstWord()
    await LocalDialer("local", pool).dial(1, sink, query)
    event = await asyncio.wait_for(sink.event, 10)
    session = event["session"]
    assert isinstance(session, dict)
    assert session["type"] == kind
    assert session.get("model", "holdfast-local") == "holdfast-local"


class Lost:
    """A sink that waits for the end."""

    def __init__(self) -> None:
        self.opened: asyncio.Future[UpstreamLine] = asyncio.get_running_loop().create_future()
        self.lost: asyncio.Future[Fault] = asyncio.get_running_loop().create_future()

    def upstream_opened(self, generation: int, line: UpstreamLine) -> None:
        self.opened.set_result(line)

    def upstream_message(self, generation: int, raw: bytes) -> None:
        """Of no interest."""

    def upstream_lost(self, generation: int, cause: Fault) -> None:
        self.lost.set_result(cause)

    def upstream_paused(self, *, paused: bool) -> None:
        """Nothing to pause."""


async def test_a_worker_that_dies_or_is_gone_is_our_own_fault_and_no_provider_s(speech_files: Path) -> None:
    pool = EnginePool(EngineOptions(workers=1, speech_folder=speech_files))
    await pool.start()
    (worker,) = pool._workers
    dialer = LocalDialer("local", pool)
    try:
        talking, dialled = Lost(), Lost()
        await dialer.dial(1, talking, {})
        await asyncio.wait_for(talking.opened, 10)
        os.kill(worker.process.pid, signal.SIGKILL)
        cause = await asyncio.wait_for(talking.lost, 10)
        assert (cause.code, cause.row.party) == ("gateway.engine_unavailable", Party.GATEWAY)
        assert "close code 1006" in cause.evidence
        # Until the pool has heard of its death its address is still given away.
        await dialer.dial(2, dialled, {})
        assert (await asyncio.wait_for(dialled.lost, 10)).code == "gateway.engine_unavailable"
    finally:
        await pool.close()


async def test_a_full_engine_is_our_own_fault(speech_files: Path) -> None:
    pool = EnginePool(EngineOptions(workers=1, speech_folder=speech_files, sessions_per_worker=1))
    await pool.start()
    dialer = LocalDialer("local", pool)
    try:
        first, second = Lost(), Lost()
        await dialer.dial(1, first, {})
        await asyncio.wait_for(first.opened, 10)
        await dialer.dial(2, second, {})
        cause = await asyncio.wait_for(second.lost, 10)
        assert cause.code == "gateway.engine_unavailable"
        assert "error.code engine_full" in cause.evidence
    finally:
        await pool.close()
