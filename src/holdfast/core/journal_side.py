"""What the journal is told, when: enough to take the session up again after the process was killed.

What lives here: which fact becomes a line, and what waits until it is durable
(reliability reference, B1, B7).
What never will: audio. `durable` stays where it is until the line that moves it is
written; the client keeps more.
"""

from __future__ import annotations

from typing import Any

from holdfast.core.audio import samples_of_seconds
from holdfast.core.conversation import Item
from holdfast.core.events import JournalChanged, Recorded
from holdfast.core.faults import fault
from holdfast.core.notices import Status
from holdfast.core.state import State
from holdfast.core.tool_ledger import Call


def record_opening(s: State) -> None:
    """Who it is for and what was asked."""
    facts: dict[str, Any] = {"session_id": s.session_id, "customer_id": s.surroundings.customer_id}
    s.record("opened", {**facts, "epoch": s.output.epoch, "options": s.options.as_record()})


def record_items(s: State) -> None:
    """The conversation's items whose words are whole. An answer may have begun before the user said what
    stands before it, or before a tool returned: what it does not answer is still owed after a kill.
    """
    for item in s.conversation.unrecorded():
        if item.role == "assistant":
            item.leaves = [one.item_id for one in s.spoken.turns if one.response_id != item.response_id]
        s.record("item", item.as_record())


def record_held_text(s: State, text: str, item_id: str) -> None:
    """A typed turn that was accepted and waits for an upstream: its client will not send it again."""
    item = Item(item_id, "user", text, is_final=True, place=s.conversation.places + 1)
    s.record("item", item.as_record())


def settle(s: State) -> None:
    """Forget the input that is answered, and tell the journal how far that is."""
    s.kept.settle(s.spoken.needed_from(s.spoken.settled))
    bound_given(s)
    record_progress(s)


def bound_given(s: State) -> None:
    """How much of what an upstream was given is kept: a whole turn where one is open or may be."""
    is_open = bool(s.spoken.turns) or s.options.turn_detection == "manual"
    limits = s.limits
    seconds = max(limits.input_held_s, limits.input_replayed_s) if is_open else limits.input_replayed_s
    s.kept.given_max = samples_of_seconds(seconds)
    s.kept.trim()


def record_progress(s: State, *, every: int = 1) -> None:
    """How far the input is settled, when that has moved by at least `every` samples. A turn whose words are
    kept needs no sound to be told again.
    """
    nothing = max(s.kept.first if s.kept.given else s.received, s.spoken.settled)
    if not s.spoken.turns and not s.journal.advances(nothing - every + 1):
        return  # the common case, soon seen: it is no more than that
    wordless = [turn for turn in s.spoken.turns if not turn.is_typed and not _has_words(s, turn.item_id)]
    position = min([turn.first for turn in wordless], default=nothing)
    position = min(position, s.kept.waiting_from(s.received))
    if s.journal.advances(position - every + 1):
        s.record("progress", {"settled": position, "received": s.received, "typed": s.typed})
        s.journal.position(position)


def _has_words(s: State, item_id: str) -> bool:
    item = s.conversation.items.get(item_id)
    return item is not None and item.is_recorded and bool(item.text)


def record_intent(s: State, call: Call) -> None:
    """A tool is about to be called; it starts when this is durable."""
    facts = {"id": call.id, "name": call.name, "arguments": call.arguments, "response": call.response_id}
    s.record("call", facts)
    s.journal.call(call.id)


def record_result(s: State, call: Call) -> None:
    """A tool has ended; its result goes upstream when this is durable."""
    s.record("result", {"id": call.id, "output": call.output})
    s.journal.call(call.id)


def changed(s: State, event: JournalChanged, now: float) -> None:  # noqa: ARG001 - every side function is called alike
    """The store stumbles, or is well again: said once each time, the voice goes on."""
    is_degraded = event.cause is not None
    is_news = is_degraded != s.journal.is_degraded
    s.journal.is_degraded = is_degraded
    if not is_news or not s.link.is_attached:
        return
    if is_degraded:
        s.tell(Status("degraded", event.cause))
    elif not s.line.is_trouble_told:
        s.tell(Status("live"))
    elif s.upstream.is_live:  # and says nothing
        s.tell(Status("degraded", fault("provider.stalled")))
    else:
        s.tell(Status(s.line.trouble))


def recorded(s: State, event: Recorded) -> list[str]:
    """Lines are durable; answers the calls that may start."""
    return s.journal.recorded(event.number)
