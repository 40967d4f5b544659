"""One call over WebRTC, run: its sideband socket, its timers, its tools.

What lives here: the table from an effect to a call, in both directions.
What never will: deciding (`core.call`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, ClassVar

import structlog

from holdfast.core import call as core
from holdfast.core.effects import Finish, Note, StartTimer, StopTimer
from holdfast.core.faults import Fault
from holdfast.core.limits import Limits
from holdfast.ports import Principal, Toolbox, ToolContext, UpstreamLine
from holdfast.ports.calls import CallProvider
from holdfast.runtime.directory import Directory
from holdfast.runtime.shell import now
from holdfast.runtime.timers import Timers
from holdfast.wire import sideband


class CallRunner:
    """Holds a call. Fills the port `UpstreamSink`, and what the directory asks of a running session."""

    is_parked = False

    def __init__(
        self,
        provider: CallProvider,
        directory: Directory,
        toolbox: Toolbox,
        limits: Limits,
        *,
        principal: Principal,
        bound: Mapping[str, Any],
    ) -> None:
        """`bound`: the settings that stay as they are; empty where the caller may change them."""
        self.call_id = ""
        self._provider = provider
        self._directory = directory
        self._toolbox = toolbox
        self._principal = principal
        self._bound = bound
        # without a customer there is nobody in whose name a tool could run
        names = (str(one["name"]) for one in toolbox.definitions()) if principal.customer_name else ()
        self.call = core.Call(limits, frozenset(names))
        self._line: UpstreamLine | None = None
        self._timers = Timers()
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_finished = False
        self.log = structlog.get_logger().bind(source="call", customer_id=principal.customer_id)

    def start(self, call_id: str) -> None:
        """The provider has taken the call."""
        self.call_id = call_id
        self.log = self.log.bind(call=call_id)
        self.log.info("call.began", category="call", upstream=self._provider.name)
        self._step(core.CallBegan())
        if self._directory.is_draining:
            self.hang_up("draining")

    def give_up(self) -> None:
        """The provider has not."""
        self._finish(Finish())

    def hang_up(self, reason: str) -> None:
        """End it."""
        self._step(core.HangUpAsked(reason))

    # the directory's side

    def drain(self, *, at_once: bool = False) -> None:  # noqa: ARG002 - either way nobody would hold it
        """The process stops: a call that nobody holds would cost until the provider ends it."""
        if self.call_id:
            self.hang_up("draining")

    def give_way(self) -> None:
        """It is never parked."""

    def visit(self) -> None:
        """Nothing is due here."""

    def shed(self) -> None:
        """It keeps nothing."""

    def budget_spent(self, cause: Fault) -> None:
        """No budget counts calls."""

    @property
    def session_id(self) -> str:
        """It is known by the provider's id only."""
        return ""

    # the sideband's side

    def upstream_opened(self, generation: int, line: UpstreamLine) -> None:
        """See `UpstreamSink`."""
        if self.is_finished:
            line.close()
            return
        self._line = line
        self._step(core.SidebandOpened(generation))

    def upstream_message(self, generation: int, raw: bytes) -> None:
        """See `UpstreamSink`."""
        if generation == self.call.generation:
            self._step(sideband.read(raw, self._bound))

    def upstream_lost(self, generation: int, cause: Fault) -> None:
        """See `UpstreamSink`."""
        if generation == self.call.generation:
            self._line = None
        self._step(core.SidebandLost(generation, cause))

    def upstream_paused(self, *, paused: bool) -> None:
        """Our few messages never fill a socket."""

    # the step

    def _step(self, event: core.CallEvent) -> None:
        try:
            for effect in self.call.receive(event, now()):
                self.PERFORM[type(effect)](self, effect)
        except Exception:
            self.log.exception("step.failed", category="call")
            self.give_up()

    def _dial(self, effect: core.DialSideband) -> None:
        self._spawn(self._provider.dial(self.call_id, effect.generation, self))

    def _say(self, *messages: bytes) -> None:
        if self._line is not None:
            for message in messages:
                self._line.send_text(message)

    def _run_tool(self, effect: core.RunTool) -> None:
        self._spawn(self._tool(effect))

    async def _tool(self, effect: core.RunTool) -> None:
        who = self._principal
        context = ToolContext(self.call_id, effect.call_id, who.customer_id, who.customer_name)
        outcome = await self._toolbox.call(effect.name, effect.arguments, context)
        facts = {"tool": effect.name, "tool_call": effect.call_id, "status": outcome.status}
        self.log.info("call.tool", category="call", **facts)
        self._step(core.ToolEnded(effect.call_id, outcome.output))

    def _hang_up(self, _effect: core.HangUpCall) -> None:
        self._spawn(self._told_provider())

    async def _told_provider(self) -> None:
        if not await self._provider.hang_up(self.call_id):
            self.log.warning("call.hang_up_failed", category="call", upstream=self._provider.name)
        self._step(core.HungUp())

    def _note(self, effect: Note) -> None:
        getattr(self.log, effect.level)(effect.moment, category="call", **effect.facts)

    def _finish(self, _effect: Finish) -> None:
        self.is_finished = True
        self._timers.stop_all()
        if self._line is not None:
            self._line.close()
            self._line = None
        this = asyncio.current_task()
        for task in self._tasks - ({this} if this is not None else set()):
            task.cancel()
        self._directory.calls.pop(self.call_id, None)
        self._directory.leave(self)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _timer(self, name: str) -> None:
        self._step(core.CallTimer(name))

    PERFORM: ClassVar[Mapping[type, Callable[[CallRunner, Any], None]]] = {
        core.DialSideband: _dial,
        core.SetAgain: lambda self, _: self._say(sideband.set_again(self._bound)),
        core.RunTool: _run_tool,
        core.TellResult: lambda self, e: self._say(*sideband.result(e.call_id, e.output)),
        core.HangUpCall: _hang_up,
        StartTimer: lambda self, e: self._timers.start(e.name, e.seconds, self._timer),
        StopTimer: lambda self, e: self._timers.stop(e.name),
        Note: _note,
        Finish: _finish,
    }
