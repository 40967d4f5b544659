"""How a fault is written: `NAME[:ARGUMENT...][@N][,times=N][,chance=P]`, read strictly.

`@N` means the first N connections only, so that a retry succeeds; `@3-3` the third, `@3-` all from the
third on. `times` is how often it happens in all, `chance` how probable it is each time it could.

What lives here: one fault as asked for, its spelling in both directions.
What never will: the table (`faults`), counting (`plan`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from holdfast.emulator.arguments import Argument, Count
from holdfast.emulator.faults import FAULTS, FaultKind

SUFFIXES: Final = "[@N|@A-B|@A-][,times=N][,chance=P]"
"""What may stand after every fault."""


class FaultSpelling(ValueError):  # noqa: N818 - it names what is wrong with the spelling
    """A fault could not be understood. The message says what is wrong and what would be right."""


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """One fault as asked for. `first` and `last` are connections, counted from 1."""

    name: str
    arguments: tuple[str, ...] = ()
    first: int = 1
    last: int | None = None
    times: int | None = None
    chance: float | None = None

    def __str__(self) -> str:
        text = ":".join((self.name, *self.arguments))
        if self.first != 1:
            text += f"@{self.first}-{self.last or ''}"
        elif self.last is not None:
            text += f"@{self.last}"
        text += "" if self.times is None else f",times={self.times}"
        return text if self.chance is None else f"{text},chance={self.chance}"

    @property
    def kind(self) -> FaultKind:
        """Its row of the table."""
        return FAULTS[self.name]

    @property
    def moment(self) -> str | None:
        """When it happens, for faults that have a moment."""
        place = self.kind.place_of_moment
        return None if place is None else self.arguments[place]

    def at(self, moment: str) -> FaultSpec:
        """The same at another moment. Raises `FaultSpelling`."""
        place = self.kind.place_of_moment
        if place is None:
            raise FaultSpelling(f"{self.name!r} has no moment; it is written {self.kind.form}")
        kept = _checked(f"{self.name} at {moment}", self.kind.arguments[place], moment)
        return replace(self, arguments=(*self.arguments[:place], kept, *self.arguments[place + 1 :]))


def parse_fault(text: str) -> FaultSpec:
    """Read one spelling; raises `FaultSpelling`."""
    spelling, *options = text.strip().split(",")
    body, at, range_text = spelling.partition("@")
    name, *given = body.split(":")
    kind = FAULTS.get(name)
    if kind is None:
        raise FaultSpelling(f"there is no fault {name!r}; the faults are: {', '.join(FAULTS)}")
    if not kind.required <= len(given) <= len(kind.arguments):
        raise FaultSpelling(f"{text!r} does not fit; this fault is written {kind.form}{SUFFIXES}")
    arguments = [
        _checked(text, argument, value) for argument, value in zip(kind.arguments, given, strict=False)
    ]
    arguments += kind.defaults[max(0, len(arguments) - kind.required) :]
    spec = FaultSpec(name, tuple(arguments))
    if at:
        first, last = _range(text, range_text)
        spec = replace(spec, first=first, last=last)
    for option in options:
        spec = _with_option(text, spec, option)
    return spec


def _checked(text: str, argument: Argument, given: str) -> str:
    try:
        return argument.check(given)
    except ValueError as wrong:
        raise FaultSpelling(f"{text!r}: {given!r} should be {wrong}") from None


def _range(text: str, given: str) -> tuple[int, int | None]:
    first, dash, last = given.partition("-")
    if not dash:
        return 1, int(_checked(text, Count(), first))
    since = int(_checked(text, Count(), first))
    until = int(_checked(text, Count(least=since), last)) if last else None
    return since, until


def _with_option(text: str, spec: FaultSpec, option: str) -> FaultSpec:
    name, _, value = option.partition("=")
    if name == "times":
        return replace(spec, times=int(_checked(text, Count(), value)))
    if name == "chance":
        return replace(spec, chance=checked_chance(text, value))
    raise FaultSpelling(f"{text!r}: {option!r} is neither times=N nor chance=P")


def checked_chance(text: str, given: str) -> float:
    """A probability; raises `FaultSpelling`."""
    try:
        chance = float(given)
    except ValueError:
        chance = -1.0
    if not 0 <= chance <= 1:
        raise FaultSpelling(f"{text!r}: {given!r} should be a probability from 0 to 1")
    return chance
