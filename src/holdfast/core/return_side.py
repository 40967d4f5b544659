"""A client that leaves and comes back: parked, resumed, or given up (reliability reference, B2, B11).

What lives here: what happens while nobody listens, the judgement "recovered or not", what a returning client
is told, where an answer is cut that it missed.
What never will: whether it may come back (token, customer): that is settled before.
"""

from __future__ import annotations

from typing import Literal

from holdfast.core import asking, ending, lifecycle
from holdfast.core.audio_side import look_again
from holdfast.core.barge_in import interrupt
from holdfast.core.client_close import fault_of_client_close, never_back
from holdfast.core.client_link import ClientSignal
from holdfast.core.effects import CloseClient, CommitInput, Respond, StartTimer, StopTimer, Tell
from holdfast.core.events import (
    ClientGone,
    ClientTooSlow,
    DrainBegan,
    MemoryRanShort,
    ResumeAsked,
    TimerFired,
)
from holdfast.core.faults import fault
from holdfast.core.journal_side import record_items, record_progress
from holdfast.core.notices import AudioLost, ContextRestored, SessionResumed, Snapshot, Status
from holdfast.core.rebuild import left
from holdfast.core.state import State
from holdfast.core.timers import TIMER_ALONE, TIMER_AWAY, TIMER_DRAIN, TIMER_IDLE, TIMER_UTTERANCE
from holdfast.core.upstream_link import UpstreamPhase

DONE = 1000
"""The close code of a client that will not come back."""


def gone(s: State, event: ClientGone, now: float) -> None:
    """The client's socket is over: park the session, unless the client said that it is done."""
    if s.link.is_away:
        return
    cause = fault_of_client_close(event.code, event.reason)
    s.note("client.gone", code=event.code, reason=event.reason, **(cause.facts if cause else {}))
    if not s.link.is_attached or event.code == DONE:
        s.link.move(ClientSignal.ENDED)
        ending.end(s, "client_gone")
        return
    s.link.move(ClientSignal.LEFT)
    s.away_since = now
    s.left_by = cause
    s.out.append(StopTimer(TIMER_IDLE))
    s.out.append(StartTimer(TIMER_AWAY, s.limits.resume_window_s))
    s.out.append(StartTimer(TIMER_ALONE, s.limits.upstream_alone_s))
    if s.spoken.open is not None and s.options.framing == "raw":
        s.out.append(StartTimer(TIMER_UTTERANCE, s.limits.open_utterance_s))
    s.note("session.parked", window_s=s.limits.resume_window_s)
    if s.is_draining and not s.journal.is_degraded:
        leave_process(s, now)


