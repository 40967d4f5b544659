"""Tools beside the conversation: called once, told once, never muting it.

What lives here: couplings of the ledger with the turn.
What never will: running a tool.
"""

from __future__ import annotations

from holdfast.core import lifecycle
from holdfast.core.effects import AddToolResult, Respond, RunTool, StartTimer
from holdfast.core.events import ToolCalled, ToolReturned
from holdfast.core.notices import ClientAction, ToolDone, ToolStarted
from holdfast.core.state import State

GOODBYE_WAIT_S = 10.0
"""A goodbye that is never spoken must not keep the session open."""
TOO_MANY = '{"error": "too many tool calls in this turn; answer with what you know"}'


def called(s: State, event: ToolCalled, now: float) -> None:
    """The upstream wants a tool: run it once, within the steps of a turn."""
    if not s.upstream.may_speak(event.generation):
        return
    if not s.tools.open(event.call_id, event.name, event.response_id):
        return
    s.conversation.called(event.call_id, event.name, event.arguments)
    s.turn.tool_steps += 1
    if s.turn.tool_steps > s.limits.tool_steps_per_turn:
        s.note("tool.refused", "warning", name=event.name, reason="too many steps in one turn")
        _settle(s, event.call_id, TOO_MANY, now)
        return
    s.tell(ToolStarted(event.call_id, event.name))
    s.note("tool.started", name=event.name, call_id=event.call_id)
    s.out.append(RunTool(event.call_id, event.name, event.arguments, s.conversation.last_reply))


def returned(s: State, event: ToolReturned, now: float) -> None:
    """A tool has ended: tell the page, then the upstream."""
    call = next((call for call in s.tools.running if call.id == event.call_id), None)
    if call is None or s.is_over:
        return
    s.tell(ToolDone(event.call_id, call.name, event.status))
    level = "info" if event.status == "ok" else "warning"
    fault_code = event.fault.code if event.fault else None
    s.note("tool.done", level, name=call.name, call_id=event.call_id, status=event.status, fault=fault_code)
    if event.action is not None:
        s.tell(ClientAction(*event.action))
    _settle(s, event.call_id, event.output, now)
    if event.end_session:
        s.is_leaving = True
        s.out.append(StartTimer(lifecycle.TIMER_GOODBYE, GOODBYE_WAIT_S))
    s.last_activity = now


def _settle(s: State, call_id: str, output: str, now: float) -> None:
    if s.tools.returned(call_id, output) is not None:
        s.conversation.returned(call_id, output)
        tell_results(s)
        lifecycle.request_response(s, now)


def tell_results(s: State) -> None:
    """Tell upstream every result whose response has ended, then ask for one answer to them all."""
    if not s.upstream.is_live:
        return
    told = s.tools.ready(s.turn.active)
    for call in told:
        s.out.append(AddToolResult(call.id, call.output))
    over = s.turn.tool_steps - s.limits.tool_steps_per_turn
    if told and over <= 1:
        # Past the bound the model is asked once more, without tools; a model that calls all the same is not.
        s.turn.ask(Respond(tools=over <= 0))
