"""Forms with names: what stands in a file, and the way back to objects of the core.

What lives here: `named` for writing, `Reader` for reading; only classes of the core are ever made.
What never will: files; running anything. A payload comes back as silence or as letters without meaning.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from typing import Any, Final

from holdfast.core.faults import FAULTS, Fault
from holdfast.core.recent import Recent
from holdfast.flight.blanking import bytes_in, filler, is_bytes
from holdfast.flight.forms import (
    AGAIN,
    CLASSES,
    DEQUE,
    DICT,
    FROZENSET,
    LIST,
    NAMES,
    ORDERED,
    RECENT,
    SET,
    TUPLE,
    Form,
    field_names,
)

Named = Any
"""What JSON has: None, a number, a text, a list, an object."""
BYTES_MAX: Final = 32 * 1024 * 1024
"""Of one payload that is put back as silence."""
DEPTH_MAX: Final = 60


class ForeignError(Exception):
    """Nothing that this version has written, or can read."""


# writing

_FIELDS: Final = tuple(field_names(cls) for cls in CLASSES.values())
_IS_ENUM: Final = tuple(issubclass(cls, Enum) for cls in CLASSES.values())


def named(form: Form) -> Named:
    """A form as it stands in a file."""
    if isinstance(form, float) and not math.isfinite(form):
        return {"float": str(form)}
    if not isinstance(form, list):
        return form
    kind = form[0]
    if kind < 0:
        return _CONTAINERS[kind](form)
    if _IS_ENUM[kind]:
        return {"is": NAMES[kind], "value": form[1]}
    told = {"is": NAMES[kind]}
    told.update(zip(_FIELDS[kind], map(named, form[1:]), strict=True))
    return told


def _all(form: Form, start: int = 1) -> list[Named]:
    return [named(one) for one in form[start:]]


def _pairs(form: Form) -> list[Named]:
    told = _all(form)
    return [list(pair) for pair in zip(told[::2], told[1::2], strict=True)]


_CONTAINERS: Final[Mapping[int, Callable[[Form], Named]]] = {
    TUPLE: _all,
    LIST: lambda form: {"list": _all(form)},
    SET: lambda form: {"set": _all(form)},
    FROZENSET: lambda form: {"frozenset": _all(form)},
    DEQUE: lambda form: {"deque": _all(form, 2), "max": form[1]},
    RECENT: lambda form: {"recent": _all(form, 2), "most": form[1]},
    DICT: lambda form: {"map": _pairs(form)},
    ORDERED: lambda form: {"ordered": _pairs(form)},
    AGAIN: lambda form: {"again": form[1]},
}


# reading


class Reader:
    """Makes objects of what stands in a file. One for each portrait, whose places it remembers."""

    def __init__(self) -> None:
        self._places: list[Any] = []
        self._silence: dict[int, bytes] = {}
        self._depth = 0

    def value(self, told: Named) -> Any:
        """The object that `told` stands for. Raises ForeignError."""
        self._depth += 1
        try:
            if self._depth > DEPTH_MAX:
                raise ForeignError(f"something is nested more than {DEPTH_MAX} times")
            return self._value(told)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise ForeignError(f"{_short(told)} can't be read: {error}") from error
        finally:
            self._depth -= 1

    def _value(self, told: Named) -> Any:
        if isinstance(told, str):
            return self.silence(bytes_in(told)) if is_bytes(told) else filler(told)
        if isinstance(told, list):
            return tuple(map(self.value, told))
        if not isinstance(told, dict):
            return told
        if "is" in told:
            return self._object(told)
        kind = next((one for one in _MADE if one in told), None)
        if kind is None:
            raise ForeignError(f"{_short(told)} is of no kind that is known")
        return _MADE[kind](self, told)

    def silence(self, size: int) -> bytes:
        """So many bytes of nothing."""
        found = self._silence.get(size)
        if found is None:
            if not 0 <= size <= BYTES_MAX:
                raise ForeignError(f"a payload of {size} bytes was never recorded")
            found = self._silence[size] = bytes(size)
        return found

    def _place(self, value: Any) -> Any:
        self._places.append(value)
        return value

    def _object(self, told: Mapping[str, Any]) -> Any:
        cls = CLASSES.get(told["is"])
        if cls is None:
            raise ForeignError(f"this version knows no {told['is']!r}")
        if issubclass(cls, Enum):
            return cls(told["value"])
        if cls is Fault:
            evidence = tuple(map(filler, told["evidence"]))
            fault: Fault = self._place(Fault(FAULTS[told["code"]], evidence, told["retry_after_s"]))
            return fault
        made = self._place(cls.__new__(cls))
        for name in field_names(cls):
            object.__setattr__(made, name, self.value(told[name]) if name in told else _default(cls, name))
        return made

    def fill(self, made: Any, told: Mapping[str, Any]) -> None:
        """Give an object that exists what stands there of one of its class."""
        self._place(made)
        for name in field_names(type(made)):
            if name in told:
                setattr(made, name, self.value(told[name]))

    def make_again(self, told: Mapping[str, Any]) -> Any:
        """What stood before."""
        return self._places[told["again"]]

    def make_list(self, told: Mapping[str, Any]) -> list[Any]:
        """So for all kinds of containers."""
        made: list[Any] = self._place([])
        made.extend(map(self.value, told["list"]))
        return made

    def make_recent(self, told: Mapping[str, Any]) -> Recent[Any]:
        """See `make_list`."""
        made: Recent[Any] = self._place(Recent(told["most"]))
        made.extend(map(self.value, told["recent"]))
        return made

    def make_set(self, told: Mapping[str, Any]) -> set[Any]:
        """See `make_list`."""
        made: set[Any] = self._place(set())
        made.update(map(self.value, told["set"]))
        return made

    def make_frozenset(self, told: Mapping[str, Any]) -> frozenset[Any]:
        """See `make_list`."""
        at = len(self._places)
        self._place(None)  # what it holds comes behind it
        made = self._places[at] = frozenset(map(self.value, told["frozenset"]))
        return made

    def make_deque(self, told: Mapping[str, Any]) -> deque[Any]:
        """See `make_list`."""
        made: deque[Any] = self._place(deque(maxlen=told["max"]))
        made.extend(map(self.value, told["deque"]))
        return made

    def make_map(self, told: Mapping[str, Any]) -> dict[Any, Any]:
        """See `make_list`."""
        made: dict[Any, Any] = self._place({})
        self._enter(made, told["map"])
        return made

    def make_ordered(self, told: Mapping[str, Any]) -> OrderedDict[Any, Any]:
        """See `make_list`."""
        made: OrderedDict[Any, Any] = self._place(OrderedDict())
        self._enter(made, told["ordered"])
        return made

    def _enter(self, made: dict[Any, Any], pairs: Iterable[Sequence[Any]]) -> None:
        for key, inner in pairs:
            made[self.value(key)] = self.value(inner)


_MADE: Final[Mapping[str, Callable[[Reader, Mapping[str, Any]], Any]]] = {
    "list": Reader.make_list,
    "map": Reader.make_map,
    "again": Reader.make_again,
    "set": Reader.make_set,
    "frozenset": Reader.make_frozenset,
    "deque": Reader.make_deque,
    "recent": Reader.make_recent,
    "ordered": Reader.make_ordered,
    "float": lambda _, told: float(told["float"]),
}


def _default(cls: type, name: str) -> Any:
    """What a field that an older version did not have begins with."""
    if is_dataclass(cls):
        for one in fields(cls):
            if one.name == name and one.default is not MISSING:
                return one.default
            if one.name == name and one.default_factory is not MISSING:
                return one.default_factory()
    raise ForeignError(f"{cls.__name__} has no {name!r}")


def _short(told: Named) -> str:
    text = str(told)
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
