"""A gateway beside another revision of itself: the verdict, and one real pair."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.bench import drawing, machine
from holdfast.bench.against import BOUND, Comparison, Pair, Round, Shape
from holdfast.bench.candidates import BenchError
from holdfast.bench.plans import Face, Sample
from holdfast.bench.revision import Revision, export, resolve
from tests.bench.test_figures import sample

ON_THIS_MACHINE = pytest.mark.skipif(machine.obstacle() is not None, reason=machine.obstacle() or "")
ABOUT = {"processor": "p", "cores": 2, "system": "s", "python": "3", "load_before": 0.0}


def comparison(*ratios: float, face: Face = "json", candidate: Sample | None = None) -> Comparison:
    found = Comparison(
        Shape(), Revision("a" * 40, "base"), Revision("b" * 40, "ours", is_changed=True), ABOUT
    )
    for number, ratio in enumerate(ratios):
        pair = Pair(candidate or sample(30.0 * ratio), sample(30.0))
        found.rounds.append(Round(number, face, pair))
    return found


def test_it_fails_only_when_the_whole_interval_lies_above_the_bound() -> None:
    assert comparison(*[1.10 + at / 1000 for at in range(30)]).verdict("json") == "fails"
    assert comparison(*[1.00 + at / 1000 for at in range(30)]).verdict("json") == "passes"
    assert comparison(*[BOUND + (at - 15) / 300 for at in range(30)]).verdict("json") == "undecided"


def test_five_pairs_decide_nothing() -> None:
    found = comparison(*[2.0] * 5)
    assert found.verdict("json") == "undecided"
    assert found.is_fine


def test_one_slow_face_is_enough_to_fail() -> None:
    found = comparison(*[1.0] * 30)
    found.rounds += comparison(*[1.2] * 30, face="binary").rounds
    assert (found.verdict("json"), found.verdict("binary")) == ("passes", "fails")
    assert not found.is_fine


def test_held_up_pairs_are_left_out_unless_most_are() -> None:
    calm = comparison(*[1.0] * 20).rounds
    late = comparison(*[1.0] * 8, candidate=sample(90.0, late_ms=500)).rounds
    found = comparison()
    found.rounds = [*calm, *late]
    assert found.ratio("json").n == 20
    assert found.disturbed == 8
    found.rounds = [*calm[:4], *late]
    assert found.ratio("json").n == 12


def test_a_lost_byte_fails_whatever_the_cost() -> None:
    assert not comparison(*[1.0] * 30, candidate=sample(30.0, lost=1)).is_fine


def test_the_report_names_both_and_the_verdict() -> None:
    text = drawing.against(comparison(*[1.2] * 30))
    assert "aaaaaaaaaa  base" in text
    assert "bbbbbbbbbb with changes  ours" in text
    assert "1.200 (1.200 to 1.200), 30 pairs: fails" in text


def test_a_revision_that_is_none_is_refused() -> None:
    with pytest.raises(BenchError):
        resolve("--output=/tmp/nothing")
    with pytest.raises(BenchError):
        resolve("no-such-revision")


def in_git(project: Path) -> None:
    if not (project / ".git").exists():
        pytest.skip("not a git checkout")


def test_an_export_is_the_revision_and_leaves_git_alone(project: Path, tmp_path: Path) -> None:
    in_git(project)
    source = export(resolve("HEAD"), tmp_path)
    command = ("git", "show", "HEAD:src/holdfast/__init__.py")
    told = subprocess.run(command, cwd=project, capture_output=True, check=True).stdout
    assert (source / "holdfast" / "__init__.py").read_bytes() == told
    assert [path.name for path in tmp_path.iterdir()] == [resolve("HEAD").commit]


@ON_THIS_MACHINE
def test_a_real_pair(project: Path) -> None:
    in_git(project)
    command = [sys.executable, "-m", "holdfast.cli", "bench", "--against", "HEAD"]
    done = subprocess.run(
        [*command, "--pairs", "1", "--seconds", "0.4", "--sessions", "2", "--json"],
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["base"]["commit"] == resolve("HEAD").commit
    assert told["lost_or_altered"] == 0
    assert {one["face"] for one in told["pairs"]} == {"json", "binary", "page"}
    for one in told["pairs"]:
        assert one["pair"]["candidate"]["cpu_us"] > 0
        assert one["pair"]["beside"]["messages"] >= 10


def test_against_stands_alone() -> None:
    command = [sys.executable, "-m", "holdfast.cli", "bench", "--against", "HEAD", "--sessions", "50,100"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "--against stands alone" in done.stderr
