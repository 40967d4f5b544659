"""Our own words in a relayed conversation, in the Realtime dialect: to a fresh upstream, and to the client.

What lives here: what an effect looks like on the wire; what another kind of upstream is not told.
What never will: looking into messages (`relayed`), deciding that something is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import pybase64

from holdfast.core import effects
from holdfast.core import relay_effects as words
from holdfast.core.relay_ending import PART_DONE, SOUND_DONE
from holdfast.core.relay_mirror import RelayItem
from holdfast.wire import upstream
from holdfast.wire.realtime.events import response_usage
from holdfast.wire.relayed import APPEND, audio_of

Json = dict[str, Any]

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode

# to the client, of an upstream's own words


def greeting(effect: words.SendGreeting) -> bytes:
    """`session.created` with the session as it was configured."""
    created, updated = _decode(effect.created), _decode(effect.updated)
    return _encode({**created, "session": updated.get("session", created.get("session"))})


# to an upstream

_FIXED: Final = ("model",)
"""Fixed when a session begins (protocol reference, 4.5)."""
_ONE_PROVIDERS: Final = (*_FIXED, "prompt", "tracing", "reasoning", "include", "truncation")
"""Means something to the provider for whom it was meant, and may be refused by another."""
_ESSENTIAL: Final = ("type", "instructions", "tools", "tool_choice", "output_modalities")


def session_update(effect: words.Configure, voices: Sequence[str], transcription_model: str | None) -> bytes:
    """`session.update` with what the client has set; `voices` and `transcription_model` are those of an
    upstream of another kind.
    """
    session: Json = dict(effect.settings)
    if effect.is_essential:
        session = _essentials(session)
    else:
        for name in _ONE_PROVIDERS if effect.is_foreign else _FIXED:
            session.pop(name, None)
    if effect.is_foreign:
        session = _translated(session, voices, transcription_model)
    return _encode({"type": "session.update", "event_id": effect.event_id, "session": session})


def written(event: Mapping[str, Any]) -> bytes:
    """A client's message as we understood it: each name once."""
    return _encode(event)


def without_model(raw: bytes) -> bytes:
    """The client's `session.update`, its model left out."""
    message: Json = _decode(raw)
    session = {name: value for name, value in message["session"].items() if name != "model"}
    return _encode({**message, "session": session})


def _essentials(session: Mapping[str, Any]) -> Json:
    kept = {name: session[name] for name in _ESSENTIAL if name in session}
    audio = session.get("audio") or {}
    heard = {
        name: value
        for name, value in (audio.get("input") or {}).items()
        if name in {"format", "turn_detection"}
    }
    spoken = {name: value for name, value in (audio.get("output") or {}).items() if name == "format"}
    sides = {name: side for name, side in (("input", heard), ("output", spoken)) if side}
    return {**kept, "audio": sides} if sides else kept


def _translated(session: Json, voices: Sequence[str], transcription_model: str | None) -> Json:
    audio = dict(session.get("audio") or {})
    heard, spoken = dict(audio.get("input") or {}), dict(audio.get("output") or {})
    if spoken.get("voice") not in voices:
        spoken.pop("voice", None)
    heard.pop("noise_reduction", None)
    if heard.get("transcription"):
        heard["transcription"] = None if transcription_model is None else {"model": transcription_model}
    sides = {name: side for name, side in (("input", heard), ("output", spoken)) if side}
    without = {name: value for name, value in session.items() if name != "audio"}
    return {**without, "audio": sides} if sides else without


UNWRITTEN: Final = "(The user said something here that was not written down.)"
"""In the place of a spoken turn that was answered and never transcribed."""


def add_item(effect: words.AddItem) -> bytes:
    """`conversation.item.create` for an item that another upstream knew."""
    message: Json = {"type": "conversation.item.create", "event_id": effect.event_id}
    if effect.after is not None:
        message["previous_item_id"] = effect.after
    return _encode({**message, "item": _restored(effect.item)})


def _restored(item: RelayItem) -> Json:
    body = _body(item)
    if item.kind != "message":
        names = ("type", "call_id", "name", "arguments", "output")
        return {"id": item.id, **{name: body[name] for name in names if name in body}}
    content = [{"type": "output_text", "text": item.heard_text}]
    if item.role != "assistant":
        content = [*_parts(body, item)] or [{"type": "input_text", "text": item.text or UNWRITTEN}]
    return {"id": item.id, "type": "message", "role": item.role, "content": content}


