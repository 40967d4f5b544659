"""Tools beside the conversation: called once, told once, never muting it, outliving every socket.

What lives here: couplings of the ledger with the turn and the journal: a call starts when its intent is
durable, its result goes upstream when that is durable too (reliability reference, B7).
What never will: running a tool.
"""

from __future__ import annotations

from holdfast.core import asking
from holdfast.core.effects import RunTool, StartTimer
from holdfast.core.events import JournalChanged, Recorded, ToolCalled, ToolReturned
from holdfast.core.faults import Fault, fault
from holdfast.core.journal_side import changed, record_intent, record_result, recorded
from holdfast.core.notices import ClientAction, ToolDone, ToolStarted
from holdfast.core.return_side import leave_process, may_leave
from holdfast.core.state import State
from holdfast.core.timers import TIMER_GOODBYE
from holdfast.core.tool_ledger import OPEN, Call, CallPhase
from holdfast.core.tool_results import tell_results

GOODBYE_WAIT_S = 10.0
"""A goodbye that is never spoken must not keep the session open."""
TOO_MANY = '{"error": "too many tool calls in this turn; answer with what you know"}'
NOT_KEPT = '{"error": "this cannot be done safely at the moment; nothing was changed"}'
UNKNOWN = '{"error": "outcome unknown: the call was interrupted; it may or may not have been done"}'


def called(s: State, event: ToolCalled, now: float) -> None:
    """The upstream wants a tool: run it once, within the steps of a turn."""
    if not s.hears(event.generation):
        return
    response_id = s.aliases.known(event.response_id)
    call = s.tools.open(event.call_id, event.name, event.arguments, response_id, event.generation)
    if call is None:
        return
    s.conversation.called(event.call_id, event.name, event.arguments)
    s.turn.last_event_at = now
    if _is_repetition(s, call, now):
        return
    s.turn.tool_steps += 1
    if s.turn.tool_steps > s.limits.tool_steps_per_turn:
        s.note("tool.refused", "warning", name=event.name, reason="too many steps in one turn")
        settle(s, event.call_id, TOO_MANY, now)
        return
    record_intent(s, call)
    s.tell(ToolStarted(event.call_id, event.name))
    if s.journal.durability == "none":
        _start(s, call.id)
    elif s.journal.is_degraded:
        _without_journal(s, call, fault("store.journal_unavailable"), now)


def _is_repetition(s: State, call: Call, now: float) -> bool:
    """A fresh upstream repeats the call of a lost one: it gets that one's result, now or when it comes."""
    twin = s.tools.calls.get(call.repeats or "")
    if twin is None:
        return False
    s.note("tool.repeated", name=call.name, call_id=call.id, of=twin.id)
    s.spoken.called_again(s.tools.made_by(twin.id), call.response_id)
    if twin.phase not in OPEN:
        settle(s, call.id, twin.output, now)
    return True


def _start(s: State, call_id: str) -> None:
    call = s.tools.may_start(call_id)
    if call is not None:
        s.note("tool.started", name=call.name, call_id=call.id)
        s.out.append(RunTool(call.id, call.name, call.arguments, s.conversation.last_reply))


def _without_journal(s: State, call: Call, cause: Fault, now: float) -> None:
    """No intent can be made durable: what may be run twice runs, the rest does not."""
    if call.name in s.surroundings.idempotent_tools:
        _start(s, call.id)
        return
    s.note("tool.refused", "warning", name=call.name, reason="no durable intent", **cause.facts)
    s.tell(ToolDone(call.id, call.name, "refused"))
    settle(s, call.id, NOT_KEPT, now)


def returned(s: State, event: ToolReturned, now: float) -> None:
    """A tool has ended: tell the page, then the upstream."""
    call = s.tools.calls.get(event.call_id)
    if call is None or call.phase is not CallPhase.RUNNING:
        return
    s.tell(ToolDone(event.call_id, call.name, event.status))
    level = "info" if event.status == "ok" else "warning"
    fault_code = event.fault.code if event.fault else None
    s.note("tool.done", level, name=call.name, call_id=event.call_id, status=event.status, fault=fault_code)
    if event.action is not None:
        s.tell(ClientAction(*event.action))
    settle(s, event.call_id, event.output, now)
    if event.end_session:
        s.is_leaving = True
        s.out.append(StartTimer(TIMER_GOODBYE, GOODBYE_WAIT_S))
    s.last_activity = now


def settle(s: State, call_id: str, output: str, now: float) -> None:
    """What a call came to: kept, then told upstream, which answers."""
    for call in s.tools.returned(call_id, output):
        s.conversation.returned(call.id, output)
        record_result(s, call)
        if s.journal.durability == "none" or s.journal.is_degraded:
            call.phase = CallPhase.RETURNED
    tell_results(s)
    asking.request_response(s, now)


def on_recorded(s: State, event: Recorded, now: float) -> None:
    """Lines are durable: what waited for them goes on."""
    for call_id in recorded(s, event):
        call = s.tools.calls.get(call_id)
        if call is not None and call.phase is CallPhase.RETURNING:
            call.phase = CallPhase.RETURNED
        else:
            _start(s, call_id)
    tell_results(s)
    asking.request_response(s, now)


def journal_changed(s: State, event: JournalChanged, now: float) -> None:
    """The store stumbles: what waits for it must not wait for ever."""
    changed(s, event, now)
    if event.cause is None:
        if s.is_draining and may_leave(s):
            leave_process(s, now)
        return
    for call in s.tools.running:
        if call.phase is CallPhase.INTENDED and call.repeats is None:
            _without_journal(s, call, event.cause, now)
        elif call.phase is CallPhase.RETURNING:
            call.phase = CallPhase.RETURNED
    tell_results(s)
    asking.request_response(s, now)
