"""How busy this process is: sampled four times a second, for the rule that refuses early.

What lives here: reading the processor's clock, the loop's punctuality, memory and their limits (cgroups).
What never will: judging (`core.overload`).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from holdfast.core.overload import CHECK_S, LoadSample, Overload, Pressure

CGROUP: Final = Path("/sys/fs/cgroup")
STATM: Final = Path("/proc/self/statm")
QUOTA_EVERY_S: Final = 5.0

log = structlog.get_logger()


def cores_allowed(root: Path = CGROUP) -> float:
    """What one event loop may have of a core: 1, or less where a quota holds the process."""
    try:
        quota, period = (root / "cpu.max").read_text().split()
        share = 1.0 if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        try:
            quota_us = int((root / "cpu/cpu.cfs_quota_us").read_text())
            share = quota_us / int((root / "cpu/cpu.cfs_period_us").read_text()) if quota_us > 0 else 1.0
        except (OSError, ValueError):
            share = 1.0
    return min(1.0, max(0.01, share))


def memory_limit(root: Path = CGROUP) -> int | None:
    """Bytes that this process may use; None where nothing limits it."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            text = (root / name).read_text().strip()
        except OSError:
            continue
        if text.isdigit() and int(text) < 1 << 60:
            return int(text)
    return None


def memory_used() -> int:
    """Bytes of memory that this process holds."""
    try:
        return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0  # not every system says


def own_cgroup() -> Path:
    """This process's own group; the root of a container, where that is all one sees."""
    try:
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == "" and (CGROUP / path.lstrip("/")).is_dir():
                return CGROUP / path.lstrip("/")
    except (OSError, ValueError):
        pass
    return CGROUP


async def watch_load(overload: Overload, sessions: Callable[[], int], close_one: Callable[[], bool]) -> None:
    """Sample until cancelled. `close_one` ends the session that has been parked longest."""
    loop = asyncio.get_running_loop()
    group, limit_known_at, cores, limit = own_cgroup(), -QUOTA_EVERY_S, 1.0, None
    spent, at = time.process_time(), loop.time()
    before = Pressure.NONE
    while True:
        await asyncio.sleep(CHECK_S)
        now, cpu = loop.time(), time.process_time()
        if now - limit_known_at >= QUOTA_EVERY_S:
            cores, limit, limit_known_at = cores_allowed(group), memory_limit(group), now
        sample = LoadSample(
            busy=(cpu - spent) / (now - at) / cores,
            lag_s=max(0.0, now - at - CHECK_S),
            memory=memory_used() / limit if limit else 0.0,
            sessions=sessions(),
            cores=cores,
        )
        spent, at = cpu, now
        pressure = overload.sample(sample, now)
        if pressure is not before:
            level = "info" if pressure is Pressure.NONE else "warning"
            facts = {
                "busy": round(sample.busy, 2),
                "lag_ms": round(sample.lag_s * 1e3),
                "sessions": sample.sessions,
            }
            getattr(log, level)(
                "load.changed", category="server", source="load", pressure=pressure.name.lower(), **facts
            )
            before = pressure
        if pressure is Pressure.CLOSE:
            close_one()
