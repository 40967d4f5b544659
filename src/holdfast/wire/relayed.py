"""Looking into relayed messages: an original's few fields that matter, as the core's events.

What lives here: one typed decode for each message that is looked at, in both directions; how much audio a
message holds.
What never will: audio on its way (its type is all that is looked at), changing or making
a message (`relay_words`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import pybase64
from msgspec import UNSET, Raw, UnsetType

from holdfast.core import relay_events as events
from holdfast.core.relay_events import ClientAsked, Original, SessionFacts
from holdfast.core.relay_input import Asked
from holdfast.core.relay_mirror import RelayItem
from holdfast.wire.error_codes import fault_of_error
from holdfast.wire.upstream import BENIGN, PEEK_ERRORS, BreachError

APPEND: Final = "input_audio_buffer.append"
DELTAS: Final = frozenset({"response.output_audio.delta", "response.audio.delta"})
"""The messages that take the short way: nothing of them but their type is looked at."""
ACKNOWLEDGE: Final = "holdfast.ack"
OWN_EVENTS: Final = "holdfast."
"""Events that begin like this are none of the dialect."""
AT_WORK: Final = "holdfast.working"
"""The embedded engine waits for a server of its stages."""

_NONE: Final = Raw(b"")
_Text = str | None


# shapes


class _Part(msgspec.Struct, gc=False):
    text: _Text = None
    transcript: _Text = None
    audio: _Text = None
    image_url: _Text = None


class _Item(msgspec.Struct, gc=False):
    id: _Text = None
    type: _Text = None
    role: _Text = None
    status: _Text = None
    call_id: _Text = None
    arguments: _Text = None
    output: _Text = None
    content: list[_Part] | None = None


class _Error(msgspec.Struct, gc=False):
    type: _Text = None
    code: str | int | None = None
    message: _Text = None
    event_id: _Text = None
    param: _Text = None


class _Details(msgspec.Struct, gc=False):
    error: _Error | None = None


class _Response(msgspec.Struct, gc=False):
    id: _Text = None
    status: _Text = None
    status_details: _Details | None = None
    conversation_id: str | UnsetType | None = UNSET


class _Conversation(msgspec.Struct, gc=False):
    id: _Text = None


class _PartKind(msgspec.Struct, gc=False):
    type: _Text = None


class _Format(msgspec.Struct, gc=False):
    type: _Text = None


class _Detection(msgspec.Struct, gc=False):
    create_response: bool | None = None
    interrupt_response: bool | None = None


class _Hearing(msgspec.Struct, gc=False):
    format: _Format | None = None
    turn_detection: _Detection | UnsetType | None = UNSET


class _Speaking(msgspec.Struct, gc=False):
    format: _Format | None = None


class _Audio(msgspec.Struct, gc=False):
    input: _Hearing | None = None
    output: _Speaking | None = None


class _Session(msgspec.Struct, gc=False):
    id: _Text = None
    type: _Text = None
    model: _Text = None
    expires_at: float | None = None
    audio: _Audio | None = None
    turn_detection: _Detection | UnsetType | None = UNSET
    """Where servers of the older shape have it."""


class _Event(msgspec.Struct, gc=False):
    type: str
    event_id: _Text = None
    response_id: _Text = None
    item_id: _Text = None
    previous_item_id: _Text = None
    delta: _Text = None
    transcript: _Text = None
    text: _Text = None
    audio_start_ms: int | None = None
    audio_end_ms: int | None = None
    session: _Session | None = None
    response: Raw = _NONE
    conversation: _Conversation | None = None
    part: _PartKind | None = None
    item: Raw = _NONE
    error: _Error | None = None


class _Outside(msgspec.Struct, gc=False):
    conversation: _Text = None


class _ClientEvent(msgspec.Struct, gc=False):
    event_id: _Text = None
    item_id: _Text = None
    response_id: _Text = None
    previous_item_id: _Text = None
    audio_end_ms: int = 0
    received: int = -1
    item: Raw = _NONE
    session: dict[str, Any] | None = None
    response: _Outside | None = None


class _Append(msgspec.Struct, gc=False):
    audio: str = ""


_event: Final = msgspec.json.Decoder(_Event).decode
_client_event: Final = msgspec.json.Decoder(_ClientEvent).decode
_response: Final = msgspec.json.Decoder(_Response).decode
_item: Final = msgspec.json.Decoder(_Item).decode
_append: Final = msgspec.json.Decoder(_Append).decode

# audio


def audio_of(append: bytes) -> bytes:
    """The audio of an audio message; empty where it is none, which its upstream will have said."""
    try:
        return pybase64.b64decode(_append(append).audio, validate=True)
    except (ValueError, RecursionError):
        return b""


def audio_bytes(append: bytes) -> int:
    """How much audio a message holds."""
    try:
        encoded = _append(append).audio
    except PEEK_ERRORS:
        return 0
    return max(0, len(encoded) * 3 // 4 - encoded[-2:].count("="))


# items


def item_of(raw: Raw) -> RelayItem | None:
    """An item of a conversation; None for what has no id and no type."""
    try:
        item = _item(raw)
    except PEEK_ERRORS:
        return None
    parts = item.content or []
    kind = item.type or ""
    return RelayItem(
        item.id or "",
        kind,
        item.role or "",
        bytes(raw),
        "".join(part.text or part.transcript or "" for part in parts) or (item.output or ""),
        item.call_id or "",
        is_rich=any(part.audio or part.image_url for part in parts),
        is_done=kind == "function_call_output" or item.status == "completed",
    )


# the client's messages


def read_client(raw: bytes, kind: str) -> ClientAsked | events.ClientAcknowledged:
    """A client's message that is no audio."""
    try:
        event = _client_event(raw)
    except PEEK_ERRORS:
        return ClientAsked(Asked(kind, raw))  # its upstream will say what is wrong
    if kind == ACKNOWLEDGE:
        return events.ClientAcknowledged(event.received)
    item = item_of(event.item) if event.item else None
    asked = Asked(
        kind,
        raw,
        event_id=event.event_id,
        item_id=event.item_id or ("" if item is None else item.id),
        is_beside=event.response is not None and event.response.conversation == "none",
        is_first=event.previous_item_id == "root",
        item=item,
        settings=event.session,
        audio_end_ms=event.audio_end_ms,
    )
    return ClientAsked(asked, event.response_id)


