"""What a process used, again and again: processor, memory, descriptors, tasks; and whether it grows.

What lives here: the samples, their slopes, the judgement of a slope.
What never will: drawing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, Literal

from benchmarks.rig.house import Gateway
from holdfast.bench import machine
from holdfast.bench.figures import Slope, blocks, slope

MIB: Final = 1024 * 1024
BLOCKS: Final = 20
"""A series is averaged into so many blocks before its slope is taken: neighbours in time are alike."""
HOUR_S: Final = 3600.0

Verdict = Literal["steady", "grows", "too short to say"]

PER_HOUR: Final[Mapping[str, float]] = {"memory_mib": 1.0, "descriptors": 4.0, "tasks": 4.0}
"""What may come together in an hour (reliability reference, D7, T8)."""
IN_ALL: Final[Mapping[str, float]] = {"memory_mib": 2.0, "descriptors": 3.0, "tasks": 3.0}
"""What any run may end with more than it began, however short: caches, a connection more."""


@dataclass(slots=True)
class Series:
    """Samples of one run. `at` is seconds since its beginning."""

    began: float = field(default_factory=time.monotonic)
    at: list[float] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)
    descriptors: list[float] = field(default_factory=list)
    tasks: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    lag_ms: list[float] = field(default_factory=list)

    def take(self, gateway: Gateway) -> None:
        """One more sample. Raises OSError when the process is gone."""
        gateway.read()
        gauges: Mapping[str, Any] = gateway.gauges[-1] if gateway.gauges else {}
        self.at.append(time.monotonic() - self.began)
        self.memory_mib.append(machine.memory_bytes(gateway.pid) / MIB)
        self.descriptors.append(machine.descriptors(gateway.pid))
        self.tasks.append(gauges.get("tasks", 0))
        self.lag_ms.append(gauges.get("lag_ms", 0.0))
        self.cpu_s.append(machine.cpu_seconds(gateway.pid))

    def values(self, name: str) -> list[float]:
        """One of the series by name."""
        found: list[float] = getattr(self, name)
        return found

    def cpu_share(self, start: float, end: float) -> float:
        """Of one core, between two moments of the run."""
        inside = [(at, cpu) for at, cpu in zip(self.at, self.cpu_s, strict=True) if start <= at <= end]
        if len(inside) < 2:
            return 0.0
        (first_at, first), (last_at, last) = inside[0], inside[-1]
        return (last - first) / (last_at - first_at)

    def cpu_shares(self) -> list[tuple[float, float]]:
        """Of one core, since the sample before: the moment and the share."""
        points = pairwise(zip(self.at, self.cpu_s, strict=True))
        return [(b[0], (b[1] - a[1]) / (b[0] - a[0])) for a, b in points if b[0] > a[0]]

    def growth(self, name: str, after_s: float) -> Slope | None:
        """For an hour, of what came after the start has settled."""
        kept = [(at, v) for at, v in zip(self.at, self.values(name), strict=True) if at >= after_s]
        if len(kept) < BLOCKS:
            return None
        times, values = [at for at, _ in kept], [value for _, value in kept]
        width = max((times[-1] - times[0]) / BLOCKS, 1e-9)
        found = slope(*blocks([at - times[0] for at in times], values, width))
        if found is None:
            return None
        return Slope(found.n, found.median * HOUR_S, found.low * HOUR_S, found.high * HOUR_S)

    def as_json(self) -> dict[str, list[float]]:
        """For machines, and for the picture."""
        names = ("at", "memory_mib", "descriptors", "tasks", "lag_ms")
        found = {name: [round(value, 4) for value in self.values(name)] for name in names}
        shares = [share for _, share in self.cpu_shares()]
        return {**found, "cpu_percent": [0.0, *(round(100 * share, 3) for share in shares)][: len(self.at)]}


def bound(name: str, seconds: float) -> float:
    """What may come together, as a pace for an hour, seen over `seconds`."""
    return max(PER_HOUR[name], IN_ALL[name] * HOUR_S / max(seconds, 1.0))


def judge(name: str, growth: Slope | None, seconds: float) -> Verdict:
    """It grows when the whole interval of the slope lies above the bound."""
    if growth is None:
        return "too short to say"
    return "grows" if growth.low > bound(name, seconds) else "steady"
