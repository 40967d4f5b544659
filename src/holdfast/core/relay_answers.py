"""A relayed conversation's answers: begun, said, ended once; asked for again where nothing of them was told.

What lives here: one short function for each event of a response, and the watchdog over answers that are owed.
What never will: what is said.
"""

from __future__ import annotations

from holdfast.core import relay_ending, relay_link, relay_rebuild
from holdfast.core.effects import StartTimer
from holdfast.core.events import TimerFired
from holdfast.core.faults import Fault, fault
from holdfast.core.relay_effects import OWN_PREFIX
from holdfast.core.relay_ending import WORDS_DONE
from holdfast.core.relay_events import (
    AudioPassed,
    Erred,
    Original,
    OutputItemBegan,
    PartBegan,
    PartNews,
    ResponseBegan,
    ResponseEnded,
    Said,
    ToolAtWork,
)
from holdfast.core.relay_mirror import RelayItem
from holdfast.core.relay_rebuild import RESPONSE, watch
from holdfast.core.relay_responses import OpenResponse, Wish
from holdfast.core.relay_state import RelayState
from holdfast.core.timers import TIMER_REASK, TIMER_RESPONSE

CREATE = frozenset({RESPONSE})
LOOK_EVERY_S = 1.0
LOOK_LEAST_S = 0.01
PASSING = frozenset({"provider.server_error", "provider.rate_limited"})
"""Failures of an answer that may pass."""


def _hears(s: RelayState, event: Original) -> bool:
    return s.upstream.is_live and event.generation == s.upstream.voice


def response_began(s: RelayState, event: ResponseBegan, now: float) -> None:
    """An answer begins, or one that was asked for again goes on under its id."""
    if not _hears(s, event):
        return
    s.ids.converses(event.conversation_id)
    response_id = event.response_id
    if response_id in s.responses.open or s.responses.has_ended(response_id):
        return  # said twice
    s.own.clear()  # an upstream answers in order: what it did not echo before it will not echo any more
    wish, is_beside = _wish_of(s, event.is_beside)
    again = s.responses.take_reopened(is_beside=is_beside)
    if again is not None:
        again.said_at, again.upstream_id = s.lane.said, response_id
        s.ids.bind(response_id, again.id, in_answer=True)
        if not is_beside:
            s.spoken.answering(again.id)
        watch(s, now)
        return
    before = s.responses.in_band
    if before is not None and not is_beside:
        # One terminal event for each start, even from an upstream that forgets one.
        s.spoken.answered(before.id)
        breach = fault("provider.protocol_breach", ["two active responses"])
        relay_ending.close_response(s, before, "incomplete", "upstream_lost", breach)
    begun = OpenResponse(response_id, is_beside, wish, said_at=s.lane.said, upstream_id=response_id)
    begun.body = s.ids.down(event.body)
    s.responses.begin(begun)
    if not is_beside:
        s.spoken.answering(response_id)
    s.pass_down(event.raw)
    watch(s, now)


def _wish_of(s: RelayState, is_beside: bool | None) -> tuple[Wish, bool]:  # noqa: FBT001 - None: the server does not say
    """What led to this response: the client's request, one of ours, or nothing but speech; and whether it
    stands outside of the conversation.
    """
    asked = s.kept.answered(CREATE, is_beside=is_beside)
    if asked is not None:
        return Wish(asked.raw), asked.is_beside
    is_outside = bool(is_beside)
    ask = s.responses.take_ask(is_beside=is_outside)
    if ask is None:  # it was not asked: it has heard something
        s.upstream.hears = True
    return Wish() if ask is None else ask.wish, is_outside


