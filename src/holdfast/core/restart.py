"""A session taken up again after its process died: from the lines of its journal, as far as they reach.

What lives here: reading our own lines. The order of messages begins anew (a new epoch), the input at the last
settled position, so that the client tells again what nobody answered; a tool whose end is unknown is not run
again (reliability reference, B7, B12).
What never will: a store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from holdfast.core.client_link import ClientSignal
from holdfast.core.effects import RunTool, StartTimer
from holdfast.core.events import SessionOptions
from holdfast.core.notices import Accepted
from holdfast.core.state import OWN_ITEM, State
from holdfast.core.timers import TIMER_AWAY, TIMER_LIFE
from holdfast.core.tool_ledger import CallPhase
from holdfast.core.tool_side import UNKNOWN, settle

StoredLine = tuple[str, Mapping[str, Any]]
"""kind, content"""


def restore(s: State, lines: Iterable[StoredLine], epoch: str, now: float) -> None:
    """Read the lines, in order; the session waits for its client."""
    for kind, content in lines:
        _READERS[kind](s, content)
        s.journal.number += 1
    s.conversation.in_place()
    _count_own_items(s)
    _believe_words(s)
    _end_again(s)
    s.received = s.kept.end = s.kept.first = s.acknowledged_at = s.spoken.settled
    s.journal.durable = s.inherited = s.received
    s.started_at = s.last_activity = s.away_since = now
    s.link.move(ClientSignal.ASKED)
    s.link.move(ClientSignal.LEFT)
    s.kept.widen(s.limits.input_held_s)
    s.output.start(epoch)
    s.line.is_ready_told = True
    s.line.rebuilds = 1
    _settle_calls(s, now)
    _owe_answer(s)
    s.out.append(StartTimer(TIMER_AWAY, s.limits.resume_window_s))
    s.out.append(StartTimer(TIMER_LIFE, s.limits.session_s))
    s.note("session.restored", items=len(s.conversation.items), received=s.received)


def _opened(s: State, content: Mapping[str, Any]) -> None:
    s.session_id = content["session_id"]
    known = {one.name for one in fields(SessionOptions)}
    s.options = SessionOptions(**{k: v for k, v in content["options"].items() if k in known})
    s.turn.is_answered = s.options.mode == "conversation"


def _item(s: State, content: Mapping[str, Any]) -> None:
    if content["role"] == "assistant" and content["id"] not in s.conversation.items:
        s.tools.all_told()
    s.conversation.restore(dict(content))


def _call(s: State, content: Mapping[str, Any]) -> None:
    s.tools.open(content["id"], content["name"], content["arguments"], content["response"], 0)
    s.conversation.called(content["id"], content["name"], content["arguments"])


def _result(s: State, content: Mapping[str, Any]) -> None:
    for call in s.tools.returned(content["id"], content["output"]):
        call.phase = CallPhase.RETURNED  # until an answer follows it
    s.conversation.returned(content["id"], content["output"])


def _progress(s: State, content: Mapping[str, Any]) -> None:
    s.spoken.settled = content["settled"]
    s.typed = content["typed"]


def _turn_end(s: State, content: Mapping[str, Any]) -> None:
    s.spoken.ends_again.append(content["position"])


def _command(s: State, content: Mapping[str, Any]) -> None:
    s.commands.remember(content["event_id"], Accepted(content["event_id"]))


def _nothing(s: State, content: Mapping[str, Any]) -> None:
    """A line that only says that somebody was there."""


_READERS = {
    "opened": _opened,
    "item": _item,
    "call": _call,
    "result": _result,
    "progress": _progress,
    "turn_end": _turn_end,
    "command": _command,
    "attached": _nothing,
}


def _settle_calls(s: State, now: float) -> None:
    """Calls without a result: what may run twice runs again, of the rest nobody knows, and that is told."""
    for call in s.tools.running:
        if call.name in s.surroundings.idempotent_tools:
            call.phase = CallPhase.RUNNING
            s.out.append(RunTool(call.id, call.name, call.arguments, s.conversation.last_reply))
            continue
        settle(s, call.id, UNKNOWN, now)
        s.note("tool.outcome_unknown", "warning", name=call.name, call_id=call.id)


def _count_own_items(s: State) -> None:
    """Numbers that were given are not given again."""
    own = (item_id.rpartition("_")[2] for item_id in s.conversation.items if item_id.startswith(OWN_ITEM))
    s.typed = max([s.typed, *(int(number) for number in own)])


def _believe_words(s: State) -> None:
    """A spoken turn whose words are known is told by them: its sound is not asked for again, or passed over
    when a turn without words stands before it. It would be heard as a second turn.
    """
    said = [item for item in s.conversation.items.values() if item.role == "user" and item.text]
    for first, last in sorted((item.since, item.until) for item in said):
        if first <= s.spoken.settled or not _tells_again(s):
            s.spoken.settled = max(s.spoken.settled, last)
        else:
            s.spoken.known_again.append((first, last))


def _tells_again(s: State) -> bool:
    """Whether the client knows what was lost: one without positions does not."""
    return s.options.framing == "positioned"


def _end_again(s: State) -> None:
    """Turns that were ended by hand and are not settled end again when their sound has come again. Of more
    than there is room for the first ones become one turn.
    """
    known = s.spoken.known_again
    open_ends = [
        at
        for at in s.spoken.ends_again
        if at > s.spoken.settled and _tells_again(s) and not any(first < at <= last for first, last in known)
    ]
    s.spoken.ends_again = open_ends[-s.limits.commands_held :]


def _owe_answer(s: State) -> None:
    """A turn that nobody answered is still owed an answer: none stands behind it that did not leave it."""
    left: set[str] | None = None
    if not s.turn.is_answered:
        return
    for item in reversed(s.conversation.items.values()):
        if item.role == "assistant":
            left = set(item.leaves) if left is None else left.intersection(item.leaves)
        elif item.role == "user" and (left is None or item.id in left):
            s.spoken.typed(item.id, s.spoken.settled)
            return
