"""A call's sideband socket in the Realtime dialect: what is read of it, what is sent.

What lives here: one decode for each event, our few messages, whether a session is as it was bound.
What never will: IO, deciding.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from holdfast.core.call import CallEvent, CallMoved, SettingsTold, ToolCalled
from holdfast.wire.upstream import PEEK_ERRORS

Json = dict[str, Any]
_FIXED: Final = frozenset({"model", "type"})
"""Nobody can change these."""

_TELLING: Final = frozenset({"session.created", "session.updated"})
_SETTINGS: Final = re.compile(rb'"type"\s*:\s*"session\.(?:created|updated)"')
"""Where an event that cannot be read tells of the settings; in a text its marks would be escaped."""
_encode: Final = msgspec.json.encode


class _Item(msgspec.Struct, gc=False):
    type: str = ""
    status: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None


class _Usage(msgspec.Struct, gc=False):
    total_tokens: int = 0


class _Response(msgspec.Struct, gc=False):
    usage: _Usage | None = None


class _Event(msgspec.Struct, gc=False):
    type: str
    item: _Item | None = None
    session: Json | None = None
    response: _Response | None = None


_read: Final = msgspec.json.Decoder(_Event).decode


def read(raw: bytes, bound: Mapping[str, Any]) -> CallEvent:
    """One event of the session. What is not understood is a sign of life; settings that cannot be read may be
    anything, and are none that were bound.
    """
    try:
        event = _read(raw)
    except PEEK_ERRORS:
        return SettingsTold(is_altered=True) if _SETTINGS.search(raw) else CallMoved()
    if event.session is not None and event.type in _TELLING:
        return SettingsTold(is_altered=not holds(bound, event.session))
    item = event.item
    is_call = event.type == "response.output_item.done" and item is not None and item.type == "function_call"
    if is_call and item is not None and item.status in {None, "completed"} and item.call_id and item.name:
        return ToolCalled(item.call_id, item.name, item.arguments or "{}")
    if event.type == "response.done" and event.response is not None and event.response.usage is not None:
        return CallMoved(event.response.usage.total_tokens)
    return CallMoved()


def holds(bound: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    """Whether every setting that is bound stands as it was bound; what was left open may be anything."""
    return all(
        name in told and _is_as(value, told[name]) for name, value in bound.items() if name not in _FIXED
    )


def _is_as(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return all(name in found and _is_as(value, found[name]) for name, value in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(_is_as, wanted, found))
    return bool(wanted == found)


def set_again(bound: Mapping[str, Any]) -> bytes:
    """`session.update` with all that is bound."""
    session = {name: value for name, value in bound.items() if name != "model"}
    return _encode({"type": "session.update", "session": session})


def result(call_id: str, output: str) -> tuple[bytes, bytes]:
    """A tool's result, and the request for the answer to it."""
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    return _encode({"type": "conversation.item.create", "item": item}), _encode({"type": "response.create"})
