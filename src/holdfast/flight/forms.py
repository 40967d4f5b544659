"""Events, effects and the state of a core as plain lists: blanked on the way, small, quick to write.

What lives here: one plan for each class of the core, made of its fields; containers by a number each.
What never will: a class's name in memory (`names` writes files), deciding what may stay (`blanking`).

An object is `[number of its class, field, field, ...]`; a container `[negative number, ...]`. Bytes are only
ever their length.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from operator import attrgetter
from types import MappingProxyType, MethodType
from typing import Any, Final

import holdfast.core
from holdfast.core.faults import Fault
from holdfast.core.lanes import InputLane, OutputLane
from holdfast.core.recent import Recent
from holdfast.core.relay_input import RelayInput
from holdfast.core.relay_state import RelayState
from holdfast.core.state import State
from holdfast.core.window import ReplayWindow
from holdfast.flight.blanking import OWN, TREATED_AS, Blanking, quoted, size_of

TUPLE, LIST, SET, FROZENSET, DEQUE, DICT, ORDERED, RECENT, AGAIN = range(-1, -10, -1)
"""What a list is that begins with this number. `AGAIN`: the object that stood at that place before."""
PLAIN: Final = frozenset({int, float, bool, type(None)})
_PLAIN_WORDS: Final = frozenset({"int", "float", "bool", "None"})
APART: Final = frozenset(
    {"surroundings", "endpoints", "limits", "upstreams", "out", "told", "input_lane", "output_lane"}
)
"""Of a state: what is the process' and not the session's, what is empty between two steps, and the lanes,
which are told by themselves.
"""
LEFT_OUT: Final[dict[type, frozenset[str]]] = {
    RelayState: frozenset({"window"}),
    RelayInput: frozenset({"measure"}),
}
"""What a step brings along where it asks for it."""

Form = Any
"""None, a number, a text, or a list of such."""


def _named(cls: type) -> str:
    return f"{cls.__module__.rpartition('.')[2]}.{cls.__qualname__}"


def _classes() -> dict[str, type]:
    found: dict[str, type] = {}
    for module in pkgutil.iter_modules(holdfast.core.__path__):
        loaded = importlib.import_module(f"{holdfast.core.__name__}.{module.name}")
        for cls in vars(loaded).values():
            if inspect.isclass(cls) and cls.__module__ == loaded.__name__ and _is_told(cls):
                found[_named(cls)] = cls
    return dict(sorted(found.items()))


def _is_told(cls: type) -> bool:
    return is_dataclass(cls) or issubclass(cls, Enum) or cls in {State, RelayState}


CLASSES: Final = _classes()
"""Every class of the core that may stand in a recording, by module and name."""
NAMES: Final = tuple(CLASSES)
_NUMBERS: Final = {cls: number for number, cls in enumerate(CLASSES.values())}


def field_names(cls: type) -> tuple[str, ...]:
    """The fields of a class, in the order of a form."""
    if cls is Fault:
        return ("code", "evidence", "retry_after_s")
    left_out = LEFT_OUT.get(cls, frozenset())
    if is_dataclass(cls):
        return tuple(one.name for one in fields(cls) if one.name not in left_out)
    slots = (name for base in cls.__mro__ for name in getattr(base, "__slots__", ()))
    return tuple(sorted({name for name in slots if name not in APART | left_out}))


def _is_plain(cls: type, name: str, annotation: str) -> bool:
    """Whether a field never holds anything that has to be looked at."""
    if (_named(cls), name) in OWN or annotation.startswith("Literal["):
        return True
    return {part.strip() for part in annotation.split("|")} <= _PLAIN_WORDS


class Plan:
    """How one class becomes a form."""

    __slots__ = ("bare", "get", "rest")

    def __init__(self, cls: type) -> None:
        named = _named(cls)
        names = field_names(cls)
        kinds = {one.name: str(one.type) for one in fields(cls)} if is_dataclass(cls) else {}
        self.bare = [_NUMBERS[cls]]
        self.get: Callable[[Any], Any] | None = attrgetter(*names) if names else None
        self.rest = tuple(
            (at, TREATED_AS.get((named, name), name))
            for at, name in enumerate(names, 1)
            if not _is_plain(cls, name, kinds.get(name, ""))
        )
        if len(names) == 1:
            one = attrgetter(names[0])
            self.get = lambda value: (one(value),)


class Former:
    """Makes forms for one session."""

    __slots__ = ("blanking",)

    def __init__(self, blanking: Blanking) -> None:
        self.blanking = blanking

    def form(self, value: Any, name: str = "") -> Form:
        """`value`, which was found in a field called `name`. TypeError for what no recording may hold."""
        kind = type(value)
        if kind in PLAIN:
            return value
        plan = _PLANS.get(kind)
        if plan is not None:
            return self.object(plan, value)
        if kind is str:
            return quoted(value) if name == "our words" else self.blanking.text(value, name)
        return _OTHERS.get(kind, _unusual)(self, value, name)

    def forms(self, values: Iterable[Any]) -> list[Form]:
        """Objects of the core, one by one."""
        known, told = _PLANS.get, self.object
        return [self.form(one) if (plan := known(type(one))) is None else told(plan, one) for one in values]

    def object(self, plan: Plan, value: Any) -> Form:
        """`value` by the plan of its class: for each step of each session, so it is in one piece."""
        if plan.get is None:
            return plan.bare
        form = [*plan.bare, *plan.get(value)]
        for at, name in plan.rest:
            inner = form[at]
            kind = type(inner)
            if kind not in PLAIN:
                deeper = _PLANS.get(kind)
                form[at] = self.form(inner, name) if deeper is None else self.object(deeper, inner)
        return form

    def pairs(self, value: Mapping[Any, Any], name: str) -> list[Form]:
        """Keys and values in turn. Strings are judged by the key they stand under, where that is a word."""
        told: list[Form] = []
        if name == LINE:
            return [part for key, inner in value.items() if type(inner) in PLAIN for part in (key, inner)]
        form, is_by_key, are_ours = self.form, name in BY_KEY, name in OUR_KEYS
        for key, inner in value.items():
            told.append(key if are_ours else form(key, name))
            under = key if is_by_key and type(key) is str else name
            told.append(inner if type(inner) in PLAIN else form(inner, under))
        return told

    def fault(self, cause: Fault) -> Form:
        """By its code: the row is the table's."""
        evidence = [TUPLE, *map(self.blanking.fact, cause.evidence)]
        return [_NUMBERS[Fault], cause.row.code, evidence, cause.retry_after_s]


