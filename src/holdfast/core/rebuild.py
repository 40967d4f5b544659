"""What is saved from a lost upstream, and what a fresh one is told (reliability
reference, B5, B6; protocol, 10).

What lives here: which response is closed by name and which is asked for again, which input is told again and
how; the order: conversation as text, calls with their results, unanswered speech as it was spoken, then the
request for the one answer that is owed.
What never will: choosing an upstream, sockets.
"""

from __future__ import annotations

from typing import Final

from holdfast.core.effects import (
    AddCall,
    AddSpeech,
    AddText,
    AddToolResult,
    ClearInput,
    CommitInput,
    Respond,
    StopTimer,
)
from holdfast.core.ending import close_response
from holdfast.core.faults import Fault, fault
from holdfast.core.journal_side import record_items, settle
from holdfast.core.kept_input import HeldCommand
from holdfast.core.spoken import SpokenTurn
from holdfast.core.state import State, error_of
from holdfast.core.timers import TIMER_ORDER
from holdfast.core.tool_ledger import CallPhase

NOTHING_LEFT: Final = "nothing is left of it"
_TELLABLE: Final = frozenset({CallPhase.RETURNED, CallPhase.TOLD})

# leaving


def left(s: State, cause: Fault, now: float) -> None:
    """The upstream is gone: keep what can be asked for again, end what can only be ended. In this order: an
    answer that ends settles its turn, and of settled input less is kept than may have to be told again.
    """
    _rewind(s, now)
    _leave_response(s, cause)
    s.turn.upstream_gone()
    s.spoken.lost()
    s.ordering.clear()
    s.out.append(StopTimer(TIMER_ORDER))


def _rewind(s: State, now: float) -> None:
    """Of what the upstream was given, that waits for the next one of which nothing final was said."""
    if not s.turn.is_answered:
        _leave_unwritten(s, now)
        return
    for turn in s.spoken.turns:
        turn.is_by_hand = False  # the next upstream is told of it under the id that it has
        turn.awaits = turn.last is None
        if turn.awaits and turn.first < s.kept.dropped_to:
            s.lose(turn.first, s.kept.dropped_to, "upstream_lost", now)
            turn.first = s.kept.dropped_to
    for first, last in s.kept.rewind(s.spoken.unheard_from()):
        s.lose(first, last, "held_too_long", now)


def _leave_unwritten(s: State, now: float) -> None:
    """Nobody answers here: what is not written yet is heard again as it was said, turn by turn."""
    for turn, lost, is_left in s.spoken.hear_again(s.kept.end, s.kept.dropped_to, s.limits.turn_replays):
        if lost is not None:
            s.lose(*lost, "upstream_lost", now)
        if not is_left and not turn.is_written:
            _tell_given_up(s, turn.replays, NOTHING_LEFT)
    by_hand = s.options.turn_detection == "manual"
    ends = [turn.last for turn in s.spoken.turns if turn.last is not None] if by_hand else []
    for first, last in s.kept.rewind(s.spoken.unheard_from(), ends):
        s.lose(first, last, "held_too_long", now)


def name_unkept(s: State, now: float) -> None:
    """A link is left for good: what it may not have heard and is not kept is named."""
    if (first := _unsure_from(s, now)) < s.kept.dropped_to:
        s.lose(first, s.kept.dropped_to, "upstream_lost", now)


def is_sure(s: State, now: float) -> bool:
    """Whether all that may not have been heard is kept."""
    return _unsure_from(s, now) >= s.kept.dropped_to


def _unsure_from(s: State, now: float) -> int:
    """Where begins what the link was given since the last ping that it must have answered."""
    unsure_s = s.limits.upstream_ping_s + s.limits.upstream_pong_s
    return max(s.spoken.unheard_from(), s.timeline.given_by(now - unsure_s))


def _leave_response(s: State, cause: Fault) -> None:
    active = s.turn.active
    if active is None or s.turn.reopened is not None:
        return
    if s.turn.silenced == active:
        s.spoken.answered(active)
        _settle_response(s, active)
        close_response(s, "cancelled", None)
        return
    if not is_told(s, active):
        s.spoken.reopen(active)
        if s.turn.reasked < s.limits.response_reasks:
            s.turn.reopen()
            return
    elif s.tools.is_from(active):
        s.spoken.called_tools(active)
    else:
        s.spoken.answered(active)
    heard = s.conversation.heard_of(active)
    _settle_response(s, active)
    if heard and not s.tools.is_from(active):
        s.turn.carry_on = heard
    close_response(s, "incomplete", cause, "upstream_lost")


def _settle_response(s: State, response_id: str) -> None:
    """No more words come: they stand as they are, and what they answer is answered."""
    s.conversation.close(response_id)
    record_items(s)
    settle(s)


def is_told(s: State, response_id: str) -> bool:
    """Whether the client has anything of this response but its beginning."""
    has_sounded = s.output.current is not None and s.output.current.response_id == response_id
    return has_sounded or s.tools.is_from(response_id) or bool(s.conversation.heard_of(response_id))


# restoring


def restore(s: State, now: float) -> None:
    """Tell a fresh upstream what the old one knew, and ask for what is owed. Who only writes down what is
    said need not know what was said before.
    """
    if not s.turn.is_answered:
        return
    _give_up_what_is_hopeless(s, now)
    owed = {turn.item_id: turn for turn in s.spoken.turns if turn.last is not None}
    for item in list(s.conversation.items.values()):
        if item.role == "tool":
            _restore_call(s, item.id)
        elif (turn := owed.pop(item.id, None)) is not None:
            _restore_turn(s, turn)
        elif words := item.heard_text:
            s.out.append(AddText(words, item.id, item.role))
    for turn in owed.values():
        _restore_turn(s, turn)
    _ask_for_what_is_owed(s)


