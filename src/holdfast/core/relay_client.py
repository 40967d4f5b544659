"""What a client does to its relayed conversation: messages passed on, or held, or seen to here.

What lives here: one short function for each of its events.
What never will: the dialect.
"""

from __future__ import annotations

from holdfast.core import relay_ending, relay_link, relay_rebuild
from holdfast.core.client_close import fault_of_client_close, never_back
from holdfast.core.effects import CloseClient, StartTimer, StopTimer
from holdfast.core.events import (
    BudgetSpent,
    ClientGone,
    ClientTooSlow,
    DrainBegan,
    MemoryRanShort,
    TimerFired,
)
from holdfast.core.faults import Fault, fault
from holdfast.core.relay_effects import (
    AddItem,
    RemoveItem,
    SendAgain,
    SendDeleted,
    SendError,
    SendNews,
    SendTruncated,
    SendUp,
)
from holdfast.core.relay_events import (
    Begun,
    ClientAcknowledged,
    ClientAsked,
    ClientAudioSent,
    ClientFlooded,
    ClientReturned,
)
from holdfast.core.relay_input import Asked
from holdfast.core.relay_rebuild import RESPONSE, TRUNCATE, UPDATE
from holdfast.core.relay_state import RelayState
from holdfast.core.timers import TIMER_ALONE, TIMER_AWAY, TIMER_DRAIN, TIMER_GOODBYE, TIMER_IDLE, TIMER_LIFE
from holdfast.core.upstream_link import UpstreamPhase

CANCEL = "response.cancel"
ANSWERED = frozenset(
    {
        UPDATE,
        "input_audio_buffer.commit",
        "input_audio_buffer.clear",
        "conversation.item.create",
        "conversation.item.retrieve",
        "conversation.item.delete",
        TRUNCATE,
        RESPONSE,
    }
)
"""Messages that an upstream answers: what it did not answer is asked of the next one."""
DONE = 1000
"""The close code of a client that will not come back."""


def began(s: RelayState, event: Begun, now: float) -> None:
    """The client is there: dial."""
    s.begun = event
    if event.refusal is not None:
        relay_ending.end_by_budget(s, event.refusal)
        return
    s.config.values = dict(event.settings)
    s.note("session.created", may_return=s.can_return)
    s.out.append(StartTimer(TIMER_LIFE, s.limits.session_s))
    s.out.append(StartTimer(TIMER_IDLE, s.limits.idle_s))
    relay_link.start(s, now)


# messages


def audio(s: RelayState, event: ClientAudioSent, now: float) -> None:  # noqa: ARG001 - every side function is called alike
    """Audio that could not take the short way."""
    s.messages += 1
    if s.takes_more:
        s.kept.hear(event.raw)
        s.out.append(SendUp(event.raw))
    elif not s.kept.hold(event.raw):
        _no_room(s, len(event.raw), None, is_audio=True)


def asked(s: RelayState, event: ClientAsked, now: float) -> None:
    """Any other message."""
    s.messages += 1
    question = event.asked
    if question.kind == TRUNCATE and _cut_here(s, question):
        return
    if question.kind == CANCEL and _cancelled_here(s, event.cancels or "", now):
        return
    question.is_answered = question.kind in ANSWERED
    if not s.takes_more:
        if not s.kept.hold(question):
            _no_room(s, len(question.raw), question.event_id, is_audio=False)
        return
    if _waits(s, question):
        return
    if question.is_answered:
        s.kept.ask(question)
    relay_rebuild.give(s, question, now)


def _waits(s: RelayState, question: Asked) -> bool:
    """A request for an answer while only we know that another is being said. A second one is refused by the
    upstream, as it would be without us; a request that is taken back is begun and ended all the same.
    """
    behind = s.responses.behind
    if question.kind == CANCEL and behind:
        behind.append(question)
        return False
    is_next = question.kind == RESPONSE and not question.is_beside and not behind
    if is_next and s.responses.is_carrying_on:
        behind.append(question)
        return True
    return False


