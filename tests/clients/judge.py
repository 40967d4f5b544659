"""What a gateway may send to a client that knows nothing of it: the types, the orders, nothing twice.

What lives here: the judgement of one connection, from what the tap overheard.
What never will: sockets; what one client makes of it (that is its driver's word).
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from holdfast.conformance import rules
from tests.clients.tap import Overheard
from tests.wire.strict import WrongEventError, judge_server_event

Json = dict[str, Any]

UNDECLARED: Final = {
    f"{event}.session.{name}"
    for event in ("session.created", "session.updated")
    for name in ("id", "object", "expires_at")
} | {"error.error.retry_after_ms"}
"""The types describe the request for a session there; the service adds these three. And ours (a field, which
every client may pass over) where a gateway has given up and knows when to come back.
"""

_ORDERS: Final = {
    "response.output_audio.delta": rules.spoken_turn_order,
    "response.output_text.delta": rules.text_turn_order,
    "response.function_call_arguments.done": rules.tool_turn_order,
}
_EDITS: Final = frozenset(f"conversation.item.{edit}" for edit in ("retrieved", "truncated", "deleted"))
_ONCE: Final = (
    "conversation.item.added",
    "conversation.item.done",
    "response.output_item.added",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.committed",
    "conversation.item.input_audio_transcription.completed",
)


def judged(one: Overheard, *, char_ms: int | None = None) -> list[str]:
    """What is wrong with the server's side of a connection; nothing is wrong with an empty list.

    `char_ms`: how long the upstream speaks for a character, where that is known: then no item may sound
    longer than its words.
    """
    events = one.server
    wrong = [*_types(events), *rules.unique_ids(events), *_once(events)]
    wrong += rules.one_end_each(_of_whole(events))
    wrong += [f"{kind}: {what}" for kind, what in _orders(events)]
    wrong += _outside(events)
    if char_ms is not None:
        wrong += repeated_audio(events, char_ms)
    if events and events[0]["type"] not in ("session.created", "error"):
        wrong.append(f"the first event was {events[0]['type']}")
    return list(dict.fromkeys(wrong))


def _types(events: Sequence[Json]) -> list[str]:
    wrong = []
    for event in events:
        try:
            undeclared = judge_server_event(event) - UNDECLARED
        except WrongEventError as error:
            wrong.append(str(error).replace("\n", " ")[:300])
        else:
            wrong += [f"{path} is not declared" for path in sorted(undeclared)]
    return wrong


def _of_whole(events: Sequence[Json]) -> list[Json]:
    """Without responses that were running when the client hung up; their end was nobody's to hear."""
    ended = {rules.response_id_of(event) for event in events if event["type"] == "response.done"}
    begun = {rules.response_id_of(event) for event in events if event["type"] == "response.created"}
    cut_off = begun - ended
    return [event for event in events if rules.response_id_of(event) not in cut_off]


def _once(events: Sequence[Json]) -> list[str]:
    wrong = []
    for kind in _ONCE:
        counts = Counter(rules.item_id_of(event) for event in events if event["type"] == kind)
        wrong += [f"{kind} of {item} came {count} times" for item, count in counts.items() if count > 1]
    return wrong


def _orders(events: Sequence[Json]) -> list[tuple[str, str]]:
    wrong = []
    for done in (event for event in events if event["type"] == "response.done"):
        response = done["response"]
        if response.get("status") != "completed":
            continue
        own = [
            event for event in rules.of_response(events, str(response["id"])) if event["type"] not in _EDITS
        ]
        kinds = {event["type"] for event in own}
        wanted = [order for kind, order in _ORDERS.items() if kind in kinds]
        if response.get("conversation_id") is None or len(response.get("output") or ()) != 1:
            continue  # beside the conversation no item is told; of several items each has an order of its own
        wrong += [("response", what) for order in wanted for what in order(own)]
        wrong += [("usage", what) for what in rules.usage_adds_up(response)]
    for commit in (event for event in events if event["type"] == "input_audio_buffer.committed"):
        item = commit["item_id"]
        own = [event for event in events if rules.item_id_of(event) == item]
        pairs = [("input_audio_buffer.committed", "conversation.item.added")]
        if any(event["type"] == "input_audio_buffer.speech_started" for event in own):
            pairs.insert(0, ("input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"))
            pairs.insert(1, ("input_audio_buffer.speech_stopped", "input_audio_buffer.committed"))
        pairs.append(("conversation.item.added", "conversation.item.done"))
        wrong += [("turn", what) for what in rules.precedences(own, pairs)]
    return wrong


def _outside(events: Sequence[Json]) -> list[str]:
    """Events of a response before its beginning, or of an item before it was told."""
    running: set[str | None] = set()
    items: set[str | None] = set()
    wrong = []
    for event in events:
        kind = event["type"]
        if kind == "response.created":
            running.add(rules.response_id_of(event))
        elif kind == "response.output_item.added":
            items.add(event["item"]["id"])
        elif kind == "response.done":
            running.discard(rules.response_id_of(event))
        elif "response_id" in event and event["response_id"] not in running:
            wrong.append(f"{kind} came outside of its response")
        elif kind.startswith("response.") and "item_id" in event and event["item_id"] not in items:
            wrong.append(f"{kind} came before its item")
    return wrong


def repeated_audio(events: Sequence[Json], char_ms: int) -> list[str]:
    """Items that sounded longer than their words are, which is what a repetition is; and the rest of a cut
    answer that begins as the cut one began.
    """
    sound: Counter[str] = Counter()
    words: dict[str, str] = {}
    for event in events:
        if event["type"] == "response.output_audio.delta":
            sound[event["item_id"]] += len(base64.b64decode(event["delta"]))
        elif event["type"] == "response.output_audio_transcript.delta":
            words[event["item_id"]] = words.get(event["item_id"], "") + event["delta"]
    character = 48 * char_ms
    wrong = [
        f"{item} sounded {size // 48} ms, its words are {len(words.get(item, ''))} letters"
        for item, size in sound.items()
        if size > character * (len(words.get(item, "")) + _AHEAD)
    ]
    return wrong + _begun_again(events, words)


_AHEAD: Final = 40
"""So many characters may sound before their words have come."""


def _begun_again(events: Sequence[Json], words: dict[str, str]) -> list[str]:
    wrong = []
    cut = ""
    for event in events:
        if event["type"] == "conversation.item.added" and event["item"].get("role") == "user":
            cut = ""
        if event["type"] != "response.done":
            continue
        said = "".join(words.get(str(item.get("id")), "") for item in event["response"].get("output") or ())
        if cut and said.startswith(cut):
            wrong.append(f"after {cut!r} was cut, {said!r} began with it again")
        cut = said if event["response"].get("status") == "incomplete" else ""
    return wrong
