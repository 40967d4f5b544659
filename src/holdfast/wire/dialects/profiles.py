"""Servers that speak the Realtime dialect in their own way, one table each.

What lives here: facts, each with its source. Nothing was measured against a paid service; what a source does
not say is treated as unknown there, and left out.
What never will: behaviour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from holdfast.wire.dialects.beta import BETA, MODALITIES, VOICE
from holdfast.wire.dialects.table import NOTHING, Converter, Dialect, Field, Reply

_PCM: Final = {"type": "audio/pcm", "rate": 24000}

GA: Final = Dialect(
    name="ga",
    title="GA, as OpenAI and Azure speak it",
    sources=("openai.types.realtime (PyPI openai 3.52.0)",),
)

AZURE_PREVIEW: Final = replace(
    BETA,
    name="azure-preview",
    title="Azure OpenAI, preview path",
    sources=(
        *BETA.sources,
        "learn.microsoft.com: Azure OpenAI, how-to realtime-audio-websockets (preview version)",
    ),
    headers={},
    transcription_model="whisper-1",
    notes=(*BETA.notes, "The path is deprecated since 30 April 2026: prefer the GA path."),
)

XAI: Final = Dialect(
    name="xai",
    title="xAI Grok voice",
    sources=(
        "docs.x.ai/docs/guides/voice/agent",
        "github.com/pipecat-ai/pipecat, its types of the Grok events",
        "github.com/livekit/agents, livekit-plugins-xai/realtime",
        "fal.ai/models/xai/grok-voice/realtime/api",
    ),
    dropped=frozenset(
        {"conversation.created", "ping", "conversation.item.input_audio_transcription.updated"}
    ),
    session=(
        Field("instructions", "instructions"),
        Field("audio.input.format", "audio.input.format"),
        Field(
            "audio.input.turn_detection",
            "turn_detection",
            inside=("type", "threshold", "prefix_padding_ms", "silence_duration_ms"),
        ),
        Field("audio.output.format", "audio.output.format"),
        Field("audio.output.voice", "voice"),
        Field("tools", "tools"),
    ),
    response=(
        Field("instructions", "instructions"),
        Field("output_modalities", "modalities", MODALITIES),
        Field("metadata", "metadata"),
    ),
    anyway={
        "output_modalities": ["audio"],
        "tool_choice": "auto",
        "audio.input.turn_detection.create_response": True,
        "audio.input.turn_detection.interrupt_response": True,
    },
    images=False,
    client_events={
        "conversation.item.truncate": Reply.DONE,
        "conversation.item.retrieve": Reply.MISSING,
    },
    voices=("Ara", "Rex", "Sal", "Eve", "Leo"),
    own_transcription=True,
    greets=True,
    times_speech=False,
    orders_items=False,
    keeps_metadata=False,
    out_of_band=False,
    notes=(
        "What a person heard of a cut answer cannot be told to the server: it believes it said everything.",
        "`speech_started` and `speech_stopped` bear no time: they get that of the audio sent by then.",
        "What it believes to have heard so far is not told: GA's deltas cannot be taken back.",
    ),
)

LOCALAI: Final = Dialect(
    name="localai",
    title="LocalAI",
    sources=(
        "github.com/mudler/LocalAI, core/http/endpoints/openai/realtime.go (22 August 2026)",
        "localai.io/features/openai-realtime",
    ),
    dropped=frozenset(
        {
            "conversation.item.sound_detection",
            "conversation.item.speaker",
            "localai.classifier.result",
        }
    ),
    own_voices=True,
    own_transcription=True,
    repeats_event_ids=True,
    ends_silently=True,
    notes=(
        "Models are the pipeline's: a model of transcription that a client names is not passed on.",
        "An answer that fails has an `error` and no end of its own: it ends when the next one begins.",
    ),
)

_SPEACHES_TRANSCRIPTION: Final = Field(
    "audio.input.transcription",
    "input_audio_transcription",
    Converter(lambda asked: NOTHING if asked is None else asked, lambda told: told),  # it is never off
    inside=("model", "language"),
)

SPEACHES: Final = replace(
    BETA,
    name="speaches",
    title="Speaches",
    sources=("github.com/speaches-ai/speaches, src/speaches/realtime and types/realtime.py (26 March 2026)",),
    headers={},
    session=(
        Field("instructions", "instructions"),
        Field("output_modalities", "modalities", MODALITIES),
        _SPEACHES_TRANSCRIPTION,
        Field("audio.output.voice", "voice", VOICE),
        Field("tools", "tools"),
        Field("tool_choice", "tool_choice"),
        Field("max_output_tokens", "max_response_output_tokens"),
    ),
    transcription_session=(_SPEACHES_TRANSCRIPTION,),
    told_session=BETA.session,
    transcription_update="session.update",
    response=(
        Field("instructions", "instructions"),
        Field("output_modalities", "modalities", MODALITIES),
        Field("audio.output.voice", "voice", VOICE),
        Field("tools", "tools"),
        Field("tool_choice", "tool_choice"),
        Field("max_output_tokens", "max_response_output_tokens"),
    ),
    client_events={
        "conversation.item.truncate": Reply.DONE,
        "conversation.item.retrieve": Reply.MISSING,
        "response.cancel": Reply.SILENCE,
    },
    anyway={"audio.input.format": _PCM, "audio.output.format": _PCM},
    item_fields={"status": "completed"},
    own_voices=True,
    own_transcription=True,
    transcription_model=None,
    ends_silently=True,
    keeps_metadata=False,
    out_of_band=False,
    notes=(
        "Turns are found by the server's own settings: to send others is answered with an error for each.",
        "An answer is not cut when a person speaks, only when their turn has been written down.",
        "A session ends after 30 minutes without a word; the next one takes over.",
    ),
)

HUGGINGFACE: Final = Dialect(
    name="huggingface",
    title="Hugging Face speech-to-speech",
    sources=(
        "github.com/huggingface/speech-to-speech, src/speech_to_speech/api/openai_realtime (21 August 2026)",
    ),
    server_events={"conversation.item.created": "conversation.item.added"},
    own_voices=True,
    own_transcription=True,
    needs_model=False,
    client_events={
        "input_audio_buffer.clear": Reply.DONE,
        "conversation.item.truncate": Reply.DONE,
        "conversation.item.delete": Reply.DONE,
        "conversation.item.retrieve": Reply.MISSING,
    },
    commits_silently=True,
    notes=(
        "There are no `response.content_part` events.",
        "Transcription sessions are refused by the server.",
        "That the input was cleared is said by the gateway: nothing is proved by it.",
    ),
)

VLLM: Final = Dialect(
    name="vllm",
    title="vLLM, transcription",
    sources=("github.com/vllm-project/vllm, vllm/entrypoints/openai/realtime",),
    session=(),
    anyway={"audio.input.format": _PCM, "audio.input.turn_detection": None},
    transcribes_only=True,
    own_transcription=True,
    client_events={
        "input_audio_buffer.clear": Reply.DONE,
        "conversation.item.create": Reply.REFUSED,
        "conversation.item.truncate": Reply.REFUSED,
        "conversation.item.delete": Reply.REFUSED,
        "conversation.item.retrieve": Reply.MISSING,
        "response.create": Reply.REFUSED,
        "response.cancel": Reply.DROPPED,
    },
    notes=(
        "Audio is resampled from 24 to 16 kHz on its way.",
        "There is no detection of turns: a client ends each by `input_audio_buffer.commit`.",
        "What was sent cannot be taken back: a cleared buffer is written down with the next turn.",
    ),
)

DIALECTS: Final[Mapping[str, Dialect]] = {
    one.name: one for one in (GA, BETA, AZURE_PREVIEW, XAI, LOCALAI, SPEACHES, HUGGINGFACE, VLLM)
}
"""By the name that `dialect` bears in an upstream's settings."""
