"""The engine's one door: what a relayed client asked of its connection reaches the worker."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from holdfast.core.faults import Fault
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
