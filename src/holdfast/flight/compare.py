"""Two decisions beside each other, and one in a few words.

What lives here: where what was decided then and what is decided now part; titles for people.
What never will: running a core (`replay`), printing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from holdfast.flight.blanking import filler, is_bytes, is_placeholder
from holdfast.flight.names import Named

_ORIGINALS: Final = frozenset({"raw", "created", "updated", "body", "original"})
"""Fields whose length says nothing once ids are exchanged in them."""


def difference(then: Named, now: Named, where: str = "", *, is_loose: bool = False) -> str | None:
    """Where two decisions part; None where they are the same but for what no recording keeps. `is_loose`: ids
    were exchanged in originals, whose length says nothing any more.
    """
    if isinstance(then, dict) and isinstance(now, dict):
        return _in_objects(then, now, where, is_loose=is_loose)
    if isinstance(then, list) and isinstance(now, list):
        if len(then) != len(now):
            return f"{where or 'it'} has {len(now)} parts, {len(then)} then"
        parts = (difference(a, b, where, is_loose=is_loose) for a, b in zip(then, now, strict=True))
        return next((part for part in parts if part is not None), None)
    if then == now and type(then) is type(now):
        return None
    if isinstance(then, str) and isinstance(now, str) and _are_alike(then, now, where, is_loose=is_loose):
        return None
    return f"{where or 'it'} is {now!r}, {then!r} then"


def _are_alike(then: str, now: str, where: str, *, is_loose: bool) -> bool:
    """Whether two texts that differ stand for the same as far as anybody can know."""
    if is_placeholder(then):
        return is_placeholder(now) or now == filler(then)
    is_original = where.rpartition(".")[2] in _ORIGINALS
    return is_loose and is_original and is_bytes(then) and is_bytes(now)


def _in_objects(then: Mapping[str, Any], now: Mapping[str, Any], where: str, *, is_loose: bool) -> str | None:
    if then.get("is") != now.get("is"):
        return f"{where + ' is ' if where else ''}{title(now)}, {title(then)} then"
    inside = where or title(then, with_fields=False)
    for name, value in then.items():
        if name not in now:
            return f"{inside} has no {name}"
        found = difference(value, now[name], f"{inside}.{name}", is_loose=is_loose)
        if found is not None:
            return found
    return None


def title(told: Named, *, with_fields: bool = True) -> str:
    """An event or effect in a few words."""
    if not isinstance(told, dict) or "is" not in told:
        return str(told)
    name = str(told["is"]).rpartition(".")[2]
    notice = told.get("notice")
    if isinstance(notice, dict):
        return f"{name} {title(notice, with_fields=with_fields)}"
    if "moment" in told:
        return f"{name} {told['moment']}"
    if not with_fields:
        return name
    shown = [f"{key}={_shown(value)}" for key, value in told.items() if key != "is" and _is_shown(value)]
    return f"{name}({', '.join(shown)})" if shown else name


def _is_shown(value: Named) -> bool:
    is_fault = isinstance(value, dict) and value.get("is") == "faults.Fault"
    return value is not None and (is_fault or not isinstance(value, dict | list))


def _shown(value: Named) -> str:
    if isinstance(value, dict):
        return str(value["code"])
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str) and is_placeholder(value):
        return f"<{value[1:].partition('.')[0]} characters>"
    return f"<{value[1:]} bytes>" if isinstance(value, str) and is_bytes(value) else str(value)
