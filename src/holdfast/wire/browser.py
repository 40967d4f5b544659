"""The browser protocol: its messages to events, notices to its messages (contract.md, Browser protocol).

What lives here: names and shapes on the wire, and which field a bad message fails in.
What never will: whether a message is welcome now (that is `core`), clocks (the stamp is an argument).

Downlink audio is raw PCM, or with `framing: positioned` 24 bytes before it, little endian: u64 offset,
u32 stream, u32 reserved (0), u64 index of the first sample within the stream.
"""

from __future__ import annotations

import dataclasses
import re
import struct
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec

from holdfast.core import events, notices
from holdfast.core.effects import Play
from holdfast.core.events import Event, MessageRefused, SessionOptions
from holdfast.core.faults import FAULTS, Fault, Party, fault
from holdfast.core.limits import Limits
from holdfast.core.observed import Reported, SilenceHeard

UPLINK_HEADER: Final = struct.Struct("<Q")
DOWNLINK_HEADER: Final = struct.Struct("<QIIQ")

_Id = Annotated[str, msgspec.Meta(max_length=512)]
_Name = Annotated[str, msgspec.Meta(max_length=200)]
_Prompt = Annotated[str, msgspec.Meta(max_length=2_000)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class _Message(msgspec.Struct, tag_field="type", rename="camel", kw_only=True, gc=False):
    event_id: _Id | None = None


class CreateSession(_Message, tag="create_session"):
    voice: _Name | None = None
    model: _Name | None = None
    instructions: str | None = None
    customer_id: _Name | None = None
    customer_name: _Name | None = None
    mode: Literal["conversation", "transcription"] = "conversation"
    turn_detection: Literal["auto", "manual"] = "auto"
    framing: Literal["raw", "positioned"] = "raw"
    greet: bool = False
    on_loss: Literal["continue", "stop"] = "continue"
    on_return: Literal["continue", "skip_to_live", "truncate"] | None = None
    language: _Name | None = None
    prompt: _Prompt | None = None
    consent: _Prompt | None = None


class ResumeSession(_Message, tag="resume_session"):
    session_id: _Id
    resume_token: _Id
    epoch: _Id = ""
    offset: int = -1


class InputText(_Message, tag="input_text"):
    text: str


class CommitAudio(_Message, tag="commit_audio"):
    pass


class ClearAudio(_Message, tag="clear_audio"):
    pass


class CancelResponse(_Message, tag="cancel_response"):
    pass


class EndSession(_Message, tag="end_session"):
    pass


class Played(_Message, tag="played"):
    item_id: _Id
    ms: _Count


class Heard(_Message, tag="heard"):
    item_id: _Id
    spoke_until: _Count
    received_at: _Count
    heard_at: _Count


class Ack(_Message, tag="ack"):
    offset: _Count


class Ping(_Message, tag="ping"):
    pass


class Report(_Message, tag="report"):
    """How it is at the client's end, for whoever looks after it: shown, and no ground of a decision."""

    fault: _Id | None = None
    silent_ms: _Count | None = None
    rtt_ms: _Count | None = None
    underruns: _Count | None = None
    blocked: bool | None = None


ClientMessage = (
    CreateSession
    | ResumeSession
    | InputText
    | CommitAudio
    | ClearAudio
    | CancelResponse
    | EndSession
    | Played
    | Heard
    | Ack
    | Ping
    | Report
)

_THEIRS: Final = frozenset({Party.USER_DEVICE, Party.USER_NETWORK})
_decoder: Final = msgspec.json.Decoder(ClientMessage)
_any_decoder: Final = msgspec.json.Decoder(dict[str, Any])
_encoder: Final = msgspec.json.Encoder()
_MISSING: Final = re.compile(r"missing required field `(?P<field>\w+)`")
_PATH: Final = re.compile(r" - at `\$\.?(?P<path>[^`]*)`")


class Asking(Protocol):
    """What the messages that begin a session need from the runtime."""

    def create(self, message: CreateSession) -> Event:
        """Complete `create_session`, which needs new identifiers and the model registry."""
        ...

    def resume(self, message: ResumeSession) -> Event | None:
        """Look for the session; None when the socket belongs to it from here on."""
        ...


def decode_text(raw: bytes, limits: Limits, asking: Asking) -> Event | None:
    """One text message as an event; a bad one as `MessageRefused` that names the field and the remedy."""
    try:
        message = _decoder.decode(raw)
    except msgspec.ValidationError as error:
        return _refused(raw, error)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        return MessageRefused("INVALID_MESSAGE", f"Not a JSON message: {error}. Send one object with `type`.")
    try:
        return _event(message, raw, limits, asking)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        return MessageRefused("INVALID_MESSAGE", f"Not a JSON message: {error}.")


def _event(message: ClientMessage, raw: bytes, limits: Limits, asking: Asking) -> Event | None:
    match message:
        case CreateSession():
            return _created(message, limits, asking.create)
        case ResumeSession():
            return asking.resume(message)
        case InputText(text=text, event_id=event_id):
            if not text.strip() or len(text) > limits.input_text_chars:
                why = f"`text` must hold 1 to {limits.input_text_chars} characters."
                return MessageRefused("INVALID_MESSAGE", why, "text", event_id)
            return events.TextGiven(text, event_id)
        case CommitAudio(event_id=event_id):
            return events.CommitAsked(event_id)
        case ClearAudio(event_id=event_id):
            return events.ClearAsked(event_id)
        case CancelResponse(event_id=event_id):
            return events.CancelAsked(event_id)
        case EndSession(event_id=event_id):
            return events.EndAsked(event_id)
        case Played(item_id=item_id, ms=ms):
            return events.Played(item_id, ms)
        case Ack(offset=offset):
            return events.Acknowledged(offset)
        case Ping():
            return events.Pinged(_any_decoder.decode(raw))
        case Heard() | Report():
            return _observed(message)


def _observed(message: Heard | Report) -> Event:
    if isinstance(message, Heard):
        return SilenceHeard(message.item_id, message.spoke_until, message.received_at, message.heard_at)
    cause = None
    if message.fault is not None:
        if message.fault not in FAULTS or FAULTS[message.fault].party not in _THEIRS:
            why = "`fault` must be a code of the fault table that the user's device or network answers for."
            return MessageRefused("INVALID_MESSAGE", why, "fault", message.event_id)
        cause = fault(message.fault, ["the client says so"])
    told = {name: getattr(message, name) for name in ("silent_ms", "rtt_ms", "underruns", "blocked")}
    return Reported(cause, {name: value for name, value in told.items() if value is not None})


def _created(message: CreateSession, limits: Limits, ask: Callable[[CreateSession], Event]) -> Event:
    if message.instructions is not None and len(message.instructions) > limits.instructions_chars:
        why = f"`instructions` may have {limits.instructions_chars} characters."
        return MessageRefused("INVALID_MESSAGE", why, "instructions", message.event_id)
    return ask(message)


def options_of(message: CreateSession) -> SessionOptions:
    """`create_session` in our spelling."""
    return SessionOptions(**{name: getattr(message, name) for name in SessionOptions.__slots__})


def _refused(raw: bytes, error: msgspec.ValidationError) -> MessageRefused:
    text = str(error)
    found = _PATH.search(text)
    missing = _MISSING.search(text)
    field = (found["path"] if found else "") or (missing["field"] if missing else "type")
    event_id = None
    try:
        sent = _any_decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError, ValueError):
        why = "A message must be one JSON object with `type`."
        return MessageRefused("INVALID_MESSAGE", why, None)
    if isinstance(sent.get("eventId"), str):
        event_id = sent["eventId"][:512]
    if field == "type":
        names = ", ".join(sorted(str(kind.__struct_config__.tag) for kind in ClientMessage.__args__))
        why = f"`type` {str(sent.get('type'))[:60]!r} is not known. Known: {names}."
        return MessageRefused("INVALID_MESSAGE", why, "type", event_id)
    reason = _PATH.sub("", text)
    return MessageRefused("INVALID_MESSAGE", f"Field `{field}`: {reason}.", field, event_id)


