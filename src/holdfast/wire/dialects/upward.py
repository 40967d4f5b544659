"""A client's GA events on their way to a server of another dialect.

What lives here: settings, items and requests by the table; what is done instead of what it does not know.
What never will: the way down (`downward`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar, Final

from holdfast.wire.dialects.bodies import (
    item_in,
    models_for,
    response_for,
    session_for,
    tools_for,
    voice_for,
)
from holdfast.wire.dialects.memory import Memory, as_object, decode, encode, kind_of
from holdfast.wire.dialects.table import Json, Reply, look

APPEND: Final = "input_audio_buffer.append"
_REFUSED: Final = "not_offered_by_upstream"

_DONE: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "input_audio_buffer.clear": ("input_audio_buffer.cleared", ()),
    "conversation.item.truncate": (
        "conversation.item.truncated",
        ("item_id", "content_index", "audio_end_ms"),
    ),
    "conversation.item.delete": ("conversation.item.deleted", ("item_id",)),
}
"""What a client is owed for an event, and the fields that come back."""


class Upward:
    """Of one link."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._dialect = memory.dialect

    def up(self, raw: bytes) -> Sequence[bytes]:
        """A client event as they understand it. What is no event is theirs to refuse."""
        kind = kind_of(raw)
        if kind == APPEND and not self._dialect.times_speech:
            sound = as_object(decode(raw)).get("audio")
            self._memory.sent_ms += len(str(sound)) * 3 / 4 / self._memory.bytes_per_ms
        if kind is None or kind == APPEND:
            return (raw,)
        reply = self._dialect.client_events.get(kind)
        build = self._UP.get(kind)
        if reply is None and build is None:
            return (raw,)
        event = decode(raw)
        if event is None:
            return (raw,)
        if reply is not None:
            self._answer(event, reply)
            return ()
        assert build is not None, "one of the two has it"
        return [encode(told) for told in build(self, event)]

    def _update(self, event: Json) -> Iterator[Json]:
        session = event.get("session")
        if not isinstance(session, dict):
            yield event
            return
        dialect = self._dialect
        told, left = session_for(dialect, session)
        if isinstance(sound := look(session, "audio.input.format.type"), str):
            self._memory.bytes_per_ms = 48 if sound == "audio/pcm" else 8
        left += tools_for(dialect, told) + models_for(dialect, told, self._memory.own.transcription_model)
        left += voice_for(dialect, dialect.session, told, self._memory.own.voice)
        self._memory.leave([f"session.{path}" for path in left])
        is_transcription = session.get("type") == "transcription"
        self._memory.transcribes = self._memory.transcribes or is_transcription
        kind = dialect.transcription_update if is_transcription else "session.update"
        yield {**event, "type": kind, "session": told}

    def _add(self, event: Json) -> Iterator[Json]:
        yield {**event, "item": item_in(self._dialect, event.get("item"), "theirs")}

    def _ask(self, event: Json) -> Iterator[Json]:
        response = event.get("response")
        if not isinstance(response, dict):
            yield event
            return
        if response.get("conversation") == "none" and not self._dialect.out_of_band:
            self._refuse(event, "an answer outside of the conversation")
            return
        told, left = response_for(self._dialect, response)
        left += tools_for(self._dialect, told)
        left += voice_for(self._dialect, self._dialect.response, told, self._memory.own.voice)
        if isinstance(told.get("input"), list):
            told["input"] = [item_in(self._dialect, item, "theirs") for item in told["input"]]
        if not self._dialect.keeps_metadata:
            self._memory.asked.append(response.get("metadata"))
            left = [path for path in left if path != "metadata"]
        self._memory.leave([f"response.{path}" for path in left])
        yield {**event, "response": told}

    def _answer(self, event: Json, reply: Reply) -> None:
        kind = str(event["type"])
        match reply:
            case Reply.DONE:
                name, fields = _DONE[kind]
                self._memory.say({"type": name, **{one: event.get(one, 0) for one in fields}})
            case Reply.MISSING:
                self._error(event, "item_retrieve_invalid_item_id", "This upstream tells of no item again.")
            case Reply.REFUSED:
                self._refuse(event, f"`{kind}`")
            case Reply.SILENCE:
                self._memory.back += [
                    encode(one) for one in self._memory.silence("cancelled", "client_cancelled")
                ]
            case Reply.DROPPED:
                pass

    def _refuse(self, event: Json, what: str) -> None:
        self._error(event, _REFUSED, f"The upstream ({self._dialect.title}) does not offer {what}.")

    def _error(self, event: Json, code: str, message: str) -> None:
        event_id = event.get("event_id")
        kind = "invalid_request_error"
        error = {"type": kind, "code": code, "message": message, "param": None, "event_id": event_id}
        self._memory.say({"type": "error", "error": error})

    def _delete(self, event: Json) -> Iterator[Json]:
        self._memory.deleting.append(str(event.get("item_id", "")))
        yield event

    _UP: ClassVar[Mapping[str, Callable[[Upward, Json], Iterator[Json]]]] = {
        "session.update": _update,
        "conversation.item.create": _add,
        "conversation.item.delete": _delete,
        "response.create": _ask,
    }
