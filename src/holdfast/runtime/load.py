"""How busy this process is, four times a second, for the rule that refuses early.

What lives here: the loop's lateness, processor time, memory, and the control groups (v1 and
v2) that hold the process; giving back memory that is free but still ours.
What never will: judging (`core.overload`).
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import structlog

from holdfast.core.overload import CHECK_S, LoadSample, Overload, Pressure

QUOTA_EVERY: Final = 20
"""Quotas are read with every so manieth sample: an operator may change them."""
GIVE_BACK_S: Final = 10.0
"""While memory is short, what is free of it is given back so often: up to 100 ms each time."""
GROUPS: Final = Path("/sys/fs/cgroup")
MEMBERSHIP: Final = Path("/proc/self/cgroup")
STATM: Final = Path("/proc/self/statm")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")

log = structlog.get_logger()


class LoadWatch:
    """Feeds `overload`. `shed` lets go what can be had again, `close_one` ends the session that has been
    parked longest: each time that memory is looked at and found so short.
    """

    def __init__(
        self,
        overload: Overload,
        sessions: Callable[[], int],
        shed: Callable[[], None],
        close_one: Callable[[], bool],
        *,
        sampled: Callable[[LoadSample], None] = lambda _: None,
        processes: int = 1,
    ) -> None:
        """`sampled` hears of every sample. `processes`: how many share what the machine leaves to us."""
        self._overload, self._sessions, self._shed, self._close_one = overload, sessions, shed, close_one
        self._sampled, self._processes = sampled, processes
        self._handle: asyncio.TimerHandle | None = None
        self._samples = 0
        self._pressure = Pressure.NONE
        self._cores = self._memory = 1.0
        self._given_back_at = -GIVE_BACK_S
        self._at = self._loop_s = self._all_s = self._due = 0.0

    def start(self) -> None:
        """Begin; the first sample comes after `CHECK_S`."""
        self._at, self._loop_s, self._all_s = time.monotonic(), time.thread_time(), time.process_time()
        self._again()

    def stop(self) -> None:
        """No more samples. Twice is harmless."""
        if self._handle is not None:
            self._handle.cancel()

    def _again(self) -> None:
        loop = asyncio.get_running_loop()
        self._due = loop.time() + CHECK_S
        self._handle = loop.call_at(self._due, self._look)

    def _look(self) -> None:
        lag_s = asyncio.get_running_loop().time() - self._due
        if self._samples % QUOTA_EVERY == 0:
            self._cores = quota_cores(self._processes)
            self._memory = memory_limit(self._processes)
        self._samples += 1
        at, loop_s, all_s = time.monotonic(), time.thread_time(), time.process_time()
        seconds = max(at - self._at, 1e-6)
        # The loop may be full, or the quota that all threads share.
        by_loop, by_all = (loop_s - self._loop_s) / min(1.0, self._cores), (all_s - self._all_s) / self._cores
        self._at, self._loop_s, self._all_s = at, loop_s, all_s
        self._judge(
            LoadSample(
                busy=min(1.0, max(by_loop, by_all) / seconds),
                lag_s=lag_s,
                memory=memory_used() / self._memory,
                sessions=self._sessions(),
                cores=min(1.0, self._cores),
            ),
            at,
        )
        self._again()

    def _judge(self, sample: LoadSample, at: float) -> None:
        self._sampled(sample)
        pressure = self._overload.sample(sample, at)
        if pressure is not self._pressure:
            level = "info" if pressure is Pressure.NONE else "warning"
            facts = {"busy": round(sample.busy, 2), "lag_ms": round(sample.lag_s * 1e3)}
            told = {"pressure": pressure.name.lower(), "sessions": sample.sessions, **facts}
            getattr(log, level)("load.changed", category="server", source="load", **told)
            self._pressure = pressure
        if self._overload.is_memory_short and at - self._given_back_at >= GIVE_BACK_S:
            self._given_back_at = at
            give_back()
        if pressure >= Pressure.SHED:
            self._shed()
        if pressure is Pressure.CLOSE:
            self._close_one()


def memory_used() -> float:
    """Bytes of memory that this process holds; 0 where the system does not say."""
    try:
        return int(os.pread(_statm(), 128, 0).split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0.0


@cache
def _statm() -> int:
    """Opened once: this is read four times a second. Raises OSError."""
    return os.open(STATM, os.O_RDONLY | os.O_CLOEXEC)


def give_back() -> None:
    """Return free memory to the system, where the C library can, and what only cycles hold (`garbage`: nobody
    else looks for long). A heap that was busy keeps what it had, and whoever is measured by what it holds
    would refuse people for what it does not use.
    """
    gc.collect()
    if _LIBC is not None:
        _LIBC.malloc_trim(0)


def _libc() -> ctypes.CDLL | None:
    """The C library, if it has what `give_back` needs."""
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):
        return None
    return library if hasattr(library, "malloc_trim") else None


_LIBC: Final = _libc()


def quota_cores(processes: int = 1) -> float:
    """The cores that control groups leave to this process; all of the machine's where none holds it.

    Of what holds the process that started it too, it has its part among so many `processes`.
    """
    found = [(os.cpu_count() or 1) / processes]
    for group, sharers in _groups("cpu", processes):
        quota, period = _pair(group / "cpu.max")
        if quota <= 0:
            quota, period = _number(group / "cpu.cfs_quota_us"), _number(group / "cpu.cfs_period_us")
        if quota > 0 and period > 0:
            found.append(quota / period / sharers)
    return max(0.01, min(found))


def memory_limit(processes: int = 1) -> float:
    """Bytes that this process may hold: the tightest group's bound, or the machine's memory; or its part."""
    found = [os.sysconf("SC_PHYS_PAGES") * _PAGE / processes]
    for group, sharers in _groups("memory", processes):
        limits = (_number(group / name) for name in ("memory.max", "memory.limit_in_bytes"))
        found += [limit / sharers for limit in limits if limit > 0]
    return min(found)


def _groups(controller: str, processes: int) -> Iterator[tuple[Path, int]]:
    """The process's groups, and how many share what each leaves."""
    shared: set[Path] = set()
    if processes > 1:
        shared.update(own_groups(controller, Path(f"/proc/{os.getppid()}/cgroup")))
    for group in own_groups(controller):
        yield group, processes if group in shared else 1


def own_groups(controller: str, membership: Path | None = None) -> Iterator[Path]:
    """The process's groups of a controller: its own first, then those that hold that one."""
    try:
        lines = (membership or MEMBERSHIP).read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, names, path = line.split(":", 2)
        if names and controller not in names.split(","):
            continue
        root = GROUPS / names if names else GROUPS
        inner = Path(path.strip("/"))
        for part in (inner, *inner.parents):
            yield root / part


def _pair(path: Path) -> tuple[float, float]:
    try:
        quota, period = path.read_text().split()
        return (-1.0, -1.0) if quota == "max" else (float(quota), float(period))
    except (OSError, ValueError):
        return -1.0, -1.0


def _number(path: Path) -> float:
    try:
        return float(path.read_text().strip())
    except (OSError, ValueError):
        return -1.0