# the upstream's messages


def _facts(session: _Session) -> SessionFacts:
    audio = session.audio or _Audio()
    hearing, speaking = audio.input or _Hearing(), audio.output or _Speaking()
    detection = session.turn_detection if audio.input is None else hearing.turn_detection
    hears = detection is not None
    found = detection if isinstance(detection, _Detection) else _Detection()
    is_conversation = session.type != "transcription"
    return SessionFacts(
        kind=session.type or "realtime",
        hears_turns=hears,
        answers_turns=is_conversation and hears and found.create_response is not False,
        interrupts=hears and found.interrupt_response is not False,
        input_bytes_per_ms=_bytes_per_ms(hearing.format),
        output_bytes_per_ms=_bytes_per_ms(speaking.format),
    )


def _bytes_per_ms(audio_format: _Format | None) -> int:
    is_telephone = audio_format is not None and audio_format.type in {"audio/pcmu", "audio/pcma"}
    return 8 if is_telephone else 48


def _created(e: _Event, g: int, raw: bytes, moment: Moment) -> Original:
    session = e.session or _Session()
    life_s = None if session.expires_at is None else max(0.0, session.expires_at - moment.wall_s)
    return events.SessionCreated(
        g, raw, session.id or "", session.model or "", life_s, e.event_id or "", _facts(session)
    )


def _erred(e: _Event, g: int, raw: bytes, moment: Moment) -> Original:
    error = e.error or _Error()
    code, kind, message = str(error.code or ""), error.type or "", error.message or ""
    cause = fault_of_error(code, kind, message)
    param = error.param or ""
    is_race = code in BENIGN
    return events.Erred(g, raw, cause, code or kind, message, error.event_id, moment.chance, param, is_race)


def _began(e: _Event, g: int, raw: bytes) -> Original:
    response = _response_of(e)
    where = None if isinstance(response.conversation_id, UnsetType) else response.conversation_id
    is_beside = None if isinstance(response.conversation_id, UnsetType) else where is None
    return events.ResponseBegan(g, raw, response.id or "", is_beside, where or "", bytes(e.response))


def _response_of(e: _Event) -> _Response:
    return _response(e.response) if e.response else _Response()


def _ended(e: _Event, g: int, raw: bytes) -> Original:
    response = _response_of(e)
    cause = None
    if response.status == "failed":
        error = (response.status_details or _Details()).error or _Error()
        code, kind, message = str(error.code or ""), error.type or "", error.message or ""
        cause = fault_of_error(code, kind, message, "provider.response_failed")
    return events.ResponseEnded(g, raw, response.id or "", response.status or "", cause)


def _told(e: _Event, g: int, raw: bytes) -> Original:
    item = item_of(e.item)
    if item is None or not item.id:
        return events.Passed(g, raw)
    return events.ItemTold(g, raw, e.type, e.previous_item_id, item, e.response_id or "")


def _output_began(e: _Event, g: int, raw: bytes) -> Original:
    item = item_of(e.item)
    if item is None or not item.id:
        return events.Passed(g, raw)
    return events.OutputItemBegan(g, raw, e.response_id or "", item.id, item.kind, item.call_id)


def _part_began(e: _Event, g: int, raw: bytes) -> Original:
    is_spoken = (e.part or _PartKind()).type in {"audio", "output_audio"}
    return events.PartBegan(g, raw, e.response_id or "", e.item_id or "", is_spoken)