def item_began(s: RelayState, event: OutputItemBegan, now: float) -> None:  # noqa: ARG001 - every side function is called alike
    """The answer has an item. In an answer that goes on it may be one that the client was told of."""
    if not _hears(s, event):
        return
    response = s.responses.open.get(s.ids.known(event.response_id))
    if response is None:
        s.pass_down(event.raw)
        return
    if event.kind == "message" and response.untaken:
        item_id = response.untaken.pop(0)
        s.ids.bind(event.item_id, item_id, in_answer=True)
        if (told := s.mirror.get(item_id)) is not None:
            told.generation = event.generation
        return
    item_id = s.ids.known(event.item_id)
    if item_id in response.items:
        return  # said twice
    response.items.append(item_id)
    item = RelayItem(item_id, event.kind, "assistant", call_id=event.call_id, generation=event.generation)
    if response.is_beside:
        response.own[item_id] = item
    else:
        item = s.mirror.put(item)
    item.said_from = s.lane.said
    if event.kind != "message":
        response.has_content = response.has_called = True
    s.pass_down(event.raw)


def part_began(s: RelayState, event: PartBegan, now: float) -> None:  # noqa: ARG001 - as above
    """The frame of what is about to be said."""
    if not _hears(s, event):
        return
    response = s.responses.open.get(s.ids.known(event.response_id))
    item_id = s.ids.known(event.item_id)
    if response is not None:
        if item_id in response.parts and not response.is_told(s.lane.said):
            return
        response.parts.add(item_id)
        if (item := response.own.get(item_id) or s.mirror.get(item_id)) is not None:
            item.is_spoken = event.is_spoken
    s.pass_down(event.raw)


def part_news(s: RelayState, event: PartNews, now: float) -> None:  # noqa: ARG001 - as above
    """A part, or its sound, is whole."""
    if _hears(s, event):
        item_id = s.ids.known(event.item_id)
        response = s.responses.open.get(s.ids.known(event.response_id))
        own = None if response is None else response.own.get(item_id)
        if (item := own or s.mirror.get(item_id)) is not None:
            item.told.add(event.type)
        s.pass_down(event.raw)


def said(s: RelayState, event: Said, now: float) -> None:  # noqa: ARG001 - as above
    """Words of the answer."""
    if not _hears(s, event):
        return
    response = s.responses.open.get(s.ids.known(event.response_id))
    if response is not None:
        response.has_content = True
        item_id = s.ids.known(event.item_id)
        if s.mirror.get(item_id) is not None:  # else it was deleted meanwhile, or is none of the conversation
            said = s.mirror.say(item_id, event.text, role="assistant", final=event.final)
            if event.final:
                said.told.add(WORDS_DONE)
        elif (own := response.own.get(item_id)) is not None:
            own.text = (event.text if event.final else own.text + event.text)[: s.limits.item_chars]
            if event.final:
                own.told.add(WORDS_DONE)
    s.pass_down(event.raw)


def audio(s: RelayState, event: AudioPassed, now: float) -> None:
    """Audio of the answer, past the short way."""
    if _hears(s, event):
        s.lane.said += len(event.raw)
        s.lane.said_at = now
        s.pass_down(event.raw)


def tool_at_work(s: RelayState, event: ToolAtWork, now: float) -> None:  # noqa: ARG001 - as above
    """The upstream's own tool runs, or has ended."""
    if _hears(s, event):
        s.watch.is_calling_out = event.is_running
        s.pass_down(event.raw)


def response_ended(s: RelayState, event: ResponseEnded, now: float) -> None:
    """Exactly one end for each beginning; then what waited for it."""
    if not _hears(s, event):
        return
    response_id = s.ids.known(event.response_id)
    response = s.responses.open.get(response_id)
    if response is None:
        if not s.responses.has_ended(response_id):
            s.pass_down(event.raw)
        return
    if event.status == "failed" and event.fault is not None and _once_more(s, response, event.fault):
        return
    if event.status == "completed":
        s.line.troubles.pop(s.upstream.endpoint, None)  # it has done its work
    s.responses.end(response_id)
    s.pass_down(event.raw)
    s.ids.unbind(event.response_id)
    if not any(one.upstream_id in s.ids.in_answer for one in s.responses.open.values()):
        s.ids.in_answer.clear()
    s.watch.is_calling_out = False
    s.watch.asked_at = now
    if response.is_beside:
        return
    if event.status == "completed" and response.has_called:
        s.spoken.called_tools(response_id)
    else:
        s.spoken.answered(response_id)
        relay_rebuild.settle(s)
    relay_rebuild.give_what_waited(s, now)
    relay_link.switch_when_quiet(s, now)
    relay_ending.leave_when_quiet(s)


