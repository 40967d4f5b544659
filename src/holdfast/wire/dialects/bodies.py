"""Sessions, responses and items in both shapes.

What lives here: whole objects carried over by a dialect's table, in either direction; what was left out.
What never will: events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from holdfast.wire.dialects.table import (
    GA_SESSION,
    NOTHING,
    SERVERS_VOICE,
    Dialect,
    Field,
    Json,
    Side,
    carried,
    look,
    put,
    without,
)

UNSEEN_IMAGE: Final = "(An image, which this upstream cannot be shown.)"
"""In the place of an image."""

_GA_PARTS: Final = {"text": "output_text", "audio": "output_audio"}
"""An answer's parts, whoever tells of them: many servers kept the older names in items."""
_ABOUT: Final = ("id", "object", "model", "expires_at")
"""What a server says of a session beside its settings."""
_TRANSCRIPTION_OBJECT: Final = "realtime.transcription_session"


def session_for(dialect: Dialect, session: Mapping[str, Any]) -> tuple[Json, list[str]]:
    """The settings of a GA `session.update` in their shape, and the GA paths that were left out."""
    kind = session.get("type", "realtime")
    asked = {key: value for key, value in session.items() if key not in {"type", "model", *_ABOUT}}
    table = dialect.session
    if kind == "transcription" and dialect.transcription_session is not None:
        table = dialect.transcription_session
    if table is None:
        told: Json = {**asked, "type": kind}
        left: list[str] = []
    else:
        told, left = carried(asked, table, "theirs")
    return told, _lost(dialect, asked, left)


def _lost(dialect: Dialect, asked: Mapping[str, Any], left: Sequence[str]) -> list[str]:
    """Without what they do anyway. A branch that was left whole is named by its leaves."""
    named: list[str] = []
    for path in left:
        deeper = [one for one in GA_SESSION if one.startswith(f"{path}.") and look(asked, one) is not NOTHING]
        named += deeper or [path]
    return [path for path in named if path not in dialect.anyway or look(asked, path) != dialect.anyway[path]]


def told_session(dialect: Dialect, session: Mapping[str, Any], *, transcribes: bool) -> Json:
    """A session as they tell it, in GA's shape."""
    transcribes = transcribes or session.get("object") == _TRANSCRIPTION_OBJECT
    kind = "transcription" if transcribes else "realtime"
    if dialect.session is None:
        return {"type": kind, **session}
    table = dialect.told_session or (dialect.transcription_session if transcribes else dialect.session)
    about = {key: session[key] for key in _ABOUT if session.get(key)}
    settings = {key: value for key, value in session.items() if key not in _ABOUT}
    result, _ = carried(settings, table or dialect.session, "ga")
    shape = _TRANSCRIPTION_OBJECT if transcribes else "realtime.session"
    return {**about, "type": kind, "object": shape, **result}


def response_for(dialect: Dialect, response: Mapping[str, Any]) -> tuple[Json, list[str]]:
    """The overrides of a GA `response.create` in their shape, and what was left out."""
    if dialect.response is None:
        return dict(response), []
    # null: nothing to override
    given = {name: value for name, value in response.items() if value is not None}
    return carried(given, dialect.response, "theirs")


def told_response(dialect: Dialect, response: Mapping[str, Any]) -> Json:
    """A response as they tell it, in GA's shape."""
    if dialect.told_response is None:
        result = dict(response)
    else:
        result, _ = carried(response, dialect.told_response, "ga")
    if isinstance(result.get("output"), list):
        result["output"] = [item_in(dialect, item, "ga") for item in result["output"]]
    if isinstance(result.get("usage"), dict):
        result["usage"] = _usage(result["usage"])
    return result


def _usage(usage: Json) -> Json:
    """With the details that GA always has (protocol reference, 11): what is not told counts as nothing."""
    if not usage:
        return {"total_tokens": 0, "input_tokens": 0, "output_tokens": 0, **_usage({"total_tokens": 0})}
    inputs = {
        "text_tokens": 0,
        "audio_tokens": 0,
        "cached_tokens": 0,
        **(usage.get("input_token_details") or {}),
    }
    outputs = {"text_tokens": 0, "audio_tokens": 0, **(usage.get("output_token_details") or {})}
    return {**usage, "input_token_details": inputs, "output_token_details": outputs}


def item_in(dialect: Dialect, item: Any, to: Side) -> Any:
    """An item in the other spelling."""
    if not isinstance(item, dict):
        return item
    result = dict(item)
    if to == "theirs":
        for name, value in dialect.item_fields.items():
            result.setdefault(name, value)
    content = result.get("content")
    if isinstance(content, list):
        is_answer = result.get("role") == "assistant"
        names = _names(dialect, to) if is_answer else {}
        result["content"] = [_part(dialect, part, names, to) for part in content]
    return result


def _names(dialect: Dialect, to: Side) -> Mapping[str, str]:
    return dialect.parts if to == "theirs" else _GA_PARTS


def _part(dialect: Dialect, part: Any, names: Mapping[str, str], to: Side) -> Any:
    if not isinstance(part, dict):
        return part
    kind = str(part.get("type"))
    if kind == "input_image" and to == "theirs" and not dialect.images:
        return {"type": "input_text", "text": UNSEEN_IMAGE}
    return {**part, "type": names[kind]} if kind in names else part


def tools_for(dialect: Dialect, told: Json) -> list[str]:
    """Take the tools away that they do not know; gives what was taken."""
    tools = told.get("tools")
    if dialect.mcp or not isinstance(tools, list):
        return []
    kept = [tool for tool in tools if not isinstance(tool, dict) or tool.get("type") != "mcp"]
    told["tools"] = kept
    return ["tools.mcp"] if len(kept) < len(tools) else []


def models_for(dialect: Dialect, told: Json, model: str | None) -> list[str]:
    """The server's own model of transcription in the place of the client's; gives what was left out."""
    if not dialect.own_transcription:
        return []
    path = _path_of(dialect.session, "audio.input.transcription")
    asked = look(told, path) if path else NOTHING
    if not isinstance(asked, dict) or "model" not in asked:
        return []
    if asked["model"] == model:
        return []
    rest = {key: value for key, value in asked.items() if key != "model"}
    if model is not None:
        put(told, path, {**rest, "model": model})
    elif dialect.session is None:
        put(told, path, rest)
    else:
        without(told, path)
    return ["audio.input.transcription.model"]


def voice_for(dialect: Dialect, fields: tuple[Field, ...] | None, told: Json, own: str | None) -> list[str]:
    """The server's own voice in the place of one that it does not have; gives what was left out."""
    path = _path_of(fields, "audio.output.voice")
    voice = look(told, path) if path else NOTHING
    if voice is NOTHING or voice == own:
        return []
    if voice in dialect.voices or not (dialect.own_voices or dialect.voices):
        return []
    if own is None:
        without(told, path)
    else:
        put(told, path, own)
    return [] if voice == SERVERS_VOICE else ["audio.output.voice"]


def _path_of(fields: tuple[Field, ...] | None, ga: str) -> str:
    if fields is None:
        return ga
    return next((one.theirs for one in fields if one.ga == ga), "")


def spelled(dialect: Dialect, param: Any, to: Side) -> Any:
    """Where an `error.param` points to, in the other words."""
    if not isinstance(param, str) or dialect.session is None:
        return param
    head, _, path = param.partition(".")
    for one in dialect.session:
        here, there = (one.theirs, one.ga) if to == "ga" else (one.ga, one.theirs)
        if head == "session" and (path == here or path.startswith(f"{here}.")):
            return f"session.{there}{path.removeprefix(here)}"
    return param
