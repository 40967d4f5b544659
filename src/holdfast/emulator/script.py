"""A script: what the emulator hears and says, turn by turn, instead of echoing; and what it breaks, and when.

What lives here: the shape of a script and reading it from JSON or TOML.
What never will: playing it.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec

from holdfast.emulator.spelling import FaultSpec, FaultSpelling, parse_fault

TURNS_MAX: Final = 1_000
STEPS_MAX: Final = 1_000
FILE_BYTES_MAX: Final = 1024 * 1024


class ScriptError(ValueError):
    """A script could not be read. The message says where and what would be right."""


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tool the assistant calls in its turn."""

    name: str
    arguments: dict[str, Any] = {}


class Turn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One exchange. `hear`: the transcript of the user's audio; `call`: a tool that is called first;
    `say`: the answer (after the call: instead of what the tool gave). `usage` and `hear_usage`: what it says
    that the answers, and writing down the words, have used, instead of counting; {} for nothing at all.
    """

    hear: str | None = None
    say: str | None = None
    call: Call | None = None
    usage: dict[str, Any] | None = None
    hear_usage: dict[str, Any] | None = None


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that breaks. `fault` is spelled as on the command line. `connection`: this one only
    (3), or from and to ("2-4", "2-"); `count`: how often in all; `chance`: how probable each time.
    """

    fault: str
    moment: str | int | None = None
    connection: int | str | None = None
    count: int | None = None
    chance: float | None = None

    def spec(self) -> FaultSpec:
        """The fault as asked for. Raises `FaultSpelling`."""
        spelling = self.fault
        if isinstance(self.connection, int):
            spelling += f"@{self.connection}-{self.connection}"
        elif self.connection is not None:
            spelling += f"@{self.connection}"
        spelling += "" if self.count is None else f",times={self.count}"
        spelling += "" if self.chance is None else f",chance={self.chance}"
        if self.moment is None:
            return parse_fault(spelling)
        return _with_moment(spelling, str(self.moment))


def _with_moment(spelling: str, moment: str) -> FaultSpec:
    """The moment may also stand beside a fault that cannot be spelled without one."""
    try:
        spec = parse_fault(spelling)
    except FaultSpelling:
        ends = [at for at in (spelling.find("@"), spelling.find(",")) if at >= 0]
        end = min(ends, default=len(spelling))
        return parse_fault(f"{spelling[:end]}:{moment}{spelling[end:]}")
    return spec.at(moment)


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Turns that are played, steps that break, and the seed of every chance in them."""

    turns: list[Turn] = []
    steps: list[Step] = []
    seed: int = 0

    @property
    def faults(self) -> tuple[FaultSpec, ...]:
        """The steps as faults. Raises `FaultSpelling`; not for a script that was read."""
        return tuple(step.spec() for step in self.steps)


def read_script(path: Path) -> Script:
    """Read a `.json` or `.toml` file: `{"turns": [...], "steps": [...]}` or, in JSON, the bare list of turns.

    Raises `ScriptError`.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
    except OSError as failed:
        raise ScriptError(f"{path} cannot be read: {failed.strerror}") from failed
    if len(raw) > FILE_BYTES_MAX:
        raise ScriptError(f"{path} is larger than {FILE_BYTES_MAX} bytes")
    try:
        document = tomllib.loads(raw.decode()) if path.suffix == ".toml" else msgspec.json.decode(raw)
    except RecursionError:
        raise ScriptError(f"{path} is nested too deep") from None
    except ValueError as broken:
        raise ScriptError(f"{path} is neither JSON nor TOML: {broken}") from broken
    return parse_script(document, str(path))


def parse_script(document: Any, source: str = "the script") -> Script:
    """Check a script that has been read already. Raises `ScriptError`."""
    wrapped = {"turns": document} if isinstance(document, list) else document
    try:
        script = msgspec.convert(wrapped, Script)
    except msgspec.ValidationError as wrong:
        raise ScriptError(
            f"{source}: {wrong}; a turn has hear, say, call {{name, arguments}}, usage, hear_usage; "
            "a step has fault, moment, connection, count, chance"
        ) from wrong
    for what, given, most in (("turns", script.turns, TURNS_MAX), ("steps", script.steps, STEPS_MAX)):
        if len(given) > most:
            raise ScriptError(f"{source}: more than {most} {what}")
    for number, step in enumerate(script.steps, 1):
        try:
            step.spec()
        except FaultSpelling as wrong:
            raise ScriptError(f"{source}: step {number}: {wrong}") from wrong
    return script
