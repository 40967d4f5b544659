"""The conversation: its items in order, what a client may add, cut and remove.

What lives here: section 5 of the dialect (item shapes as tables), order by `previous_item_id`, unique
ids, truncation, and the bounds on how large a conversation may grow.
What never will: events. The host says what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from holdfast.wire.realtime.audio_input import decode_whole
from holdfast.wire.realtime.events import BYTES_PER_MS, Json
from holdfast.wire.realtime.rules import (
    Refused,
    Rule,
    boolean,
    list_of,
    nullable,
    one_of,
    record,
    text,
    variants,
)

ITEMS_MAX: Final = 2_000
CONVERSATION_BYTES_MAX: Final = 32 * 1024 * 1024
HELD_AUDIO_BYTES_MAX: Final = 4 * 1024 * 1024
"""User audio kept for `conversation.item.retrieve`; the oldest goes first, the newest item always stays."""

_PARTS_MAX: Final = 64
_STATUS: Final = nullable(one_of("completed", "incomplete", "in_progress"))
_ID: Final = text(128, chars_min=1)

# Both spellings of a part are read; items keep the one the item schema names (section 5).
_PART_SPELLINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "system": {"text": "input_text"},
    "user": {"text": "input_text", "audio": "input_audio"},
    "assistant": {"text": "output_text", "audio": "output_audio"},
}


def _text_part(*names: str) -> Rule:
    return record({"type": one_of(*names), "text": text()}, required=("text",))


_SYSTEM_PART: Final = variants({"input_text": _text_part("input_text"), "text": _text_part("text")})

_IMAGE_PART: Final = record(
    {
        "type": one_of("input_image"),
        "image_url": text(16 * 1024 * 1024, chars_min=1),
        "detail": nullable(one_of("auto", "low", "high")),
    },
    required=("image_url",),
)


def _heard_part(name: str) -> Rule:
    fields: dict[str, Rule] = {
        "type": one_of(name),
        "audio": text(21 * 1024 * 1024),
        "transcript": nullable(text()),
    }
    return record(fields, required=("audio",))


def _spoken_part(name: str) -> Rule:
    # The assistant's own audio cannot be put back (section 5); what it said can.
    return record({"type": one_of(name), "transcript": text()}, required=("transcript",))


_CONTENT: Final[Mapping[str, Rule]] = {
    "system": list_of(_SYSTEM_PART, _PARTS_MAX),
    "user": list_of(
        variants(
            {
                "input_text": _text_part("input_text"),
                "text": _text_part("text"),
                "input_audio": _heard_part("input_audio"),
                "audio": _heard_part("audio"),
                "input_image": _IMAGE_PART,
            }
        ),
        _PARTS_MAX,
    ),
    "assistant": list_of(
        variants(
            {
                "output_text": _text_part("output_text"),
                "text": _text_part("text"),
                "output_audio": _spoken_part("output_audio"),
                "audio": _spoken_part("audio"),
            }
        ),
        _PARTS_MAX,
    ),
}

_ENVELOPE: Final[Mapping[str, Rule]] = {
    "id": nullable(_ID),
    "object": nullable(one_of("realtime.item")),
    "status": _STATUS,
}


def _message(role: str) -> Rule:
    fields = {
        **_ENVELOPE,
        "type": one_of("message"),
        "role": one_of(role),
        "content": _CONTENT[role],
    }
    return record(fields, required=("role", "content"))


_CLIENT_ITEMS: Final[Rule] = variants(
    {
        "message": variants({role: _message(role) for role in _CONTENT}, tag="role"),
        "function_call": record(
            {
                **_ENVELOPE,
                "type": one_of("function_call"),
                "name": text(64, chars_min=1),
                "arguments": text(),
                "call_id": nullable(_ID),
            },
            required=("name", "arguments"),
        ),
        "function_call_output": record(
            {**_ENVELOPE, "type": one_of("function_call_output"), "call_id": _ID, "output": text()},
            required=("call_id", "output"),
        ),
        "mcp_approval_response": record(
            {
                "type": one_of("mcp_approval_response"),
                "id": _ID,
                "approval_request_id": _ID,
                "approve": boolean,
                "reason": nullable(text()),
            },
            required=("approval_request_id", "approve"),
        ),
    }
)

_REFERENCE: Final = record({"type": one_of("item_reference"), "id": _ID}, required=("id",))


def response_input(given: Any, path: str, current: Any) -> Any:
    """An element of `response.input`: an item, or a reference to one."""
    if isinstance(given, dict) and given.get("type") == "item_reference":
        return _REFERENCE(given, path, current)
    return _CLIENT_ITEMS(given, path, None)


class Conversation:
    """Items in order. Every dict in it is ours: what a client sent is copied by the rules."""

    def __init__(self, new_id: Callable[[str], str]) -> None:
        self.id = new_id("conv")
        self._new_id = new_id
        self._items: dict[str, Json] = {}
        self._order: list[str] = []
        self._weights: dict[str, int] = {}
        self._audio: dict[str, bytes] = {}
        self._audio_bytes = 0
        self._spoken_bytes: dict[str, int] = {}

    @property
    def items(self) -> list[Json]:
        """The items in order. Read only, by agreement."""
        return [self._items[item_id] for item_id in self._order]

    @property
    def last_id(self) -> str | None:
        """The id of the last item."""
        return self._order[-1] if self._order else None

    @property
    def text_chars(self) -> int:
        """Characters of written text in all items."""
        return sum(len(part.get("text") or "") for item in self.items for part in item.get("content", ()))

    def find(self, item_id: str) -> Json | None:
        """One item."""
        return self._items.get(item_id)

    def audio_of(self, item_id: str) -> bytes:
        """The user audio of an item (PCM16, 24 kHz), empty when none is held any more."""
        return self._audio.get(item_id, b"")

    def previous_of(self, item_id: str) -> str | None:
        """The id of the item before this one."""
        place = self._order.index(item_id)
        return self._order[place - 1] if place else None

    def insert(self, given: Any, previous_item_id: str | None, audio_format: Mapping[str, Any]) -> Json:
        """Add a client's item after `previous_item_id` (None: last; `root`: first), or raise `Refused`.

        `audio_format` is the session's input format, which audio parts are in.
        """
        item = _CLIENT_ITEMS(given, "item", None)
        if item["type"] == "mcp_approval_response":
            raise Refused(
                "invalid_value", "No tool call waits for that approval.", param="item.approval_request_id"
            )
        place = self._place(previous_item_id)
        item_id = item.get("id") or self._new_id("item")
        if item_id in self._items:
            raise Refused("invalid_value", f"There is already an item '{item_id}'.", param="item.id")
        audio = _settle_parts(item, audio_format) if item["type"] == "message" else b""
        if item["type"] == "function_call":
            item["call_id"] = item.get("call_id") or self._new_id("call")
        elif item["type"] == "function_call_output" and not self._has_call(item["call_id"]):
            raise Refused(
                "invalid_tool_call_id", f"Tool call ID '{item['call_id']}' not found in conversation."
            )
        weight = len(msgspec.json.encode(item))
        full = len(self._order) >= ITEMS_MAX or sum(self._weights.values()) + weight > CONVERSATION_BYTES_MAX
        if full:
            raise Refused("invalid_value", "The conversation is full; delete items first.", param="item")
        kept = {**item, "id": item_id, "object": "realtime.item", "status": item.get("status") or "completed"}
        self._weights[item_id] = weight
        self._items[item_id] = kept
        self._order.insert(place, item_id)
        if audio:
            self.hold_audio(item_id, audio)
        return kept

    def append(self, item: Json) -> None:
        """Add an item of the server's own at the end."""
        item_id = item["id"]
        assert item_id not in self._items, "our own ids are unique"
        self._items[item_id] = item
        self._order.append(item_id)

    def oldest_beyond_bound(self) -> str | None:
        """The item to forget, when the conversation has outgrown its bound."""
        return self._order[0] if len(self._order) > ITEMS_MAX else None

    def referred(self, request: Json) -> Json:
        """A response's request, with the items that its `input` refers to. Raises `Refused` for others."""
        given = request.get("input")
        if not given:
            return request
        return {**request, "input": [self._referred(item, at) for at, item in enumerate(given)]}

    def _referred(self, given: Json, at: int) -> Json:
        if given["type"] != "item_reference":
            return given
        found = self._items.get(given["id"])
        if found is None:
            what = f"There is no item '{given['id'][:128]}'."
            raise Refused("invalid_value", what, param=f"response.input[{at}].id")
        return found

    def delete(self, item_id: str) -> bool:
        """Remove an item; False when there is none."""
        if self._items.pop(item_id, None) is None:
            return False
        self._order.remove(item_id)
        self._weights.pop(item_id, None)
        self._spoken_bytes.pop(item_id, None)
        self._audio_bytes -= len(self._audio.pop(item_id, b""))
        return True

    def hold_audio(self, item_id: str, pcm: bytes) -> None:
        """Keep the audio of a user item, within the bound."""
        self._audio[item_id] = pcm
        self._audio_bytes += len(pcm)
        while self._audio_bytes > HELD_AUDIO_BYTES_MAX and len(self._audio) > 1:
            oldest = next(iter(self._audio))
            self._audio_bytes -= len(self._audio.pop(oldest))

    def forget_audio(self) -> None:
        """Nobody will ask for it any more."""
        self._audio.clear()
        self._audio_bytes = 0

    def audio_part(self, item_id: str) -> int:
        """The index of the first part of a user item that has audio."""
        parts = self._items.get(item_id, {}).get("content", ())
        return next((index for index, part in enumerate(parts) if part["type"] == "input_audio"), 0)

    def transcribed(self, item_id: str, transcript: str) -> int:
        """Write what was heard to the first part that has audio; gives its index."""
        index = self.audio_part(item_id)
        for part in self._items.get(item_id, {}).get("content", ())[index : index + 1]:
            if part["type"] == "input_audio":
                part["transcript"] = transcript
        return index

    def count_spoken(self, item_id: str, size: int) -> None:
        """The assistant produced `size` more bytes of audio in that item."""
        self._spoken_bytes[item_id] = self._spoken_bytes.get(item_id, 0) + size

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """Cut an assistant's audio; its transcript goes, for nobody knows which words were heard."""
        item = self._items.get(item_id)
        if item is None:
            raise Refused(
                "item_truncate_invalid_item_id", f"There is no item '{item_id[:128]}'.", param="item_id"
            )
        if item_id not in self._spoken_bytes:
            raise Refused(None, "Only audio messages of the assistant can be truncated.", param="item_id")
        if content_index != 0:
            raise Refused("invalid_value", "'content_index' must be 0.", param="content_index")
        spoken_ms = -(-self._spoken_bytes[item_id] // BYTES_PER_MS)
        if audio_end_ms > spoken_ms:
            raise Refused(
                "invalid_value",
                f"'audio_end_ms' is {audio_end_ms}, but the item's audio has {spoken_ms} ms.",
                param="audio_end_ms",
            )
        self._spoken_bytes[item_id] = audio_end_ms * BYTES_PER_MS
        for part in item["content"]:
            part.pop("transcript", None)

    def _has_call(self, call_id: str) -> bool:
        """Whether a result's call stands in the conversation. The service looks, too."""
        return any(item["type"] == "function_call" and item["call_id"] == call_id for item in self.items)

    def _place(self, previous_item_id: str | None) -> int:
        if previous_item_id is None:
            return len(self._order)
        if previous_item_id == "root":
            return 0
        if previous_item_id not in self._items:
            raise Refused(
                "invalid_value", f"There is no item '{previous_item_id[:128]}'.", param="previous_item_id"
            )
        return self._order.index(previous_item_id) + 1


def _settle_parts(item: Json, audio_format: Mapping[str, Any]) -> bytes:
    """Bring part names to the item schema's and take audio out; gives the audio (PCM16 24 kHz)."""
    spellings = _PART_SPELLINGS[item["role"]]
    heard = []
    for index, part in enumerate(item["content"]):
        part["type"] = spellings.get(part["type"], part["type"])
        if "audio" in part:
            heard.append(decode_whole(part.pop("audio"), audio_format, f"item.content[{index}].audio"))
            part.setdefault("transcript", None)
    return b"".join(heard)
