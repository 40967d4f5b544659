"""Client events as a table: which exist, what they must and may hold.

What lives here: section 6 of the dialect.
What never will: carrying one out; that is `host`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from holdfast.wire.realtime.events import Json
from holdfast.wire.realtime.items import response_input
from holdfast.wire.realtime.rules import (
    Refused,
    Rule,
    any_object,
    boolean,
    integer,
    list_of,
    missing,
    not_among,
    nullable,
    one_of,
    record,
    string_map,
    text,
    wrong_type,
)
from holdfast.wire.realtime.session_config import (
    AUDIO_FORMAT,
    MAX_OUTPUT_TOKENS,
    PROMPT,
    REASONING,
    TOOL_CHOICE,
    TOOLS,
    VOICE,
    output_modalities,
)

EVENT_ID_CHARS_MAX: Final = 512

_ITEM_ID: Final = text(128)

METADATA: Final[Rule] = nullable(string_map(16, 64, 512))

_RESPONSE: Final = record(
    {
        "instructions": nullable(text()),
        "tools": TOOLS,
        "tool_choice": TOOL_CHOICE,
        "output_modalities": output_modalities,
        "audio": record({"output": record({"format": AUDIO_FORMAT, "voice": VOICE})}),
        "conversation": nullable(one_of("auto", "none")),
        "input": nullable(list_of(response_input, 2_000)),
        "metadata": METADATA,
        "max_output_tokens": MAX_OUTPUT_TOKENS,
        "prompt": PROMPT,
        "reasoning": REASONING,
        "parallel_tool_calls": boolean,
    }
)


def _event(fields: Mapping[str, Rule], *, required: tuple[str, ...] = ()) -> Rule:
    envelope: dict[str, Rule] = {"type": text(), "event_id": nullable(text(EVENT_ID_CHARS_MAX))}
    return record({**envelope, **fields}, required=required)


CLIENT_EVENTS: Final[Mapping[str, Rule]] = {
    "session.update": _event({"session": any_object}, required=("session",)),
    "input_audio_buffer.append": _event({"audio": text(21 * 1024 * 1024)}, required=("audio",)),
    "input_audio_buffer.commit": _event({}),
    "input_audio_buffer.clear": _event({}),
    "output_audio_buffer.clear": _event({}),
    "conversation.item.create": _event(
        {"item": any_object, "previous_item_id": nullable(_ITEM_ID)}, required=("item",)
    ),
    "conversation.item.retrieve": _event({"item_id": _ITEM_ID}, required=("item_id",)),
    "conversation.item.truncate": _event(
        {"item_id": _ITEM_ID, "content_index": integer(0, 1_000), "audio_end_ms": integer(0, 86_400_000)},
        required=("item_id", "content_index", "audio_end_ms"),
    ),
    "conversation.item.delete": _event({"item_id": _ITEM_ID}, required=("item_id",)),
    "response.create": _event({"response": nullable(_RESPONSE)}),
    "response.cancel": _event({"response_id": nullable(_ITEM_ID)}),
}

_decode: Final = msgspec.json.Decoder().decode


def parse(message: bytes) -> Json:
    """One text message as a JSON object, not yet judged; raises `Refused`."""
    try:
        event: Any = _decode(message)
    except (ValueError, RecursionError) as broken:
        raise Refused("invalid_json", f"The message is not JSON: {str(broken)[:120]}.") from broken
    if not isinstance(event, dict):
        raise Refused("invalid_json", "The message must be a JSON object.")
    return event


def checked(event: Json) -> Json:
    """The event if its type is known and its fields are right; raises `Refused`."""
    kind = event.get("type")
    if kind is None:
        raise missing("type")
    if not isinstance(kind, str):
        raise wrong_type(kind, "type", "a string")
    rule = CLIENT_EVENTS.get(kind)
    if rule is None:
        raise not_among(kind, "type", CLIENT_EVENTS)
    kept: Json = rule(event, "", None)
    return kept


def event_id_of(event: Json) -> str | None:
    """The client's own id, if it is one that can be given back."""
    given = event.get("event_id")
    return given if isinstance(given, str) and len(given) <= EVENT_ID_CHARS_MAX else None