def _no_room(s: RelayState, size: int, event_id: str | None, *, is_audio: bool) -> None:
    if is_audio and s.is_full_told:
        return
    s.is_full_told = s.is_full_told or is_audio
    cause = fault("provider.not_ready", [f"{s.kept.waiting_size} bytes are held already"])
    words = "The upstream is not ready and no more can be held; this message was dropped."
    s.out.append(SendError(cause, "not_ready", words, event_id))
    s.note("relay.dropped", "warning", bytes=size)


def _cut_here(s: RelayState, question: Asked) -> bool:
    """Cut an item whose audio the present upstream never made: it knows the words only, so it gets fewer."""
    item = s.mirror.get(question.item_id)
    if item is None or item.said_from < 0:
        return False
    is_theirs = item.generation == s.upstream.generation and item.id not in s.restored
    if s.upstream.is_live and is_theirs:
        return False
    s.cut(item, question.audio_end_ms)
    s.out.append(SendTruncated(item.id, question.audio_end_ms))
    if s.upstream.is_live and item.id in s.restored:
        s.removing.append(item.id)
        s.out.append(RemoveItem(item.id, s.own_item_id(item.id)))
        if item.is_restorable:
            s.out.append(AddItem(item, s.own_item_id(item.id), _known_before(s, item.id)))
        else:
            s.mirror.remove(item.id)
            s.out.append(SendDeleted(item.id))
    return True


def _known_before(s: RelayState, item_id: str) -> str:
    """The item before this one that the present upstream has, as it calls it."""
    before = s.mirror.previous_of(item_id)
    while before is not None and s.mirror.items[before].generation != s.upstream.generation:
        before = s.mirror.previous_of(before)
    return "root" if before is None else s.ids.upstream(before)


def _cancelled_here(s: RelayState, response_id: str, now: float) -> bool:
    """A response that is only asked for again is ended here; a running one where it runs."""
    found = s.responses.open.get(response_id) if response_id else s.responses.in_band
    if found is None:
        return False
    if found not in s.responses.reopened:
        found.is_interrupted = True
        return False
    if any(ask.response is found for ask in s.responses.asks.values()):
        found.is_interrupted = True  # the upstream is about to begin it, and will end it
        return False
    s.spoken.answered(found.id)
    relay_ending.close_response(s, found, "cancelled", "client_cancelled", None)
    relay_rebuild.give_what_waited(s, now)
    return True


# leaving and coming back


def gone(s: RelayState, event: ClientGone, now: float) -> None:
    """The client's socket is over: wait for its return, where it asked for that."""
    if s.is_away:
        return
    cause = fault_of_client_close(event.code, event.reason)
    s.note("client.gone", code=event.code, reason=event.reason, **(cause.facts if cause else {}))
    if not s.can_return or event.code == DONE or s.is_draining or not s.line.is_ready_told:
        s.note("session.ended", reason="client_gone")
        relay_ending.over(s)
        return
    _park(s, cause, now)


def _park(s: RelayState, cause: Fault | None, now: float) -> None:
    s.is_away, s.left_by = True, cause
    s.away_since = now
    s.out.append(StopTimer(TIMER_IDLE))
    s.out.append(StartTimer(TIMER_AWAY, s.limits.resume_window_s))
    s.out.append(StartTimer(TIMER_ALONE, s.limits.upstream_alone_s))
    s.note("session.parked", window_s=s.limits.resume_window_s)


def too_slow(s: RelayState, event: ClientTooSlow, now: float) -> None:
    """The client does not read."""
    cause = fault("user_network.slow", [f"{event.waiting_bytes} bytes were waiting to be read"])
    if s.can_return and s.line.is_ready_told and not s.is_away:
        s.note("client.gone", code=cause.row.close_code, reason=cause.code)
        s.out.append(CloseClient(cause.row.close_code, cause.code))
        _park(s, cause, now)
    else:
        relay_ending.end(s, cause)


def away_due(s: RelayState, event: TimerFired, now: float) -> None:  # noqa: ARG001 - every timer's function is called alike
    """Nobody came back."""
    if s.is_away:
        cause = never_back(s.left_by)
        s.note("session.ended", reason="not_resumed", **(cause.facts if cause is not None else {}))
        relay_ending.over(s)


