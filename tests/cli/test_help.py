"""What every command promises: help with examples, quickly."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.commands import run

COMMANDS = (
    "serve",
    "talk",
    "emulate",
    "check-server",
    "doctor",
    "cost",
    "explain",
    "transcripts",
    "token",
    "bench",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples_and_json(command: str) -> None:
    done = run(command, "--help")

    assert done.exit_code == 0, done.output
    assert "Examples:" in done.stdout
    assert done.stdout.count(f"holdfast {command}") >= 3 or command in {"serve", "emulate"}
    assert "--json" in done.stdout


def test_the_front_door_lists_all_without_loading_them() -> None:
    script = "import sys, holdfast.cli; holdfast.cli.main(['--help'])"
    loaded = f"import atexit, sys; atexit.register(lambda: print('numpy' in sys.modules)); {script}"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=False)

    assert all(command in done.stdout for command in COMMANDS)
    assert done.stdout.rstrip().endswith("False")


def test_wrong_use_is_exit_code_2() -> None:
    assert run("talk", "--no-such-option").exit_code == 2
