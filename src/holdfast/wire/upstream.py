"""The Realtime dialect with us as the client: upstream events to ours, our effects to client events.

What lives here: one typed decode per message, the shapes of what we send (GA, protocol reference 4 to 8),
which errors are nobody's fault.
What never will: retrying, ids that survive a rebuild.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import pybase64

from holdfast.core import effects, events
from holdfast.core.events import Event
from holdfast.core.upstream_side import ASK_PREFIX
from holdfast.wire.error_codes import fault_of_error

# what an error means

BENIGN: Final = frozenset(
    {
        "response_cancel_not_active",
        "conversation_already_has_active_response",
        "input_audio_buffer_commit_empty",
        "item_truncate_invalid_item_id",
        "item_delete_invalid_item_id",
        "item_retrieve_invalid_item_id",
    }
)
"""Races of two sides that act at once, nobody's fault."""

RACE_PREFIX: Final = "race_"
"""Our messages whose refusal is a race too bear an `event_id` that begins like this."""


# decoding


_Text = str | None
"""Servers differ in what they leave empty; null is as good as nothing."""


class _Error(msgspec.Struct, gc=False):
    type: _Text = None
    code: str | int | None = None
    message: _Text = None
    event_id: _Text = None


class _StatusDetails(msgspec.Struct):
    reason: _Text = None
    error: _Error | None = None


class _Response(msgspec.Struct):
    id: _Text = None
    status: _Text = None
    status_details: _StatusDetails | None = None
    usage: dict[str, Any] | None = None


class _Ours(msgspec.Struct):
    left_out: tuple[str, ...] = ()


class _Session(msgspec.Struct):
    id: _Text = None
    model: _Text = None
    expires_at: float | None = None
    holdfast: _Ours | None = None
    """What a translation says of the settings that it carried over."""


class _Item(msgspec.Struct):
    id: _Text = None
    type: _Text = None
    call_id: _Text = None
    name: _Text = None
    arguments: _Text = None


class ServerEvent(msgspec.Struct, gc=False):
    """Any server event, with the fields that we act on; the rest is skipped while parsing."""

    type: str
    event_id: _Text = None
    response_id: _Text = None
    item_id: _Text = None
    delta: _Text = None
    transcript: _Text = None
    text: _Text = None
    audio_start_ms: int | None = None
    audio_end_ms: int | None = None
    session: _Session | None = None
    response: _Response | None = None
    item: _Item | None = None
    error: _Error | None = None
    usage: dict[str, Any] | None = None
    stages: dict[str, str] | None = None


server_event: Final = msgspec.json.Decoder(ServerEvent).decode
"""For the hot path, which can spare no call: raises one of `PEEK_ERRORS`; `parse` says what it means."""
_b64decode: Final = pybase64.b64decode
_encoder: Final = msgspec.json.Encoder()
_STATUSES: Final = frozenset({"completed", "cancelled", "failed", "incomplete"})


_NAMES: Final = re.compile(r"\.(\w+)")
"""In the path to a field of another type."""
_ODD_MAX: Final = 8
"""Who sends more such fields in one event speaks another language."""


class BreachError(Exception):
    """The upstream sent what is no event."""


def parse(raw: bytes) -> ServerEvent:
    """One server event, without the fields that have other types than we know: that is nobody's fault.
    Raises `BreachError` when it is not JSON or has no `type`.
    """
    try:
        return server_event(raw)
    except msgspec.ValidationError:
        peek_type(raw)
        return _without_what_is_odd(msgspec.json.decode(raw))
    except PEEK_ERRORS as error:
        raise BreachError(str(error)) from error


def odd_in(raw: bytes) -> str | None:
    """In words, the first field that `parse` leaves out; None for none."""
    try:
        server_event(raw)
    except msgspec.ValidationError as error:
        return str(error)
    return None


def _without_what_is_odd(told: dict[str, Any]) -> ServerEvent:
    for _ in range(_ODD_MAX):
        try:
            return msgspec.convert(told, ServerEvent)
        except msgspec.ValidationError as error:
            *path, last = _NAMES.findall(str(error).rpartition(" - at ")[2]) or [""]
            place = told
            for name in path:
                place = place[name]
            if place.pop(last, None) is None:
                break  # it has no name, as a member of a map
    return ServerEvent(told["type"])


AUDIO_DELTA: Final = "response.output_audio.delta"


def read(raw: bytes, generation: int) -> Event | None:
    """A server event as ours; None for what we carry no meaning for. Raises `BreachError`."""
    return decode(parse(raw), generation)


