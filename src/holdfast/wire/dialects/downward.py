"""The events of a server of another dialect on their way to whoever hears GA.

What lives here: names, bodies, and the events that GA has and such a server has not.
What never will: the way up (`upward`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from holdfast.wire.dialects.bodies import item_in, spelled, told_response, told_session
from holdfast.wire.dialects.memory import Memory, as_object, decode, encode, kind_of
from holdfast.wire.dialects.table import Dialect, Json

_HEAD_BYTES: Final = 512
"""How far into a message its type is looked for by the short way."""
_ITEM: Final = "conversation.item."
_EVENT_ID: Final = re.compile(rb'"event_id"\s*:\s*"[^"]*"')
_PREFIX_MS: Final = 300
"""By how much speech begins before it is noticed."""
_joined: Final = b"".join
_LOOKED_AT: Final = frozenset(
    {
        "error",
        "session.created",
        "session.updated",
        "conversation.created",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.created",
        "conversation.item.retrieved",
        "conversation.item.deleted",
        "conversation.item.input_audio_transcription.completed",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "response.created",
        "response.output_item.added",
        "response.output_item.done",
        "response.function_call_arguments.done",
        "response.done",
    }
)
"""GA's names of what is more than a name. The rest passes, renamed where it has another."""


_OPEN: Final = frozenset({"in_progress", "incomplete"})
"""An item whose end is still to come: with `response.output_item.done`."""


