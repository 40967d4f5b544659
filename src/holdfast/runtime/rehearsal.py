"""Faults on demand, for application developers who want to see what their page does
(reliability reference, D6).

What lives here: breaking real sockets of running sessions, and keeping upstreams from
being dialled for a while.
What never will: a pretended fault. It is there only when `[server] chaos` is on, on this machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, Protocol

from holdfast.core.faults import fault
from holdfast.ports import UpstreamDialer, UpstreamSink, UpstreamTraits
from holdfast.runtime.directory import Directory
from holdfast.runtime.shell import Shell

FaultName = Literal["drop_client", "drop_upstream", "stall_upstream", "slow_upstream", "refuse_upstreams"]
SLOW_STEP_S: Final = 0.2


class Refusing:
    """Whether upstreams may be reached, as the rehearsal wants it."""

    def __init__(self) -> None:
        self.until = 0.0


@dataclass(frozen=True, slots=True)
class RehearsedDialer:
    """A dialer that fails while the rehearsal wants it to."""

    inner: UpstreamDialer
    refusing: Refusing

    @property
    def traits(self) -> UpstreamTraits:
        """What the upstream is."""
        return self.inner.traits

    async def dial(self, generation: int, sink: UpstreamSink, query: Mapping[str, str]) -> None:
        """Dial, or fail as an upstream does that cannot be reached."""
        if asyncio.get_running_loop().time() < self.refusing.until:
            sink.upstream_lost(generation, fault("provider.unreachable", ["a rehearsed fault"]))
            return
        await self.inner.dial(generation, sink, query)


class Rehearsing(Protocol):
    """Who breaks what, when asked."""

    def play(self, name: FaultName, *, seconds: float, session: str | None) -> int:
        """Do it to this session, or to all; answers how many it met."""
        ...


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What `POST /dev/faults` does."""

    directory: Directory
    refusing: Refusing

    def play(self, name: FaultName, *, seconds: float, session: str | None) -> int:
        """Do it to this session, or to all; answers how many it met."""
        if name == "refuse_upstreams":
            self.refusing.until = asyncio.get_running_loop().time() + seconds
            return len(self.directory)
        acts: dict[str, Callable[[Shell, float], None]] = {
            "drop_client": lambda one, _: one.client.abort(),
            "drop_upstream": _drop,
            "stall_upstream": _stall,
            "slow_upstream": _slow,
        }
        meant = [
            one
            for one in self.directory.running
            if isinstance(one, Shell) and session in {None, self.directory.id_of(one)}
        ]
        for one in meant:
            acts[name](one, seconds)
        return len(meant)


def _drop(one: Shell, seconds: float) -> None:  # noqa: ARG001 - every act is called alike
    for line in list(one.lines.values()):
        line.abort()


def _stall(one: Shell, seconds: float) -> None:
    """Open but silent: what comes is not read."""
    loop = asyncio.get_running_loop()
    for line in one.lines.values():
        line.pause_reading(paused=True)
        loop.call_later(seconds, partial(line.pause_reading, paused=False))


def _slow(one: Shell, seconds: float) -> None:
    """Read for a moment, then not, in turns."""
    loop = asyncio.get_running_loop()
    for line in one.lines.values():
        for step in range(int(seconds / SLOW_STEP_S)):
            paused = step % 2 == 0
            loop.call_later(step * SLOW_STEP_S, partial(line.pause_reading, paused=paused))
        loop.call_later(seconds, partial(line.pause_reading, paused=False))
