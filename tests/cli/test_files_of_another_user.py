"""Commands that read the gateway's files, run by somebody whose files these are not."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.commands import run

NOBODY = 65_534
COMMANDS = [
    ("cost",),
    ("transcripts", "list"),
    ("transcripts", "delete", "--customer", "C-1", "--yes"),
]


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Not `tmp_path`, which lies in a folder of this user's own."""
    made = Path(tempfile.mkdtemp(prefix="holdfast-cli-"))
    made.chmod(0o755)
    monkeypatch.chdir(made)
    for command, *_ in COMMANDS:
        run(command, "--help")  # what it imports may be for this user only, too
    yield made
    shutil.rmtree(made)


@contextmanager
def as_somebody_else(*closed: Path) -> Iterator[None]:
    """Root may read anything; who is not root may not read what has no mode."""
    modes = {one: one.stat().st_mode for one in closed}
    for one in closed:
        one.chmod(0)
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
        for one, mode in modes.items():
            one.chmod(mode)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_is_closed_is_said_to_be(
    command: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = folder / "kept"
    kept.mkdir()
    monkeypatch.setenv("HOLDFAST_JOURNAL__DATABASE", str(kept / "holdfast.sqlite3"))
    with as_somebody_else(kept):
        done = run(*command, "--json")

    assert done.exit_code == 1, done.output
    assert str(kept) in done.error["why"]
    assert done.error["fix"] == "Run this as the user that the gateway runs as."


def test_a_lock_that_may_not_be_looked_at_is_no_traceback(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [folder / name for name in ("holdfast.sqlite3", "holdfast.sqlite3-lock")]
    for one in files:
        one.touch()
    monkeypatch.setenv("HOLDFAST_JOURNAL__DATABASE", str(files[0]))
    with as_somebody_else(*files):
        done = run("transcripts", "delete", "--customer", "C-1", "--yes", "--json")

    assert done.exit_code == 1, done.output
    assert done.error["fix"] == "Run this as the user that the gateway runs as."
