"""The session object: its fields as tables, its defaults, and what `session.update` may do to it.

What lives here: sections 4.1 to 4.5 of the dialect: merge per field, null as a value, all or nothing,
what cannot be changed any more.
What never will: acting on a setting. Settings we do not implement (tracing, noise reduction, reasoning)
are accepted and echoed, because a client that meant well must not lose its instructions over them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from holdfast.wire.realtime.rules import (
    Refused,
    Rule,
    any_object,
    boolean,
    integer,
    list_of,
    missing,
    nullable,
    number,
    one_of,
    record,
    replacing,
    string_map,
    text,
    variants,
    word_or,
    wrong_type,
)

Intent = Literal["realtime", "transcription"]

VOICES: Final = ("alloy", "ash", "ballad", "cedar", "coral", "echo", "marin", "sage", "shimmer", "verse")
DEFAULT_VOICE: Final = "marin"
DEFAULT_INSTRUCTIONS: Final = "You are a helpful voice assistant. Speak naturally and keep it short."
TOOLS_MAX: Final = 128

_NAME: Final = text(256)

AUDIO_FORMAT: Final[Rule] = variants(
    {
        "audio/pcm": record(
            {"type": one_of("audio/pcm"), "rate": one_of(24000)},
            defaults={"type": "audio/pcm", "rate": 24000},
        ),
        "audio/pcmu": record({"type": one_of("audio/pcmu")}),
        "audio/pcma": record({"type": one_of("audio/pcma")}),
    }
)

TURN_DETECTION: Final[Rule] = nullable(
    variants(
        {
            "server_vad": record(
                {
                    "type": one_of("server_vad"),
                    "threshold": number(0, 1),
                    "prefix_padding_ms": integer(0, 10_000),
                    "silence_duration_ms": integer(0, 60_000),
                    "idle_timeout_ms": nullable(integer(5_000, 30_000)),
                    "create_response": boolean,
                    "interrupt_response": boolean,
                },
                defaults={
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 500,
                    "idle_timeout_ms": None,
                    "create_response": True,
                    "interrupt_response": True,
                },
            ),
            "semantic_vad": record(
                {
                    "type": one_of("semantic_vad"),
                    "eagerness": one_of("low", "medium", "high", "auto"),
                    "create_response": boolean,
                    "interrupt_response": boolean,
                },
                defaults={
                    "type": "semantic_vad",
                    "eagerness": "auto",
                    "create_response": True,
                    "interrupt_response": True,
                },
            ),
        }
    )
)

_INPUT: Final = record(
    {
        "format": AUDIO_FORMAT,
        "noise_reduction": nullable(
            record({"type": one_of("near_field", "far_field"), "strength": number(0, 1)}, required=("type",))
        ),
        "transcription": nullable(
            record(
                {
                    "model": _NAME,
                    "language": nullable(text(16)),
                    "languages": list_of(text(16), 64),
                    "keywords": list_of(text(256), 1024),
                    "prompt": nullable(text()),
                    "delay": one_of("minimal", "low", "medium", "high", "xhigh"),
                }
            )
        ),
        "turn_detection": TURN_DETECTION,
    }
)

VOICE: Final[Rule] = word_or(one_of(*VOICES), record({"id": text(256, chars_min=1)}, required=("id",)))

_OUTPUT: Final = record({"format": AUDIO_FORMAT, "voice": replacing(VOICE), "speed": number(0.25, 1.5)})

_FUNCTION_TOOL: Final = record(
    {
        "type": one_of("function"),
        "name": text(64, chars_min=1),
        "description": nullable(text()),
        "parameters": nullable(any_object),
    },
    required=("name",),
)

_MCP_TOOL: Final = record(
    {
        "type": one_of("mcp"),
        "server_label": text(256, chars_min=1),
        "server_url": _NAME,
        "connector_id": _NAME,
        "tunnel_id": _NAME,
        "authorization": text(8192),
        "headers": nullable(string_map(64, 256, 8192)),
        "allowed_tools": lambda given, _path, _current: given,
        "require_approval": lambda given, _path, _current: given,
        "server_description": text(),
        "allowed_callers": list_of(one_of("direct", "programmatic"), 2),
        "defer_loading": boolean,
    },
    required=("server_label",),
)

TOOLS: Final[Rule] = list_of(variants({"function": _FUNCTION_TOOL, "mcp": _MCP_TOOL}), TOOLS_MAX)

TOOL_CHOICE: Final[Rule] = word_or(
    one_of("none", "auto", "required"),
    replacing(
        variants(
            {
                "function": record({"type": one_of("function"), "name": _NAME}, required=("name",)),
                "mcp": record(
                    {"type": one_of("mcp"), "server_label": _NAME, "name": nullable(_NAME)},
                    required=("server_label",),
                ),
            }
        )
    ),
)

MAX_OUTPUT_TOKENS: Final[Rule] = word_or(one_of("inf"), integer(1, 4096))

PROMPT: Final[Rule] = nullable(
    record({"id": _NAME, "version": nullable(_NAME), "variables": nullable(any_object)}, required=("id",))
)

REASONING: Final[Rule] = nullable(
    record({"effort": nullable(one_of("none", "minimal", "low", "medium", "high", "xhigh"))})
)

_MODALITIES: Final = list_of(one_of("audio", "text"), 2)


def output_modalities(given: Any, path: str, current: Any) -> Any:
    """`["audio"]` (speech with its transcript) or `["text"]`; both at once are refused."""
    kept = _MODALITIES(given, path, current)
    if len(kept) != 1:
        raise Refused(
            "invalid_value", f"'{path}' is {kept}; supported are ['audio'] and ['text'].", param=path
        )
    return kept


_TRACING: Final = nullable(
    word_or(
        one_of("auto"),
        replacing(record({"workflow_name": _NAME, "group_id": _NAME, "metadata": nullable(any_object)})),
    )
)

_TRUNCATION: Final = word_or(
    one_of("auto", "disabled"),
    replacing(
        record(
            {
                "type": one_of("retention_ratio"),
                "retention_ratio": number(0, 1),
                "token_limits": nullable(record({"post_instructions": integer(0, 1_000_000)})),
            },
            required=("type", "retention_ratio"),
        )
    ),
)

_INCLUDE: Final = nullable(list_of(one_of("item.input_audio_transcription.logprobs"), 1))

# What a client may send in `session.update`, by the type of the session.
_FIELDS: Final[Mapping[Intent, Rule]] = {
    "realtime": record(
        {
            "type": one_of("realtime"),
            "model": _NAME,
            "instructions": text(),
            "output_modalities": output_modalities,
            "audio": record({"input": _INPUT, "output": _OUTPUT}),
            "tools": TOOLS,
            "tool_choice": TOOL_CHOICE,
            "parallel_tool_calls": boolean,
            "reasoning": REASONING,
            "max_output_tokens": MAX_OUTPUT_TOKENS,
            "tracing": _TRACING,
            "truncation": _TRUNCATION,
            "prompt": replacing(PROMPT),
            "include": _INCLUDE,
        }
    ),
    "transcription": record(
        {"type": one_of("transcription"), "audio": record({"input": _INPUT}), "include": _INCLUDE}
    ),
}

_OBJECT_NAMES: Final[Mapping[Intent, str]] = {
    "realtime": "realtime.session",
    "transcription": "realtime.transcription_session",
}


def default_session(*, intent: Intent, model: str, session_id: str, expires_at: int) -> dict[str, Any]:
    """The effective session before the first update. `expires_at` in Unix seconds."""
    pcm = {"type": "audio/pcm", "rate": 24000}
    vad = TURN_DETECTION({"type": "server_vad"}, "", None)
    if intent == "transcription":
        # The two booleans have no meaning where nothing is ever answered.
        for name in ("create_response", "interrupt_response"):
            del vad[name]
    heard = {"format": pcm, "transcription": None, "noise_reduction": None, "turn_detection": vad}
    session: dict[str, Any] = {
        "type": intent,
        "object": _OBJECT_NAMES[intent],
        "id": session_id,
        "expires_at": expires_at,
        "include": None,
        "audio": {"input": heard},
    }
    if intent == "realtime":
        session["audio"]["output"] = {"format": dict(pcm), "voice": DEFAULT_VOICE, "speed": 1.0}
        session |= {
            "model": model,
            "instructions": DEFAULT_INSTRUCTIONS,
            "output_modalities": ["audio"],
            "tools": [],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "tracing": None,
            "truncation": "auto",
            "prompt": None,
        }
    return session


class SessionConfig:
    """The effective session and the one way to change it."""

    def __init__(self, *, intent: Intent, model: str, session_id: str, expires_at: int) -> None:
        self._intent: Intent = intent
        self.effective = default_session(
            intent=intent, model=model, session_id=session_id, expires_at=expires_at
        )

    def update(self, patch: Any, *, voice_is_locked: bool) -> None:
        """Merge `patch` (the client's `session`) or raise `Refused` and change nothing."""
        if not isinstance(patch, dict):
            raise wrong_type(patch, "session", "an object")
        if "type" not in patch:
            raise missing("session.type")
        merged = _FIELDS[self._intent](patch, "session", self.effective)
        self._check_fixed(merged, voice_is_locked=voice_is_locked)
        self.effective = merged

    def _check_fixed(self, merged: Mapping[str, Any], *, voice_is_locked: bool) -> None:
        """What a running session does not change any more (section 4.5)."""
        now = self.effective
        if self._intent == "transcription":
            return
        if merged["model"] != now["model"]:
            raise Refused(
                "invalid_value",
                f"'session.model' is fixed at connect ({now['model']}); open a new session for another.",
                param="session.model",
            )
        if voice_is_locked and merged["audio"]["output"]["voice"] != now["audio"]["output"]["voice"]:
            raise Refused(
                "cannot_update_voice",
                "The voice cannot be changed once the assistant has spoken in this session.",
                param="session.audio.output.voice",
            )
        if now["tracing"] is not None and merged["tracing"] not in (None, now["tracing"]):
            raise Refused(
                "invalid_value",
                "Tracing cannot be changed once it is enabled.",
                param="session.tracing",
            )
