"""Two ways to say the same: the browser protocol and the Realtime dialect, seen from the client.

What lives here: opening, sending and understanding messages, without IO.
What never will: sockets, waiting, printing. Unknown messages mean nothing here and are no errors.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from holdfast.client import happenings as hp
from holdfast.core.audio import SAMPLE_RATE_HZ
from holdfast.core.models import DEFAULT_MODEL, DEFAULT_SCRIBE

Json = dict[str, Any]
BROWSER_PATH: Final = "/api/openai/realtime"
SETTINGS_ID: Final = "event_settings"
"""By which a refusal of a session's settings is known."""


@dataclass(frozen=True, slots=True)
class SessionWish:
    """What the caller asks of a session; None leaves it to the other side."""

    model: str | None = None
    voice: str | None = None
    instructions: str | None = None
    greet: bool = False
    transcribe: bool = False
    """Only write down what is said."""
    language: str | None = None
    """The language that is spoken, for whoever writes it down."""


class Dialect(Protocol):
    """How one protocol spells what a client does and hears."""

    name: str

    def url(self, given: str) -> str:
        """The address to dial for what the user gave."""
        ...

    def headers(self, credential: str | None) -> dict[str, str]:
        """Headers of the upgrade."""
        ...

    def opening(self) -> Sequence[bytes]:
        """Text messages to send once the socket is open."""
        ...

    def created(self) -> Sequence[bytes]:
        """Text messages to send after `Created`."""
        ...

    def audio(self, pcm: bytes) -> tuple[bool, bytes]:
        """One piece of input audio: whether it goes as binary, and the message."""
        ...

    def text(self, text: str) -> Sequence[bytes]:
        """A typed turn that asks for an answer."""
        ...

    def ending(self) -> Sequence[bytes]:
        """Text messages to send before the close."""
        ...

    def understand(self, payload: bytes) -> Sequence[hp.Happening]:
        """One text message. ValueError when it is no JSON object."""
        ...

    def hear(self, payload: bytes) -> Sequence[hp.Happening]:
        """One binary message."""
        ...


def dialect_for(url: str, wish: SessionWish) -> Dialect:
    """The dialect that an address speaks: a path that ends in /v1/realtime is OpenAI's."""
    return (
        RealtimeDialect(wish)
        if urlsplit(url).path.rstrip("/").endswith("/v1/realtime")
        else BrowserDialect(wish)
    )


def _encode(message: Json) -> bytes:
    return msgspec.json.encode(message)


