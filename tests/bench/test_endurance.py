"""An endurance run as a person starts it: small, real processes, a leak planted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.bench import machine

pytestmark = [
    pytest.mark.skipif(machine.obstacle() is not None, reason=machine.obstacle() or ""),
    pytest.mark.alone,
]


def test_a_planted_leak_of_tasks_fails_the_soak(project: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.soak", "--json", "--out", str(tmp_path), "--seed", "3"]
    small = [
        "--minutes",
        "0.12",
        "--sessions",
        "3",
        "--fault-every",
        "2",
        "--settle",
        "1",
        "--leak",
        "tasks:5",
    ]
    done = subprocess.run(
        [*command, *small], cwd=project, capture_output=True, text=True, timeout=58, check=False
    )
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    checks = {one["name"]: one for one in told["checks"]}
    assert not checks["tasks left behind"]["fine"]
    assert checks["failures in the gateway's log"]["fine"]
    assert checks["breaches of the protocol"]["fine"]
    assert told["seed"] == 3
    assert len(told["details"]["faults"]) >= 2
    (page,) = tmp_path.glob("*-soak.md")
    assert told["revision"]["commit"][:10] in page.read_text()
    assert page.with_suffix(".svg").read_text().count("<polyline") == 5
    assert json.loads(page.with_suffix(".json").read_text())["kind"] == "holdfast.endurance.soak"


def test_a_planted_leak_is_found_among_the_refused(project: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.overload", "--json", "--out", str(tmp_path), "--seed", "3"]
    small = ["--limit", "8", "--seconds", "12", "--calm-seconds", "1", "--arrive-seconds", "1"]
    leaking = ["--fill-seconds", "1", "--leak", "memory:4000000"]
    done = subprocess.run(
        [*command, *small, *leaking], cwd=project, capture_output=True, text=True, timeout=58, check=False
    )
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    checks = {one["name"]: one for one in told["checks"]}
    (memory,) = (one for name, one in checks.items() if name.startswith("memory"))
    assert not memory["fine"]
    assert 20 < float(memory["found"].split()[0]) < 100
    assert checks["sessions let in and lost"]["fine"]
    assert checks["messages altered"]["fine"]
    assert told["rows"][-1]["sessions"] > 0
