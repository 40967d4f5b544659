"""What each server event must bear, as a table.

What lives here: required fields by type, and finding what is missing or of the wrong type.
What never will: the order of events (`rules`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Json = Mapping[str, Any]

_IN_PART: Final = {"response_id": str, "item_id": str, "output_index": int, "content_index": int}
_IN_ITEM: Final = {"response_id": str, "item_id": str, "output_index": int}

SHAPES: Final[Mapping[str, Mapping[str, type]]] = {
    "session.created": {"session": dict},
    "session.updated": {"session": dict},
    "conversation.created": {"conversation": dict},
    "error": {"error": dict},
    "rate_limits.updated": {"rate_limits": list},
    "conversation.item.added": {"item": dict},
    "conversation.item.done": {"item": dict},
    "conversation.item.created": {"item": dict},
    "conversation.item.retrieved": {"item": dict},
    "conversation.item.deleted": {"item_id": str},
    "conversation.item.truncated": {"item_id": str, "content_index": int, "audio_end_ms": int},
    "conversation.item.input_audio_transcription.delta": {"item_id": str},
    "conversation.item.input_audio_transcription.completed": {
        "item_id": str,
        "content_index": int,
        "transcript": str,
        "usage": dict,
    },
    "conversation.item.input_audio_transcription.segment": {"item_id": str, "text": str},
    "conversation.item.input_audio_transcription.failed": {
        "item_id": str,
        "content_index": int,
        "error": dict,
    },
    "input_audio_buffer.committed": {"item_id": str},
    "input_audio_buffer.cleared": {},
    "input_audio_buffer.speech_started": {"audio_start_ms": int, "item_id": str},
    "input_audio_buffer.speech_stopped": {"audio_end_ms": int, "item_id": str},
    "input_audio_buffer.timeout_triggered": {"audio_start_ms": int, "audio_end_ms": int, "item_id": str},
    "response.created": {"response": dict},
    "response.done": {"response": dict},
    "response.output_item.added": {"response_id": str, "output_index": int, "item": dict},
    "response.output_item.done": {"response_id": str, "output_index": int, "item": dict},
    "response.content_part.added": {**_IN_PART, "part": dict},
    "response.content_part.done": {**_IN_PART, "part": dict},
    "response.output_text.delta": {**_IN_PART, "delta": str},
    "response.output_text.done": {**_IN_PART, "text": str},
    "response.output_audio.delta": {**_IN_PART, "delta": str},
    "response.output_audio.done": _IN_PART,
    "response.output_audio_transcript.delta": {**_IN_PART, "delta": str},
    "response.output_audio_transcript.done": {**_IN_PART, "transcript": str},
    "response.function_call_arguments.delta": {**_IN_ITEM, "call_id": str, "delta": str},
    "response.function_call_arguments.done": {**_IN_ITEM, "call_id": str, "arguments": str},
    "response.mcp_call_arguments.delta": {**_IN_ITEM, "delta": str},
    "response.mcp_call_arguments.done": {**_IN_ITEM, "arguments": str},
    **{f"response.mcp_call.{state}": {"item_id": str} for state in ("in_progress", "completed", "failed")},
    **{f"mcp_list_tools.{state}": {"item_id": str} for state in ("in_progress", "completed", "failed")},
}
"""Fields beside `type` and `event_id`, by the type of the event."""

INSIDE: Final[Mapping[str, Mapping[str, type]]] = {
    "error": {"type": str, "message": str},
    "response": {"id": str, "status": str, "output": list},
    "item": {"id": str, "type": str},
}
"""Fields of objects that many events bear."""

_KINDS: Final = {str: "a string", int: "a number", dict: "an object", list: "an array"}


def misshapen(event: Json) -> list[str]:
    """What is wrong with one event; an unknown type is, too."""
    kind = event["type"]
    fields = SHAPES.get(kind)
    if fields is None:
        return [f"there is no event {kind!r}"]
    wrong = _lacking(event, fields, kind)
    for name, inside in INSIDE.items():
        if name in fields and isinstance(event.get(name), Mapping):
            wrong += _lacking(event[name], inside, f"{kind}.{name}")
    return wrong


def _lacking(given: Json, fields: Mapping[str, type], path: str) -> list[str]:
    return [
        f"{path}.{name} is {given.get(name)!r:.60}, not {_KINDS[kind]}"
        for name, kind in fields.items()
        if not isinstance(given.get(name), kind)
    ]
