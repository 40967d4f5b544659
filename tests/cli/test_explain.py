"""`holdfast explain`."""

from __future__ import annotations

import json

import pytest

from holdfast.core.faults import FAULTS
from tests.cli.commands import run


@pytest.mark.parametrize("code", FAULTS)
def test_every_fault_can_be_explained(code: str) -> None:
    done = run("explain", code)

    assert done.exit_code == 0
    assert FAULTS[code].remedy in done.stdout
    assert str(FAULTS[code].party) in done.stdout


def test_as_json() -> None:
    told = json.loads(run("explain", "provider.silent", "--json").stdout)

    assert (told["code"], told["party"], told["retryable"]) == ("provider.silent", "provider", True)


def test_without_a_code_all_are_listed() -> None:
    assert [line.split()[0] for line in run("explain").stdout.splitlines()] == list(FAULTS)
    assert len(json.loads(run("explain", "--json").stdout)) == len(FAULTS)


def test_an_unknown_code_is_wrong_use_with_the_nearest() -> None:
    done = run("explain", "provider.silence", "--json")

    assert done.exit_code == 2
    assert "provider.silent" in done.error["fix"]
