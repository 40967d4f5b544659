"""Tools as the gateway runs them: quick, slow, failing, never ending.

What lives here: how long each takes and what it answers.
What never will: whether it may run.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from holdfast.core import effects, events
from holdfast.core.faults import fault
from tests.simulation.matrix import At

if TYPE_CHECKING:
    from tests.simulation.gateway import Runner

TIMEOUT_S = 20.0


class Tools:
    """The tools that one session runs in its process."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.running: dict[str, str] = {}

    def run(self, effect: effects.RunTool) -> None:
        """Start one."""
        runner, name = self.runner, effect.name
        mark = int(json.loads(effect.arguments).get("turn", 0))
        runner.judge.runs_tool(effect.call_id, name, mark, is_restarted=runner.watch.was_taken_up)
        runner.watch.tool_starts(effect.call_id)
        self.running[effect.call_id] = name
        chance = runner.chance.random()
        seconds = (
            TIMEOUT_S
            if name == "hanging"
            else 0.5 + 4 * chance
            if name.startswith("slow")
            else 0.02 + 0.3 * chance
        )
        runner.clock.after(seconds, self._done, effect.call_id, name, mark)
        runner.stands(At.TR)

    def _done(self, call_id: str, name: str, mark: int) -> None:
        self.running.pop(call_id, None)
        if self.runner.is_dead or self.runner.is_finished:
            return
        output = json.dumps({"turn": mark})
        if name == "failing":
            event = events.ToolReturned(call_id, '{"error": "no"}', "failed", fault=fault("tool.failed"))
        elif name == "hanging":
            event = events.ToolReturned(call_id, '{"error": "late"}', "timeout", fault=fault("tool.timeout"))
        else:
            event = events.ToolReturned(call_id, output, "ok", end_session=name == "goodbye")
        self.runner.step(event)
