"""What an upstream does to a relayed conversation: one short function for each event that is looked at.

What lives here: the fence (only the present link speaks), what is news to the client, its ids, the mirror.
What never will: the dialect; answers (`relay_answers`).
"""

from __future__ import annotations

from holdfast.core import relay_link, relay_writing
from holdfast.core.effects import StopTimer
from holdfast.core.events import UpstreamBreached
from holdfast.core.faults import Party, fault
from holdfast.core.relay_answers import ask_again_of_error, own_refused
from holdfast.core.relay_effects import OWN_PREFIX
from holdfast.core.relay_events import (
    AtWork,
    ConversationBegan,
    Erred,
    Heard,
    InputCleared,
    InputCommitted,
    ItemCut,
    ItemDeleted,
    ItemRetrieved,
    ItemTold,
    Original,
    OwnPassed,
    Passed,
    SpeechBegan,
    SpeechEnded,
    TurnTimedOut,
)
from holdfast.core.relay_mirror import RelayItem
from holdfast.core.relay_rebuild import ADDED, COMMITTED, UPDATE, settle, watch
from holdfast.core.relay_state import TURNS_MAX, RelayState
from holdfast.core.timers import TIMER_SETTINGS

PADDING_MS = 300
"""What a voice detector needs to hear before the first word of a turn that is told again."""
CREATED_BY_CLIENT = frozenset({"conversation.item.create"})


def hears(s: RelayState, event: Original) -> bool:
    """Whether this is the present upstream's word."""
    return s.upstream.is_live and event.generation == s.upstream.voice


def passed(s: RelayState, event: Passed, now: float) -> None:  # noqa: ARG001 - every side function is called alike
    """Nothing that is looked at."""
    if hears(s, event):
        s.pass_down(event.raw)


def conversation_began(s: RelayState, event: ConversationBegan, now: float) -> None:  # noqa: ARG001 - as above
    """The conversation's id. The client's own goes on with another upstream."""
    is_news = not s.ids.conversation
    if hears(s, event):
        s.ids.converses(event.conversation_id)
        if is_news:
            s.pass_down(event.raw)


def own_passed(s: RelayState, event: OwnPassed, now: float) -> None:  # noqa: ARG001 - as above
    """Clients of the dialect alone stumble over what it does not have."""
    if s.can_return and hears(s, event):
        s.pass_down(event.raw)


def at_work(s: RelayState, event: AtWork, now: float) -> None:
    """What it owes may take longer. No news to the client."""
    if hears(s, event):
        s.watch.at_work_at = now


def breached(s: RelayState, event: UpstreamBreached, now: float) -> None:
    """Not an event at all."""
    relay_link.breached(s, event.generation, event.reason, now)


def erred(s: RelayState, event: Erred, now: float) -> None:
    """An `error`: about our own messages, about the link, or the client's business."""
    link = s.link_of(event.generation)
    if link is None:
        return
    if link.is_starting:
        relay_link.refused_at_start(s, link, event, now)
        return
    if link is not s.upstream:
        relay_link.lose(s, link, event.fault, now)
        return
    is_refusal = event.fault.row.party is Party.APPLICATION
    is_about_ours = (event.event_id or "").startswith(OWN_PREFIX)
    cause = event.fault
    if is_refusal and is_about_ours:
        cause = fault("gateway.message_refused", cause.evidence)
    # Without the evidence: the provider's words may quote what was said. A race is nobody's fault.
    facts = {} if event.is_race else {"fault": cause.code, "party": str(cause.row.party)}
    level = "debug" if event.is_race else "warning"
    s.note("upstream.error", level, code=event.code, upstream_session=link.session_id, **facts)
    if relay_link.judge_error(s, link, event, now):
        return
    if is_about_ours:
        own_refused(s, event, now)
    elif is_refusal and event.event_id is None and s.own:
        s.own.pop(next(iter(s.own)))  # some refusals name nobody: it is about the oldest (protocol, 9.1)
    elif not ask_again_of_error(s, event):
        if is_refusal:
            s.out.append(StopTimer(TIMER_SETTINGS))  # it has said something; about what is not always told
            s.kept.refused(event.event_id, _question_of(event))
        s.pass_down(event.raw)


QUESTION_OF_CODE = {
    "input_audio_buffer_commit_empty": "input_audio_buffer.commit",
    "conversation_already_has_active_response": "response.create",
    "item_truncate_invalid_item_id": "conversation.item.truncate",
    "item_delete_invalid_item_id": "conversation.item.delete",
    "item_retrieve_invalid_item_id": "conversation.item.retrieve",
    "cannot_update_voice": UPDATE,
}
"""What an error is about that names no event."""
QUESTION_OF_FIELD = {
    "session": UPDATE,
    "item": "conversation.item.create",
    "previous_item_id": "conversation.item.create",
    "response": "response.create",
    "audio_end_ms": "conversation.item.truncate",
    "content_index": "conversation.item.truncate",
    "audio": "input_audio_buffer.append",
    "type": "",
}
"""By the first name of its `param`. Nobody waits for the answer to an append, or to an unknown event."""


