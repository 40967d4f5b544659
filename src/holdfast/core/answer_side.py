"""The upstream's answer: begun, sounding, written, ended; asked for again when it came to nothing.

What lives here: only the active response sounds, exactly one end for each beginning, ids
as the client knows them.
What never will: the dialect, which upstream it is.
"""

from __future__ import annotations

from holdfast.core import asking, ending, lifecycle, rotation, unheard, watchdog
from holdfast.core.audio import SAMPLE_BYTES
from holdfast.core.effects import Respond, StartTimer, StopTimer
from holdfast.core.events import (
    OutputAudio,
    OutputAudioEnded,
    OutputTranscribed,
    ResponseBegan,
    ResponseEnded,
    TimerFired,
)
from holdfast.core.faults import Fault, fault
from holdfast.core.journal_side import record_items, settle
from holdfast.core.notices import AssistantTranscript, AudioStarted, ResponseDone, ResponseStarted
from holdfast.core.ordering import ORDER_WAIT_S
from holdfast.core.rebuild import is_told
from holdfast.core.refusals import refuse
from holdfast.core.return_side import leave_process, may_leave
from holdfast.core.state import State, error_of
from holdfast.core.timers import TIMER_GOODBYE, TIMER_ORDER, TIMER_REASK
from holdfast.core.tool_results import tell_results
from holdfast.core.upstream_link import UpstreamPhase


def response_began(s: State, event: ResponseBegan, now: float) -> None:
    """An answer begins, or one that was asked for again goes on under its id."""
    if not s.hears(event.generation):
        return
    response_id = s.aliases.known(event.response_id)
    is_again = s.turn.reopened is not None
    if response_id in s.turn.ended or (response_id == s.turn.active and not is_again):
        return  # said twice
    if s.turn.reopened is not None:
        s.aliases.bind(response_id, s.turn.reopened)
        response_id = s.turn.reopened
    elif s.turn.active is not None:
        # One terminal event for each start, even from an upstream that forgets one.
        breach = fault("provider.protocol_breach", ["two active responses"])
        s.spoken.answered(s.turn.active)
        ending.close_response(s, "incomplete", breach)
    s.turn.begin(response_id, now)
    s.tools.responses += 1
    if s.turn.request is None:  # it was not asked: it has heard something
        unheard.heard(s)
    if s.turn.request is None or s.turn.request.is_plain:
        s.spoken.answering(response_id, s.tools.awaited)
    if not is_again:
        s.tell(ResponseStarted(response_id))
    asking.watch_response(s)
    for early in s.ordering.begun(event.response_id):
        if isinstance(early, OutputAudio):
            output_audio(s, early, now)
        else:
            output_transcribed(s, early, now)


