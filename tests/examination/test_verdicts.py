"""A small matrix: each classic failure once, doctor's and live verdict beside the truth."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.rig.report import Result
from benchmarks.verdicts.__main__ import Book, is_right_party, judge, main
from benchmarks.verdicts.house import Run
from benchmarks.verdicts.sides import SIDES
from benchmarks.verdicts.truth import CLIENT, HEALTHY, UPSTREAM, WAY, Case, party_of

from holdfast.bench.revision import this_checkout
from holdfast.core.faults import FAULTS, Party
from holdfast.emulator import FAULTS as KINDS
from holdfast.emulator import parse_fault

pytestmark = pytest.mark.alone  # time-outs of a second and a half are part of what is tried
CLASSICS = (
    "http 403",
    "refuse invalid_model",
    "error server_error",
    "silent-created",
    "http 429, quota",
    "reset",
    "silent-updated",
    "stall",
)
BY_NAME = {case.name: case for case in (*UPSTREAM, *CLIENT, *WAY)}


@pytest.mark.parametrize("side", ["doctor", "page", "client"])
@pytest.mark.parametrize("name", CLASSICS)
async def test_a_classic_failure_is_laid_at_the_right_door(name: str, side: str) -> None:
    case = BY_NAME[name]

    assert await SIDES[side](Run(case, 2, seed=1)) in case.right(side)


@pytest.mark.parametrize("side", ["doctor", "page", "client"])
async def test_without_a_fault_everybody_says_healthy(side: str) -> None:
    assert await SIDES[side](Run(Case("no fault", "", (HEALTHY,)), 0, seed=1)) == HEALTHY


@pytest.mark.parametrize("name", ["audio before create_session", "no JSON", "socket reset"])
async def test_a_client_at_fault_is_named(name: str) -> None:
    case = BY_NAME[name]

    assert await SIDES["misbehaving"](Run(case, 0, seed=1)) in case.right("misbehaving")
    assert await SIDES["looked at"](Run(case, 0, seed=1)) in case.right("looked at")


def test_the_truth_speaks_of_faults_that_exist() -> None:
    codes = {
        code
        for case in BY_NAME.values()
        for side in ("doctor", "page", "client")
        for code in case.right(side)
    }

    assert codes - {HEALTHY} <= set(FAULTS)
    assert {party_of(code) for code in codes} - {HEALTHY} <= set(Party)
    for case in UPSTREAM:
        for number in range(len(case.moments or "x") * len(case.words or "x")):
            for fault in Run(case, number, seed=1).faults:
                parse_fault(fault)


def test_every_fault_that_the_emulator_has_is_in_the_matrix() -> None:
    tried = {parse_fault(fault).name for case in UPSTREAM for fault in Run(case, 0, seed=1).faults}

    assert set(KINDS) - tried == {"stage"}, "a stage's server is asked by `engine.*` of the doctor"


def test_a_wrong_verdict_is_counted_and_named() -> None:
    case = BY_NAME["http 403"]
    runs = [("doctor", Run(case, number, 1)) for number in range(4)]
    book = Book(None)
    for (side, run), said in zip(runs, ["configuration.no_access"] * 3 + ["provider.silent"], strict=True):
        book.enter(side, run, said)
    result = Result("verdicts", "", this_checkout(), 1, {})

    judge(runs, book, result)

    assert [(check.name, check.is_fine) for check in result.checks[:2]] == [
        ("doctor: right party", False),
        ("doctor: right code", False),
    ]
    assert result.rows[0]["doctor"] == "3 of 4"
    (miss,) = result.tables["Every miss"]
    assert (miss["said"], miss["wrong"]) == ("provider.silent", "party")
    assert not is_right_party("doctor", case, "provider.silent")


def test_an_interrupted_matrix_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    part = tmp_path / "part.jsonl"
    arguments = ["--only", "http 401", "--runs", "1", "--healthy", "0", "--no-page", "--part", str(part)]
    assert main(arguments) == 0
    kept = part.read_text()

    assert main([*arguments, "--sides", "doctor,page,client"]) == 0

    assert part.read_text() == kept, "nothing was run twice"
    assert "doctor: right party: 100 %" in capsys.readouterr().out