def alone_due(s: RelayState, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """An upstream without anybody to talk to costs money."""
    if s.is_away:
        relay_link.rest(s)


def shed(s: RelayState, event: MemoryRanShort, now: float) -> None:  # noqa: ARG001 - as above
    """Less of what a client that is away may have missed."""
    if s.is_away and (size := s.window.shrink(s.limits.window_shed_bytes)):
        s.note("session.shed", "warning", bytes=size)


def acknowledged(s: RelayState, event: ClientAcknowledged, now: float) -> None:  # noqa: ARG001 - as above
    """The client has so many messages."""
    s.messages += 1
    s.window.acknowledge(event.received)


def returned(s: RelayState, event: ClientReturned, now: float) -> None:
    """What it missed, in order and once; or an honest "not recovered" with a snapshot."""
    for timer in (TIMER_AWAY, TIMER_ALONE):
        s.out.append(StopTimer(timer))
    s.out.append(StartTimer(TIMER_IDLE, s.limits.idle_s))
    absence_s = now - s.away_since if s.is_away else 0.0
    s.is_away = False
    recovered = event.epoch in {"", s.begun.epoch} and s.window.holds(event.received)
    s.note("session.resumed", recovered=recovered, absence_s=round(absence_s, 3))
    facts = {
        "recovered": recovered,
        "epoch": s.begun.epoch,
        "received": event.received if recovered else s.window.sent,
        "resume_token": event.resume_token,
        "context_restored": context_restored(s),
    }
    if not recovered:
        open_ids = [one.id for one in s.responses.open.values()]
        facts["open_responses"] = open_ids
    items = None if recovered else tuple(s.mirror.in_order())
    s.out.append(SendNews("resumed", facts, items))
    s.window.acknowledge(event.received if recovered else s.window.sent)
    s.out.extend(map(SendAgain, s.window.after(s.window.sent if not recovered else event.received)))
    if s.upstream.phase is UpstreamPhase.IDLE:
        relay_link.start(s, now)


def context_restored(s: RelayState) -> str:
    """What the upstream that answers now knows of the conversation."""
    if s.line.rebuilds == 0 and s.upstream.phase is UpstreamPhase.LIVE:
        return "full"
    return "text_only" if s.mirror.order else "none"


# the end


def flooded(s: RelayState, event: ClientFlooded, now: float) -> None:  # noqa: ARG001 - as above
    """It sent what is no event for too long."""
    relay_ending.end(s, fault("application.message_flood"))


def drain(s: RelayState, event: DrainBegan, now: float) -> None:  # noqa: ARG001 - as above
    """The process stops: a sentence may be finished first."""
    s.is_draining = True
    if event.at_once or s.is_away or s.is_quiet or not s.upstream.is_live:
        relay_ending.end(s, fault("gateway.draining"))
    else:
        s.out.append(StartTimer(TIMER_DRAIN, s.limits.drain_busy_s))


def drain_due(s: RelayState, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """It was waited for long enough."""
    relay_ending.end(s, fault("gateway.draining"))


def budget_spent(s: RelayState, event: BudgetSpent, now: float) -> None:  # noqa: ARG001 - as above
    """Nothing more may be spent: an answer that runs may end first. The client has no words of ours to speak
    and would not know what to do with them, so the goodbye is an `error` of its own dialect.
    """
    if s.leaving is not None:
        return
    s.leaving = event.fault
    s.note("session.leaving", "warning", within_s=s.limits.goodbye_s, **event.fault.facts)
    if s.is_away or s.is_quiet or not s.upstream.is_live:
        relay_ending.end_by_budget(s, event.fault)
    else:
        s.out.append(StartTimer(TIMER_GOODBYE, s.limits.goodbye_s))


def goodbye_due(s: RelayState, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """It was waited for long enough."""
    if s.leaving is not None:
        relay_ending.end_by_budget(s, s.leaving)