def decode(event: ServerEvent, generation: int) -> Event | None:
    """A parsed event as ours; None for what we carry no meaning for. Raises `BreachError`."""
    decoder = _DECODERS.get(event.type)
    return None if decoder is None else decoder(event, generation)


def pcm_of(delta: str) -> bytes:
    """The audio of a delta. Raises `BreachError`."""
    try:
        return _b64decode(delta, validate=True)
    except ValueError as error:
        raise BreachError(f"audio is not base64: {error}") from error


def _audio(e: ServerEvent, g: int) -> Event:
    return events.OutputAudio(g, e.response_id or "", e.item_id or "", pcm_of(e.delta or ""))


def _created(e: ServerEvent, g: int) -> Event:
    session = e.session or _Session()
    return events.UpstreamCreated(g, session.id or "", session.model or "")


def _configured(e: ServerEvent, g: int) -> Event:
    ours = (e.session or _Session()).holdfast or _Ours()
    return events.UpstreamConfigured(g, ours.left_out)


def expires_at(event: ServerEvent) -> float | None:
    """When the upstream will end the session it tells of, in seconds since 1970; None if it does not say."""
    return None if event.session is None else event.session.expires_at


def _erred(e: ServerEvent, g: int) -> Event:
    error = e.error or _Error()
    code, kind, message = str(error.code or ""), error.type or "", error.message or ""
    is_race = code in BENIGN or (error.event_id or "").startswith(RACE_PREFIX)
    cause = fault_of_error(code, kind, message)
    return events.UpstreamErred(g, cause, code or kind, message, error.event_id, is_race)


def _ended(e: ServerEvent, g: int) -> Event:
    response = e.response or _Response()
    details = response.status_details or _StatusDetails()
    status = response.status if response.status in _STATUSES else "incomplete"
    reason = details.reason or ""
    cause = None
    if status == "failed":
        error = details.error or _Error()
        code, kind, message = str(error.code or ""), error.type or "", error.message or ""
        cause = fault_of_error(code, kind, message, "provider.response_failed")
    return events.ResponseEnded(g, response.id or "", status, reason, response.usage, cause)  # type: ignore[arg-type] # checked against _STATUSES


def _unwritten(e: ServerEvent, g: int) -> Event:
    error = e.error or _Error()
    code, kind, message = str(error.code or ""), error.type or "", error.message or ""
    cause = fault_of_error(code, kind, message, "provider.response_failed")
    return events.TranscriptionFailed(g, e.item_id or "", cause)


def _said(e: ServerEvent, g: int, text: _Text, *, final: bool) -> Event:
    return events.OutputTranscribed(g, e.response_id or "", e.item_id or "", text or "", final)


def _item_done(e: ServerEvent, g: int) -> Event | None:
    item = e.item
    if item is None or item.type != "function_call" or not item.call_id:
        return None
    return events.ToolCalled(g, e.response_id or "", item.call_id, item.name or "", item.arguments or "{}")


_DECODERS: Final[Mapping[str, Callable[[ServerEvent, int], Event | None]]] = {
    AUDIO_DELTA: _audio,
    "response.output_audio.done": lambda e, g: events.OutputAudioEnded(
        g, e.response_id or "", e.item_id or ""
    ),
    "session.created": _created,
    "session.updated": _configured,
    "input_audio_buffer.cleared": lambda _, g: events.LifeProved(g),
    "error": _erred,
    "input_audio_buffer.speech_started": lambda e, g: events.SpeechBegan(
        g, e.item_id or "", e.audio_start_ms or 0
    ),
    "input_audio_buffer.speech_stopped": lambda e, g: events.SpeechEnded(
        g, e.item_id or "", e.audio_end_ms or 0
    ),
    "input_audio_buffer.committed": lambda e, g: events.InputCommitted(g, e.item_id or ""),
    "conversation.item.input_audio_transcription.delta": lambda e, g: events.UserTranscribed(
        g, e.item_id or "", e.delta or "", final=False
    ),
    "conversation.item.input_audio_transcription.completed": lambda e, g: events.UserTranscribed(
        g, e.item_id or "", e.transcript or "", final=True, usage=e.usage
    ),
    "conversation.item.input_audio_transcription.failed": _unwritten,
    "holdfast.stages": lambda e, g: events.UpstreamStages(g, e.stages or {}),
    "holdfast.working": lambda e, g: events.UpstreamStages(g, e.stages or {}),
    "response.created": lambda e, g: events.ResponseBegan(g, (e.response or _Response()).id or ""),
    "response.output_audio_transcript.delta": lambda e, g: _said(e, g, e.delta, final=False),
    "response.output_audio_transcript.done": lambda e, g: _said(e, g, e.transcript, final=True),
    "response.output_text.delta": lambda e, g: _said(e, g, e.delta, final=False),
    "response.output_text.done": lambda e, g: _said(e, g, e.text, final=True),
    "response.output_item.done": _item_done,
    "response.done": _ended,
}


