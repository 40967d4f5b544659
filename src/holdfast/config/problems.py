"""What is wrong with the settings, so that a person can mend it in one go.

What lives here: a problem, all of them as one error, and the words for pydantic's kinds of errors.
What never will: secrets. The value of a setting that may be one is not repeated.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

_VALUE_CHARS: Final = 60
_SECRET_TABLES: Final = frozenset({"auth"})

# kind of pydantic error -> what to do
_REMEDIES: Final = {
    "missing": "Add it.",
    "int_parsing": "Give a whole number.",
    "int_type": "Give a whole number.",
    "int_from_float": "Give a whole number.",
    "float_parsing": "Give a number.",
    "float_type": "Give a number.",
    "finite_number": "Give an ordinary number.",
    "string_type": "Give a text in quotes.",
    "tuple_type": "Give a list.",
    "date_from_datetime_parsing": "Give a day, as in 2026-11-20, without quotes.",
    "date_type": "Give a day, as in 2026-11-20, without quotes.",
    "bool_parsing": "Give true or false.",
    "bool_type": "Give true or false.",
    "literal_error": "Use one of these.",
    "less_than_equal": "Give a number in this range.",
    "greater_than_equal": "Give a number in this range.",
    "greater_than": "Give a number in this range.",
    "model_type": "Write it as a table.",
    "model_attributes_type": "Write it as a table.",
    "path_type": "Give a path as a text in quotes.",
}

_OF_PATTERNS: Final = {
    "name": "Use letters, digits, dot, dash and underscore only, at most 64.",
    "status_page": 'Write the whole address, as in "https://status.example.com".',
    "voice": "Use one of these.",
    "phone_regions": 'Write countries as two capital letters, as in "US".',
}
"""Settings whose text has a form -> what to do."""

_IN_OTHER_WORDS: Final = {
    "tuple_type": "Input should be a list",
    "date_from_datetime_parsing": "Input should be a day",
}
"""Where pydantic speaks of Python."""


@dataclass(frozen=True, slots=True)
class Problem:
    """`key` as a person finds it again (a variable, or a path in the file), what is wrong, and the fix."""

    key: str
    problem: str
    remedy: str


class ConfigError(Exception):
    """The settings can't be used. Holds every problem that was found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} wrong setting{'' if len(problems) == 1 else 's'}")
        self.problems = tuple(problems)

    def render(self) -> str:
        """For people: what, why, fix; a paragraph for each problem."""
        head = (
            "A setting is wrong:" if len(self.problems) == 1 else f"{len(self.problems)} settings are wrong:"
        )
        lines = [f"  {one.key}: {one.problem}\n    fix: {one.remedy}" for one in self.problems]
        return "\n".join([head, *lines])

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"error": "configuration.invalid", "problems": [asdict(one) for one in self.problems]}

    def __str__(self) -> str:
        return self.render()


def describe(
    kind: str, message: str, value: Any, path: Sequence[str | int], known: Iterable[str]
) -> tuple[str, str]:
    """One of pydantic's errors as problem and remedy. `known` are the keys that may stand at this place."""
    if kind == "extra_forbidden":
        return "there is no such setting", did_you_mean(str(path[-1]), known)
    if kind == "tuple_type" and isinstance(value, Mapping):
        return "it is one table, and a list of tables is wanted", f"Write [[{path[-1]}]], with two brackets."
    if kind in _IN_OTHER_WORDS:
        message = _IN_OTHER_WORDS[kind]
    said = (message[0].lower() + message[1:]).partition(", unable")[0]
    shown = "" if path[0] in _SECRET_TABLES or kind == "missing" else f" (it is {show(value)})"
    form = next((_OF_PATTERNS[one] for one in reversed(path) if one in _OF_PATTERNS), None)
    known_remedy = form if kind == "string_pattern_mismatch" else _REMEDIES.get(kind)
    return f"{said}{shown}", known_remedy or "Give a value that fits."


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The nearest known names, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else f"Remove it. Known here: {', '.join(names)}."


def show(value: Any) -> str:
    """A value in a message, bounded."""
    text = repr(value)
    return text if len(text) <= _VALUE_CHARS else f"{text[:_VALUE_CHARS]}…"