def _question_of(event: Erred) -> str | None:
    """The kind of message that an error is about, where it does not name the message itself."""
    if event.event_id is not None:
        return None
    field = event.param.partition(".")[0].partition("[")[0]
    return QUESTION_OF_CODE.get(event.code, QUESTION_OF_FIELD.get(field))


# the user's turn


def speech_began(s: RelayState, event: SpeechBegan, now: float) -> None:  # noqa: ARG001 - as above
    """The user speaks. An utterance that is heard again is not told again."""
    if not hears(s, event):
        return
    s.upstream.hears = True
    again, paused = s.spoken.open, s.spoken.find(s.ids.known(event.item_id))
    if relay_writing.began_again(s, event):
        pass
    elif again is not None and again.awaits:
        again.awaits = False
        s.ids.bind(event.item_id, again.item_id)
    elif paused is not None and paused is s.spoken.turns[-1]:
        paused.last = None  # only a pause
        s.pass_down(event.raw, s.late_ms)
    else:
        padding = PADDING_MS * s.facts.input_bytes_per_ms
        s.spoken.begin(event.item_id, max(0, s.position(event.audio_ms) - padding))
        _bound_turns(s)
        s.pass_down(event.raw, s.late_ms)
    s.kept.widen(is_wide=True)
    answering = s.responses.in_band
    if answering is not None and s.facts.interrupts and answering not in s.responses.reopened:
        answering.is_interrupted = True


def speech_ended(s: RelayState, event: SpeechEnded, now: float) -> None:
    """The user's turn is over, or pauses."""
    if not hears(s, event):
        return
    position = s.position(event.audio_ms)
    turn = s.spoken.end(position)
    if turn is None or not turn.is_end_told:
        s.pass_down(event.raw, s.late_ms)
    if turn is not None:
        turn.is_end_told = relay_writing.is_writing(s)
        relay_writing.passed_over(s, position)
    if s.facts.answers_turns:
        watch(s, now)


def timed_out(s: RelayState, event: TurnTimedOut, now: float) -> None:
    """The upstream makes a turn of a silence."""
    if not hears(s, event):
        return
    end = s.kept.end
    s.spoken.add(event.item_id, end, end)
    _bound_turns(s)
    s.pass_down(event.raw, s.late_ms)
    watch(s, now)


def committed(s: RelayState, event: InputCommitted, now: float) -> None:
    """The user's item stands in the conversation, before its words are known."""
    if not hears(s, event):
        return
    s.upstream.hears = True
    item_id = s.ids.known(event.item_id)
    turn = s.spoken.find(item_id)
    if turn is None:
        asked = s.kept.answered(frozenset({"input_audio_buffer.commit"}))
        last = s.kept.end if asked is None else s.kept.position(asked.number)
        turn = relay_writing.committed_again(s, event.item_id, last)
        if turn is None:
            turn = s.spoken.add(item_id, s.spoken.unheard_from(), last)
            _bound_turns(s)
        item_id = turn.item_id
        turn.is_by_hand = asked is not None
        relay_writing.ended_by(s, turn, asked)
    elif turn.last is None:
        # Ended by the client's hand, or by an upstream that tells no ends.
        asked = s.kept.answered(frozenset({"input_audio_buffer.commit"}))
        s.spoken.end(s.kept.end if asked is None else s.kept.position(asked.number))
        turn.is_by_hand = asked is not None
        relay_writing.ended_by(s, turn, asked)
    item = s.mirror.put(RelayItem(item_id, "message", "user", generation=event.generation))
    if relay_writing.is_writing(s):
        relay_writing.stands_again(s, turn)
    s.kept.widen(is_wide=True)
    if COMMITTED not in item.told:
        item.told.add(COMMITTED)
        s.pass_down(event.raw)
    if s.facts.answers_turns and not turn.is_by_hand:
        watch(s, now)


def _bound_turns(s: RelayState) -> None:
    while len(s.spoken.turns) > TURNS_MAX:
        s.spoken.forget(s.spoken.turns[0])


def cleared(s: RelayState, event: InputCleared, now: float) -> None:  # noqa: ARG001 - as above
    """The client took back what it said since the last turn."""
    if not hears(s, event):
        return
    asked = s.kept.answered(frozenset({"input_audio_buffer.clear"}))
    if asked is not None:
        s.kept.origin = s.kept.position(asked.number)
        s.spoken.clear(s.kept.origin)
        settle(s)
    s.pass_down(event.raw)