def utterance_due(s: State, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as below
    """A client without positions cannot send the rest of its sentence: what was heard of it is answered."""
    if s.link.is_away and s.spoken.open is not None and s.upstream.is_live:
        s.spoken.end(s.kept.end)
        s.out.append(CommitInput())
        s.turn.ask(Respond())
        asking.request_response(s, now)


def too_slow(s: State, event: ClientTooSlow, now: float) -> None:
    """The client does not read: cut its line rather than keep without bound; it may come back."""
    s.note("client.too_slow", "warning", waiting_bytes=event.waiting_bytes)
    if s.link.is_attached:
        s.out.append(CloseClient(1013, "too slow"))
        gone(s, ClientGone(1013, "too slow"), now)


def away_due(s: State, event: TimerFired, now: float) -> None:  # noqa: ARG001 - every timer's function is called alike
    """Nobody came back."""
    if s.link.is_away:
        ending.end(s, "not_resumed", never_back(s.left_by))


def alone_due(s: State, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """An upstream without anybody to talk to costs money."""
    if s.link.is_away:
        s.note("upstream.rested")
        lifecycle.rest(s, now)


def shed(s: State, event: MemoryRanShort, now: float) -> None:  # noqa: ARG001 - as above
    """Less of the audio that a client that is away may have missed; it is told what fell out."""
    if s.link.is_away and (size := s.window.shrink(s.limits.window_shed_bytes)):
        s.note("session.shed", "warning", bytes=size)


# coming back


def resumed(s: State, event: ResumeAsked, now: float) -> None:
    """`resume_session`: the missed tail in order and once, or an honest "not recovered" with a snapshot."""
    absence_s = 0.0
    if s.link.is_away:
        absence_s = now - s.away_since
    else:  # another window takes over: nobody listens until the answer is made
        s.link.move(ClientSignal.LEFT)
    for timer in (TIMER_AWAY, TIMER_ALONE, TIMER_UTTERANCE):
        s.out.append(StopTimer(timer))
    s.out.append(StartTimer(TIMER_IDLE, s.limits.idle_s))
    s.last_activity = now
    s.kept.keep_more()
    is_known = event.epoch == s.output.epoch and event.offset <= s.output.offset
    recovered = is_known and s.window.holds(event.offset)
    s.note("session.resumed", recovered=recovered, absence_s=round(absence_s, 3))
    if recovered:
        _catch_up(s, event, absence_s, now)
    else:
        _start_over(s, event, now)
    s.link.move(ClientSignal.RETURNED)
    look_again(s)
    s.record("attached", {})
    if s.upstream.phase is UpstreamPhase.IDLE:
        s.tell(Status("recovering" if s.line.is_ready_told else "connecting"))
        s.line.is_recovering_told = s.line.is_ready_told
        lifecycle.start(s, now)


def _answer(s: State, event: ResumeAsked, offset: int, *, recovered: bool) -> None:
    facts = SessionResumed(
        recovered=recovered,
        epoch=s.output.epoch,
        offset=offset,
        received=s.received,
        durable=s.journal.durable,
        resume_token=event.resume_token,
        context_restored=context_restored(s),
        durability=s.journal.durability,
        state=s.turn.phase.name.lower(),
    )
    s.out.append(Tell(facts, None))


def context_restored(s: State) -> ContextRestored:
    """What the upstream that answers now knows of the conversation."""
    if s.line.rebuilds == 0 and s.line.is_ready_told and s.upstream.phase is UpstreamPhase.LIVE:
        return "full"
    return "text_only" if s.conversation.items else "none"


def _catch_up(s: State, event: ResumeAsked, absence_s: float, now: float) -> None:
    s.window.acknowledge(event.offset)
    s.window.is_replayed = True
    for offset, stream, first, last in s.window.fallen:
        if offset > event.offset:
            s.tell(AudioLost("output", first, last, "window_full", stream))
    policy = s.options.on_return or _by_absence(s, absence_s)
    if policy == "truncate":
        _truncate(s, event.offset, now)
    elif policy == "skip_to_live":
        _skip(s, "skipped")
    _answer(s, event, event.offset, recovered=True)
    s.out.extend(s.window.after(event.offset))
    s.window.is_replayed = False


def _by_absence(s: State, absence_s: float) -> Literal["continue", "truncate"]:
    return "continue" if absence_s < s.limits.return_continue_s else "truncate"


def _truncate(s: State, offset: int, now: float) -> None:
    """What was not heard is not played late: the item is cut where the client stopped hearing it."""
    item = s.output.current
    if item is not None and (missed := s.window.missed_from(item.stream, offset)) is not None:
        interrupt(s, now, reached=max(missed, item.played or 0))
    _skip(s, "truncated")


def _skip(s: State, reason: str) -> None:
    for stream, first, last in s.window.drop_audio():
        s.tell(AudioLost("output", first, last, reason, stream))


def _start_over(s: State, event: ResumeAsked, now: float) -> None:
    interrupt(s, now)
    s.window.acknowledge(s.output.offset)
    s.window.fallen.clear()
    _answer(s, event, s.output.offset, recovered=False)
    s.tell(Snapshot(tuple(_items(s)), s.turn.phase.name.lower()))
    s.out.extend(s.window.after(s.output.offset - 1))


def _items(s: State) -> list[dict[str, object]]:
    out: list[dict[str, object]] = []
    for item in s.conversation.items.values():
        facts: dict[str, object] = {"id": item.id, "role": item.role, "final": item.is_final}
        if item.role == "tool":
            facts |= {"name": item.call_name, "status": "done" if item.is_final else "running"}
        else:
            facts |= {"text": item.heard_text}
        out.append(facts)
    return out


# the process stops


def drain(s: State, event: DrainBegan, now: float) -> None:
    """Say so, finish the sentence, and let the client come back to the next process."""
    cause = fault("gateway.draining")
    s.is_draining = True
    s.tell(Status("draining", cause))
    if not s.link.is_attached and not s.link.is_away:
        s.out.append(CloseClient(1001, "draining"))
    elif event.at_once or may_leave(s):
        leave_process(s, now)
    else:
        s.out.append(StartTimer(TIMER_DRAIN, s.limits.drain_busy_s))


def may_leave(s: State) -> bool:
    """Whether nobody is in the middle of anything, and the journal can keep the session."""
    is_idle = s.turn.is_quiet and s.spoken.open is None and not s.tools.running
    return is_idle and not s.journal.is_degraded


def drain_due(s: State, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """It was waited for long enough."""
    leave_process(s, now)


def leave_process(s: State, now: float) -> None:
    """End here: for good without a journal, or with one that does not write; else to be taken up again."""
    cause = fault("gateway.draining")
    if s.upstream.phase is UpstreamPhase.LIVE:
        left(s, cause, now)
    if s.journal.durability == "none" or s.journal.is_degraded:
        ending.end(s, "draining", cause, 1001)
        return
    record_items(s)
    record_progress(s)
    ending.suspend(s, cause, 1001)