def _restore_call(s: State, call_id: str) -> None:
    item = s.conversation.items[call_id]
    call = s.tools.calls.get(call_id)
    if not item.is_final or (call is not None and call.phase not in _TELLABLE):
        return
    s.out.append(AddCall(call_id, item.call_name, item.call_arguments))
    s.out.append(AddToolResult(call_id, item.text))
    if call is None:
        return
    s.tools.tell(call, s.upstream.generation, at=s.timeline.expected, is_answering=False)
    if call.phase is CallPhase.RETURNED:
        call.phase = CallPhase.TOLD
        if not s.spoken.ends_again:  # a question that is on its way again asks for itself
            s.turn.ask(Respond())


def _give_up_what_is_hopeless(s: State, now: float) -> None:
    """Turns of which nothing is left, or that were told to too many upstreams: given up by name. Where no
    other is owed an answer, none is asked for any more.
    """
    given_up = False
    for turn in [one for one in s.spoken.turns if one.last is not None]:
        if why := _hopeless(s, turn, now):
            given_up = True
            s.spoken.forget(turn)
            _tell_given_up(s, turn.replays, why)
    if given_up:
        _ask_no_more(s)


def _tell_given_up(s: State, replays: int, why: str) -> None:
    s.note("turn.given_up", "warning", replays=replays, reason=why)
    s.tell(error_of("RESPONSE_FAILED", fault("provider.response_failed", [why])))


def _ask_no_more(s: State) -> None:
    """A turn was given up: where it was the only one that is over, there is nothing to ask for."""
    if any(turn.last is not None for turn in s.spoken.turns):
        return
    s.turn.withdraw()
    if s.turn.reopened is not None:
        close_response(s, "incomplete", fault("provider.response_failed"), "upstream_lost")


def _hopeless(s: State, turn: SpokenTurn, now: float) -> str | None:
    """Why nobody will answer this turn; None when somebody may."""
    assert turn.last is not None
    if turn.first < (kept_from := min(turn.last, s.kept.dropped_to)):
        s.lose(turn.first, kept_from, "upstream_lost", now)
        turn.first = kept_from
    item = s.conversation.items.get(turn.item_id)
    if turn.replays >= s.limits.turn_replays:
        return "no upstream could answer it"
    is_known = item is not None and bool(item.text)
    return None if is_known or s.kept.audio(turn.first, turn.last) else NOTHING_LEFT


def _restore_turn(s: State, turn: SpokenTurn) -> None:
    """An unanswered turn: as it was spoken, else by its words."""
    assert turn.last is not None
    item = s.conversation.item(turn.item_id, "user")
    pcm = s.kept.audio(turn.first, turn.last)
    turn.replays += 1
    if pcm and not (s.line.is_cautious and item.text):
        s.out.append(AddSpeech(pcm, item.id))
    else:
        s.out.append(AddText(item.text, item.id))


def _ask_for_what_is_owed(s: State) -> None:
    carry_on, s.turn.carry_on = s.turn.carry_on, None
    if s.tools.running:
        return
    if s.spoken.owed and not s.turn.wants_answer:
        s.turn.ask(Respond())
    elif carry_on and not s.turn.owes and s.options.on_loss == "continue" and s.spoken.open is None:
        s.turn.ask(Respond(carry_on=carry_on))


def enter(s: State, command: HeldCommand) -> bool:
    """A command that waited takes effect now: the same books as when it had come to a live upstream, at the
    place where it stood among the audio. False for the end of a turn of which nothing is left.
    """
    position = s.timeline.expected
    match command:
        case AddText(text=text, item_id=item_id):
            enter_text(s, text, item_id)
            s.turn.ask(Respond())
        case CommitInput() if (again := s.spoken.ended_again(position)) is not None:
            again.is_by_hand = True
        case CommitInput() if position <= s.spoken.unheard_from():
            _tell_given_up(s, 0, NOTHING_LEFT)
            _ask_no_more(s)
            return False
        case CommitInput():
            end_by_hand(s, position)
            s.turn.ask(Respond())
        case ClearInput():
            s.spoken.clear(position)
    return True


def enter_text(s: State, text: str, item_id: str) -> None:
    """A typed turn stands in the conversation, and is owed an answer."""
    s.conversation.said(item_id, text, role="user", final=True)
    s.spoken.typed(item_id, s.kept.end)
    s.turn.told_at = s.timeline.expected
    s.tools.turn += 1


def end_by_hand(s: State, position: int) -> None:
    """The client says that its turn is over."""
    s.spoken.add(s.new_item_id(), s.spoken.unheard_from(), position)


def left_out(s: State) -> tuple[str, ...]:
    """Settings of ours that the present upstream has no word for, for a person."""
    named = s.upstream.left_out
    return (f"left out, because it does not know them: {', '.join(named)}",) if named else ()


def notes(s: State) -> tuple[str, ...]:
    """What the present upstream cannot do that the first one could, for a person."""
    first, facts = s.surroundings.upstreams[s.line.first_endpoint], s.facts_of(s.upstream)
    if facts is first:
        return ()
    out = [f"{facts.name} answers now"]
    if facts.kind == "local" != first.kind:
        out.append(
            "the embedded engine is a limited assistant: it knows this application's tools, not the world"
        )
    asked = s.options.voice
    if asked is not None and asked not in facts.voices:
        out.append(f"voice {asked!r} is not known there; {facts.default_voice!r} speaks")
    return (*out, *left_out(s))
