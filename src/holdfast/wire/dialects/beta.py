"""The shape that the service had before GA, and that many servers kept: flat settings, older event names.

What lives here: its table (protocol reference, 4.6 and 7), as data.
What never will: what one server makes of it (`profiles`).
"""

from __future__ import annotations

from typing import Any, Final

from holdfast.wire.dialects.table import NOTHING, Converter, Dialect, Field

_FORMATS: Final = {"audio/pcm": "pcm16", "audio/pcmu": "g711_ulaw", "audio/pcma": "g711_alaw"}
_GA_FORMATS: Final = {
    "pcm16": {"type": "audio/pcm", "rate": 24000},
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
}


def _format(value: Any) -> Any:
    return _FORMATS.get(str(value.get("type")), NOTHING) if isinstance(value, dict) else NOTHING


def _ga_format(value: Any) -> Any:
    return _GA_FORMATS.get(value, NOTHING) if isinstance(value, str) else NOTHING


def _modalities(value: Any) -> Any:
    """Speech alone is not known there: its words come with it."""
    return ["text", "audio"] if value == ["audio"] else value


def _ga_modalities(value: Any) -> Any:
    return ["audio"] if isinstance(value, list) and "audio" in value else ["text"]


def _named(value: Any) -> Any:
    """A voice by its name: an object names one of the customer's own, which there are none of."""
    return value if isinstance(value, str) else NOTHING


AUDIO_FORMAT: Final = Converter(_format, _ga_format)
MODALITIES: Final = Converter(_modalities, _ga_modalities)
VOICE: Final = Converter(_named, _named)

_TURN_DETECTION: Final = Field(
    "audio.input.turn_detection",
    "turn_detection",
    inside=(
        "type",
        "threshold",
        "prefix_padding_ms",
        "silence_duration_ms",
        "eagerness",
        "create_response",
        "interrupt_response",
    ),
)
_HEARING: Final = (
    Field("audio.input.format", "input_audio_format", AUDIO_FORMAT),
    Field("audio.input.noise_reduction", "input_audio_noise_reduction", inside=("type",)),
    Field("audio.input.transcription", "input_audio_transcription", inside=("model", "language", "prompt")),
    _TURN_DETECTION,
)
_SPEAKING: Final = (
    Field("instructions", "instructions"),
    Field("output_modalities", "modalities", MODALITIES),
    Field("audio.output.format", "output_audio_format", AUDIO_FORMAT),
    Field("audio.output.voice", "voice", VOICE),
    Field("tools", "tools"),
    Field("tool_choice", "tool_choice"),
)

BETA: Final = Dialect(
    name="beta",
    title="The shape before GA",
    sources=(
        "openai.types.beta.realtime (PyPI openai 3.52.0)",
        "developers.openai.com: realtime guide, migration from the beta interface",
    ),
    headers={"OpenAI-Beta": "realtime=v1"},
    server_events={
        "response.text.delta": "response.output_text.delta",
        "response.text.done": "response.output_text.done",
        "response.audio.delta": "response.output_audio.delta",
        "response.audio.done": "response.output_audio.done",
        "response.audio_transcript.delta": "response.output_audio_transcript.delta",
        "response.audio_transcript.done": "response.output_audio_transcript.done",
        "conversation.item.created": "conversation.item.added",
        "transcription_session.created": "session.created",
        "transcription_session.updated": "session.updated",
    },
    dropped=frozenset({"conversation.created"}),
    session=(
        *_SPEAKING,
        *_HEARING,
        Field("audio.output.speed", "speed"),
        Field("max_output_tokens", "max_response_output_tokens"),
        Field("tracing", "tracing"),
    ),
    transcription_session=(*_HEARING, Field("include", "include")),
    transcription_update="transcription_session.update",
    response=(
        *_SPEAKING,
        Field("max_output_tokens", "max_response_output_tokens"),
        Field("conversation", "conversation"),
        Field("input", "input"),
        Field("metadata", "metadata"),
    ),
    told_response=(
        Field("output_modalities", "modalities", MODALITIES),
        Field("audio.output.format", "output_audio_format", AUDIO_FORMAT),
        Field("audio.output.voice", "voice", VOICE),
        *(
            Field(name, name)
            for name in (
                "id",
                "object",
                "status",
                "status_details",
                "output",
                "conversation_id",
                "max_output_tokens",
                "metadata",
                "usage",
            )
        ),
    ),
    parts={"output_text": "text", "output_audio": "audio"},
    images=False,
    mcp=False,
    transcription_model="whisper-1",
    notes=(
        "`temperature` has no place in GA: a server's own stays as it is.",
        "Items are told once, when they begin: `conversation.item.done` is made from the turn's own end.",
    ),
)