# once more


def _once_more(s: RelayState, response: OpenResponse, cause: Fault) -> bool:
    """A response that failed for the provider's own reasons before anything of it was told."""
    if cause.code not in PASSING or response.is_told(s.lane.said) or not relay_rebuild.reopen(s, response):
        return False
    if not response.is_beside:
        s.spoken.reopen(response.id)
    _wait_to_ask(s, cause)
    return True


def _wait_to_ask(s: RelayState, cause: Fault) -> None:
    wait_s = s.limits.reask_wait_s if cause.retry_after_s is None else cause.retry_after_s
    s.note("response.asked_again", "warning", wait_s=wait_s, **cause.facts)
    s.out.append(StartTimer(TIMER_REASK, wait_s))


def ask_again_of_error(s: RelayState, event: Erred) -> bool:
    """An `error` in place of the answer that a spoken turn is owed: asked for once, after a moment."""
    is_about_it = event.fault.code in PASSING and event.event_id is None
    if not is_about_it or not s.is_owed or s.responses.in_band is not None or s.kept.asked:
        return False
    owed = s.spoken.owed[-1]
    if s.responses.asks or owed.replays >= s.limits.turn_replays:
        return False
    owed.replays += 1
    _wait_to_ask(s, event.fault)
    return True


def reask_due(s: RelayState, event: TimerFired, now: float) -> None:  # noqa: ARG001 - every timer's function is called alike
    """The upstream was given a moment: the same question again."""
    if s.upstream.is_live:
        relay_rebuild.ask_for_what_is_owed(s, now)


def own_refused(s: RelayState, event: Erred, now: float) -> None:
    """A message of ours was refused: no business of the client's, unless an answer hung on it."""
    event_id = event.event_id or ""
    s.note("rebuild.refused", "warning", what=event_id.removeprefix(OWN_PREFIX), code=event.code)
    s.own.pop(event_id, None)
    ask = s.responses.asks.pop(event_id, None)
    if ask is None or event.code == "conversation_already_has_active_response":
        return  # what runs answers what stands in the conversation, and what waits waits for its end
    response = ask.response
    if response is not None and response in s.responses.reopened:
        s.spoken.answered(response.id)
        relay_ending.close_response(s, response, "incomplete", "upstream_lost", event.fault)
    else:
        s.spoken.answered_all()
    relay_rebuild.settle(s)
    relay_rebuild.give_what_waited(s, now)
    relay_link.switch_when_quiet(s, now)


# the watchdog


def response_due(s: RelayState, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """A response that is owed and never begins, or begins and stops: asked of a fresh upstream."""
    if not s.upstream.is_live or s.watch.is_calling_out:
        if s.upstream.is_live:
            s.out.append(StartTimer(TIMER_RESPONSE, s.limits.response_stall_s))
        return
    running = [one for one in s.responses.open.values() if one not in s.responses.reopened]
    look_s = LOOK_EVERY_S
    if running:
        patience_s, since = s.limits.response_stall_s, max(s.watch.moved_at, s.lane.said_at)
        look_s = patience_s
    elif s.is_owed or s.responses.asks or any(asked.kind == RESPONSE for asked in s.kept.asked):
        patience_s, since = s.limits.response_first_s, s.watch.asked_at
    else:
        return
    quiet_s = now - max(since, s.watch.at_work_at)
    if quiet_s < patience_s:
        s.out.append(StartTimer(TIMER_RESPONSE, min(look_s, max(LOOK_LEAST_S, patience_s - quiet_s))))
        return
    s.note("response.stalled", "warning", quiet_s=round(quiet_s, 1), upstream_session=s.upstream.session_id)
    relay_link.lose(s, s.upstream, fault("provider.stalled", [f"nothing for {quiet_s:.0f} s"]), now)
