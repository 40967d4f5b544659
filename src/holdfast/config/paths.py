"""Files and folders that settings name: whether they are there, and can be reached.

What lives here: one look at a path, and what is wrong there as problem and remedy.
What never will: what stands in a file (`certificates`). What was pasted where its path belongs is not
repeated: it may be a key.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Final

_PASTED: Final = ("-----BEGIN", "LS0tLS1CRUdJTi")
"""How a PEM file begins, and how it does in base64."""


def no_file(path: Path) -> tuple[str, str] | None:
    """What keeps it from being read as a file; None when nothing does."""
    return _looked_at(path, Path.is_file, "file", "Correct the path, or leave it out.")


def no_folder(path: Path, remedy: str) -> tuple[str, str] | None:
    """The same for a folder."""
    return _looked_at(path, Path.is_dir, "folder", remedy)


def is_folder(path: Path) -> bool:
    """Whether it is known to be one. Where nobody may look, whoever opens it says so."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _looked_at(
    path: Path, is_there: Callable[[Path], bool], kind: str, remedy: str
) -> tuple[str, str] | None:
    text = str(path)
    if text.startswith(_PASTED) or not text.isprintable():
        fix = "Write it into a file that only this user may read, and give that file's path here."
        return f"the path of a {kind} belongs here, and this is what such a {kind} holds", fix
    try:
        return None if is_there(path) else (f"there is no {kind} {path}", remedy)
    except OSError as error:
        fix = "Correct the path, or let this user read it and enter the folders above it."
        shown = "what stands here" if error.errno == errno.ENAMETOOLONG else text
        return f"{shown} can't be reached ({error.strerror})", fix
