"""The registry of model names: the one place that knows them.

What lives here: realtime models with aliases and shutdown dates, names that are no realtime models and
what to use instead (protocol reference, 2.1; state of 2026-11-20).
What never will: asking a provider. `today` is an argument.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

VOICES: Final = (
    "marin",
    "cedar",
    "alloy",
    "ash",
    "ballad",
    "coral",
    "echo",
    "sage",
    "shimmer",
    "verse",
)
DEFAULT_VOICE: Final = "marin"
DEFAULT_MODEL: Final = "gpt-realtime-2.1"


@dataclass(frozen=True, slots=True)
class Model:
    """One realtime model. `shutdown` is the day on which it stops answering."""

    id: str
    label: str
    shutdown: date | None = None
    successor: str | None = None
    aliases: tuple[str, ...] = ()
    reasons: bool = False  # accepts `reasoning` and `parallel_tool_calls`


_JANUARY: Final = date(2027, 1, 20)
_GONE: Final = date(2026, 5, 7)

MODELS: Final[Mapping[str, Model]] = {
    model.id: model
    for model in (
        Model("gpt-realtime-2.1", "GPT Realtime 2.1", aliases=("gpt-realtime-latest",), reasons=True),
        Model("gpt-realtime-2.1-mini", "GPT Realtime 2.1 mini", reasons=True),
        Model("gpt-realtime-2", "GPT Realtime 2", reasons=True),
        Model("gpt-realtime-1.5", "GPT Realtime 1.5"),
        Model(
            "gpt-realtime",
            "GPT Realtime",
            _JANUARY,
            "gpt-realtime-2.1",
            ("gpt-realtime-2025-08-28",),
        ),
        Model(
            "gpt-realtime-mini",
            "GPT Realtime mini",
            _JANUARY,
            "gpt-realtime-2.1-mini",
            ("gpt-realtime-mini-2025-12-15", "gpt-realtime-mini-2025-10-06"),
        ),
        Model("gpt-4o-realtime-preview", "GPT-4o Realtime preview", _GONE, "gpt-realtime-2.1"),
        Model("gpt-4o-mini-realtime-preview", "GPT-4o mini Realtime preview", _GONE, "gpt-realtime-2.1-mini"),
    )
}

_FAMILY: Final = "gpt-realtime"

_OTHER_PRODUCTS: Final[Mapping[str, tuple[str, str]]] = {
    # prefix -> (what it is, what to use instead); the longest prefix wins
    "gpt-live": ("a model of the Live API, another product", DEFAULT_MODEL),
    "gpt-realtime-translate": ("a translation model with an endpoint of its own", DEFAULT_MODEL),
    "gpt-realtime-whisper": ("a transcription model", DEFAULT_MODEL),
    "gpt-audio": ("an audio chat model", DEFAULT_MODEL),
    "gpt-transcribe": ("a transcription model", DEFAULT_MODEL),
    "gpt-4o-transcribe": ("a transcription model", DEFAULT_MODEL),
    "gpt-4o-mini-transcribe": ("a transcription model", DEFAULT_MODEL),
    "gpt-4o-mini": ("a chat model", "gpt-realtime-2.1-mini"),
    "whisper": ("a transcription model", DEFAULT_MODEL),
    "tts": ("a speech model", DEFAULT_MODEL),
    "gpt": ("a chat model", DEFAULT_MODEL),
    "o1": ("a chat model", DEFAULT_MODEL),
    "o3": ("a chat model", DEFAULT_MODEL),
    "o4": ("a chat model", DEFAULT_MODEL),
    "claude": ("another provider's chat model", DEFAULT_MODEL),
    "gemini": ("another provider's model", DEFAULT_MODEL),
}


@dataclass(frozen=True, slots=True)
class UnknownModel:
    """A refusal that helps."""

    name: str
    reason: str
    suggestion: str
    kind: Literal["retired", "other_product", "unknown"] = "unknown"

    @property
    def message(self) -> str:
        """The refusal as a sentence."""
        return f"{self.name!r} {self.reason}. Did you mean {self.suggestion!r}?"


def _dated(name: str) -> str:
    """`name` without a trailing date, `-YYYY-MM-DD`."""
    head, tail = name[:-11], name[-11:]
    dated = len(tail) == 11 and tail[0] == "-" and tail[1:].replace("-", "").isdigit()
    return head if dated else name


def resolve_model(name: str, today: date) -> Model | UnknownModel:
    """The model that `name` or an alias of it means on `today`, or why it is refused and what to use."""
    wanted = name.strip().lower()
    for candidate in (wanted, _dated(wanted)):
        for model in MODELS.values():
            if candidate != model.id and candidate not in model.aliases:
                continue
            if model.shutdown is not None and model.shutdown <= today:
                reason = f"was switched off on {model.shutdown.isoformat()}"
                return UnknownModel(name, reason, model.successor or DEFAULT_MODEL, "retired")
            return model
    shortest = len(_FAMILY) if wanted.startswith(_FAMILY) else 0
    prefixes = [prefix for prefix in _OTHER_PRODUCTS if wanted.startswith(prefix) and len(prefix) >= shortest]
    if prefixes:
        what, instead = _OTHER_PRODUCTS[max(prefixes, key=len)]
        return UnknownModel(name, f"is {what}, no realtime model", instead, "other_product")
    return UnknownModel(name, "is not a model this gateway knows", _nearest(wanted))


@dataclass(frozen=True, slots=True)
class Scribe:
    """One transcription model."""

    id: str
    hears_turns: bool = True
    """Whether it takes a server's voice detection; with the others the client ends its turns."""
    shutdown: date | None = None


