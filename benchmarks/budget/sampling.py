"""Looking at a process that works: perf for all of it, py-spy for Python's names.

What lives here: starting the two, reading what they tell.
What never will: whose a sample is (`layers`).

perf stops the process for microseconds and sees the kernel, but not Python's functions. py-spy sees those and
the compiled ones between them, and stops the process for milliseconds. So all figures are perf's; py-spy says
only how the interpreter's part is divided, and how calls stand in one another.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.budget.layers import Frame, Stack
from holdfast.bench.candidates import BenchError

PERF_HZ: Final = 1_999
"""No divisor of a frame's time, or samples would keep step with the load."""
SPY_HZ: Final = 199
_FRAME: Final = re.compile(r"^\s*[0-9a-f]+ (?P<name>.*?)(?:\+0x[0-9a-f]+)? \((?P<library>[^()]*)\)$")


def tools() -> None:
    """Raises BenchError where one of the two is missing."""
    fixes = {"perf": "Install linux-perf (apt), as root.", "py-spy": "pip install py-spy."}
    for name, fix in fixes.items():
        if shutil.which(name) is None:
            raise BenchError(f"{name} is not here.", "Samples are taken with it.", fix)


@dataclass(frozen=True, slots=True)
class Looked:
    """What perf wrote, and the scheduler's account of all threads in the same window."""

    file: Path
    cpu_s: float


_WATCH: Final = "cat /proc/$0/task/*/schedstat; echo; sleep $1; cat /proc/$0/task/*/schedstat"
"""perf looks as long as this runs."""


def perf(pid: int, seconds: float, folder: Path) -> Looked:
    """What a process does with its processor time, thread by thread, kernel included. Raises BenchError."""
    file = folder / "perf.data"
    # The core and not the process, whose own clock stands while it is switched in or out: its cost, too.
    core = ",".join(map(str, os.sched_getaffinity(pid)))
    record = [
        "perf",
        "record",
        "-a",
        "-C",
        core,
        "-g",
        "-e",
        "cpu-clock",
        "-F",
        str(PERF_HZ),
        "-o",
        str(file),
    ]
    told = _done([*record, "--", "sh", "-c", _WATCH, str(pid), str(seconds)])
    before, after = (sum(int(line.split()[0]) for line in at.splitlines()) for at in told.split("\n\n")[:2])
    return Looked(file, (after - before) / 1e9)


def stacks(file: Path, pid: int) -> list[Stack]:
    """What perf saw of this process. The file goes."""
    script = _done(["perf", "script", "-i", str(file), "-F", "pid,ip,sym,dso"])
    file.unlink()
    return [stack for whose, stack in read(script) if whose == pid]


def read(script: str) -> Iterator[tuple[int, Stack]]:
    """What `perf script` writes: stack by stack, and whose each is."""
    for block in script.split("\n\n"):
        head, *lines = block.strip("\n").splitlines() or [""]
        if head.strip().isdigit():
            found = map(_FRAME.match, lines)
            yield int(head), [Frame(one["name"], one["library"]) for one in found if one]


def spy(pid: int, seconds: float, folder: Path) -> Counter[str]:
    """Stacks with Python's names, the outermost first, and how often each was seen. Raises BenchError."""
    file = folder / "spy.txt"
    command = ["py-spy", "record", "--native", "--format", "raw", "--rate", str(SPY_HZ)]
    _done([*command, "--duration", str(round(seconds)), "--output", str(file), "--pid", str(pid)])
    seen = Counter[str]()
    for line in file.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        seen[stack] += int(count)
    return seen


def _done(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603 - found by `tools`
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or ["It said nothing."])[-1]
        raise BenchError(f"`{command[0]} {command[1]}` failed.", why, "Root is needed to look at a process.")
    return done.stdout
