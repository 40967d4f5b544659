"""What `holdfast talk` shows of what strangers wrote: their words, and nothing that a terminal obeys."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from holdfast.cli.call import presenter
from holdfast.cli.errors import fail
from holdfast.client import Turn
from holdfast.client.happenings import Trouble

OBEYED = "\x1b]0;owned\x07\x1b[2J\r"


def test_a_turn_holds_no_control_character(capsys: pytest.CaptureFixture[str]) -> None:
    trouble = Trouble("provider.policy", f"no{OBEYED}")
    turn = Turn(f"one{OBEYED}", f"two{OBEYED}\nlines", tools=[OBEYED], actions=[OBEYED], troubles=[trouble])
    tell = presenter(as_json=False)
    tell.turn(f"file{OBEYED}", f"note{OBEYED}", turn)
    tell.saved(Path(f"a{OBEYED}"), b"")
    shown = capsys.readouterr().out
    assert all(one.isprintable() for one in shown.split("\n"))
    assert "assistant  two" in shown
    assert "\nlines\n" in shown


def test_an_error_holds_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        fail(f"what{OBEYED}", f"why{OBEYED}", f"fix{OBEYED}")
    assert all(one.isprintable() for one in capsys.readouterr().err.split("\n"))
