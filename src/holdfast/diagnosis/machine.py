"""What this machine lets a process have: open files, memory, processor time, a clock.

What lives here: one small function for each, given what is wanted. What never will: changing any of it.
"""

from __future__ import annotations

import os
import resource
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from holdfast.diagnosis.checks import Answer

FILES_PER_SESSION: Final = 4
"""The client's socket and the upstream's, and where `express` is built its own of each."""
SESSION_BYTES: Final = 512 * 1024
"""What a session that talks may take, kept audio and sockets included; a silent one takes a tenth."""
_YEARS: Final = range(2026, 2100)
_MIB: Final = 1024 * 1024
CGROUP: Final = Path("/sys/fs/cgroup")
MEMINFO: Final = Path("/proc/meminfo")


def open_files(sessions: int, reserved: int) -> Answer:
    """Descriptors, beside what the settings allow."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)  # the gateway raises the soft one by itself
    wanted = sessions * FILES_PER_SESSION + 2 * reserved
    if hard == resource.RLIM_INFINITY:
        return Answer.ok("unlimited")
    if hard < wanted:
        fits = max(0, hard - 2 * reserved) // FILES_PER_SESSION
        return Answer.warning(
            f"at most {hard} open files: about {fits} of the {sessions} sessions that are allowed",
            f"ulimit -Hn {wanted}, or lower HOLDFAST_LIMITS__SESSIONS",
        )
    return Answer.ok(f"{hard}, of which {sessions} sessions need {wanted}")


def memory(sessions: int, cgroup: Path = CGROUP, meminfo: Path = MEMINFO) -> Answer:
    """What is left of it, within the control group where there is one."""
    left, source = _left(cgroup, meminfo)
    if left is None:
        return Answer.ok("not known here")
    wanted = sessions * SESSION_BYTES
    told = f"{left // _MIB} MiB left ({source})"
    if left < wanted:
        return Answer.warning(
            f"{told}: {sessions} sessions that all talk may want {wanted // _MIB} MiB",
            "Give it more memory, or lower HOLDFAST_LIMITS__SESSIONS; before it runs out new sessions are "
            "refused.",
        )
    return Answer.ok(told)


def _left(cgroup: Path, meminfo: Path) -> tuple[int | None, str]:
    allowed, used = _number(cgroup / "memory.max"), _number(cgroup / "memory.current")
    if allowed is not None and used is not None:
        return max(0, allowed - used), f"of {allowed // _MIB} in its control group"
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return None, ""
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024, "of this machine"
    return None, ""


def processors(cgroup: Path = CGROUP) -> Answer:
    """How much of how many processors it may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = (cgroup / "cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return Answer.ok(f"{usable}")
    if not quota.isdigit():
        return Answer.ok(f"{usable}")
    share = int(quota) / int(period)
    if share < 1:
        return Answer.warning(
            f"{share:.2f} of a processor: audio waits whenever that is used up",
            "Give the container at least one processor.",
        )
    return Answer.ok(f"{share:g} of {usable}, by its control group")


def _number(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return int(text) if text.isdigit() else None


def clock(now: datetime | None = None) -> Answer:
    """Whether the calendar can be right. How far it is off others know."""
    now = now or datetime.now(UTC)
    if now.year not in _YEARS:
        return Answer.failed(
            "configuration.invalid",
            f"this machine's clock says {now:%Y-%m-%d}",
            remedy="Set the clock, best by NTP: certificates and tickets are judged by it.",
        )
    return Answer.ok(f"{now:%Y-%m-%d %H:%M} UTC")
