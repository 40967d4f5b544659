"""Mutation tests of the recovery code: does anything notice when one line of it is wrong?

`python scripts/mutate_core.py --mutants 72 --seed 1 --jobs 3` lets cosmic-ray list every mutation of the
modules below, draws a sample, and runs generated sequences (tests/properties), a short simulation and then
tests/core against each, in copies of the project.

What lives here: the modules, the sample, the verdicts.
What never will: mutating (the library does it), choosing mutants by hand.
"""

from __future__ import annotations

import argparse
import difflib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db

PROJECT = Path(__file__).resolve().parent.parent
CORE = Path("src/holdfast/core")
MODULES = (
    "rebuild",
    "links",
    "lifecycle",
    "rotation",
    "return_side",
    "spoken",
    "kept_input",
    "window",
    "aliases",
    "endpoints",
    "breaker",
    "retry_budget",
    "recovery",
    "tool_ledger",
    "journal_line",
)
NOT_CODE = ("BitOr", "RemoveDecorator")
"""Mutations of annotations (`X | None`) and of `@dataclass`: no program is meant by them."""
NO_PROGRAM = re.compile(r"^-@|^-.*\*, \w+: ", re.MULTILINE)
"""Nor by those of decorators' arguments (`slots=True`) and of the bare star in a signature."""
SIMULATED = 260
TIMEOUT_S = 240.0
_SIMULATE = (
    "import sys; from tests.properties.test_chaos import live as chaos; "
    "from tests.simulation.run import live; "
    "[chaos(seed) for seed in range(300)]; "
    "sys.exit(any(live(int(seed))[1] for seed in sys.argv[1].split(',')))"
)
_BASELINE = (
    "import sys; from tests.simulation.run import live; "
    "print(','.join(str(seed) for seed in range(int(sys.argv[1])) if live(seed)[1] is None))"
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed place."""

    module: str
    operator: str
    occurrence: int
    diff: str
    code: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who noticed; empty: nobody."""

    mutant: Mutant
    killer: str


def sample(count: int, seed: int) -> list[Mutant]:
    """So many of the library's mutants, drawn by a seed."""
    paths = [PROJECT / CORE / f"{name}.py" for name in MODULES]
    with (
        tempfile.TemporaryDirectory() as folder,
        use_db(str(Path(folder) / "work"), WorkDB.Mode.create) as work,
    ):
        init(paths, work, {})
        specs = [item.mutations[0] for item in work.work_items]
    specs = [one for one in specs if not any(name in one.operator_name for name in NOT_CODE)]
    specs.sort(key=lambda one: (str(one.module_path), one.operator_name, one.occurrence))
    random.Random(seed).shuffle(specs)  # noqa: S311 - a sample that can be drawn again
    found: list[Mutant] = []
    for spec in specs:
        path = Path(spec.module_path)
        before = path.read_text()
        after = mutate_code(before, get_operator(spec.operator_name)(**spec.operator_args), spec.occurrence)
        if after is None or after == before:
            continue
        diff = "\n".join(
            difflib.unified_diff(before.splitlines(), after.splitlines(), path.name, lineterm="", n=1)
        )
        if NO_PROGRAM.search(diff):
            continue
        found.append(Mutant(path.name, spec.operator_name, spec.occurrence, diff, after))
        if len(found) == count:
            break
    return found


def copy_of_project(folder: Path) -> Path:
    """A project of its own for one worker."""
    ignored = shutil.ignore_patterns("__pycache__", "_speech", "_web")
    for name in ("src", "tests"):
        shutil.copytree(PROJECT / name, folder / name, ignore=ignored)
    shutil.copy(PROJECT / "pyproject.toml", folder)
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command in a copy."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def judge(mutant: Mutant, folder: Path, seeds: str, tests: Sequence[str]) -> Verdict:
    """Whether anything notices."""
    path = folder / CORE / mutant.module
    before = path.read_text()
    path.write_text(mutant.code)
    try:
        if run(folder, "-c", _SIMULATE, seeds).returncode:
            return Verdict(mutant, "simulated")
        if run(folder, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests).returncode:
            return Verdict(mutant, "tests/core")
    except subprocess.TimeoutExpired:
        return Verdict(mutant, "time-out")
    finally:
        path.write_text(before)
    return Verdict(mutant, "")


def main() -> int:
    """Sample, run, report; 1 when fewer than 95 % were noticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=72)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--tests", nargs="*", default=["tests/core"])
    arguments = parser.parse_args()
    began = time.monotonic()
    mutants = sample(arguments.mutants, arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        workers: Queue[Path] = Queue()
        for number in range(arguments.jobs):
            workers.put(copy_of_project(Path(folder) / str(number)))
        first = workers.get()
        seeds = run(first, "-c", _BASELINE, str(SIMULATED)).stdout.strip()
        workers.put(first)

        def one(mutant: Mutant) -> Verdict:
            home = workers.get()
            try:
                verdict = judge(mutant, home, seeds, arguments.tests)
            finally:
                workers.put(home)
            told = f"{mutant.module} {mutant.operator} #{mutant.occurrence}"
            print(f"{verdict.killer or 'SURVIVED':12} {told}", flush=True)
            return verdict

        with ThreadPoolExecutor(arguments.jobs) as pool:
            verdicts = list(pool.map(one, mutants))
    survivors = [verdict.mutant for verdict in verdicts if not verdict.killer]
    killed = len(verdicts) - len(survivors)
    share = killed / max(len(verdicts), 1)
    spent = time.monotonic() - began
    print(f"\n{killed} of {len(verdicts)} mutants killed ({share:.0%}), seed {arguments.seed}, {spent:.0f} s")
    for mutant in survivors:
        print(f"\n{mutant.operator} #{mutant.occurrence}\n{mutant.diff}")
    return 0 if share >= 0.95 else 1


if __name__ == "__main__":
    sys.exit(main())
