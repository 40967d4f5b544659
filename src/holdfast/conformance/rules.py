"""The rules of the dialect over events that came, as functions that give what is wrong.

What lives here: orders, one end for each response, pieces that join to the whole, sums of usage.
What never will: sockets, waiting, a verdict. An empty list means that nothing is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pybase64

Json = Mapping[str, Any]

TERMINAL: Final = ("completed", "cancelled", "incomplete", "failed")

_TEXT_TURN: Final = (
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
)
_SPOKEN_ORDER: Final = (
    ("response.created", "response.output_item.added"),
    ("response.output_item.added", "response.content_part.added"),
    ("conversation.item.added", "response.content_part.added"),
    ("response.content_part.added", "response.output_audio.delta"),
    ("response.content_part.added", "response.output_audio_transcript.delta"),
    ("response.output_audio.delta", "response.output_audio.done"),
    ("response.output_audio_transcript.delta", "response.output_audio_transcript.done"),
    ("response.output_audio.done", "response.content_part.done"),
    ("response.output_audio_transcript.done", "response.content_part.done"),
    ("response.content_part.done", "response.output_item.done"),
    ("response.output_item.done", "response.done"),
    ("conversation.item.done", "response.done"),
)
_TOOL_ORDER: Final = (
    ("response.created", "response.output_item.added"),
    ("response.output_item.added", "response.function_call_arguments.done"),
    ("response.function_call_arguments.delta", "response.function_call_arguments.done"),
    ("response.function_call_arguments.done", "response.output_item.done"),
    ("conversation.item.added", "conversation.item.done"),
    ("response.output_item.done", "response.done"),
)
_VAD_ORDER: Final = (
    ("input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"),
    ("input_audio_buffer.speech_stopped", "input_audio_buffer.committed"),
    ("input_audio_buffer.committed", "conversation.item.added"),
    ("conversation.item.added", "conversation.item.done"),
    ("input_audio_buffer.committed", "response.created"),
    ("response.created", "response.done"),
)


def item_id_of(event: Json) -> str | None:
    """The item an event is about."""
    found = event.get("item_id") or (event.get("item") or {}).get("id")
    return found if isinstance(found, str) else None


def response_id_of(event: Json) -> str | None:
    """The response an event belongs to."""
    found = event.get("response_id") or (event.get("response") or {}).get("id")
    return found if isinstance(found, str) else None


def of_response(events: Iterable[Json], response_id: str) -> list[Json]:
    """The events of one response, with those of the items in it, in order of arrival."""
    events = list(events)
    items = {
        item_id_of(event)
        for event in events
        if event["type"].startswith("response.") and response_id_of(event) == response_id
    } - {None}
    return [
        event
        for event in events
        if response_id_of(event) == response_id
        or (event["type"].startswith("conversation.item.") and item_id_of(event) in items)
    ]


def folded(events: Iterable[Json]) -> list[str]:
    """The types in order, repetitions of one type folded."""
    kinds: list[str] = []
    for event in events:
        if not kinds or kinds[-1] != event["type"]:
            kinds.append(event["type"])
    return kinds


def precedences(events: Sequence[Json], pairs: Sequence[tuple[str, str]]) -> list[str]:
    """What is missing, and what came after what it should precede (first to first, last to last)."""
    kinds = [event["type"] for event in events]
    wrong = [
        f"no {kind} came"
        for kind in dict.fromkeys(kind for pair in pairs for kind in pair)
        if kind not in kinds
    ]
    for before, after in pairs:
        if before not in kinds or after not in kinds:
            continue
        last_before = len(kinds) - 1 - kinds[::-1].index(before)
        last_after = len(kinds) - 1 - kinds[::-1].index(after)
        if kinds.index(before) > kinds.index(after) or last_before > last_after:
            wrong.append(f"{before} came after {after}")
    return wrong


def text_turn_order(events: Sequence[Json]) -> list[str]:
    """The exact order of an answer in text; of its item's two ends either may come first."""
    swapped = [*_TEXT_TURN[:7], _TEXT_TURN[8], _TEXT_TURN[7], _TEXT_TURN[9]]
    kinds = folded(events)
    return [] if kinds in (list(_TEXT_TURN), swapped) else [f"the order was {', '.join(kinds)}"]


def spoken_turn_order(events: Sequence[Json]) -> list[str]:
    """The order of a spoken answer, as far as it can be relied on."""
    return precedences(events, _SPOKEN_ORDER)


def tool_turn_order(events: Sequence[Json]) -> list[str]:
    """The order of a response that calls a tool."""
    return precedences(events, _TOOL_ORDER)


def vad_turn_order(events: Sequence[Json]) -> list[str]:
    """The order of a turn whose end the server found."""
    return precedences(events, _VAD_ORDER)


