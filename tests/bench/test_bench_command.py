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

from holdfast.bench import machine, outside
from holdfast.bench.candidates import echo_upstream
from holdfast.bench.contenders import named
from holdfast.bench.measuring import measure
from holdfast.bench.plans import Plan
from holdfast.bench.shapes import Kind
from holdfast.cli.bench import read_frames, read_peers, read_report, read_sessions, shaped
from tests.cli.commands import run as run_command

ON_THIS_MACHINE = pytest.mark.skipif(machine.obstacle() is not None, reason=machine.obstacle() or "")


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "holdfast.cli", "bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=55, check=False)


COST = "cpu gateway.json / bare.json, 20 ms"
IMPOSSIBLE = {
    "kind": "holdfast.bench",
    "figures": [
        {
            "name": COST,
            "unit": "times",
            "spread": {"n": 8, "median": 0.01, "low": 0.01, "high": 0.01},
            "is_more_better": False,
        }
    ],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int, str]:
    """A small run beside an earlier report that no machine can keep up with: report, exit code, picture."""
    folder = tmp_path_factory.mktemp("bench")
    picture, earlier = folder / "bars.svg", folder / "base.json"
    earlier.write_text(json.dumps(IMPOSSIBLE))
    small = ("--sessions", "2", "--rounds", "1", "--seconds", "0.2", "--peers", "bare,nginx")
    done = bench(*small, "--json", "--svg", str(picture), "--compare", str(earlier))
    assert done.stdout, done.stderr
    return json.loads(done.stdout), done.returncode, picture.read_text()


@ON_THIS_MACHINE
def test_all_faces_are_measured_and_nothing_is_lost(run: tuple[dict[str, Any], int, str]) -> None:
    told, _, _ = run
    assert told["lost_or_altered"] == 0
    ours = {("gateway", face) for face in ("json", "json-resume", "page")}
    beside = {("direct", "json"), ("bare", "json"), ("bare", "binary")}
    beside |= {("nginx", "json")} if outside.absence("nginx") is None else set()
    assert {(one["name"], one["face"]) for one in told["talks"]} == ours | beside
    assert {(one["name"], one["face"]) for one in told["starts"]} == ours | beside
    for one in told["talks"]:
        sample = one["sample"]
        assert sample["troubles"] == []
        assert sample["messages"] > 0
        assert sample["cpu_us"] > 0
    assert not any(one["setups"]["failed"] for one in told["starts"])
    assert COST in {figure["name"] for figure in told["figures"]}


@ON_THIS_MACHINE
def test_an_earlier_report_decides_the_exit_code(run: tuple[dict[str, Any], int, str]) -> None:
    told, code, _ = run
    assert code == 1
    (change,) = told["comparison"]
    assert change["name"] == COST
    assert change["is_worse"]


@ON_THIS_MACHINE
def test_the_picture_stands_alone(run: tuple[dict[str, Any], int, str]) -> None:
    assert run[2].startswith("<svg ")
    assert run[2].count("<rect ") > 3 * 5


def test_sessions_are_numbers() -> None:
    assert read_sessions("50,100") == (50, 100)
    for wrong in ("", "many", "0", "5,-1", "5,", "1000000"):
        with pytest.raises(typer.Exit):
            read_sessions(wrong)


def test_frames_and_peers_are_those_that_there_are() -> None:
    assert read_frames("20,100") == (20, 100)
    assert read_peers("litellm,nginx") == ("direct", "nginx", "gateway", "unjoined", "litellm")
    assert read_peers("") == ("direct", "gateway", "unjoined")
    for wrong in ("", "21", "many"):
        with pytest.raises(typer.Exit):
            read_frames(wrong)
    with pytest.raises(typer.Exit):
        read_peers("apache")


def test_what_is_chosen_replaces_what_the_part_measures() -> None:
    shape = shaped("all", {"sessions": (7,), "rounds": None, "seconds": 0.2, "tls": False})
    assert (shape.sessions, shape.rounds, shape.seconds, shape.tls) == ((7,), 3, 0.2, False)
    assert shape.counts(Kind()) == (7,)
    assert shape.warm_up_s == 0.2
    assert shaped("all", {}).counts(Kind())[-1] == 400


@pytest.mark.parametrize("name", ["nginx", "haproxy"])
@ON_THIS_MACHINE
def test_a_relay_of_others_passes_frames_on(name: str, tmp_path: Path) -> None:
    if outside.absence(name) is not None:
        pytest.skip(f"{name} is not installed")
    (contender,), _ = named([name])
    candidate_core, load_cores = machine.cores()
    with (
        echo_upstream(tmp_path, load_cores, tls=True) as upstream,
        contender.start(upstream, tmp_path, candidate_core) as (candidate,),
    ):
        plan = Plan("json", candidate.url, 2, 0.2, 0.1, machine.family(candidate.pid), upstream.pid)
        sample = measure(plan, tmp_path, load_cores)
    assert sample.messages > 10
    assert (sample.faulty, sample.troubles) == (0, ())
    assert sample.cpu_us > 0


def test_who_is_not_here_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "PEERS_VENV", Path("/nowhere"))
    found, absent = named(["gateway", "litellm", "aiohttp"])
    assert [one.name for one in found] == ["gateway"]
    assert absent == {"litellm": "make bench-peers", "aiohttp": "make bench-peers"}


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


def test_a_picture_that_would_be_a_folder_is_said_before_the_run(tmp_path: Path) -> None:
    done = run_command("bench", "--svg", str(tmp_path), "--json")

    assert (done.exit_code, done.error["what"]) == (2, f"{tmp_path} cannot be written.")