LINE: Final = "content"
"""What a line of the journal says: its numbers, positions above all. Its words are told by the state."""
OUR_KEYS: Final = frozenset({"facts", LINE, "upstream", "limits", "audio"})
"""Mappings whose keys the core writes itself."""
BY_KEY: Final = OUR_KEYS | {"settings", "values", "options", "usage", "items"}
"""Mappings whose keys are names of ours or of the dialect's."""


TEXTS_MAX: Final = 200
"""Messages to the client in a portrait. Where it comes back for older ones, a replay says that it differs."""


class Portrait(Former):
    """The form of a whole state: what stands in two places is told once."""

    __slots__ = ("_alive", "_seen")

    def __init__(self, blanking: Blanking) -> None:
        super().__init__(blanking)
        self._seen: dict[int, int] = {}
        self._alive: list[Any] = []

    def form(self, value: Any, name: str = "") -> Form:
        """See `Former`."""
        kind = type(value)
        is_shared = kind not in PLAIN and kind is not str and kind is not tuple and kind not in _PLANS
        # A window is looked up as an object, also the first of its class that this process meets.
        if is_shared and kind not in _SIZES and not isinstance(value, Enum | ReplayWindow):
            again = self._again(value)
            if again is not None:
                return again
        return super().form(value, name)

    def object(self, plan: Plan, value: Any) -> Form:
        """See `Former`. Of what a client may have missed only the newest: of one that never says what it has
        it would take tens of milliseconds.
        """
        if (again := self._again(value)) is not None:
            return again
        return super().object(plan, value.newest(TEXTS_MAX) if isinstance(value, ReplayWindow) else value)

    def _again(self, value: Any) -> Form:
        """Where it stands already; from now on it does."""
        known = self._seen.get(id(value))
        if known is not None:
            return [AGAIN, known]
        self._seen[id(value)] = len(self._alive)
        self._alive.append(value)  # so that no other gets its id
        return None