def heard(s: RelayState, event: Heard, now: float) -> None:
    """What was heard. An item that is told again is transcribed again, and the client was told."""
    if not hears(s, event):
        return
    item_id = s.ids.known(event.item_id)
    item = s.mirror.get(item_id)
    if item is not None:
        news = f"transcription.{event.type}"
        is_over = "transcription.completed" in item.told or "transcription.failed" in item.told
        if is_over or (event.type == "delta" and item_id in s.restored and news in item.told):
            return
        item.told.add(news)
        if event.type == "completed":
            s.mirror.say(item_id, event.text, role="user", final=True)
    if s.facts.kind == "transcription" and event.type in {"completed", "failed"}:
        turn = s.spoken.find(item_id)
        if turn is not None:
            relay_writing.written(s, turn)
            settle(s)
            relay_link.switch_when_quiet(s, now)
    s.pass_down(event.raw)


# items

_FIRST = frozenset({ADDED, "conversation.item.created"})
FIRST = {
    ADDED: _FIRST,
    "conversation.item.created": _FIRST,
    "conversation.item.done": frozenset({"conversation.item.done"}),
    "response.output_item.done": frozenset({"response.output_item.done"}),
}
"""Servers differ in how they call an item's first event: which of these say the same."""


def item_told(s: RelayState, event: ItemTold, now: float) -> None:  # noqa: ARG001 - as above
    """An item stands in the conversation, or is final. What the client was told of it is no news."""
    if not hears(s, event):
        return
    item: RelayItem = event.item
    item.id = s.ids.known(item.id)
    item.generation = event.generation
    response = s.responses.open.get(s.ids.known(event.response_id))
    if response is not None and response.is_beside:
        if (own := response.own.get(item.id)) is not None:
            own.told.add(event.type)
            own.is_done = item.is_done
            own.body = item.body
        s.pass_down(event.raw)  # it stands outside of the conversation
        return
    known = s.mirror.get(item.id)
    is_restored = item.id in s.restored
    if is_restored and event.type in _FIRST:
        s.own_answered(item.id)
    is_news = known is None or not (FIRST[event.type] if is_restored else {event.type}) & known.told
    is_first = event.type in _FIRST
    if is_news and not is_restored and (known is not None or is_first):  # else it was deleted meanwhile
        previous = None if event.previous_id is None else s.ids.known(event.previous_id)
        known = _enter(s, item, previous, may_be_asked=is_first)
    if known is not None:
        known.told.add(event.type)
        if event.type.endswith("done"):
            known.is_done = True
            known.end_sound(s.lane.said)
    if is_news:
        s.pass_down(event.raw)


def _enter(s: RelayState, item: RelayItem, previous: str | None, *, may_be_asked: bool) -> RelayItem:
    is_answer = any(item.id in response.items for response in s.responses.open.values())
    is_spoken = s.spoken.find(item.id) is not None
    is_first = False
    if may_be_asked and not is_answer and not is_spoken:
        asked = s.kept.answered(CREATED_BY_CLIENT, item.id)
        if asked is not None:
            is_first = asked.is_first
            theirs = asked.item
            if theirs is not None and theirs.is_rich:
                item.body, item.is_rich, item.text = theirs.body, True, theirs.text or item.text
    return s.mirror.put(item, previous, is_first=is_first)


def item_cut(s: RelayState, event: ItemCut, now: float) -> None:  # noqa: ARG001 - as above
    """The assistant's item was cut to what was heard."""
    if not hears(s, event):
        return
    item_id = s.ids.known(event.item_id)
    s.kept.answered(frozenset({"conversation.item.truncate"}), item_id)
    item = s.mirror.get(item_id)
    if item is not None:
        s.cut(item, event.audio_end_ms)
    s.pass_down(event.raw)


def item_deleted(s: RelayState, event: ItemDeleted, now: float) -> None:  # noqa: ARG001 - as above
    """An item is gone; taken out by us it is on its way back."""
    if not hears(s, event):
        return
    item_id = s.ids.known(event.item_id)
    if item_id in s.removing:
        s.removing.remove(item_id)
        s.own_answered(item_id)
        return
    s.kept.answered(frozenset({"conversation.item.delete"}), item_id)
    s.mirror.remove(item_id)
    s.restored.discard(item_id)
    turn = s.spoken.find(item_id)
    if turn is not None and turn.last is not None:
        s.spoken.forget(turn)
        settle(s)
    s.pass_down(event.raw)


def item_retrieved(s: RelayState, event: ItemRetrieved, now: float) -> None:  # noqa: ARG001 - as above
    """An answer that changes nothing."""
    if hears(s, event):
        s.kept.answered(frozenset({"conversation.item.retrieve"}), s.ids.known(event.item_id))
        s.pass_down(event.raw)