class Downward:
    """Of one link."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._dialect = memory.dialect
        self._splice = _splice_of(memory.dialect)

    def down(self, raw: bytes) -> Sequence[bytes]:
        """A server event in GA's words. An audio message's name is exchanged where it stands."""
        splice = None if self._memory.silenced else self._splice
        if splice is not None and (at_once := splice.exchanged(raw, _HEAD_BYTES)) is not None:
            return (at_once,)
        kind = kind_of(raw)
        if kind is None:
            return (raw,)
        if splice is not None and kind == splice.name and (late := splice.exchanged(raw)) is not None:
            return (late,)  # a server that writes its type last
        renamed = self._dialect.server_events.get(kind, kind)
        if kind in self._dialect.dropped and not (self._dialect.greets and not self._memory.has_greeted):
            return ()
        if renamed == kind and renamed not in _LOOKED_AT and not self._memory.silenced:
            return (self._own_id(raw),) if self._dialect.repeats_event_ids else (raw,)
        event = decode(raw)
        if event is None:
            return (raw,)
        if self._is_silenced(event):
            return ()
        event["type"] = renamed
        if self._dialect.repeats_event_ids or not event.get("event_id"):
            event["event_id"] = self._memory.ids("event")
        if renamed not in _LOOKED_AT:
            return (encode(event),)
        self._memory.transcribes = self._memory.transcribes or kind.startswith("transcription_session.")
        return [encode(told) for told in self._told(event)]

    def _own_id(self, raw: bytes) -> bytes:
        """A message with an event id of ours, in the place of its own or before everything else."""
        own_id = f'"event_id":"{self._memory.ids("event")}"'.encode()
        found = _EVENT_ID.search(raw)
        if found is None:
            start = raw.index(b"{") + 1
            return _joined((raw[:start], own_id, b",", raw[start:]))
        return _joined((raw[: found.start()], own_id, raw[found.end() :]))

    def _is_silenced(self, event: Json) -> bool:
        response = event.get("response")
        response_id = response.get("id") if isinstance(response, dict) else event.get("response_id")
        if not isinstance(response_id, str) or response_id not in self._memory.silenced:
            return False
        if event.get("type") == "response.done":
            self._memory.silenced.discard(response_id)
        return True

    def _told(self, event: Json) -> Iterator[Json]:
        kind = event["type"]
        if isinstance(event.get("item"), dict):
            event["item"] = item_in(self._dialect, event["item"], "ga")
        build = self._DOWN.get(kind)
        if build is None:
            yield event
        else:
            yield from build(self, event)

    def _greeted(self, event: Json) -> Iterator[Json]:
        """`session.created`, or what stands for it: the first of the two is told."""
        if self._memory.has_greeted:
            return
        self._memory.has_greeted = True
        session = event.get("session")
        if not isinstance(session, dict):
            session = {"id": as_object(event.get("conversation")).get("id") or self._memory.ids("sess")}
        told = told_session(self._dialect, session, transcribes=self._memory.transcribes)
        yield {"type": "session.created", "event_id": event.get("event_id"), "session": told}

    def _updated(self, event: Json) -> Iterator[Json]:
        session = told_session(
            self._dialect, as_object(event.get("session")), transcribes=self._memory.transcribes
        )
        if self._memory.left_out:
            session["holdfast"] = {"left_out": list(self._memory.left_out)}
        yield {**event, "session": session}

    def _erred(self, event: Json) -> Iterator[Json]:
        error = event.get("error")
        if isinstance(error, dict) and "param" in error:
            error["param"] = spelled(self._dialect, error["param"], "ga")
        yield event

    def _added(self, event: Json) -> Iterator[Json]:
        item = as_object(event.get("item"))
        item_id = str(item.get("id", ""))
        if item_id in self._memory.items:
            return  # an answer's: told with its output item
        yield self._entered(event)
        if item.get("status") not in _OPEN:
            yield from self._finished(item, event)

    def _entered(self, event: Json) -> Json:
        item = as_object(event.get("item"))
        item_id = str(item.get("id", ""))
        before = event.get("previous_item_id", self._memory.last_item)
        if not self._dialect.orders_items:
            before = before or self._memory.last_item
        self._memory.note_item(item_id, "added")
        self._memory.last_item = item_id
        name = f"{_ITEM}added"
        return {"type": name, "event_id": event["event_id"], "previous_item_id": before, "item": item}

    def _finished(self, item: Json, event: Json) -> Iterator[Json]:
        """`conversation.item.done`, once."""
        item_id = str(item.get("id", ""))
        if self._memory.items.get(item_id) == "done":
            return
        self._memory.note_item(item_id, "done")
        before = event.get("previous_item_id")
        yield self._memory.with_id({"type": f"{_ITEM}done", "previous_item_id": before, "item": item})

    def _done(self, event: Json) -> Iterator[Json]:
        item_id = str((as_object(event.get("item"))).get("id", ""))
        if self._memory.items.get(item_id) != "done":
            self._memory.note_item(item_id, "done")
            yield event

    def _output_added(self, event: Json) -> Iterator[Json]:
        item = as_object(event.get("item"))
        if item.get("type") == "function_call":
            self._memory.note_call(str(item.get("id")), str(item.get("name", "")))
        if item.get("status") == "incomplete" and not item.get("content"):
            item["status"] = "in_progress"  # nothing of it was said yet
        self._memory.open_items[str(item.get("id", ""))] = (item, event.get("output_index", 0))
        yield event
        if self._is_of_the_conversation(event) and str(item.get("id", "")) not in self._memory.items:
            yield self._entered({**event, "event_id": self._memory.ids("event")})

    def _output_done(self, event: Json) -> Iterator[Json]:
        item = as_object(event.get("item"))
        if self._is_of_the_conversation(event):
            if str(item.get("id", "")) not in self._memory.items:
                yield self._entered({**event, "event_id": self._memory.ids("event")})
            self._memory.open_items.pop(str(item.get("id", "")), None)
            yield from self._finished(item, event)
        yield event

    def _is_of_the_conversation(self, event: Json) -> bool:
        return str(event.get("response_id")) not in self._memory.beside

    def _called(self, event: Json) -> Iterator[Json]:
        if not event.get("name"):
            event["name"] = self._memory.calls.get(str(event.get("item_id")), "")
        yield event

    def _started(self, event: Json) -> Iterator[Json]:
        if not self._dialect.times_speech:
            event.setdefault("audio_start_ms", max(0, int(self._memory.sent_ms) - _PREFIX_MS))
        yield event

    def _stopped(self, event: Json) -> Iterator[Json]:
        if not self._dialect.times_speech:
            event.setdefault("audio_end_ms", int(self._memory.sent_ms))
        yield event
        if not self._dialect.commits_silently:
            return
        item_id, before = str(event.get("item_id", "")), self._memory.last_item
        if item_id in self._memory.items:
            return
        committed = {"type": "input_audio_buffer.committed", "previous_item_id": before, "item_id": item_id}
        yield self._memory.with_id(committed)
        content = [{"type": "input_audio", "transcript": None}]
        item: Json = {"id": item_id, "object": "realtime.item", "type": "message", "status": "completed"}
        item |= {"role": "user", "content": content}
        yield self._entered(self._memory.with_id({"previous_item_id": before, "item": item}))
        yield from self._finished(item, {"previous_item_id": before})

    def _deleted(self, event: Json) -> Iterator[Json]:
        deleting, named = self._memory.deleting, event.get("item_id")
        if isinstance(named, str) and named in deleting:
            deleting.remove(named)
        elif not named and deleting:
            event["item_id"] = deleting.popleft()
        yield event

    def _heard(self, event: Json) -> Iterator[Json]:
        if event.pop("status", None) == "in_progress":
            return  # what it believes so far, under the name of the end
        event.setdefault("content_index", 0)
        if not event.get("usage"):
            event["usage"] = {"type": "duration", "seconds": 0}
        yield event

    def _began(self, event: Json) -> Iterator[Json]:
        if self._dialect.ends_silently:
            yield from self._memory.silence("cancelled", "turn_detected")
            self._memory.silenced.clear()  # nothing comes of those before it any more
        response = told_response(self._dialect, as_object(event.get("response")))
        response["status"] = "in_progress"
        self._memory.active = str(response.get("id", ""))
        self._memory.open_items.clear()
        if "conversation_id" in response and response["conversation_id"] is None:
            self._memory.beside.add(str(response.get("id", "")))
        if not self._dialect.keeps_metadata and self._memory.asked:
            asked = self._memory.asked.popleft()
            response["metadata"] = response.get("metadata") or asked
        yield {**event, "response": response}

    def _ended(self, event: Json) -> Iterator[Json]:
        response = told_response(self._dialect, as_object(event.get("response")))
        self._memory.beside.discard(str(response.get("id", "")))
        if self._memory.active == response.get("id"):
            self._memory.active = None
        yield {**event, "response": response}

    _DOWN: ClassVar[Mapping[str, Callable[[Downward, Json], Iterator[Json]]]] = {
        "session.created": _greeted,
        "conversation.created": _greeted,
        "session.updated": _updated,
        "error": _erred,
        f"{_ITEM}added": _added,
        f"{_ITEM}done": _done,
        f"{_ITEM}deleted": _deleted,
        f"{_ITEM}input_audio_transcription.completed": _heard,
        "input_audio_buffer.speech_started": _started,
        "input_audio_buffer.speech_stopped": _stopped,
        "response.created": _began,
        "response.output_item.added": _output_added,
        "response.output_item.done": _output_done,
        "response.function_call_arguments.done": _called,
        "response.done": _ended,
    }


@dataclass(frozen=True, slots=True)
class _Splice:
    """How an audio message is known, and what stands there instead."""

    name: str
    pattern: re.Pattern[bytes]
    ga: bytes

    def exchanged(self, raw: bytes, head: int = sys.maxsize) -> bytes | None:
        """The message with the other name; None where it does not stand."""
        found = self.pattern.search(raw, 0, head)
        if found is None:
            return None
        return _joined((raw[: found.start()], self.ga, raw[found.end() :]))


def _splice_of(dialect: Dialect) -> _Splice | None:
    for theirs, ga in dialect.server_events.items():
        if ga == "response.output_audio.delta":
            pattern = re.compile(rb'"type"\s*:\s*"' + re.escape(theirs).encode() + b'"')
            return _Splice(theirs, pattern, f'"type":"{ga}"'.encode())
    return None