def _said(*, final: bool) -> Callable[[_Event, int, bytes], Original]:
    def build(e: _Event, g: int, raw: bytes) -> Original:
        text = (e.transcript or e.text) if final else e.delta
        return events.Said(g, raw, e.response_id or "", e.item_id or "", text or "", final)

    return build


def _heard(kind: Any) -> Callable[[_Event, int, bytes], Original]:
    return lambda e, g, raw: events.Heard(g, raw, kind, e.item_id or "", e.transcript or "")


class Moment(msgspec.Struct, frozen=True, gc=False):
    """What a reading needs of the world: the time in seconds since 1970, and chance."""

    wall_s: float
    chance: float


_NOBODY: Final = RelayItem("", "")
_ITEM: Final = "conversation.item."
_BUFFER: Final = "input_audio_buffer."
_SPOKEN: Final = "conversation.item.input_audio_transcription."
_LOOKED_AT: Final[Mapping[str, Callable[[_Event, int, bytes], Original]]] = {
    "conversation.created": lambda e, g, raw: events.ConversationBegan(
        g, raw, (e.conversation or _Conversation()).id or ""
    ),
    "session.updated": lambda e, g, raw: events.SessionUpdated(g, raw, _facts(e.session or _Session())),
    "response.created": _began,
    "response.done": _ended,
    "response.output_item.added": _output_began,
    "response.output_item.done": _told,
    "response.content_part.added": _part_began,
    **{
        f"response.{name}.done": lambda e, g, raw: events.PartNews(
            g, raw, e.type, e.item_id or "", e.response_id or ""
        )
        for name in ("content_part", "output_audio")
    },
    **{
        f"response.{name}.delta": _said(final=False)
        for name in ("output_audio_transcript", "output_text", "audio_transcript", "text")
    },
    **{
        f"response.{name}.done": _said(final=True)
        for name in ("output_audio_transcript", "output_text", "audio_transcript", "text")
    },
    "response.mcp_call.in_progress": lambda _, g, raw: events.ToolAtWork(g, raw, is_running=True),
    "response.mcp_call.completed": lambda _, g, raw: events.ToolAtWork(g, raw, is_running=False),
    "response.mcp_call.failed": lambda _, g, raw: events.ToolAtWork(g, raw, is_running=False),
    f"{_ITEM}added": _told,
    f"{_ITEM}created": _told,
    f"{_ITEM}done": _told,
    f"{_ITEM}truncated": lambda e, g, raw: events.ItemCut(g, raw, e.item_id or "", e.audio_end_ms or 0),
    f"{_ITEM}deleted": lambda e, g, raw: events.ItemDeleted(g, raw, e.item_id or ""),
    f"{_ITEM}retrieved": lambda e, g, raw: events.ItemRetrieved(g, raw, (item_of(e.item) or _NOBODY).id),
    f"{_BUFFER}speech_started": lambda e, g, raw: events.SpeechBegan(
        g, raw, e.item_id or "", e.audio_start_ms or 0
    ),
    f"{_BUFFER}speech_stopped": lambda e, g, raw: events.SpeechEnded(
        g, raw, e.item_id or "", e.audio_end_ms or 0
    ),
    f"{_BUFFER}timeout_triggered": lambda e, g, raw: events.TurnTimedOut(g, raw, e.item_id or ""),
    f"{_BUFFER}committed": lambda e, g, raw: events.InputCommitted(g, raw, e.item_id or ""),
    f"{_BUFFER}cleared": lambda _, g, raw: events.InputCleared(g, raw),
    f"{_SPOKEN}delta": _heard("delta"),
    f"{_SPOKEN}segment": _heard("segment"),
    f"{_SPOKEN}completed": _heard("completed"),
    f"{_SPOKEN}failed": _heard("failed"),
}
_AT_A_MOMENT: Final = {"session.created": _created, "error": _erred}


def read(raw: bytes, kind: str, generation: int, moment: Moment) -> Original:
    """A server event that is no audio. One whose fields have other types than we know is passed on: that is
    its client's to judge.
    """
    if kind == AT_WORK:
        return events.AtWork(generation, raw)
    if kind.startswith(OWN_EVENTS):
        return events.OwnPassed(generation, raw)
    build, dated = _LOOKED_AT.get(kind), _AT_A_MOMENT.get(kind)
    if build is None and dated is None:
        return events.Passed(generation, raw)
    try:
        event = _event(raw)
        if build is not None:
            return build(event, generation, raw)
    except msgspec.ValidationError:
        return events.Passed(generation, raw)
    except PEEK_ERRORS as error:
        raise BreachError(str(error)) from error
    assert dated is not None, "one of the two tables has it"
    return dated(event, generation, raw, moment)