def _decode(payload: bytes) -> Json:
    message = msgspec.json.decode(payload)
    if not isinstance(message, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one error for everything that is no message
    return message


def _socket_url(given: str) -> Any:
    parts = urlsplit(given)
    return parts._replace(scheme={"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme))


class BrowserDialect:
    """The browser protocol of the contract, raw framing."""

    name = "browser"

    def __init__(self, wish: SessionWish) -> None:
        self._wish = wish

    def url(self, given: str) -> str:
        """Without a path, the contract's."""
        parts = _socket_url(given)
        return str(urlunsplit(parts._replace(path=parts.path if parts.path.strip("/") else BROWSER_PATH)))

    def headers(self, credential: str | None) -> dict[str, str]:
        """A ticket travels as a subprotocol, as from a browser."""
        offered = ["holdfast.v1"] + ([f"holdfast.ticket.{credential}"] if credential else [])
        return {"Sec-WebSocket-Protocol": ", ".join(offered)}

    def opening(self) -> Sequence[bytes]:
        wish = self._wish
        asked = {"voice": wish.voice, "model": wish.model, "instructions": wish.instructions}
        if wish.transcribe:
            asked |= {"mode": "transcription", "language": wish.language}
        given = {key: value for key, value in asked.items() if value is not None}
        return [_encode({"type": "create_session", "framing": "raw", "greet": wish.greet, **given})]

    def created(self) -> Sequence[bytes]:
        return []

    def audio(self, pcm: bytes) -> tuple[bool, bytes]:
        return True, pcm

    def text(self, text: str) -> Sequence[bytes]:
        return [_encode({"type": "input_text", "text": text})]

    def ending(self) -> Sequence[bytes]:
        return [_encode({"type": "end_session"})]

    def understand(self, payload: bytes) -> Sequence[hp.Happening]:
        message = _decode(payload)
        reader = _BROWSER.get(str(message.get("type")))
        return [reader(message)] if reader else []

    def hear(self, payload: bytes) -> Sequence[hp.Happening]:
        return [hp.Sound(payload)]


def _text(message: Mapping[str, Any], key: str) -> str:
    value = message.get(key)
    return value if isinstance(value, str) else ""


def _object(message: Mapping[str, Any], key: str) -> Json:
    value = message.get(key)
    return value if isinstance(value, dict) else {}


_BROWSER: Final[Mapping[str, Callable[[Json], hp.Happening]]] = {
    "session_created": lambda m: hp.Created(_text(m, "sessionId"), _object(m, "upstream")),
    "session_ready": lambda m: hp.Ready(_object(m, "upstream"), _text(_object(m, "upstream"), "sessionId")),
    "speech_started": lambda _: hp.SpeechStarted(),
    "speech_stopped": lambda _: hp.SpeechStopped(),
    "user_transcript": lambda m: hp.UserSaid(_text(m, "itemId"), _text(m, "text"), bool(m.get("final"))),
    "assistant_transcript": lambda m: hp.AssistantSaid(
        _text(m, "itemId"), _text(m, "text"), bool(m.get("final"))
    ),
    "response_started": lambda m: hp.ResponseStarted(_text(m, "responseId")),
    "response_done": lambda m: hp.ResponseDone(_text(m, "responseId"), _text(m, "status")),
    "tool_started": lambda m: hp.ToolStarted(_text(m, "callId"), _text(m, "name")),
    "tool_done": lambda m: hp.ToolDone(_text(m, "callId"), _text(m, "name"), _text(m, "status")),
    "client_action": lambda m: hp.ActionAsked(_text(m, "action"), _text(m, "target")),
    "status": lambda m: hp.Status(_text(m, "state"), _object(m, "fault") or None),
    "error": lambda m: hp.Trouble(_text(m, "code"), _text(m, "message"), _object(m, "fault") or None),
    "session_ended": lambda m: hp.Ended(_text(m, "reason"), _object(m, "fault") or None),
}


class RealtimeDialect:
    """OpenAI's Realtime dialect, GA shape, as a client."""

    name = "openai"

    def __init__(self, wish: SessionWish) -> None:
        self._wish = wish

    def url(self, given: str) -> str:
        """With a model in the query, as a conversation session needs it, and a transcription session none."""
        parts = _socket_url(given)
        query = dict(parse_qsl(parts.query))
        if self._wish.transcribe:
            query["intent"] = "transcription"
        else:
            query["model"] = self._wish.model or query.get("model") or DEFAULT_MODEL
        return str(urlunsplit(parts._replace(query=urlencode(query))))

    def headers(self, credential: str | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {credential}"} if credential else {}

    def opening(self) -> Sequence[bytes]:
        return []

    def created(self) -> Sequence[bytes]:
        wish = self._wish
        pcm = {"type": "audio/pcm", "rate": SAMPLE_RATE_HZ}
        session: Json
        heard: Json = {
            "format": pcm,
            "turn_detection": {"type": "server_vad", "silence_duration_ms": 500},
            "transcription": {"model": DEFAULT_SCRIBE},
        }
        if wish.transcribe:
            asked = {"model": wish.model or DEFAULT_SCRIBE, "language": wish.language}
            heard["transcription"] = {name: value for name, value in asked.items() if value}
            return [_settings({"type": "transcription", "audio": {"input": heard}})]
        spoken: Json = {"format": pcm, **({"voice": wish.voice} if wish.voice else {})}
        session = {
            "type": "realtime",
            "output_modalities": ["audio"],
            "audio": {"input": heard, "output": spoken},
        }
        if wish.instructions is not None:
            session["instructions"] = wish.instructions
        greeting = [_encode({"type": "response.create"})] if wish.greet else []
        return [_settings(session), *greeting]

    def audio(self, pcm: bytes) -> tuple[bool, bytes]:
        encoded = base64.b64encode(pcm)
        return False, b'{"type":"input_audio_buffer.append","audio":"' + encoded + b'"}'

    def text(self, text: str) -> Sequence[bytes]:
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        return [
            _encode({"type": "conversation.item.create", "item": item}),
            _encode({"type": "response.create"}),
        ]

    def ending(self) -> Sequence[bytes]:
        return []

    def understand(self, payload: bytes) -> Sequence[hp.Happening]:
        message = _decode(payload)
        reader = _REALTIME.get(str(message.get("type")))
        return [reader(message)] if reader else []

    def hear(self, payload: bytes) -> Sequence[hp.Happening]:  # noqa: ARG002 - the dialect has no binary messages
        return []


def _settings(session: Json) -> bytes:
    return _encode({"type": "session.update", "event_id": SETTINGS_ID, "session": session})


def _refusal(message: Json) -> hp.Trouble:
    error = _object(message, "error")
    kind = hp.Refused if error.get("event_id") == SETTINGS_ID else hp.Trouble
    return kind(_text(error, "code") or _text(error, "type"), _text(error, "message"))


def _response_done(message: Json) -> hp.ResponseDone:
    response = _object(message, "response")
    return hp.ResponseDone(_text(response, "id"), _text(response, "status"))


_REALTIME: Final[Mapping[str, Callable[[Json], hp.Happening]]] = {
    "session.created": lambda m: hp.Created(_text(_object(m, "session"), "id"), _named(m)),
    "session.updated": lambda m: hp.Ready(_named(m), _text(_object(m, "session"), "id")),
    "input_audio_buffer.speech_started": lambda _: hp.SpeechStarted(),
    "input_audio_buffer.speech_stopped": lambda _: hp.SpeechStopped(),
    "conversation.item.input_audio_transcription.delta": lambda m: hp.UserSaid(
        _text(m, "item_id"), _text(m, "delta"), final=False
    ),
    "conversation.item.input_audio_transcription.completed": lambda m: hp.UserSaid(
        _text(m, "item_id"), _text(m, "transcript"), final=True
    ),
    "response.created": lambda m: hp.ResponseStarted(_text(_object(m, "response"), "id")),
    "response.output_audio_transcript.delta": lambda m: hp.AssistantSaid(
        _text(m, "item_id"), _text(m, "delta"), final=False
    ),
    "response.output_audio_transcript.done": lambda m: hp.AssistantSaid(
        _text(m, "item_id"), _text(m, "transcript"), final=True
    ),
    "response.output_text.delta": lambda m: hp.AssistantSaid(
        _text(m, "item_id"), _text(m, "delta"), final=False
    ),
    "response.output_text.done": lambda m: hp.AssistantSaid(
        _text(m, "item_id"), _text(m, "text"), final=True
    ),
    "response.output_audio.delta": lambda m: hp.Sound(base64.b64decode(_text(m, "delta"))),
    "response.done": _response_done,
    "error": _refusal,
}


def _named(message: Json) -> Json:
    model = _text(_object(message, "session"), "model")
    return {"model": model} if model else {}
