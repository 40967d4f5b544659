"""What a relayed conversation saves from a lost upstream, and what it tells a fresh one (B5, B6).

What lives here: which response is closed by name and which is asked for again; the client's settings; items,
unanswered speech, the client's own messages, and the request for the answer that is owed, in this order.
What never will: choosing an upstream, the shape of a message.
"""

from __future__ import annotations

from holdfast.core import relay_writing
from holdfast.core.effects import Manner, StartTimer
from holdfast.core.events import TimerFired
from holdfast.core.faults import Fault, fault
from holdfast.core.models import asked_name
from holdfast.core.relay_effects import (
    AddItem,
    AddSpeech,
    Ask,
    Configure,
    PadAudio,
    SendCommitted,
    SendDeleted,
    SendError,
    SendSettings,
    SendTruncated,
    SendUp,
)
from holdfast.core.relay_ending import close_response
from holdfast.core.relay_events import SessionFacts
from holdfast.core.relay_input import Asked, Entry
from holdfast.core.relay_mirror import RelayItem
from holdfast.core.relay_responses import OpenResponse, OwnAsk, Wish
from holdfast.core.relay_state import RelayState
from holdfast.core.spoken import SpokenTurn
from holdfast.core.timers import TIMER_PACE, TIMER_RESPONSE, TIMER_SETTINGS
from holdfast.core.upstream_link import UpstreamLink

ADDED = "conversation.item.added"
COMMITTED = "input_audio_buffer.committed"
RESPONSE = "response.create"
TRUNCATE = "conversation.item.truncate"
UPDATE = "session.update"
PACE_S = 1.0
PACE_EVERY_S = 0.25
"""A brisk pace: so much of held audio, so often."""

# leaving


def left(s: RelayState, cause: Fault) -> None:
    """The upstream is gone: end what can only be ended, keep what can be asked for again."""
    s.kept.is_pacing = False
    for response in list(s.responses.open.values()):
        _leave_response(s, response, cause)
    s.responses.asks.clear()
    if relay_writing.is_writing(s):
        for first, last in relay_writing.leave(s):
            _name_loss(s, first, last)
    else:
        for turn in s.spoken.turns:
            turn.awaits = turn.last is None
    _leave_questions(s, cause)
    s.own.clear()
    s.config.told.pop(s.upstream.generation, None)
    s.watch.is_calling_out = False
    if s.facts.hears_turns and not s.spoken.turns:
        # What was heard in silence long ago is not needed, and no loss.
        s.spoken.settled = max(s.spoken.settled, s.kept.first)
    unheard = s.spoken.unheard_from()
    _name_loss(s, unheard, s.kept.first)
    if s.kept.first > unheard:
        unheard = s.spoken.settled = s.kept.first
        if (still_open := s.spoken.open) is not None:
            still_open.first = unheard
    for question in s.responses.behind:
        s.kept.ask(question)
    s.responses.behind.clear()
    s.base = s.kept.rewind(unheard)
    s.ids.clear()
    s.restored.clear()
    s.removing.clear()


def _leave_questions(s: RelayState, last: Fault) -> None:
    """What no upstream answers is not asked for ever."""
    for asked in list(s.kept.asked):
        asked.replays += 1
        item = s.mirror.get(asked.item_id) if asked.kind == TRUNCATE else None
        if item is not None:  # whoever comes knows it as text only
            s.kept.drop(asked)
            s.cut(item, asked.audio_end_ms)
            s.out.append(SendTruncated(item.id, asked.audio_end_ms))
        elif asked.replays > s.limits.turn_replays:
            s.kept.drop(asked)
            # Settings are answered at once: what became of the link instead is why they were not.
            code = last.code if asked.kind == UPDATE else "provider.response_failed"
            cause = fault(code, [f"no upstream answered {asked.kind}"])
            s.out.append(SendError(cause, cause.code, cause.row.message, asked.event_id))