def _parts(body: Mapping[str, Any], item: RelayItem) -> Iterator[Json]:
    """Text and images as they are; audio as it was given, else by its words."""
    for part in body.get("content") or ():
        if part.get("image_url") or part.get("text") is not None:
            yield part
        elif part.get("audio"):
            yield {name: value for name, value in part.items() if value is not None}
        elif part.get("transcript") or item.text:
            yield {"type": "input_text", "text": part.get("transcript") or item.text}


def _body(item: RelayItem) -> Json:
    found: Json = _decode(item.body) if item.body else {}
    return found


def remove_item(effect: words.RemoveItem) -> bytes:
    """`conversation.item.delete`."""
    return _encode(
        {"type": "conversation.item.delete", "event_id": effect.event_id, "item_id": effect.item_id}
    )


def pad_audio(_: words.PadAudio) -> bytes:
    """`input_audio_buffer.append` of one byte."""
    return _encode({"type": APPEND, "audio": "AA=="})


def add_speech(effect: words.AddSpeech) -> bytes:
    """A spoken turn as an item, of the client's own audio messages."""
    audio = b"".join(map(audio_of, effect.appends))[effect.skip : effect.skip + effect.size]
    part = {"type": "input_audio", "audio": pybase64.b64encode(audio).decode()}
    item = {"id": effect.item_id, "type": "message", "role": "user", "content": [part]}
    return _encode({"type": "conversation.item.create", "event_id": effect.event_id, "item": item})


def ask(effect: words.Ask) -> bytes:
    """`response.create`, as the client sent it, or for the rest of an answer, or for any."""
    original = effect.original
    if original is None and effect.carry_on is not None:
        original = upstream.encode(effects.Respond(carry_on=effect.carry_on), 0)
    message: Json = {"type": "response.create"} if original is None else _decode(original)
    return _encode({**message, "event_id": effect.event_id})


# to the client


def altered(raw: bytes, late_ms: int, mark: str) -> bytes:
    """An upstream's event by the client's clock, its own id made unlike an earlier upstream's."""
    event: Json = _decode(raw)
    for name in ("audio_start_ms", "audio_end_ms"):
        if late_ms and isinstance(event.get(name), int):
            event[name] += late_ms
    if mark and isinstance(event.get("event_id"), str):
        event["event_id"] += mark
    return _encode(event)


def error(effect: words.SendError, server_event_id: str) -> bytes:
    """An `error` event of our own (protocol reference, 9.1). `retry_after_ms` is there when we know it."""
    content: Json = {
        "type": words.error_type(effect.fault),
        "code": effect.code,
        "message": f"{effect.message} {effect.fault.row.remedy}",
        "param": None,
        "event_id": effect.event_id,
    }
    if effect.retry_after_ms is not None:
        content["retry_after_ms"] = effect.retry_after_ms
        content["message"] += f" Try again in {effect.retry_after_ms / 1000:.0f} s."
    return _encode({"type": "error", "event_id": server_event_id, "error": content})


def older_shape(param: str, cure: str, event_id: str | None, server_event_id: str) -> bytes:
    """`error` for an event of the shape before GA, as the service refuses it, and with the cure."""
    content: Json = {
        "type": "invalid_request_error",
        "code": "unknown_parameter",
        "message": f"'{param}' is of the shape before GA. {cure}",
        "param": param,
        "event_id": event_id,
    }
    return _encode({"type": "error", "event_id": server_event_id, "error": content})


_REASONS: Final = frozenset({"turn_detected", "client_cancelled", "max_output_tokens", "content_filter"})
"""Why a response may end early, as the dialect knows it."""


