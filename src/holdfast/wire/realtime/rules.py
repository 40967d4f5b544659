"""Rules for the JSON of strangers: each takes a value and gives back what to keep, or refuses.

What lives here: the small vocabulary (text, integer, one_of, record, ...) from which the tables of the
dialect are written, and `Refused`, the one way to say no.
What never will: a field of the dialect. Those stand in `session_config`, `items` and `client_events`.

A rule is called with the given value, its path as the dialect spells it (`session.audio.output.speed`)
and what is in force now; records merge into that field by field, everything else replaces it. A rule
changes nothing in place, so a refusal in the last field leaves the first one untouched.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

Rule = Callable[[Any, str, Any], Any]
"""(given, path, current) -> what to keep. Raises `Refused`."""

TEXT_CHARS_MAX: Final = 262_144
"""Longest instructions, item text or tool output we keep."""

_KINDS: Final = {bool: "a boolean", str: "a string", int: "an integer", float: "a number", dict: "an object"}


class Refused(Exception):  # noqa: N818 - a refusal is an answer to the client, no error of ours
    """A client event is not accepted. Becomes one `error` event; the session goes on."""

    def __init__(
        self, code: str | None, message: str, *, param: str | None = None, kind: str = "invalid_request_error"
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.kind = kind


def wrong_type(given: Any, path: str, expected: str) -> Refused:
    """The refusal for a value of another JSON type."""
    got = "null" if given is None else _KINDS.get(type(given), "an array")
    return Refused("invalid_type", f"'{path}' must be {expected}, not {got}.", param=path)


def not_among(given: Any, path: str, allowed: Collection[Any]) -> Refused:
    """The refusal for a value outside a closed list."""
    names = ", ".join(repr(one) for one in allowed)
    return Refused("invalid_value", f"'{path}' is {str(given)[:80]!r}; supported are {names}.", param=path)


def missing(path: str) -> Refused:
    """The refusal for an absent field."""
    return Refused("missing_required_parameter", f"'{path}' is required.", param=path)


def text(chars_max: int = TEXT_CHARS_MAX, *, chars_min: int = 0) -> Rule:
    """A string of bounded length."""

    def rule(given: Any, path: str, _current: Any) -> str:
        if not isinstance(given, str):
            raise wrong_type(given, path, "a string")
        if len(given) > chars_max:
            raise Refused(
                "string_above_max_length", f"'{path}' is longer than {chars_max} characters.", param=path
            )
        if len(given) < chars_min:
            raise Refused("string_below_min_length", f"'{path}' must not be empty.", param=path)
        return given

    return rule


def boolean(given: Any, path: str, _current: Any) -> bool:
    """True or false."""
    if not isinstance(given, bool):
        raise wrong_type(given, path, "a boolean")
    return given


def integer(lowest: int, highest: int) -> Rule:
    """A whole number within bounds, both included."""

    def rule(given: Any, path: str, _current: Any) -> int:
        if not isinstance(given, int) or isinstance(given, bool):
            raise wrong_type(given, path, "an integer")
        _within(given, path, lowest, highest, "integer")
        return given

    return rule


def number(lowest: float, highest: float) -> Rule:
    """A number within bounds, both included."""

    def rule(given: Any, path: str, _current: Any) -> float:
        if not isinstance(given, int | float) or isinstance(given, bool):
            raise wrong_type(given, path, "a number")
        _within(given, path, lowest, highest, "decimal")
        return given

    return rule


def _within(given: float, path: str, lowest: float, highest: float, family: str) -> None:
    if given < lowest:
        raise Refused(f"{family}_below_min_value", f"'{path}' is {given}; the least is {lowest}.", param=path)
    if given > highest:
        raise Refused(f"{family}_above_max_value", f"'{path}' is {given}; the most is {highest}.", param=path)


def one_of(*allowed: Any) -> Rule:
    """One of a closed list of values. True is not 1 here, as in JSON."""

    def rule(given: Any, path: str, _current: Any) -> Any:
        for candidate in allowed:
            if type(given) is type(candidate) and given == candidate:
                return given
        raise not_among(given, path, allowed)

    return rule


def nullable(inner: Rule) -> Rule:
    """The inner rule, or null."""

    def rule(given: Any, path: str, current: Any) -> Any:
        return None if given is None else inner(given, path, current)

    return rule


def replacing(inner: Rule) -> Rule:
    """The inner rule without a merge: what is in force now does not shine through."""

    def rule(given: Any, path: str, _current: Any) -> Any:
        return inner(given, path, None)

    return rule


def list_of(inner: Rule, count_max: int) -> Rule:
    """A list of bounded length, each element by the inner rule."""

    def rule(given: Any, path: str, _current: Any) -> list[Any]:
        if not isinstance(given, list):
            raise wrong_type(given, path, "an array")
        if len(given) > count_max:
            raise Refused(
                "array_above_max_length", f"'{path}' has more than {count_max} elements.", param=path
            )
        return [inner(one, f"{path}[{index}]", None) for index, one in enumerate(given)]

    return rule


def any_object(given: Any, path: str, _current: Any) -> dict[str, Any]:
    """A JSON object that is carried, not read (a tool's schema, for instance)."""
    if not isinstance(given, dict):
        raise wrong_type(given, path, "an object")
    return given


def record(
    fields: Mapping[str, Rule],
    *,
    required: Collection[str] = (),
    defaults: Mapping[str, Any] | None = None,
) -> Rule:
    """An object with known keys. Merges into what is in force, or into the defaults."""

    def rule(given: Any, path: str, current: Any) -> dict[str, Any]:
        if not isinstance(given, dict):
            raise wrong_type(given, path, "an object")
        kept = dict(current) if isinstance(current, dict) else dict(defaults or {})
        for key, value in given.items():
            field = fields.get(key)
            where = f"{path}.{key}" if path else key
            if field is None:
                raise Refused("unknown_parameter", f"'{where[:200]}' is not known.", param=where[:200])
            kept[key] = field(value, where, kept.get(key))
        for key in required:
            if key not in kept:
                raise missing(f"{path}.{key}" if path else key)
        return kept

    return rule


def variants(table: Mapping[str, Rule], *, tag: str = "type") -> Rule:
    """An object whose tag says which rule it follows. Another tag than now means a fresh start."""

    def rule(given: Any, path: str, current: Any) -> Any:
        if not isinstance(given, dict):
            raise wrong_type(given, path, "an object")
        in_force = current.get(tag) if isinstance(current, dict) else None
        name = given.get(tag, in_force)
        if name is None:
            raise missing(f"{path}.{tag}")
        if not isinstance(name, str) or name not in table:
            raise not_among(name, f"{path}.{tag}", table)
        return table[name](given, path, current if name == in_force else None)

    return rule


def word_or(words: Rule, other: Rule) -> Rule:
    """A string by one rule, anything else by the other."""

    def rule(given: Any, path: str, current: Any) -> Any:
        return (words if isinstance(given, str) else other)(given, path, current)

    return rule


def string_map(pairs_max: int, key_chars_max: int, value_chars_max: int) -> Rule:
    """An object of strings (`metadata`)."""
    value_rule = text(value_chars_max)

    def rule(given: Any, path: str, _current: Any) -> dict[str, str]:
        if not isinstance(given, dict):
            raise wrong_type(given, path, "an object")
        if len(given) > pairs_max:
            raise Refused(
                "object_above_max_properties", f"'{path}' has more than {pairs_max} pairs.", param=path
            )
        for key in given:
            text(key_chars_max)(key, f"{path}.{key[:64]}", None)
        return {key: value_rule(value, f"{path}.{key}", None) for key, value in given.items()}

    return rule
