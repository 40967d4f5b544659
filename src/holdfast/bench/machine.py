"""The machine at hand: its processors, and what a process has used of them. Linux only.

What lives here: reading /proc, pinning.
What never will: starting anything.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PACKAGES: Final = ("picows", "uvloop", "msgspec", "pybase64", "uvicorn")


def obstacle() -> str | None:
    """Why this machine cannot measure; None when it can."""
    if not Path("/proc/self/stat").is_file() or not hasattr(os, "sched_setaffinity"):
        return "Processor time and pinning are read and set the Linux way; this is not Linux."
    if len(os.sched_getaffinity(0)) < 2:
        return "Two processors are needed: one for the candidate, one for the load."
    return None


def cores() -> tuple[set[int], set[int]]:
    """The candidate's one core, and the others for load and upstream."""
    *others, last = sorted(os.sched_getaffinity(0))
    return {last}, set(others)


def pin(pid: int, on: Iterable[int]) -> None:
    """Bind all threads of a process, and those to come."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), on)


def cpu_seconds(pid: int) -> float:
    """Processor time of all threads of a process so far, user and system.

    The scheduler's own account has nanoseconds; where the kernel keeps none, clock ticks must do.
    """
    nanoseconds = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            nanoseconds += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            continue
    if nanoseconds:
        return nanoseconds / 1e9
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def cpu_seconds_of(pids: Iterable[int]) -> float:
    """Processor time of several processes together."""
    return sum(map(cpu_seconds, pids))


def family(pid: int) -> tuple[int, ...]:
    """A process and all that it and its children started; those that live now."""
    found = [pid]
    for one in found:  # grows while it is walked
        for task in Path(f"/proc/{one}/task").iterdir():
            with contextlib.suppress(FileNotFoundError):
                found += map(int, (task / "children").read_text().split())
    return tuple(found)


def description() -> dict[str, Any]:
    """What a figure must be read with."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        **{name: version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def memory_bytes(pid: int) -> int:
    """Memory of a process that it has written itself. What it maps of files others map, too, and a fair share
    of that moves by most of a MiB as they come and go.
    """
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) * 1024
    return 0


def memory_of(pids: Iterable[int]) -> int:
    """Memory of several processes together."""
    return sum(map(memory_bytes, pids))


def descriptors(pid: int) -> int:
    """Open files and sockets of a process."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
