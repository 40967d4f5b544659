"""Mutation tests of the recovery code: does anything notice when one line of it is wrong?

`python scripts/mutate_core.py --mutants 72 --seed 1 --jobs 3` lets cosmic-ray list every mutation of the
modules below, draws a sample, and runs against each, in copies of the project: the quick tests of tests/core,
generated sequences (tests/properties) and a short simulation, and what is slow of tests/core. The dated page
goes to docs/measurements; beside a survivor stands why no program can tell it from the original, where
`mutate_core.toml` says so. It still counts as a survivor.

What lives here: the modules, the sample, the verdicts, the page.
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
import tomllib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from queue import Queue
from signal import SIGKILL, SIGXCPU

from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec

from holdfast.bench import machine, revision

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
EXPLAINED = Path(__file__).with_suffix(".toml")
MEASUREMENTS = PROJECT / "docs" / "measurements"
NOT_CODE = ("BitOr", "RemoveDecorator")
"""Mutations of annotations (`X | None`) and of `@dataclass`: no program is meant by them."""
NO_PROGRAM = re.compile(r"^-@|^-.*\*, \w+: ", re.MULTILINE)
"""Nor by those of decorators' arguments (`slots=True`) and of the bare star in a signature."""
WANTED = 0.95
SIMULATED = 260
CPU_S = 60
"""Of each attempt, whose need is a tenth of it; a mutant that loops ends here, on a busy machine too."""
MEMORY_BYTES = 4 * 1024**3
"""A mutant that keeps without bound ends here."""
SLOW = ("tests/core/test_endpoints_chaos.py", "tests/core/test_endpoints_outage.py")
SLOW_CPU_S = 300
REACHED_BY_SLOW = ("endpoints.py", "breaker.py", "recovery.py", "retry_budget.py")
"""What those tests import: nothing else can be noticed there."""
_SIMULATE = (
    "import sys; from tests.properties.test_chaos import live as chaos; "
    "from tests.simulation.run import live; "
    "[chaos(seed) for seed in range(300)]; "
    "sys.exit(any(live(int(seed))[1] for seed in sys.argv[1].split(',')))"
)
_BASELINE = (
    "import sys; from tests.simulation.run import live; import tests.properties.test_chaos; "
    "print(','.join(str(seed) for seed in range(int(sys.argv[1])) if live(seed)[1] is None))"
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed place."""

    module: str
    line: int
    operator: str
    was: str
    becomes: str
    code: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who noticed; empty: nobody. `why`: what makes the survivor the same program, where that is known."""

    mutant: Mutant
    killer: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One command that may notice."""

    name: str
    command: tuple[str, ...]
    cpu_s: int = CPU_S


# the sample


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
    programs = (mutant for spec in specs if (mutant := mutant_of(spec)) is not None)
    return list(islice(programs, count))


def mutant_of(spec: MutationSpec) -> Mutant | None:
    """What becomes of the module; None where that is no other program."""
    path = Path(spec.module_path)
    before = path.read_text()
    after = mutate_code(before, get_operator(spec.operator_name)(**spec.operator_args), spec.occurrence)
    if after is None or after == before:
        return None
    lines = [*difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)][3:]
    if NO_PROGRAM.search("\n".join(lines)):
        return None
    was, becomes = (" ".join(line[1:].strip() for line in lines if line[0] == sign).strip() for sign in "-+")
    operator = spec.operator_name.removeprefix("core/")
    return Mutant(path.name, spec.start_pos[0], operator, was, becomes, after)


# the verdicts


def copy_of_project(folder: Path) -> Path:
    """A project of its own for one worker."""
    ignored = shutil.ignore_patterns("__pycache__", "_speech", "_web")
    for name in ("src", "tests"):
        shutil.copytree(PROJECT / name, folder / name, ignore=ignored)
    shutil.copy(PROJECT / "pyproject.toml", folder)
    return folder


def run(
    folder: Path, *command: str, cpu_s: int = SLOW_CPU_S, keep_bytecode: bool = False
) -> subprocess.CompletedProcess[str]:
    """A command in a copy. No bytecode of a mutant is kept: the next one has the same time and size."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    if not keep_bytecode:
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
    limits = (f"--cpu={cpu_s}", f"--as={MEMORY_BYTES}")
    return subprocess.run(
        ["prlimit", *limits, sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def attempts(folder: Path) -> list[Attempt]:
    """What is tried against each mutant, the quickest first. All of it must be content without one."""
    pytest = ("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--timeout=0")
    quick = (*pytest, *(f"--ignore={name}" for name in SLOW), "tests/core")
    seeds = run(folder, "-c", _BASELINE, str(SIMULATED), keep_bytecode=True).stdout.strip()
    found = [
        Attempt("tests/core", quick),
        Attempt("simulation", ("-c", _SIMULATE, seeds)),
        Attempt("tests/core, slow", (*pytest, *SLOW), SLOW_CPU_S),
    ]
    with ThreadPoolExecutor(len(found)) as pool:
        for one, told in zip(found, pool.map(lambda one: run(folder, *one.command), found), strict=True):
            if told.returncode:
                sys.exit(f"{one.name} fails without a mutant:\n{told.stdout}\n{told.stderr}")
    run(folder, "-m", "pytest", "-q", "--collect-only", "tests/core", keep_bytecode=True)
    return found


def judge(mutant: Mutant, folder: Path, tried: Sequence[Attempt], known: dict[str, str]) -> Verdict:
    """Whether anything notices."""
    path = folder / CORE / mutant.module
    before = path.read_text()
    path.write_text(mutant.code)
    try:
        for one in tried:
            if one.cpu_s == SLOW_CPU_S and mutant.module not in REACHED_BY_SLOW:
                continue
            if code := run(folder, *one.command, cpu_s=one.cpu_s).returncode:
                return Verdict(mutant, "time-out" if -code in (SIGXCPU, SIGKILL) else one.name)
    finally:
        path.write_text(before)
    why = known.get(_key(mutant.module, mutant.was, mutant.becomes), "")
    return Verdict(mutant, "", why or by_identity(mutant))


def by_identity(mutant: Mutant) -> str:
    """Why `==` is `is` where one side is None or a member of an Enum; empty where that is not the change."""
    for word, sign in ((" is not ", " != "), (" is ", " == ")):
        for place in re.finditer(word + r"(?=None\b|[A-Z]\w+\.[A-Z_]+\b)", mutant.was):
            if mutant.was[: place.start()] + sign + mutant.was[place.end() :] == mutant.becomes:
                return "None and the members of an Enum are equal only to themselves"
    return ""


def explained() -> dict[str, str]:
    """Which changes are none, and why, as people found by reading."""
    told = tomllib.loads(EXPLAINED.read_text())["same"]
    for one in told:
        lines = (PROJECT / CORE / one["module"]).read_text().splitlines()
        if one["was"] not in " ".join(line.strip() for line in lines):
            print(f"{EXPLAINED.name} explains a line that {one['module']} no longer has: {one['was']}")
    return {_key(one["module"], one["was"], one["becomes"]): one["why"] for one in told}


def _key(*words: str) -> str:
    return "\n".join(words)


def judged(count: int, seed: int, jobs: int) -> list[Verdict]:
    """A sample, so many mutants at a time."""
    known = explained()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
        drawn = pool.submit(sample, count, seed)  # a minute's work, while the tests prove themselves
        first = copy_of_project(Path(folder) / "0")
        tried = attempts(first)
        workers: Queue[Path] = Queue()
        workers.put(first)
        for number in range(1, jobs):
            workers.put(Path(shutil.copytree(first, Path(folder) / str(number))))

        def one(mutant: Mutant) -> Verdict:
            home = workers.get()
            try:
                verdict = judge(mutant, home, tried, known)
            finally:
                workers.put(home)
            print(f"{verdict.killer or 'SURVIVED':17} {mutant.module}:{mutant.line} {mutant.operator}")
            if not verdict.killer:
                print(f"    - {mutant.was}\n    + {mutant.becomes}\n    = {verdict.why or '?'}")
            sys.stdout.flush()
            return verdict

        return list(pool.map(one, drawn.result()))


# the page


def page(verdicts: Sequence[Verdict], seed: int, spent: float) -> str:
    """What was found, in Markdown."""
    about = machine.description()
    survivors = [one for one in verdicts if not one.killer]
    same = [one for one in survivors if one.why]
    killers = Counter(one.killer for one in verdicts if one.killer)
    commit = revision.this_checkout().name
    by_name = ", ".join(f"{name} {count}" for name, count in killers.most_common())
    modules = sorted({one.mutant.module for one in verdicts})
    return "\n".join(
        (
            f"# {len(verdicts)} mutants of the recovery code",
            "",
            f"* {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit}, seed {seed}",
            f"* {spent:.0f} s; {about['processor']}, {about['cores']} cores, Python {about['python']}",
            f"* `python scripts/mutate_core.py --mutants {len(verdicts)} --seed {seed}`",
            f"* who killed: {by_name}",
            f"* {len(survivors)} survivors, {len(same)} of them the same program as the original",
            "",
            "| | mutants | killed | share |",
            "| --- | --- | --- | --- |",
            _row("all that were drawn", verdicts),
            _row("without those that are the same program", [one for one in verdicts if not one.why]),
            *(_row(f"`{name}`", [one for one in verdicts if one.mutant.module == name]) for name in modules),
            "",
            "| survivor | was | became | why nobody can tell |",
            "| --- | --- | --- | --- |",
            *(_survivor(one) for one in survivors),
            "",
        )
    )


def _survivor(one: Verdict) -> str:
    mutant, why = one.mutant, one.why or "**not explained: a test is missing**"
    return f"| `{mutant.module}:{mutant.line}` | {_code(mutant.was)} | {_code(mutant.becomes)} | {why} |"


def _row(name: str, verdicts: Sequence[Verdict]) -> str:
    killed = sum(bool(one.killer) for one in verdicts)
    return f"| {name} | {len(verdicts)} | {killed} | {killed / max(len(verdicts), 1):.1%} |"


def _code(line: str) -> str:
    return f"`{line.replace('|', chr(92) + '|')}`"


def main() -> int:
    """Sample, run, report; 1 when fewer than 95 % were noticed of those that are another program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=72)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--no-page", action="store_true", help="write no dated page")
    arguments = parser.parse_args()
    began = time.monotonic()
    verdicts = judged(arguments.mutants, arguments.seed, arguments.jobs)
    told = page(verdicts, arguments.seed, time.monotonic() - began)
    print(f"\n{told}")
    if not arguments.no_page:
        path = MEASUREMENTS / f"{datetime.now(UTC):%Y-%m-%d-%H%M}-mutations.md"
        path.write_text(told)
        print(f"written: {path.relative_to(PROJECT)}")
    others = [one for one in verdicts if not one.why]
    return 0 if sum(bool(one.killer) for one in others) >= WANTED * len(others) else 1


if __name__ == "__main__":
    sys.exit(main())
