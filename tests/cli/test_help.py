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


@pytest.mark.parametrize(
    ("arguments", "named", "remedy"),
    [
        (("talk", "--no-such-option"), "--no-such-option", "holdfast talk --help"),
        (("emulate", "--port", "99999"), "'--port'", "holdfast emulate --help"),
        (("transcripts", "frob"), "'action'", "holdfast transcripts --help"),
        (("replay",), "'file'", "holdfast replay --help"),
        (("frob",), "'frob'", "holdfast --help"),
    ],
)
def test_wrong_use_is_told_like_everything_else(arguments: tuple[str, ...], named: str, remedy: str) -> None:
    plain, machines = run(*arguments), run(*arguments, "--json")

    assert plain.exit_code == machines.exit_code == 2
    assert plain.stdout == machines.stdout == ""
    assert plain.stderr.startswith("error: ")
    assert named in machines.error["why"]
    assert remedy in machines.error["fix"]


def test_who_asks_for_nothing_gets_the_list() -> None:
    done = run()

    assert done.exit_code == 2
    assert all(command in done.stderr for command in COMMANDS)