def joined(events: Iterable[Json], kind: str) -> str:
    """The deltas of a type, joined."""
    return "".join(str(event.get("delta", "")) for event in events if event["type"] == kind)


def audio_of(events: Iterable[Json]) -> bytes:
    """The sound of an answer. Raises `ValueError` for what is no base64."""
    deltas = [event.get("delta", "") for event in events if event["type"] == "response.output_audio.delta"]
    return b"".join(pybase64.b64decode(delta, validate=True) for delta in deltas)


def text_joins(events: Sequence[Json]) -> list[str]:
    """Deltas of text joined are the text of its done, of its part and of its item."""
    return _joins(events, "response.output_text", "text", "text")


def transcript_joins(events: Sequence[Json]) -> list[str]:
    """Deltas of the transcript joined are the transcript of its done, of its part and of its item."""
    return _joins(events, "response.output_audio_transcript", "transcript", "transcript")


def arguments_join(events: Sequence[Json]) -> list[str]:
    """Deltas of arguments joined are the arguments of their done and of the item."""
    whole = joined(events, "response.function_call_arguments.delta")
    told = {
        "function_call_arguments.done": [
            event.get("arguments")
            for event in events
            if event["type"] == "response.function_call_arguments.done"
        ],
        "output_item.done": [
            event["item"].get("arguments") for event in events if event["type"] == "response.output_item.done"
        ],
    }
    return _differing(whole, told)


def _joins(events: Sequence[Json], stem: str, field: str, in_part: str) -> list[str]:
    whole = joined(events, f"{stem}.delta")
    told = {
        f"{stem}.done": [event.get(field) for event in events if event["type"] == f"{stem}.done"],
        "content_part.done": [
            (event.get("part") or {}).get(in_part)
            for event in events
            if event["type"] == "response.content_part.done"
        ],
        "output_item.done": [
            part.get(in_part)
            for event in events
            if event["type"] == "response.output_item.done"
            for part in (event.get("item") or {}).get("content") or ()
        ],
    }
    wrong = [] if whole else [f"no {stem}.delta came"]
    return wrong + _differing(whole, told)


def _differing(whole: str, told: Mapping[str, Sequence[Any]]) -> list[str]:
    wrong = []
    for where, given in told.items():
        if not given:
            wrong.append(f"{where} never came")
        elif any(one != whole for one in given):
            wrong.append(f"{where} says {given[0]!r:.120}, the deltas join to {whole!r:.120}")
    return wrong


def one_end_each(events: Sequence[Json]) -> list[str]:
    """Each response that was created ended once, with a terminal status, and said nothing after that."""
    wrong = []
    created = [response_id_of(event) for event in events if event["type"] == "response.created"]
    ended = Counter(response_id_of(event) for event in events if event["type"] == "response.done")
    wrong += [f"{one} was created {count} times" for one, count in Counter(created).items() if count > 1]
    wrong += [f"{one} ended {ended[one]} times" for one in dict.fromkeys(created) if ended[one] != 1]
    wrong += [f"{one} ended and was never created" for one in ended if one not in created]
    over: set[str | None] = set()
    for event in events:
        if event["type"] == "response.done":
            over.add(response_id_of(event))
            status = event["response"].get("status")
            wrong += [] if status in TERMINAL else [f"{response_id_of(event)} ended as {status!r}"]
        elif event["type"].startswith("response.") and response_id_of(event) in over:
            wrong.append(f"{event['type']} of {response_id_of(event)} came after its response.done")
    return wrong


def unique_ids(events: Iterable[Json]) -> list[str]:
    """Every event has an id, and no two have the same."""
    events = list(events)
    missing = [event["type"] for event in events if not isinstance(event.get("event_id"), str)]
    counts = Counter(event["event_id"] for event in events if isinstance(event.get("event_id"), str))
    wrong = [f"{kind} had no event_id" for kind in dict.fromkeys(missing)]
    return wrong + [f"event_id {one} came {count} times" for one, count in counts.items() if count > 1]


def usage_adds_up(response: Json) -> list[str]:
    """Usage is there, with its details, and its sums are right."""
    usage = response.get("usage")
    if not isinstance(usage, Mapping):
        return [f"usage is {usage!r}"]
    names = ("total_tokens", "input_tokens", "output_tokens")
    wrong = [f"usage.{name} is {usage.get(name)!r}" for name in names if not isinstance(usage.get(name), int)]
    details = ("input_token_details", "output_token_details")
    wrong += [f"usage.{name} is missing" for name in details if not isinstance(usage.get(name), Mapping)]
    if wrong:
        return wrong
    if usage["total_tokens"] != usage["input_tokens"] + usage["output_tokens"]:
        wrong.append(
            f"total {usage['total_tokens']} is not {usage['input_tokens']} + {usage['output_tokens']}"
        )
    if usage["output_tokens"] <= 0:
        wrong.append("an answer cost no output tokens")
    return wrong