def output_audio(s: State, event: OutputAudio, now: float) -> None:
    """Audio that could not take the short way: only the active response's item sounds."""
    turn = s.turn
    if not s.hears(event.generation):
        return
    response_id = s.aliases.known(event.response_id)
    if response_id != turn.active and not _is_late(s, response_id, event.item_id):
        _too_early(s, event)
        return
    turn.last_event_at = now
    if turn.silenced == response_id:
        return
    item = s.output.current
    if item is None or item.item_id != event.item_id:
        item = s.output.begin(response_id, event.item_id, event.generation, now)
        s.conversation.item(event.item_id, "assistant").response_id = response_id
        s.ordering.audio_began(event.item_id)
        s.tell(AudioStarted(response_id, event.item_id, item.stream))
    pcm = event.pcm
    if item.tail or len(pcm) & 1:
        pcm = item.whole(pcm)
    if pcm and not item.is_cut:
        s.play(item, pcm, len(pcm) // SAMPLE_BYTES)


def output_transcribed(s: State, event: OutputTranscribed, now: float) -> None:
    """What is being said, as text."""
    response_id = s.aliases.known(event.response_id)
    if not s.hears(event.generation):
        return
    if response_id != s.turn.active:
        _too_early(s, event)
        return
    s.turn.last_event_at = now
    s.conversation.said(
        event.item_id, event.text, role="assistant", final=event.final, response_id=response_id
    )
    s.tell(AssistantTranscript(response_id, event.item_id, event.text, event.final))


def _is_late(s: State, response_id: str, item_id: str) -> bool:
    """Whether this is the rest of the answer that ended last, which its end overtook:
    it is played all the same.
    """
    item = s.output.current
    is_last = s.turn.active is None and bool(s.turn.ended) and s.turn.ended[-1] == response_id
    return is_last and item is not None and item.item_id == item_id


def _too_early(s: State, event: OutputAudio | OutputTranscribed) -> None:
    """It overtook its own beginning, and waits for that."""
    if s.aliases.known(event.response_id) not in s.turn.ended and s.ordering.hold(event):
        s.out.append(StartTimer(TIMER_ORDER, ORDER_WAIT_S))


def audio_ended(s: State, event: OutputAudioEnded, now: float) -> None:
    """An item's audio is whole: an end that overtook it may come now."""
    if s.hears(event.generation) and (end := s.ordering.audio_ended(event.item_id)) is not None:
        s.out.append(StopTimer(TIMER_ORDER))
        response_ended(s, end, now)


def order_due(s: State, event: TimerFired, now: float) -> None:
    """What was waited for did not come: go on without it, and count a breach."""
    if s.upstream.phase is not UpstreamPhase.LIVE:
        return
    end = s.ordering.release()
    is_breach = bool(s.ordering.early) or end is not None
    s.ordering.early.clear()
    s.ordering.open_item = None
    if end is not None:
        response_ended(s, end, now)
    if is_breach:
        lifecycle.breached(s, s.upstream, "events in the wrong order", event.chance, now)


def response_ended(s: State, event: ResponseEnded, now: float) -> None:
    """Exactly one end for each beginning; then what waited for it."""
    response_id = s.aliases.known(event.response_id)
    if not s.hears(event.generation) or response_id != s.turn.active:
        return
    if s.ordering.is_premature(event):
        s.out.append(StartTimer(TIMER_ORDER, ORDER_WAIT_S))
        return
    if event.status == "failed" and event.fault is not None and ask_again(s, event.fault):
        return
    s.turn.end(response_id)
    s.conversation.close(response_id)
    if event.status == "completed" and s.tools.is_from(response_id):
        s.spoken.called_tools(response_id)
    else:
        s.spoken.answered(response_id)
        settle(s)
    s.last_activity = now
    s.tell(ResponseDone(response_id, event.status, event.usage, event.fault, event.reason or None))
    if event.status == "failed" and event.fault is not None:
        s.note("response.failed", "warning", **event.fault.facts)
        refuse(s, error_of("RESPONSE_FAILED", event.fault), now)
    else:
        watchdog.answered(s)
    record_items(s)
    tell_results(s)
    if s.turn.is_refused_unasked:
        s.turn.is_refused_unasked = False
        if s.spoken.owed:
            s.turn.ask(Respond())
    asking.request_response(s, now)
    if s.is_leaving and s.leaving is None and not s.turn.owes:
        s.out.append(StartTimer(TIMER_GOODBYE, s.output.unheard_s(now) + ending.GOODBYE_GRACE_S))
    rotation.switch_when_quiet(s, now)
    if s.is_draining and may_leave(s):
        leave_process(s, now)


def ask_again(s: State, cause: Fault) -> bool:
    """A response that failed for the provider's own reasons before anything of it was told: once more."""
    active = s.turn.active
    if cause.code not in {"provider.server_error", "provider.rate_limited"}:
        return False
    if active is None:
        if s.turn.asked is None or s.turn.reasked >= s.limits.response_reasks:
            return False
        s.turn.upstream_gone()
        s.turn.reasked += 1
    else:
        if is_told(s, active) or s.turn.reasked >= s.limits.response_reasks:
            return False
        s.spoken.reopen(active)
        s.turn.reopen()
    s.turn.block()
    wait_s = s.limits.reask_wait_s if cause.retry_after_s is None else cause.retry_after_s
    s.note("response.asked_again", "warning", wait_s=wait_s, **cause.facts)
    s.out.append(StartTimer(TIMER_REASK, wait_s))
    return True


def reask_due(s: State, event: TimerFired, now: float) -> None:  # noqa: ARG001 - every timer's function is called alike
    """The upstream was given a moment: the same question again."""
    s.turn.unblock()
    asking.request_response(s, now)
    asking.watch_response(s)