def _name_loss(s: RelayState, first: int, last: int) -> None:
    """Speech that nobody has answered and nobody can any more: it found no room."""
    if first >= last:
        return
    per_ms = s.facts.input_bytes_per_ms
    from_ms, to_ms = first // per_ms, last // per_ms
    cause = fault("provider.connection_lost", [f"input from {from_ms} ms to {to_ms} ms"])
    s.note("audio.lost", "warning", from_ms=from_ms, to_ms=to_ms, reason="upstream_lost")
    s.tell("audio_lost", from_ms=from_ms, to_ms=to_ms, reason="upstream_lost")
    if not s.can_return:
        words = f"Input audio from {from_ms} ms to {to_ms} ms was lost with the upstream."
        s.out.append(SendError(cause, "audio_lost", words))


def _leave_response(s: RelayState, response: OpenResponse, cause: Fault) -> None:
    is_in_band = not response.is_beside
    if response in s.responses.reopened:
        response.losses += 1
        if response.losses > s.limits.turn_replays:
            s.spoken.answered(response.id)
            close_response(s, response, "incomplete", "upstream_lost", cause)
        return
    if response.is_interrupted:
        s.spoken.answered(response.id)
        close_response(s, response, "cancelled", "turn_detected", None)
        return
    if not response.is_told(s.lane.said):
        if reopen(s, response):
            return
        if is_in_band:
            s.spoken.reopen(response.id)
        close_response(s, response, "incomplete", "upstream_lost", cause)
        return
    heard = heard_of(s, response)
    if is_in_band and not _has_called(s, response):
        s.carry_on = Wish(carry_on=heard) if heard else response.wish
    if s.carry_on is not None and not heard:
        s.spoken.reopen(response.id)
    else:
        s.spoken.answered(response.id)
    close_response(s, response, "incomplete", "upstream_lost", cause)


def reopen(s: RelayState, response: OpenResponse) -> bool:
    """Nothing of it was told: it is asked for again and keeps its id, once."""
    is_askable = not response.is_beside or response.wish.original is not None
    if not is_askable or response.reasks >= s.limits.response_reasks:
        return False
    response.reasks += 1
    response.untaken = [one for one in response.items if response.is_beside or s.mirror.get(one) is not None]
    s.ids.unbind(response.upstream_id)
    s.responses.reopened.append(response)
    return True


def _has_called(s: RelayState, response: OpenResponse) -> bool:
    """Whether it made a call that is whole: its client is at work on it, and will ask for the answer."""
    items = [s.mirror.get(item_id) for item_id in response.items]
    return any(item is not None and item.kind != "message" and item.is_done for item in items)


def heard_of(s: RelayState, response: OpenResponse) -> str:
    """The words of a response that were said so far."""
    items = [s.mirror.get(item_id) for item_id in response.items]
    words = [item.heard_text for item in items if item is not None and item.kind == "message"]
    return " ".join(part for part in words if part).strip()


def settle(s: RelayState) -> None:
    """Forget the input that is answered."""
    s.kept.settle(s.spoken.needed_from())
    s.kept.widen(is_wide=bool(s.spoken.turns) or not s.facts.hears_turns)


# settings


def know(s: RelayState, facts: SessionFacts) -> None:
    """The session object says how turns end and who asks for answers."""
    if s.facts.hears_turns and not s.spoken.turns:
        s.spoken.settled = max(s.spoken.settled, s.kept.first)
    s.facts = facts
    settle(s)


def configure(s: RelayState, link: UpstreamLink, *, is_essential: bool = False) -> None:
    """Tell a link what the client has set."""
    upstreams = s.surroundings.upstreams
    is_foreign = upstreams[link.endpoint].kind != upstreams[s.line.first_endpoint].kind
    event_id = s.own_id("essentials" if is_essential else "config")
    s.config.told[link.generation] = -1 if is_essential else s.config.number
    s.out.append(
        Configure(link.generation, link.endpoint, event_id, dict(s.config.values), is_foreign, is_essential)
    )
    if link.is_live:
        s.own[event_id] = ""


def configure_less(s: RelayState, link: UpstreamLink) -> bool:
    """All was refused for the sake of one field: try what a conversation cannot do without. Once."""
    if s.config.told.get(link.generation, -1) < 0:
        return False
    configure(s, link, is_essential=True)
    return True


def settings_confirmed(s: RelayState) -> None:
    """The client's oldest `session.update` holds."""
    asked = s.kept.answered(frozenset({UPDATE}))
    if asked is not None and asked.settings is not None:
        s.config.values = merged(s.config.values, asked.settings)
        s.config.number += 1


