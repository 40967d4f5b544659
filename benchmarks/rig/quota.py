"""A process held to a share of a core, by whatever this machine has for it.

What lives here: control groups of both versions; as a last resort stopping and continuing the process.
What never will: measuring.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PERIOD_US: Final = 4_000
"""Short, so that a process that has used its share waits a few milliseconds and no longer."""
_V1: Final = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup/cpu,cpuacct"))
_V2: Final = Path("/sys/fs/cgroup")
DUTY_S: Final = 0.02


@contextlib.contextmanager
def held(pid: int, share: float) -> Iterator[str]:
    """Hold it to `share` of a core; answers how, for the report."""
    name = f"holdfast-{os.getpid()}-{pid}"
    for make in (_version_1, _version_2):
        with contextlib.ExitStack() as stack:
            try:
                how = stack.enter_context(make(pid, share, name))
            except OSError:
                continue
            yield how
            return
    with _by_signals(pid, share) as how:
        yield how


@contextlib.contextmanager
def _version_1(pid: int, share: float, name: str) -> Iterator[str]:
    root = next((root for root in _V1 if (root / "cpu.cfs_quota_us").is_file()), None)
    if root is None:
        raise FileNotFoundError("no cpu controller of version 1")
    with _group(root, name, pid) as group:
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(max(1_000, round(PERIOD_US * share))))
        (group / "cgroup.procs").write_text(str(pid))
        yield f"control group (version 1), {share:.0%} of a core in periods of {PERIOD_US / 1000:g} ms"


@contextlib.contextmanager
def _version_2(pid: int, share: float, name: str) -> Iterator[str]:
    if "cpu" not in (_V2 / "cgroup.controllers").read_text().split():
        raise FileNotFoundError("no cpu controller of version 2")
    with contextlib.suppress(OSError):
        (_V2 / "cgroup.subtree_control").write_text("+cpu")
    with _group(_V2, name, pid) as group:
        (group / "cpu.max").write_text(f"{max(1_000, round(PERIOD_US * share))} {PERIOD_US}")
        (group / "cgroup.procs").write_text(str(pid))
        yield f"control group (version 2), {share:.0%} of a core in periods of {PERIOD_US / 1000:g} ms"


@contextlib.contextmanager
def _group(root: Path, name: str, pid: int) -> Iterator[Path]:
    group = root / name
    group.mkdir()
    try:
        yield group
    finally:
        with contextlib.suppress(OSError):
            (root / "cgroup.procs").write_text(str(pid))
        with contextlib.suppress(OSError):
            group.rmdir()


@contextlib.contextmanager
def _by_signals(pid: int, share: float) -> Iterator[str]:
    """Stop and go. It sleeps for most of each 20 ms, so latencies are those of the method, too."""
    over = threading.Event()

    def pace() -> None:
        while not over.is_set():
            os.kill(pid, signal.SIGCONT)
            time.sleep(DUTY_S * share)
            os.kill(pid, signal.SIGSTOP)
            time.sleep(DUTY_S * (1 - share))

    thread = threading.Thread(target=pace, daemon=True)
    thread.start()
    try:
        yield f"SIGSTOP and SIGCONT, {share:.0%} of each {DUTY_S * 1000:g} ms: its pauses count as latency"
    finally:
        over.set()
        thread.join()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
