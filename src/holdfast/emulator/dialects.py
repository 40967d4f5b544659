"""The dialects that an emulator speaks: where each lives, and what it asks of a request before it listens.

What lives here: addresses, credentials and deployments as each provider checks them; what the older shape
does not know.
What never will: events (`wire.dialects`), sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from holdfast.emulator.front import Answer, Request
from holdfast.wire.dialects import BETA, Dialect
from holdfast.wire.realtime import Refused
from holdfast.wire.realtime.rules import (
    any_object,
    boolean,
    integer,
    list_of,
    nullable,
    number,
    one_of,
    record,
    string_map,
    text,
    variants,
    word_or,
)

DialectName = Literal["openai", "azure", "azure-preview", "beta"]
API_VERSIONS: Final = ("2024-10-01-preview", "2024-12-17", "2025-04-01-preview", "2025-08-28")
"""Of Azure's preview path."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One dialect. `base` is what clients append `/realtime` (or Azure's path) to."""

    path: str
    base: str
    refusal: Callable[[Request, str | None, str | None, tuple[str, ...]], Answer | None]
    """Why a request with this key is answered by HTTP. Then: the right key, the deployments there are."""
    older: Dialect | None = None


def _said(status: int, code: str, message: str) -> Answer:
    """An error as Azure writes it."""
    return Answer(status, {"error": {"code": code, "message": message}})


def _nothing(_request: Request, _key: str | None, _good: str | None, _known: tuple[str, ...]) -> None:
    return None


def _needs_beta(
    request: Request, _key: str | None, _good: str | None, _known: tuple[str, ...]
) -> Answer | None:
    if "realtime=v1" in request.headers.get("openai-beta", ""):
        return None
    message = "This is the shape before GA: send the header 'OpenAI-Beta: realtime=v1'."
    return _said(400, "missing_beta_header", message)


def _azure_key(key: str | None, good: str | None) -> Answer | None:
    if key is not None and good in {None, key}:
        return None
    return _said(401, "401", "Access denied: the subscription key or the endpoint is not the right one.")


def _deployment(name: str, known: tuple[str, ...]) -> Answer | None:
    if name and (not known or name in known):
        return None
    return _said(404, "DeploymentNotFound", f"There is no deployment {name!r} of this resource.")


def _azure(request: Request, key: str | None, good: str | None, known: tuple[str, ...]) -> Answer | None:
    if "api-version" in request.query:
        return _said(400, "BadRequest", "The v1 path takes no 'api-version'.")
    transcribes = request.query.get("intent") == "transcription"
    refused = _azure_key(key, good)
    return refused or (None if transcribes else _deployment(request.query.get("model", ""), known))


def _preview(request: Request, key: str | None, good: str | None, known: tuple[str, ...]) -> Answer | None:
    if request.query.get("api-version") not in API_VERSIONS:
        return _said(404, "404", "Resource not found")
    return _azure_key(key, good) or _deployment(request.query.get("deployment", ""), known)


SPOKEN: Final[Mapping[DialectName, Spoken]] = {
    "openai": Spoken("/v1/realtime", "/v1", _nothing),
    "azure": Spoken("/openai/v1/realtime", "", _azure),
    "azure-preview": Spoken("/openai/realtime", "", _preview, BETA),
    "beta": Spoken("/v1/realtime", "/v1", _needs_beta, BETA),
}


# what the older shape knows: its own list, so that a wrong table of `wire.dialects` is refused here

_NAME: Final = text(256)
_SOUND: Final = text(20 * 1024 * 1024)
_FORMAT: Final = one_of("pcm16", "g711_ulaw", "g711_alaw")


def _modalities(given: Any, path: str, current: Any) -> Any:
    kept = list_of(one_of("text", "audio"), 2)(given, path, current)
    if set(kept) not in ({"text"}, {"text", "audio"}):
        known = "['text'] and ['audio', 'text']"
        raise Refused("invalid_value", f"'{path}' is {kept}; supported are {known}.", param=path)
    return kept


def _anything(given: Any, _path: str, _current: Any) -> Any:
    return given


_TOOL: Final = record(
    {
        "type": one_of("function"),
        "name": text(64, chars_min=1),
        "description": nullable(text()),
        "parameters": nullable(any_object),
    },
    required=("name",),
)
_TURN_DETECTION: Final = nullable(
    record(
        {
            "type": one_of("server_vad", "semantic_vad"),
            "threshold": number(0, 1),
            "prefix_padding_ms": integer(0, 10_000),
            "silence_duration_ms": integer(0, 60_000),
            "eagerness": one_of("low", "medium", "high", "auto"),
            "create_response": boolean,
            "interrupt_response": boolean,
        }
    )
)
_HEARING: Final = {
    "input_audio_format": _FORMAT,
    "input_audio_noise_reduction": nullable(record({"type": one_of("near_field", "far_field")})),
    "input_audio_transcription": nullable(
        record({"model": _NAME, "language": nullable(text(16)), "prompt": nullable(text())})
    ),
    "turn_detection": _TURN_DETECTION,
}
_SPEAKING: Final = {
    "modalities": _modalities,
    "instructions": text(),
    "voice": text(64),
    "output_audio_format": _FORMAT,
    "tools": list_of(_TOOL, 128),
    "tool_choice": word_or(text(64), any_object),
    "temperature": number(0.6, 1.2),
    "max_response_output_tokens": word_or(one_of("inf"), integer(1, 4096)),
}
_PART: Final = variants(
    {
        "text": record({"type": _NAME, "text": text()}),
        "input_text": record({"type": _NAME, "text": text()}),
        "input_audio": record({"type": _NAME, "audio": _SOUND, "transcript": nullable(text())}),
        "audio": record({"type": _NAME, "audio": _SOUND, "transcript": nullable(text())}),
        "item_reference": record({"type": _NAME, "id": _NAME}),
    }
)
_ITEM: Final = record(
    {
        "id": _NAME,
        "object": one_of("realtime.item"),
        "type": one_of("message", "function_call", "function_call_output", "item_reference"),
        "status": one_of("completed", "incomplete", "in_progress"),
        "role": one_of("user", "assistant", "system"),
        "content": list_of(_PART, 128),
        "call_id": _NAME,
        "name": _NAME,
        "arguments": text(),
        "output": text(),
    }
)
_OLDER: Final = {
    "session.update": (
        "session",
        record({**_HEARING, **_SPEAKING, "model": _NAME, "speed": number(0.25, 1.5), "tracing": _anything}),
    ),
    "transcription_session.update": (
        "session",
        record({**_HEARING, "include": list_of(_NAME, 8), "modalities": _modalities}),
    ),
    "response.create": (
        "response",
        record(
            {
                **_SPEAKING,
                "conversation": one_of("auto", "none"),
                "metadata": nullable(string_map(16, 64, 512)),
                "input": nullable(list_of(_ITEM, 1024)),
            }
        ),
    ),
    "conversation.item.create": ("item", _ITEM),
}


def check_older(event: Mapping[str, Any]) -> None:
    """Raise `Refused` for what the older shape does not know."""
    key, rule = _OLDER.get(str(event.get("type")), ("", None))
    if rule is not None and key in event:
        rule(event[key], key, None)
