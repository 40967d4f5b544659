"""Which source is measured: this checkout, or another revision of it.

What lives here: asking git for a commit, writing its packages into a folder, and compiling there what is
compiled here: one that takes the way through Python would make any other look fast.
What never will: changing the checkout; git's own folder stays as it was.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import holdfast
from holdfast.bench.candidates import BenchError

SOURCE: Final = Path(holdfast.__file__).resolve().parent.parent
"""The folder from which this process took its packages."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit; `is_changed` when the files are no longer what was committed."""

    commit: str
    title: str
    is_changed: bool = False

    @property
    def name(self) -> str:
        """How a report calls it."""
        return f"{self.commit[:10]}{' with changes' if self.is_changed else ''}"

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {"commit": self.commit, "title": self.title, "changed": self.is_changed}


def this_checkout() -> Revision:
    """The commit of the running source. Without git it is unknown, which is no reason to fail."""
    try:
        found = resolve("HEAD")
        changed = bool(_git("status", "--porcelain", "--", "src").strip())
    except BenchError:
        return Revision("unknown", "")
    return Revision(found.commit, found.title, changed)


def resolve(name: str) -> Revision:
    """The commit of that name. Raises BenchError."""
    commit, _, title = (
        _git("log", "-1", "--format=%H %s", "--end-of-options", name, "--").strip().partition(" ")
    )
    return Revision(commit, title)


def export(revision: Revision, folder: Path) -> Path:
    """Write a revision's packages into `folder`, compiled if ours are; answers what to put on the path of
    Python. Raises BenchError.
    """
    archive = folder / f"{revision.commit}.zip"
    _git("archive", "--format=zip", f"--output={archive}", revision.commit, "src", "scripts")
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder / revision.commit)
    archive.unlink()
    source = folder / revision.commit / "src"
    if not (source / "holdfast" / "cli").is_dir():
        why = "It has no src/holdfast/cli."
        raise BenchError(f"revision {revision.name} cannot be measured.", why, "Choose a later one.")
    if is_compiled(SOURCE):
        _compile(revision, source.parent)
    return source


def is_compiled(source: Path) -> bool:
    """Whether audio takes the compiled way there."""
    return any((source / "holdfast" / "express").glob("_express*.so"))


def _compile(revision: Revision, root: Path) -> None:
    script = root / "scripts" / "build_native.py"
    why = "It has no scripts/build_native.py."
    if script.is_file():
        done = subprocess.run(  # noqa: S603 - a commit of this repository
            [sys.executable, str(script)], capture_output=True, text=True, check=False
        )
        if done.returncode == 0 and is_compiled(root / "src"):
            return
        why = ((done.stderr + done.stdout).strip().splitlines() or ["It said nothing."])[-1]
    raise BenchError(
        f"revision {revision.name} cannot be compiled as this checkout is.",
        why,
        "Choose a later one, or remove the compiled module from src/holdfast/express for the time being.",
    )


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - git, with arguments of ours and a revision after --end-of-options
            ["git", "--no-optional-locks", "-C", str(SOURCE.parent), *arguments],  # noqa: S607 - whichever git the user has
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise BenchError("git cannot be asked.", str(error), "Install git.") from error
    if done.returncode != 0:
        why = done.stderr.strip().splitlines()[-1:] or ["git said nothing."]
        raise BenchError("git does not know that revision.", why[0], "Name a commit, a tag or a branch.")
    return done.stdout
