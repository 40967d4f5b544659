"""A script: what the emulator hears and says, turn by turn, instead of echoing.

What lives here: the shape of a script and reading it from JSON or TOML.
What never will: playing it.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec

TURNS_MAX: Final = 1_000
FILE_BYTES_MAX: Final = 1024 * 1024


class ScriptError(ValueError):
    """A script could not be read. The message says where and what would be right."""


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tool the assistant calls in its turn."""

    name: str
    arguments: dict[str, Any] = {}


class Turn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One exchange. `hear`: the transcript of the user's audio; `call`: a tool that is called first;
    `say`: the answer (after the call: instead of what the tool gave).
    """

    hear: str | None = None
    say: str | None = None
    call: Call | None = None


class _Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    turns: list[Turn]


def read_script(path: Path) -> tuple[Turn, ...]:
    """Read a `.json` or `.toml` file: `{"turns": [...]}` or, in JSON, the bare list. Raises `ScriptError`."""
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
    except OSError as failed:
        raise ScriptError(f"{path} cannot be read: {failed.strerror}") from failed
    if len(raw) > FILE_BYTES_MAX:
        raise ScriptError(f"{path} is larger than {FILE_BYTES_MAX} bytes")
    try:
        document = tomllib.loads(raw.decode()) if path.suffix == ".toml" else msgspec.json.decode(raw)
    except ValueError as broken:
        raise ScriptError(f"{path} is neither JSON nor TOML: {broken}") from broken
    return parse_script(document, str(path))


def parse_script(document: Any, source: str = "the script") -> tuple[Turn, ...]:
    """Check a script that has been read already. Raises `ScriptError`."""
    wrapped = {"turns": document} if isinstance(document, list) else document
    try:
        turns = msgspec.convert(wrapped, _Script).turns
    except msgspec.ValidationError as wrong:
        raise ScriptError(f"{source}: {wrong}; a turn has hear, say, call {{name, arguments}}") from wrong
    if len(turns) > TURNS_MAX:
        raise ScriptError(f"{source}: more than {TURNS_MAX} turns")
    return tuple(turns)
