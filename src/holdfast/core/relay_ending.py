"""A relayed conversation's end, whatever brings it: terminal events, one `error`, a close code (B10).

What lives here: ends, and the deadlines that lead to one.
What never will: what is said.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from holdfast.core import links
from holdfast.core.effects import CloseClient, Finish, StartTimer
from holdfast.core.events import TimerFired
from holdfast.core.faults import Fault, fault
from holdfast.core.relay_effects import SendError, SendTerminal, error_type
from holdfast.core.relay_mirror import RelayItem
from holdfast.core.relay_responses import OpenResponse
from holdfast.core.relay_state import RelayState
from holdfast.core.timers import TIMER_IDLE

ITEM_DONE = "response.output_item.done"
SOUND_DONE = "response.output_audio.done"
WORDS_DONE = "words.done"
PART_DONE = "response.content_part.done"
"""News of an item that end something of it; the words' have a name for speech and one for text."""
QUOTA = "insufficient_quota"
"""The dialect's word for money that is spent (protocol reference, 9.4)."""


def close_response(
    s: RelayState,
    response: OpenResponse,
    status: Literal["incomplete", "cancelled"],
    reason: str,
    cause: Fault | None,
) -> None:
    """The end of a response, when its upstream does not give it."""
    if s.responses.end(response.id) is None:
        return
    items: list[RelayItem] = []
    for item_id in response.items:
        item = response.own.get(item_id) or s.mirror.get(item_id)
        if item is not None:
            item.end_sound(s.lane.said)
            items.append(item)
    unended = frozenset(item.id for item in items if ITEM_DONE not in item.told)
    parts = {item.id: _owed(item) for item in items if item.id in unended & response.parts}
    for item in items:
        item.told |= {ITEM_DONE, "conversation.item.done", *parts.get(item.id, ())}
    end = SendTerminal(response.id, status, reason, cause, tuple(items), unended, parts, response.body)
    s.out.append(replace(end, is_beside=response.is_beside))


def _owed(item: RelayItem) -> tuple[str, ...]:
    """What ends the part of an item that has begun, in order."""
    ends = (SOUND_DONE, WORDS_DONE, PART_DONE) if item.is_spoken else (WORDS_DONE, PART_DONE)
    return tuple(end for end in ends if end not in item.told)


def failed(s: RelayState, cause: Fault, reason: str, retry_after_s: float | None) -> None:
    """No upstream, and no hope of one within the budget."""
    s.note("session.failed", "error", reason=reason, remedy=cause.row.remedy, **cause.facts)
    end(s, cause, None if retry_after_s is None else round(retry_after_s * 1000))


def end(s: RelayState, cause: Fault, retry_after_ms: int | None = None, code: str = "") -> None:
    """It is over; said once, last. `code`: what the dialect calls it, where it has a word for it."""
    if s.is_over:
        return
    for response in list(s.responses.open.values()):
        close_response(s, response, "incomplete", "upstream_lost", cause)
    s.out.append(SendError(cause, code or cause.code, cause.row.message, retry_after_ms=retry_after_ms))
    s.out.append(CloseClient(cause.row.close_code, f"{error_type(cause)}.{cause.code}"))
    s.note("session.ended", **cause.facts)
    over(s)


def end_by_budget(s: RelayState, cause: Fault) -> None:
    """As the service says it, so that clients take it for what it is, and do not dial again."""
    retry_after_s = cause.retry_after_s
    code = "" if cause.code == "configuration.ended_by_operator" else QUOTA
    end(s, cause, None if retry_after_s is None else round(retry_after_s * 1000), code=code)


def leave_when_quiet(s: RelayState) -> None:
    """What it waited for has been said."""
    if s.is_quiet and s.leaving is not None:
        end_by_budget(s, s.leaving)
    elif s.is_quiet and s.is_draining:
        end(s, fault("gateway.draining"))


def over(s: RelayState) -> None:
    """Release everything."""
    if s.is_over:
        return
    s.is_over = True
    s.out += links.end(s)
    s.out.append(Finish())
    # Who runs it may be collected late: what is heavy goes now.
    s.window.acknowledge(s.window.sent)
    s.kept.forget()


def idle_due(s: RelayState, event: TimerFired, now: float) -> None:  # noqa: ARG001 - every timer's function is called alike
    """Nobody has sent a word for a while."""
    came = (s.messages, s.kept.gone + len(s.kept.given))
    if came == s.seen:
        end(s, fault("application.idle", [f"no message for {s.limits.idle_s:g} s"]))
    else:
        s.seen = came
        s.out.append(StartTimer(TIMER_IDLE, s.limits.idle_s))


def life_due(s: RelayState, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """No conversation lasts for ever."""
    end(s, fault("application.time_limit", [f"after {s.limits.session_s:g} s"]))