def decode_audio(payload: bytes) -> Event:
    """One positioned binary message as audio; with raw framing the payload is the PCM."""
    if len(payload) < UPLINK_HEADER.size:
        why = "A positioned audio message begins with 8 bytes, the index of its first sample."
        return MessageRefused("INVALID_MESSAGE", why, "audio")
    (start,) = UPLINK_HEADER.unpack_from(payload)
    if start > 2**53:
        return MessageRefused("INVALID_MESSAGE", "The sample index is over 2^53.", "audio")
    return events.ClientAudio(payload[UPLINK_HEADER.size :], start)


def continuing(payload: bytes, position: int) -> bytes:
    """The PCM of a positioned message that begins at `position`; nothing if it begins elsewhere."""
    size = UPLINK_HEADER.size
    return payload[size:] if payload[:size] == UPLINK_HEADER.pack(position) else b""


# downlink

_SNAKE: Final = re.compile(r"(?<!^)(?=[A-Z])")
_SPELLED: Final[Mapping[str, str]] = {"from_sample": "from", "to_sample": "to"}


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return _SPELLED.get(name) or head + "".join(part.title() for part in tail)


def message_type(notice: type) -> str:
    """`SessionCreated` -> `session_created`."""
    return _SNAKE.sub("_", notice.__name__).lower()


_FIELDS: Final[Mapping[type, tuple[str, tuple[tuple[str, str], ...]]]] = {
    notice: (
        message_type(notice),
        tuple((field.name, _camel(field.name)) for field in dataclasses.fields(notice)),
    )
    for notice in notices.Notice.__args__
}


def fault_object(occurred: Fault) -> dict[str, Any]:
    """A fault as the contract shows it."""
    return {
        "code": occurred.row.code,
        "party": str(occurred.row.party),
        "message": occurred.row.message,
        "remedy": occurred.row.remedy,
        "evidence": list(occurred.evidence),
    }


def encode_notice(notice: notices.Notice, offset: int | None, timestamp: str) -> bytes:
    """A notice as one text message. `timestamp` is RFC 3339."""
    kind, fields = _FIELDS[type(notice)]
    message: dict[str, Any] = {"type": kind}
    if isinstance(notice, notices.Pong):
        held = notice.ping if isinstance(notice.ping, dict) else {}
        message = {**held, "type": kind}
    else:
        for name, spelled in fields:
            value = getattr(notice, name)
            if isinstance(value, Fault):
                value = fault_object(value)
            if value is not None and value != ():
                message[spelled] = value
    message["timestamp"] = timestamp
    if offset is not None:
        message["offset"] = offset
    return _encoder.encode(message)


def audio_received(received: int, offset: int, durable: int, timestamp: str) -> bytes:
    """`encode_notice` of an `AudioReceived`, which is told twice a second as long as anybody speaks."""
    told = f'{{"type":"audio_received","received":{received},"durable":{durable}'
    return f'{told},"timestamp":"{timestamp}","offset":{offset}}}'.encode()


def encode_audio(play: Play) -> bytes:
    """Audio as one positioned binary message; with raw framing the PCM goes as it is."""
    return positioned(play.offset, play.stream, play.start, play.pcm)


def positioned(offset: int, stream: int, start: int, pcm: bytes) -> bytes:
    """`pcm`, the message number `offset`, whose first sample is sample `start` of the item `stream`."""
    return DOWNLINK_HEADER.pack(offset, stream, 0, start) + pcm