def _fault(former: Former, value: Fault, _name: str) -> Form:
    return former.fault(value)


def _enum(_former: Former, value: Enum, _name: str) -> Form:
    return [_NUMBERS[type(value)], value.value]


def _size(_former: Former, value: bytes, _name: str) -> Form:
    return size_of(len(value))


def _sequence(number: int) -> Callable[[Former, Any, str], Form]:
    def told(former: Former, value: Any, name: str) -> Form:
        return [number, *[former.form(one, name) for one in value]]

    return told


def _mapping(number: int) -> Callable[[Former, Any, str], Form]:
    def told(former: Former, value: Any, name: str) -> Form:
        return [number, *former.pairs(value, name)]

    return told


def _deque(former: Former, value: deque[Any], name: str) -> Form:
    return [DEQUE, value.maxlen, *[former.form(one, name) for one in value]]


def _recent(former: Former, value: Recent[Any], name: str) -> Form:
    return [RECENT, value.most, *[former.form(one, name) for one in value]]


def _sorted_set(number: int) -> Callable[[Former, Any, str], Form]:
    def told(former: Former, value: Any, name: str) -> Form:
        return [number, *sorted((former.form(one, name) for one in value), key=repr)]

    return told


def _unusual(former: Former, value: Any, name: str) -> Form:
    """A class that is only known by what it is a kind of; from here on by itself."""
    kind = type(value)
    if isinstance(value, Enum):
        _OTHERS[kind] = _enum
    elif isinstance(value, ReplayWindow):
        _PLANS[kind] = _PLANS[ReplayWindow]
    else:
        raise TypeError(f"no recording may hold a {kind.__name__} ({name})")
    return former.form(value, name)


_SIZES: Final = frozenset({bytes, bytearray, memoryview})
_OTHERS: Final[dict[type, Callable[[Former, Any, str], Form]]] = {
    Fault: _fault,
    MethodType: lambda _former, _value, _name: None,  # who else hears the sound decides nothing
    **dict.fromkeys(_SIZES, _size),
    tuple: _sequence(TUPLE),
    list: _sequence(LIST),
    set: _sorted_set(SET),
    frozenset: _sorted_set(FROZENSET),
    deque: _deque,
    dict: _mapping(DICT),
    MappingProxyType: _mapping(DICT),
    OrderedDict: _mapping(ORDERED),
    Recent: _recent,
}
_PLANS: Final[dict[type, Plan]] = {
    cls: Plan(cls) for cls in CLASSES.values() if cls is not Fault and not issubclass(cls, Enum)
}


def portrait(state: State | RelayState, blanking: Blanking) -> Form:
    """A whole state between two steps, without payloads: where a replay can begin."""
    former = Portrait(blanking)
    if isinstance(state, State):
        return [former.form(state), _up(state.input_lane), _down(state.output_lane, former)]
    return [former.form(state)]


def _up(lane: InputLane) -> Form:
    said = [lane.acknowledged, lane.said, lane.said_max]
    return [lane.room, lane.until, *said, lane.ahead, lane.told_to]


def _down(lane: OutputLane, former: Former) -> Form:
    ids = [former.form(lane.response_id, "response_id"), former.form(lane.item_id, "item_id")]
    return [lane.generation, *ids, lane.room, lane.last_at, lane.offset, lane.stream, lane.until]
