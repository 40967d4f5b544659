"""`holdfast bench` as a person starts it: real processes, small."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from holdfast.bench import machine, nginx
from holdfast.bench.frames import FRAME_BYTES
from holdfast.cli.bench import read_report, read_sessions

ON_THIS_MACHINE = pytest.mark.skipif(machine.obstacle() is not None, reason=machine.obstacle() or "")


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "holdfast.cli", "bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=55, check=False)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("bench")
    picture = folder / "bars.svg"
    done = bench("--sessions", "2", "--rounds", "1", "--seconds", "0.5", "--json", "--svg", str(picture))
    assert done.returncode == 0, done.stderr
    (folder / "base.json").write_text(done.stdout)
    return json.loads(done.stdout), folder


@ON_THIS_MACHINE
def test_both_faces_are_measured_and_nothing_is_lost(report: tuple[dict[str, Any], Path]) -> None:
    told, _ = report
    assert told["lost_or_altered"] == 0
    measured = {(one["name"], one["face"]) for one in told["samples"]}
    peers = {("nginx", "json")} if nginx.found() else set()
    assert measured == peers | {(name, face) for name in ("bare", "gateway") for face in ("json", "binary")}
    for one in told["samples"]:
        sample = one["sample"]
        assert sample["troubles"] == []
        # two sessions, both ways; a crowded machine may be late, but not by half
        assert sample["messages"] >= 2 * 2 * 0.5 / 0.020 / 2
        assert sample["cpu_us"] > 0
    assert set(told["ratios"]) == {"json", "binary"}
    assert FRAME_BYTES == 960


@ON_THIS_MACHINE
def test_the_picture_stands_alone(report: tuple[dict[str, Any], Path]) -> None:
    drawn = (report[1] / "bars.svg").read_text()
    assert drawn.startswith("<svg ")
    assert drawn.count("<rect ") == 1 + 4 + (nginx.found() is not None)


@ON_THIS_MACHINE
def test_an_earlier_report_decides_the_exit_code(report: tuple[dict[str, Any], Path]) -> None:
    told, folder = report
    for face in told["ratios"].values():
        face.update(median=0.01, low=0.01, high=0.01)
    impossible = folder / "impossible.json"
    impossible.write_text(json.dumps(told))
    done = bench("--sessions", "1", "--rounds", "1", "--seconds", "0.2", "--compare", str(impossible))
    assert done.returncode == 1
    assert "WORSE" in done.stdout
    assert "noise" in done.stdout


def test_sessions_are_numbers() -> None:
    assert read_sessions("50,100") == (50, 100)
    for wrong in ("", "many", "0", "5,-1", "5,", "1000000"):
        with pytest.raises(typer.Exit):
            read_sessions(wrong)


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"kind": "something else"}'])
def test_a_report_that_is_none_is_refused(
    tmp_path: Path, text: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "base.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(typer.Exit):
        read_report(path)
    assert "holdfast bench --json > base.json" in capsys.readouterr().err


@ON_THIS_MACHINE
def test_processor_time_grows_with_work() -> None:
    before = machine.cpu_seconds(os.getpid())
    sum(range(2_000_000))
    assert 0.001 < machine.cpu_seconds(os.getpid()) - before < 30
