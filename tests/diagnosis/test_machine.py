"""What this machine lets a process have, each made to be too little."""

from __future__ import annotations

import resource
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.diagnosis import Status, machine

MIB = 1024 * 1024


def test_few_open_files_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))

    answer = machine.open_files(1_000, 64)

    assert answer.status is Status.WARNING
    assert "about 32 of the 1000 sessions" in answer.detail
    assert answer.remedy.startswith("ulimit -Hn 4128")
    assert machine.open_files(30, 64).status is Status.OK


def group(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text + "\n")
    return folder


def test_memory_of_a_control_group_counts_before_the_machines(tmp_path: Path) -> None:
    tight = group(tmp_path, memory_max=str(256 * MIB), memory_current=str(100 * MIB))

    answer = machine.memory(1_000, tight, Path("/proc/meminfo"))

    assert answer.status is Status.WARNING
    assert "156 MiB left (of 256 in its control group)" in answer.detail
    assert "HOLDFAST_LIMITS__SESSIONS" in answer.remedy
    assert machine.memory(100, tight, Path("/proc/meminfo")).status is Status.OK


def test_memory_of_a_machine_without_a_bound_of_its_group(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 2000 kB\nMemAvailable:   1048576 kB\n")
    unbounded = group(tmp_path, memory_max="max", memory_current="1")

    assert machine.memory(100, unbounded, tmp_path / "meminfo").detail == "1024 MiB left (of this machine)"
    assert machine.memory(100, unbounded, tmp_path / "nothing").detail == "not known here"


def test_less_than_one_processor_is_a_warning(tmp_path: Path) -> None:
    assert machine.processors(group(tmp_path, cpu_max="50000 100000")).status is Status.WARNING
    assert machine.processors(group(tmp_path, cpu_max="200000 100000")).status is Status.OK
    assert machine.processors(group(tmp_path, cpu_max="max 100000")).status is Status.OK


@pytest.mark.parametrize("year", [1970, 2000, 2107])
def test_a_clock_that_cannot_be_right(year: int) -> None:
    answer = machine.clock(datetime(year, 1, 1, tzinfo=UTC))

    assert answer.status is Status.FAILED
    assert "NTP" in answer.remedy
    assert machine.clock().status is Status.OK
