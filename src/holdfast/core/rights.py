"""What a client of the Realtime dialect may say, by its credential (reliability reference, S33, S34).

What lives here: the table of narrow rights, and judging one message by it.
What never will: credentials (`auth`), reading a message (`wire`), audio: whoever is let in may speak.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

Json = Mapping[str, object]


class Rights(StrEnum):
    """How much a credential allows."""

    FULL = "full"  # a trusted server: whatever the dialect has, and what nobody here knows
    NARROW = "narrow"  # a browser: speak, listen, stop; what its backend has set stays set


_ANY: Final[frozenset[str]] = frozenset()
"""Any value, and whatever lies below."""

NARROW: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {
    "session.update": {
        "session.type": _ANY,
        "session.output_modalities": _ANY,
        "session.tracing": _ANY,
        "session.audio.input.format": _ANY,
        "session.audio.input.noise_reduction": _ANY,
        "session.audio.input.turn_detection": _ANY,
        "session.audio.output.format": _ANY,
        "session.audio.output.speed": _ANY,
    },
    "input_audio_buffer.append": {"audio": _ANY},
    "input_audio_buffer.commit": {},
    "input_audio_buffer.clear": {},
    "output_audio_buffer.clear": {},
    "conversation.item.create": {
        "previous_item_id": _ANY,
        "item.id": _ANY,
        "item.object": _ANY,
        "item.status": _ANY,
        "item.type": frozenset({"message"}),
        "item.role": frozenset({"user"}),
        "item.content[].type": frozenset({"input_text", "text", "input_audio", "audio", "input_image"}),
        "item.content[].text": _ANY,
        "item.content[].audio": _ANY,
        "item.content[].transcript": _ANY,
        "item.content[].image_url": _ANY,
        "item.content[].detail": _ANY,
    },
    "conversation.item.retrieve": {"item_id": _ANY},
    "conversation.item.truncate": {"item_id": _ANY, "content_index": _ANY, "audio_end_ms": _ANY},
    "response.create": {
        "response.conversation": frozenset({"auto"}),
        "response.metadata": _ANY,
        "response.output_modalities": _ANY,
    },
    "response.cancel": {"response_id": _ANY},
    "holdfast.ack": {"received": _ANY},
}
"""By the event's type: the fields that may stand in it, by their dotted path, and the values that may stand
there. `[]` is each element of a list. `type` and `event_id` may stand everywhere.
"""

_EVERYWHERE: Final = frozenset({"type", "event_id"})
_HINT: Final = "What is not the user's to choose is set by the server that gave the credential."


def _above(path: str) -> Iterator[str]:
    while "." in path:
        path = path.rpartition(".")[0]
        yield path
        yield path.removesuffix("[]")


_INNER: Final[Mapping[str, frozenset[str]]] = {
    kind: frozenset(above for path in fields for above in _above(path)) for kind, fields in NARROW.items()
}
"""The objects and lists on the way to what may stand in an event."""


@dataclass(frozen=True, slots=True)
class Overreach:
    """What a message asks for beyond its client's rights. `param` is its path as the dialect spells it."""

    param: str
    message: str


def overreach(event: Json, bound: Json) -> Overreach | None:
    """What a client with narrow rights may not say of this, if anything. To repeat a setting of the session
    that its credential is bound to is no overreach: clients send all of their settings.
    """
    kind = event.get("type")
    if not isinstance(kind, str) or kind not in NARROW:
        return Overreach("type", f"This credential may not send '{str(kind)[:80]}'.")
    waiting = _inside(event, "")
    while waiting:
        path, value = waiting.pop()
        if path in _EVERYWHERE or _fits(kind, path, value) or _is_bound(bound, path, value):
            continue
        if isinstance(value, Mapping) and (path in _INNER[kind] or path.startswith("session.")) and value:
            waiting += _inside(value, f"{path}.")
        elif isinstance(value, list) and f"{path}[]" in _INNER[kind]:
            waiting += [(f"{path}[]", one) for one in reversed(value)]
        else:
            return Overreach(path[:200], f"This credential may not set '{path[:200]}'. {_HINT}")
    return None


def _inside(given: Json, before: str) -> list[tuple[str, object]]:
    return [(f"{before}{name}", value) for name, value in reversed([*given.items()])]


def _fits(kind: str, path: str, value: object) -> bool:
    values = NARROW[kind].get(path)
    if values is None:
        return path in _INNER[kind] and value in (None, {})
    return not values or (isinstance(value, str) and value in values)


def _is_bound(bound: Json, path: str, value: object) -> bool:
    """Whether the session that the credential is bound to says the same there."""
    there: object = bound
    first, *names = path.split(".")
    for name in names:
        if not isinstance(there, Mapping) or name not in there:
            return False
        there = there[name]
    return first == "session" and bool(names) and there == value