# encoding


APPEND_HEAD: Final = b'{"type":"input_audio_buffer.append","audio":"'
APPEND_TAIL: Final = b'"}'
joined: Final = b"".join
"""One copy and one piece of memory; to add twice takes two of each, a microsecond more."""


def append(pcm: bytes) -> bytes:
    """`input_audio_buffer.append`, written by hand, as on the hot path: base64 needs no escaping."""
    return joined((APPEND_HEAD, pybase64.b64encode(pcm), APPEND_TAIL))


_CARRY_ON: Final = (
    "Your last answer was cut off by a technical fault. The user heard it up to and including these words: "
    "<<{}>>. Carry on from exactly there, in the same tone and language: say only what is still "
    "missing, repeat nothing that was heard, and do not mention the interruption."
)


def _item(message: dict[str, Any]) -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": {"type": "message", **message}}


def encode(effect: effects.Effect, number: int) -> bytes:
    """An effect on the upstream as one client event. `number` makes the event ids of races unique."""
    return _encoder.encode(_message(effect, number))


def _message(effect: effects.Effect, number: int) -> dict[str, Any]:
    match effect:
        case effects.CommitInput():
            return {"type": "input_audio_buffer.commit"}
        case effects.ClearInput():
            return {"type": "input_audio_buffer.clear"}
        case effects.AddText(text=text, item_id=item_id, role=role):
            kind = "input_text" if role == "user" else "output_text"
            return _item({"id": item_id, "role": role, "content": [{"type": kind, "text": text}]})
        case effects.AddSpeech(pcm=pcm, item_id=item_id):
            audio = pybase64.b64encode(pcm).decode()
            return _item(
                {"id": item_id, "role": "user", "content": [{"type": "input_audio", "audio": audio}]}
            )
        case effects.AddCall(call_id=call_id, name=name, arguments=arguments):
            call = {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}
            return {"type": "conversation.item.create", "item": call}
        case effects.AddToolResult(call_id=call_id, output=output):
            result = {"type": "function_call_output", "call_id": call_id, "output": output}
            return {"type": "conversation.item.create", "item": result}
        case effects.ProveLife():
            return {"type": "input_audio_buffer.clear"}
        case effects.Respond(carry_on=str(heard)):
            return {
                "type": "response.create",
                "event_id": f"{ASK_PREFIX}{number}",
                "response": {
                    "instructions": _CARRY_ON.format(heard),
                    "metadata": {"holdfast_carry_on": heard[-512:]},
                },
            }
        case effects.Respond(say=None, tools=tools):
            asked = {"type": "response.create", "event_id": f"{ASK_PREFIX}{number}"}
            return asked if tools else {**asked, "response": {"tool_choice": "none"}}
        case effects.Respond(say=say):
            words = f"Say exactly these words and nothing else: {say}"
            return {
                "type": "response.create",
                "event_id": f"{ASK_PREFIX}{number}",
                "response": {"instructions": words, "metadata": {"holdfast_say": say}},
            }
        case effects.CancelResponse(response_id=response_id):
            return {
                "type": "response.cancel",
                "event_id": f"{RACE_PREFIX}{number}",
                "response_id": response_id,
            }
        case effects.Truncate(item_id=item_id, audio_end_ms=end_ms):
            return {
                "type": "conversation.item.truncate",
                "event_id": f"{RACE_PREFIX}{number}",
                "item_id": item_id,
                "content_index": 0,
                "audio_end_ms": end_ms,
            }
    raise TypeError(f"{type(effect).__name__} is not for an upstream")


# relaying originals


class Peek(msgspec.Struct, gc=False):
    """What the relay looks at: the type, nothing else."""

    type: str


peek: Final = msgspec.json.Decoder(Peek).decode
"""For the hot path, which can spare no call: raises one of `PEEK_ERRORS` for what is no event."""
PEEK_ERRORS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def peek_type(raw: bytes) -> str:
    """The type of an event. Raises `BreachError` when there is none."""
    try:
        return peek(raw).type
    except PEEK_ERRORS as error:
        raise BreachError(str(error)) from error


def error_event(
    code: str,
    message: str,
    kind: str,
    event_id: str | None,
    server_event_id: str,
    *,
    param: str | None = None,
) -> bytes:
    """An `error` event of our own, in the official shape (protocol reference, 9.1)."""
    error = {"type": kind, "code": code, "message": message, "param": param, "event_id": event_id}
    return _encoder.encode({"type": "error", "event_id": server_event_id, "error": error})