_WHOLE = frozenset({"tools", "tool_choice", "tracing", "truncation", "prompt", "include", "voice"})
"""Fields that an update replaces; others are merged (protocol reference, 4.5)."""


def merged(settings: dict[str, object], update: dict[str, object]) -> dict[str, object]:
    """The settings after an update that was accepted."""
    out = dict(settings)
    for name, value in update.items():
        before = out.get(name)
        out[name] = value
        if name in _WHOLE or not isinstance(value, dict) or not isinstance(before, dict):
            continue
        kind = before.get("type")
        if value.get("type", kind) == kind:
            out[name] = merged(before, value)
    return out


# restoring


def restore(s: RelayState, now: float) -> None:
    """Tell a fresh upstream what the old one knew, hand over what waits, ask for what is owed."""
    link = s.upstream
    if s.config.values and s.config.told.get(link.generation) not in {s.config.number, -1}:
        configure(s, link)  # changed since this link was configured
    _say_what_is_gone(s)
    owed = [turn for turn in s.spoken.turns if turn.last is not None]
    unanswered = {turn.item_id: turn for turn in owed if not turn.is_due_again}
    due_again = {turn.item_id for turn in owed if turn.is_due_again}
    for item in s.mirror.in_order():
        turn = unanswered.pop(item.id, None)
        if item.id in due_again:
            continue  # it comes to stand there when it is heard again
        if turn is not None:
            _restore_turn(s, turn, item)
        elif item.is_restorable:
            _restore_item(s, item)
    for turn in unanswered.values():
        _restore_turn(s, turn, s.mirror.put(RelayItem(turn.item_id, "message", "user")))
    _align(s)
    hand_over(s, now)


def _align(s: RelayState) -> None:
    """Where the first message that a fresh upstream hears begins inside a sample, all that follows would be
    noise to it.
    """
    if _half_sample(s, s.base):
        s.base -= 1
        s.out.append(PadAudio())


def _half_sample(s: RelayState, position: int) -> int:
    """How many bytes of a sample lie before that position."""
    return (position - s.kept.origin) % s.facts.input_sample_bytes


def _say_what_is_gone(s: RelayState) -> None:
    """No id vanishes without a word: what cannot be told again is deleted for the client, too."""
    gone = list(s.mirror.forgotten)
    if gone:
        s.note("session.abridged", "warning", items=len(gone))
    to_be_gone_on_with = {one for response in s.responses.reopened for one in response.untaken}
    for item in s.mirror.in_order():
        if not item.is_restorable and item.id not in to_be_gone_on_with:
            s.mirror.remove(item.id)
            gone += [item.id] if ADDED in item.told else []
    s.mirror.forgotten.clear()
    s.out.extend(map(SendDeleted, gone))


def _restore_item(s: RelayState, item: RelayItem) -> None:
    _restored(s, item)
    s.out.append(AddItem(item, s.own_item_id(item.id)))


def _restored(s: RelayState, item: RelayItem) -> None:
    s.restored.add(item.id)
    item.generation = s.upstream.generation
    item.end_sound(s.lane.said)


def _restore_turn(s: RelayState, turn: SpokenTurn, item: RelayItem) -> None:
    """An unanswered turn: as it was spoken, else by its words; given up by name after too many upstreams."""
    assert turn.last is not None, "an open turn is heard again as it was spoken"
    if COMMITTED not in item.told:
        item.told.add(COMMITTED)
        s.out.append(SendCommitted(item.id, s.mirror.previous_of(item.id)))
    messages, skip, size, start = s.kept.part(turn.first, turn.last)
    turn.replays += 1
    if turn.replays > s.limits.turn_replays:
        s.spoken.forget(turn)
        s.note("turn.given_up", "warning", replays=turn.replays - 1)
        cause = fault("provider.response_failed", ["no upstream could answer it"])
        s.out.append(SendError(cause, cause.code, cause.row.message))
    elif size:
        if start > turn.first and not item.has_words:
            _name_loss(s, turn.first, start)
            turn.first = start
        _restored(s, item)
        rest = _half_sample(s, start)  # of one or two bytes: what is missing to the next whole sample
        whole = (size - rest) // s.facts.input_sample_bytes * s.facts.input_sample_bytes
        s.out.append(AddSpeech(item.id, s.own_item_id(item.id), messages, skip + rest, whole))
        return
    elif not item.has_words and turn.last > turn.first:
        s.spoken.forget(turn)
        _name_loss(s, turn.first, turn.last)
    if item.is_restorable:
        _restore_item(s, item)