def terminal(effect: words.SendTerminal, event_ids: Iterator[str]) -> Iterator[bytes]:
    """What a client is owed when a response's upstream is gone: the end of its open items, then its own."""
    output = [_output(item) for item in effect.output]
    for index, (item, shape) in enumerate(zip(effect.output, output, strict=True)):
        where = {"response_id": effect.response_id, "output_index": index, "item": shape}
        for end in effect.parts.get(item.id, ()):
            yield _encode(_end_of_part(end, effect.response_id, index, item) | {"event_id": next(event_ids)})
        if item.id in effect.unended and not effect.is_beside:
            yield _encode({"type": "conversation.item.done", "event_id": next(event_ids), "item": shape})
        if item.id in effect.unended:
            yield _encode({"type": "response.output_item.done", "event_id": next(event_ids), **where})
    details: Json = {"type": effect.status}
    if effect.reason in _REASONS:
        details["reason"] = effect.reason
    elif effect.fault is not None:
        # A reason that the dialect does not have is one that strict clients drop the whole event for.
        details["error"] = {"type": effect.reason, "code": effect.fault.code}
    begun: Json = _decode(effect.body) if effect.body else {}
    response: Json = begun | {
        "object": "realtime.response",
        "id": effect.response_id,
        "status": effect.status,
        "status_details": details,
        "output": output,
        "usage": UNTOLD_USAGE,
    }
    yield _encode({"type": "response.done", "event_id": next(event_ids), "response": response})


UNTOLD_USAGE: Final = response_usage(spoken_ms=0, chars=0, heard_ms=0, read_chars=0)
"""Of an answer whose upstream is gone. Clients read its details without asking whether there are any."""


def _end_of_part(end: str, response_id: str, index: int, item: RelayItem) -> Json:
    where: Json = {"response_id": response_id, "item_id": item.id, "output_index": index, "content_index": 0}
    words = "transcript" if item.is_spoken else "text"
    if end == PART_DONE:
        part = {"type": "audio" if item.is_spoken else "text", words: item.text}
        return {"type": end, **where, "part": part}
    if end == SOUND_DONE:
        return {"type": end, **where}
    kind = "output_audio_transcript" if item.is_spoken else "output_text"
    return {"type": f"response.{kind}.done", **where, words: item.text}


def _output(item: RelayItem) -> Json:
    """An assistant's item as far as it came."""
    shape: Json = {"id": item.id, "object": "realtime.item", "type": item.kind or "message"}
    shape["status"] = "completed" if item.is_done else "incomplete"
    if item.kind != "message":
        body = _body(item)
        names = ("call_id", "name", "arguments")
        return {**shape, **{name: body.get(name) or "" for name in names}}
    spoken = {"type": "output_audio", "transcript": item.text}
    written = {"type": "output_text", "text": item.text}
    return {**shape, "role": "assistant", "content": [spoken if item.is_spoken else written]}


def committed(effect: words.SendCommitted, server_event_id: str) -> bytes:
    """`input_audio_buffer.committed`."""
    return _encode(
        {
            "type": "input_audio_buffer.committed",
            "event_id": server_event_id,
            "previous_item_id": effect.previous_id,
            "item_id": effect.item_id,
        }
    )


def deleted(effect: words.SendDeleted, server_event_id: str) -> bytes:
    """`conversation.item.deleted`."""
    return _encode(
        {"type": "conversation.item.deleted", "event_id": server_event_id, "item_id": effect.item_id}
    )


def truncated(effect: words.SendTruncated, server_event_id: str) -> bytes:
    """`conversation.item.truncated`."""
    return _encode(
        {
            "type": "conversation.item.truncated",
            "event_id": server_event_id,
            "item_id": effect.item_id,
            "content_index": 0,
            "audio_end_ms": effect.audio_end_ms,
        }
    )


def news(effect: words.SendNews, server_event_id: str) -> bytes:
    """An event of our own dialect."""
    message: Json = {"type": f"holdfast.{effect.name}", "event_id": server_event_id, **effect.facts}
    if effect.items is not None:
        message["snapshot"] = {"items": [_known(item) for item in effect.items]}
    return _encode(message)


def _known(item: RelayItem) -> Json:
    """An item for a client that lost sight of it."""
    shape: Json = {"id": item.id, "type": item.kind, "status": "completed" if item.is_done else "in_progress"}
    if item.kind == "message":
        return {**shape, "role": item.role, "text": item.heard_text}
    body = _body(item)
    names = ("call_id", "name", "arguments", "output")
    return {**shape, **{name: body[name] for name in names if name in body}}
