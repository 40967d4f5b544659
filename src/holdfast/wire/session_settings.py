"""Our own complete settings, as an upstream of the Realtime dialect is told them.

What lives here: `session.update` of a conversation and of a transcription session.
What never will: whose settings they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

_encoder: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Our own complete settings. `transcription_model` None leaves the user's words unwritten."""

    instructions: str
    voice: str
    tools: msgspec.Raw
    """See `tools_text`."""
    transcription_model: str | None
    manual_turns: bool = False
    silence_ms: int = 500
    language: str | None = None
    prompt: str | None = None
    is_answered: bool = True
    """False: what is said is written down, and nothing else happens."""


def tools_text(definitions: Sequence[Mapping[str, Any]]) -> msgspec.Raw:
    """Tools as they stand in `session.update`. They are most of it, and the same for all sessions: who sends
    them to two hundred upstreams at once writes them once.
    """
    return msgspec.Raw(_encoder.encode(definitions))


def session_update(settings: SessionSettings) -> bytes:
    """`session.update` with everything in it, so that nothing rests on a server's default."""
    session = {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": settings.instructions,
        "audio": {
            "input": _hearing(settings),
            "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": settings.voice},
        },
        "tools": settings.tools,
        "tool_choice": "auto",
    }
    if not settings.is_answered:
        session = {"type": "transcription", "audio": {"input": _hearing(settings)}}
    return _encoder.encode({"type": "session.update", "session": session})


def _hearing(settings: SessionSettings) -> dict[str, Any]:
    detection: dict[str, Any] = {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": settings.silence_ms,
    }
    if settings.is_answered:
        detection |= {"create_response": True, "interrupt_response": True}
    wished = {"language": settings.language, "prompt": settings.prompt}
    transcription: dict[str, Any] = {"model": settings.transcription_model}
    transcription |= {name: value for name, value in wished.items() if value}
    return {
        "format": {"type": "audio/pcm", "rate": 24000},
        "transcription": None if settings.transcription_model is None else transcription,
        "turn_detection": None if settings.manual_turns else detection,
    }