_FEBRUARY: Final = date(2027, 2, 26)
SCRIBES: Final[Mapping[str, Scribe]] = {
    one.id: one
    for one in (
        Scribe("gpt-transcribe"),
        Scribe("gpt-live-transcribe", hears_turns=False),
        Scribe("gpt-realtime-whisper", hears_turns=False),
        Scribe("gpt-4o-transcribe", shutdown=_FEBRUARY),
        Scribe("gpt-4o-mini-transcribe", shutdown=_FEBRUARY),
        Scribe("whisper-1", shutdown=_FEBRUARY),
    )
}
"""Models of transcription sessions (protocol reference, 2.2)."""
DEFAULT_SCRIBE: Final = "gpt-transcribe"


def resolve_transcription_model(name: str, today: date) -> Scribe | UnknownModel:
    """The transcription model that `name` means on `today`, or why it is refused and what to use."""
    wanted = name.strip().lower()
    found = SCRIBES.get(wanted) or SCRIBES.get(_dated(wanted))
    if found is None:
        return UnknownModel(name, "is not a transcription model this gateway knows", DEFAULT_SCRIBE)
    if found.shutdown is not None and found.shutdown <= today:
        return UnknownModel(name, f"was switched off on {found.shutdown.isoformat()}", DEFAULT_SCRIBE)
    return found


def asked_name(name: str) -> str:
    """The name to ask a provider for: an alias of ours is its model; a dated name stays what it is."""
    wanted = name.strip().lower()
    if wanted in MODELS or _dated(wanted) != wanted:
        return name
    return next((model.id for model in MODELS.values() if wanted in model.aliases), name)


@functools.lru_cache(maxsize=64)
def refused_at_the_door(name: str, today: date) -> UnknownModel | None:
    """Why a client of the Realtime dialect is not served with this model. A name that nobody here knows may
    be one of the upstream's own.
    """
    found = resolve_model(name, today)
    if isinstance(found, Model) or found.kind == "unknown":
        return None
    is_deployment = found.kind == "other_product" and _dated(name.strip().lower()) not in _OTHER_PRODUCTS
    return None if is_deployment and "realtime" in name.lower() else found


def fallback_of(name: str) -> str:
    """Another model that can stand in for `name`: the next current one of the list, in its order of merit."""
    current = [model.id for model in MODELS.values() if model.shutdown is None]
    at = current.index(name) if name in current else -1
    return current[(at + 1) % len(current)]


def _nearest(wanted: str) -> str:
    """The current model that shares the longest beginning with `wanted`."""

    def shared(model: Model) -> int:
        pairs = zip(wanted, model.id, strict=False)
        return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(wanted), len(model.id)))

    current = [model for model in MODELS.values() if model.shutdown is None]
    return max(current, key=shared).id