def hand_over(s: RelayState, now: float) -> None:
    """Give what waited, in order; to an upstream that was in trouble at a walking pace. Then ask for what is
    owed: among what waits there may be a request for it.
    """
    s.is_full_told = False
    is_paced = s.upstream.manner is Manner.PACED_AUDIO
    for entry in s.kept.release(round(PACE_S * 1000) * s.facts.input_bytes_per_ms if is_paced else None):
        give(s, entry, now)
    s.kept.is_pacing = bool(s.kept.waiting)
    if s.kept.is_pacing:
        s.out.append(StartTimer(TIMER_PACE, PACE_EVERY_S))
    else:
        ask_for_what_is_owed(s, now)


def pace_due(s: RelayState, event: TimerFired, now: float) -> None:  # noqa: ARG001 - every timer's function is called alike
    """The next piece of what was held."""
    if s.kept.is_pacing:
        hand_over(s, now)


def give(s: RelayState, entry: Entry, now: float) -> None:
    """One message of the client's goes up."""
    if isinstance(entry, Asked):
        raw = s.ids.up(entry.raw)
        s.out.append(SendSettings(raw) if _names_its_own_model(s, entry) else SendUp(raw))
        if entry.kind == RESPONSE:
            watch(s, now)
        elif entry.kind == UPDATE:
            s.out.append(StartTimer(TIMER_SETTINGS, s.limits.updated_s))
    else:
        s.out.append(SendUp(entry))


def _names_its_own_model(s: RelayState, asked: Asked) -> bool:
    """Whether settings name the model that the client connected with, where the upstream has another name:
    many clients repeat it, and all of their settings would be refused for it.
    """
    named = (asked.settings or {}).get("model")
    if asked.kind != UPDATE or not isinstance(named, str) or named == s.upstream.model:
        return False
    return s.surroundings.model in {"", asked_name(named)}


def give_what_waited(s: RelayState, now: float) -> None:
    """The client's own request, after the rest of an answer of which it knew nothing."""
    waited, s.responses.behind = s.responses.behind, []
    for question in waited:
        if question.is_answered:
            s.kept.ask(question)
        give(s, question, now)


def ask_for_what_is_owed(s: RelayState, now: float) -> None:
    """Ask for each response that came to nothing again; else for the one answer that is owed."""
    carry_on, s.carry_on = s.carry_on, None
    is_speaking = s.spoken.open is not None and s.facts.answers_turns
    for response in s.responses.reopened:
        if response.is_beside or not is_speaking:  # what is being said will be answered with it
            _ask(s, response, response.wish, now)
    is_asked = any(asked.kind == RESPONSE and not asked.is_beside for asked in s.kept.asked)
    if is_asked or s.spoken.open is not None or s.responses.in_band is not None:
        return
    if s.is_owed:
        _ask(s, None, Wish(), now)
    elif carry_on is not None and carries_on(s):
        _ask(s, None, carry_on, now)


def carries_on(s: RelayState) -> bool:
    """Whether the rest of a cut answer is asked for. A client that asks for every answer itself would take it
    for the answer to its next question.
    """
    if s.begun.on_loss is not None:
        return s.begun.on_loss == "continue"
    return s.facts.answers_turns


def _ask(s: RelayState, response: OpenResponse | None, wish: Wish, now: float) -> None:
    event_id = s.own_id("ask")
    s.responses.asks[event_id] = OwnAsk(wish, response)
    s.out.append(Ask(event_id, wish.original, wish.carry_on))
    watch(s, now)


def watch(s: RelayState, now: float) -> None:
    """Somebody owes us an answer: look now and then whether it comes."""
    s.watch.asked_at = s.watch.moved_at = now
    s.out.append(StartTimer(TIMER_RESPONSE, s.limits.response_notice_s))
