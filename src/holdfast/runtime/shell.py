"""What every running conversation needs around its core: a clock, timers, tasks, a log, the upstream's line.

What lives here: owning tasks and ending them; effects that both cores share.
What never will: a decision.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import structlog

from holdfast.core.effects import (
    Adopt,
    CloseClient,
    Dial,
    Finish,
    HangUp,
    Manner,
    Note,
    StartTimer,
    StopTimer,
)
from holdfast.core.events import BudgetSpent
from holdfast.core.faults import Fault, fault
from holdfast.core.hearing import Unheard
from holdfast.core.links import Linked
from holdfast.core.models import fallback_of
from holdfast.express import Leg, Way
from holdfast.ports import ClientLine, UpstreamLine
from holdfast.runtime.directory import Directory
from holdfast.runtime.eyes import Eyes
from holdfast.runtime.spoken_input import SpokenInput
from holdfast.runtime.timers import Timers
from holdfast.runtime.upstreams import Upstreams

now = time.monotonic
chance = random.random


class _WallClock:
    """RFC 3339 with milliseconds; the text of a second is made once."""

    __slots__ = ("_second", "_text")

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def __call__(self) -> str:
        millis = time.time_ns() // 1_000_000
        second = millis // 1_000
        if second != self._second:
            self._second = second
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._text}.{millis % 1_000:03d}Z"


timestamp = _WallClock()


class Shell:
    """The imperative half of one conversation. Subclasses add their core and its effects.

    Nothing that it keeps refers back to it once it has finished, so that it goes with its last user and not
    when the collector comes: its table of effects is the class's, and who will call it is told so each time.
    """

    links: Linked
    """Its core's account of upstreams."""
    _eyes: Eyes
    input: SpokenInput
    """What is kept of what its user said."""

    def __init__(
        self, client: ClientLine, upstreams: Upstreams, directory: Directory, source: str, **known: str
    ) -> None:
        """`known`: what every line of its log bears."""
        self.client = client
        self.upstreams = upstreams
        self.directory = directory
        self.timers = Timers()
        self._generation = -1
        self.line: UpstreamLine | None = None
        """The line that everything goes to."""
        self.lines: dict[int, UpstreamLine] = {}
        """Open lines by generation: a second one while one upstream follows another."""
        self.query: Mapping[str, str] = {}
        self.log = structlog.get_logger().bind(source=source, **known)
        self._tasks: list[asyncio.Task[None]] = []
        self._dialing: dict[int, asyncio.Task[None]] = {}
        self.is_finished = False

    # what a subclass answers

    def timer_fired(self, name: str) -> None:
        """A deadline has come."""
        raise NotImplementedError

    def step(self, event: Any) -> None:
        """Everything that happens passes here."""
        raise NotImplementedError

    @property
    def session_id(self) -> str:
        """The id of its session, once somebody watches it."""
        return self._eyes.session.id

    def budget_spent(self, cause: Fault) -> None:
        """Nothing more may be spent on it: end politely."""
        self.step(BudgetSpent(cause))

    def visit(self) -> None:
        """Somebody may listen to its input, as long as nobody knows whether the upstream does; a subclass has
        more.
        """
        listening, link = self.directory.listening, self.links.upstream
        if listening is not None and link.hears is None and link.is_live:
            listening.visit(self, link.generation, now())

    def unheard(self, generation: int, speech_s: float) -> None:
        """So much speech was found in what this link was given and told nothing of."""
        self.step(Unheard(generation, speech_s, chance()))

    def ways(self, client: Leg, upstream: Leg, generation: int) -> tuple[Way, Way]:
        """Where usual audio goes that comes from the client, and from this generation's upstream."""
        raise NotImplementedError

    def upstream_lost(self, generation: int, cause: Fault) -> None:
        """See `UpstreamSink`."""
        raise NotImplementedError

    def upstream_message(self, generation: int, raw: bytes) -> None:
        """See `UpstreamSink`."""
        raise NotImplementedError

    def connected(self, generation: int) -> None:
        """The upstream's socket is open."""
        raise NotImplementedError

    # the sink's other half

    def upstream_opened(self, generation: int, line: UpstreamLine) -> None:
        """See `UpstreamSink`. A line that nobody waits for any more is not kept: each one costs money."""
        if self.is_finished or self._dialing.pop(generation, None) is None:
            line.close()
            return
        self.lines[generation] = line
        self.connected(generation)

    def upstream_paused(self, *, paused: bool) -> None:
        """See `UpstreamSink`: TCP does the waiting."""
        self.client.pause_reading(paused=paused)

    # shared effects

    def dial(self, effect: Dial) -> None:
        """Dial in a task of ours."""
        if self.line is None:
            self.log = self.log.try_unbind("upstream_session")  # of the one that was lost
        dialer = self.upstreams.dialers[effect.endpoint]
        query = dict(self.query)
        if effect.manner is Manner.OTHER_MODEL and query.get("intent") != "transcription":
            query["model"] = fallback_of(query.get("model") or dialer.traits.model)
        self._dialing[effect.generation] = self.spawn(dialer.dial(effect.generation, self, query))

    def adopt(self, effect: Adopt) -> None:
        """From here on everything goes to this line, which has room: the client is read."""
        self.line = self.lines.get(effect.generation)
        self._generation = effect.generation
        self.log = self.log.bind(upstream_session=self.links.upstream.session_id)
        self.couple()
        self.upstream_paused(paused=False)

    def couple(self) -> None:
        """Let usual audio pass between the client's socket and the line's without us, where both can ride."""
        express, line, client = self.directory.express, self.line, self.client
        if express is None:
            return
        client.ride(express)
        if line is not None:
            line.ride(express)
        legs = [one.leg for one in (client, line) if one is not None and one.leg is not None]
        for leg in legs:
            leg.flush()
            leg.way = None
        if len(legs) == 2:
            up, down = self.ways(legs[0], legs[1], self._generation)
            legs[0].way, legs[1].way = up, down

    def hang_up(self, effect: HangUp) -> None:
        """Close the line, or stop dialling it."""
        if (task := self._dialing.pop(effect.generation, None)) is not None:
            task.cancel()
        if (line := self.lines.pop(effect.generation, None)) is not None:
            line.close()
            if line is self.line:
                self.line = None
                self.couple()
                self.upstream_paused(paused=False)  # it may have died with a full buffer

    def close_client(self, effect: CloseClient) -> None:
        """Begin the closing handshake."""
        self.client.close(effect.code, effect.reason)

    def start_timer(self, effect: StartTimer) -> None:
        """Set a deadline."""
        if not self.is_finished:
            self.timers.start(effect.name, effect.seconds, self.timer_fired)

    def stop_timer(self, effect: StopTimer) -> None:
        """Forget a deadline."""
        self.timers.stop(effect.name)

    def note(self, effect: Note) -> None:
        """Write a key moment to the log."""
        category = effect.moment.partition(".")[0]
        getattr(self.log, effect.level)(effect.moment, category=category, **effect.facts)

    def finish(self) -> None:
        """Release everything. Twice is harmless."""
        self.is_finished = True
        self.timers.stop_all()
        for task in self._tasks:
            task.cancel()
        for line in self.lines.values():
            line.close()
        self.lines.clear()
        self.line = None
        if self.client.leg is not None:
            self.client.leg.way = None
        self.directory.leave(self)  # type: ignore[arg-type] # a subclass can drain

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run what may wait, owned until it ends."""
        if self.is_finished:
            work.close()
            raise RuntimeError("a finished conversation starts nothing")
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.append(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.remove(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.log.error("task.failed", category="session", error=repr(error))

    def broken(self, error: Exception) -> Fault:
        """A bug of ours inside a step: the operator gets the traceback, the user a calm sentence."""
        self.log.error("step.failed", category="session", exc_info=error)
        return fault("gateway.internal", [type(error).__name__])

    SHARED: ClassVar[Mapping[type, Callable[[Shell, Any], None]]] = {
        Dial: dial,
        Adopt: adopt,
        HangUp: hang_up,
        CloseClient: close_client,
        StartTimer: start_timer,
        StopTimer: stop_timer,
        Note: note,
        Finish: lambda self, _: self.finish(),
    }
    """What carries out the effects of both cores; a subclass adds its own to its `PERFORM`."""
