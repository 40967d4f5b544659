"""The arguments of faults: what may stand after a colon, checked strictly.

What lives here: one small class for each kind of argument, with the word that stands for it in the table.
What never will: which fault takes which; that is the table's (`faults`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from holdfast.emulator.moments import MOMENTS

SECONDS_MAX: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Seconds:
    """A delay, or one of a few words in its place."""

    form: str = "SECONDS"
    words: Sequence[str] = ()

    def check(self, given: str) -> str:
        """The argument as kept; raises `ValueError` with what is expected."""
        if given in self.words:
            return given
        otherwise = "".join(f", or {word}" for word in self.words)
        try:
            seconds = float(given)
        except ValueError:
            raise ValueError(f"a number of seconds{otherwise}") from None
        if not 0 <= seconds <= SECONDS_MAX:
            raise ValueError(f"0 to {SECONDS_MAX:.0f} seconds{otherwise}")
        return given


@dataclass(frozen=True, slots=True)
class Count:
    """How many."""

    form: str = "N"
    least: int = 1
    most: int = 1_000_000

    def check(self, given: str) -> str:
        """The argument as kept; raises `ValueError` with what is expected."""
        if not (given.isascii() and given.isdigit() and self.least <= int(given) <= self.most):
            raise ValueError(f"a whole number from {self.least} to {self.most}")
        return str(int(given))


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a closed list. `word` stands for the list where it is long."""

    options: Sequence[str]
    word: str = ""

    @property
    def form(self) -> str:
        """How the argument is written in the list of faults."""
        return self.word or "|".join(self.options)

    def check(self, given: str) -> str:
        """The argument as kept; raises `ValueError` with what is expected."""
        if given not in self.options:
            raise ValueError("one of " + ", ".join(self.options))
        return given


@dataclass(frozen=True, slots=True)
class At:
    """A moment; or the number of the client message after which it happens, where `counts_messages`."""

    without: Sequence[str] = ()
    only: Sequence[str] = ()
    counts_messages: bool = True

    @property
    def form(self) -> str:
        """How the argument is written in the list of faults."""
        return "|".join(MOMENTS[name].form for name in self.only) if self.only else "MOMENT"

    @property
    def names(self) -> list[str]:
        """The moments that may stand here."""
        return [name for name in (self.only or MOMENTS) if name not in self.without]

    def check(self, given: str) -> str:
        """The argument as kept, numbers written out; raises `ValueError` with what is expected."""
        name, equals, number = given.partition("=")
        moment = MOMENTS[name] if name in self.names else None
        if moment is not None and not moment.counts and not equals:
            return name
        try:
            if moment is not None and moment.counts:
                default = "" if moment.default is None else str(moment.default)
                return f"{name}={Count().check(number if equals else default)}"
            if moment is None and self.counts_messages:
                return Count().check(given)
        except ValueError:
            pass
        messages = ", or the number of a client message" if self.counts_messages else ""
        raise ValueError(f"one of {', '.join(MOMENTS[one].form for one in self.names)}{messages}")


Argument = Seconds | Count | Choice | At
