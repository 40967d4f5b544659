"""What `make test` makes of a test that fails: always, once, or one of many."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = """[pytest]
markers =
    alone: wants the machine for itself
    browser: needs a browser
"""
GOOD = "def test_good(): pass\n"
ALWAYS = "def test_defect(): assert False\n"
ONCE = """
from pathlib import Path
def test_unsteady():
    been = Path(__file__).with_name("been")
    with been.open("a") as times:
        times.write("x")
    assert been.stat().st_size > 1
"""
TWICE = ONCE.replace("> 1", "> 2")
MARKED = "import pytest\npytestmark = pytest.mark.alone\n"


def verdict(project: Path, folder: Path, **files: str) -> tuple[int, str]:
    """Exit code and words of the script over a planted project."""
    (folder / "pytest.ini").write_text(SETTINGS)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    only = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p xdist"}  # starts three times as fast
    done = subprocess.run(
        ["bash", project / "scripts" / "test_python.sh", folder],
        env=environment | only | {"PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_all_good(project: Path, tmp_path: Path) -> None:
    code, told = verdict(project, tmp_path, test_a=GOOD, test_b=MARKED + GOOD)
    assert (code, "unsteady" in told) == (0, False)


@pytest.mark.parametrize("marked", ["", MARKED])
def test_a_defect_fails_each_time(project: Path, tmp_path: Path, marked: str) -> None:
    code, told = verdict(project, tmp_path, test_a=GOOD, test_b=marked + ALWAYS)
    assert code == 1
    assert told.count("run again") == 2


@pytest.mark.parametrize(("unsteady", "looks"), [(ONCE, 1), (TWICE, 2)])
def test_what_passes_alone_is_named(project: Path, tmp_path: Path, unsteady: str, looks: int) -> None:
    code, told = verdict(project, tmp_path, test_a=GOOD, test_b=unsteady)
    assert (code, told.count("run again")) == (0, looks)
    again = told[told.index("run again") :]
    assert "test_b.py::test_unsteady" in again
    assert "1 passed" in again.splitlines()[-1]


def test_many_failures_get_no_second_look(project: Path, tmp_path: Path) -> None:
    many = {f"test_{i}": ONCE.replace('"been"', f'"been{i}"') for i in range(6)}
    code, told = verdict(project, tmp_path, **many)
    assert (code, "run again" in told) == (1, False)


def test_a_file_that_cannot_be_read_is_no_matter_of_chance(project: Path, tmp_path: Path) -> None:
    code, told = verdict(project, tmp_path, test_a=GOOD, test_b="import nothing_like_this\n")
    assert code != 0
    assert "unsteady" not in told
