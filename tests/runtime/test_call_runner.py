"""A call's runner where the process is about to stop: no call is left that nobody holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from holdfast.core.limits import Limits
from holdfast.ports import Principal, UpstreamSink
from holdfast.ports.calls import CallAnswer
from holdfast.runtime.call_runner import CallRunner
from holdfast.runtime.directory import Directory
from tests.server.gateway import CountingTools, eventually

LIMITS = Limits()


@dataclass
class Provider:
    """Takes any call and keeps what it was told."""

    name: str = "one"
    hung_up: list[str] = field(default_factory=list)

    async def offer(self, sdp: bytes, session: Mapping[str, Any]) -> CallAnswer:
        return CallAnswer(201, "application/sdp", sdp + bytes(len(session)), "rtc_1")

    async def dial(self, call_id: str, generation: int, sink: UpstreamSink) -> None:
        """Nobody is ever there."""

    async def hang_up(self, call_id: str) -> bool:
        self.hung_up.append(call_id)
        return True


def runner_of(provider: Provider, directory: Directory) -> CallRunner:
    principal = Principal("client", "", "client_key")
    runner = CallRunner(provider, directory, CountingTools(), LIMITS, principal=principal, bound={})
    directory.enter(runner, "127.0.0.1", "")
    return runner


async def test_a_call_that_is_taken_while_the_process_stops_is_hung_up() -> None:
    provider, directory = Provider(), Directory(LIMITS)
    runner = runner_of(provider, directory)
    directory.drain()
    assert provider.hung_up == [], "nobody has taken it yet"
    runner.start("rtc_1")
    await eventually(lambda: provider.hung_up == ["rtc_1"] and not len(directory))


async def test_a_call_that_nobody_took_leaves_nothing() -> None:
    provider, directory = Provider(), Directory(LIMITS)
    runner_of(provider, directory).give_up()
    assert not len(directory)
    assert provider.hung_up == []
