"""Numbers about numbers: percentiles, quartiles, intervals, slopes, and whether a change is more than noise.

What lives here: arithmetic. What never will: measuring.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Final

TOLERANCE: Final = 0.05
"""A ratio may grow by a twentieth before it counts as worse, however quiet the machine was."""
FEW: Final = 4
UNKNOWN_NOISE: Final = 0.10
"""Single ratios of one pair of gateways lay this far apart on a machine that others used, too."""
TIMES: Final = "times"
"""The unit of a ratio."""
CONFIDENCE: Final = 0.95
_NORMAL_95: Final = 1.96
"""So many standard deviations hold the middle 95 % of a normal distribution."""


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie, interpolated; 0 for no values."""
    if not values:
        return 0.0
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


@dataclass(frozen=True, slots=True)
class Spread:
    """A middle and how far the values lie around it."""

    n: int
    median: float
    low: float
    """The lower quartile."""
    high: float
    """The upper quartile."""

    @property
    def noise(self) -> float:
        """Half the distance between the quartiles."""
        return (self.high - self.low) / 2


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles."""
    return Spread(len(values), percentile(values, 0.5), percentile(values, 0.25), percentile(values, 0.75))


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that a run found, under a name that another run gives it, too."""

    name: str
    unit: str
    spread: Spread
    is_more_better: bool = False

    @property
    def is_comparable(self) -> bool:
        """Whether it holds beyond this machine's mood: ratios of one run, and memory."""
        return self.unit in {TIMES, "kB"}


@dataclass(frozen=True, slots=True)
class Change:
    """How a figure stands to an earlier one. `noise` is both spreads, added."""

    name: str
    was: float
    is_now: float
    noise: float
    is_more_better: bool = False

    @property
    def is_worse(self) -> bool:
        """Whether it moved the wrong way by more than the noise, and by more than the tolerance."""
        grown = self.was - self.is_now if self.is_more_better else self.is_now - self.was
        return grown > max(self.noise, self.was * TOLERANCE)

    @property
    def word(self) -> str:
        """For people."""
        return "WORSE" if self.is_worse else "as good"

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return {**asdict(self), "is_worse": self.is_worse}


def change(was: Figure, is_now: Figure) -> Change:
    """Compare two figures of one name."""
    noise = _noise(was.spread) + _noise(is_now.spread)
    return Change(is_now.name, was.spread.median, is_now.spread.median, noise, is_now.is_more_better)


def _noise(found: Spread) -> float:
    """Its own spread; of a few values nobody knows it: then as wide as such values were seen to lie."""
    return max(found.noise, found.median * UNKNOWN_NOISE) if found.n < FEW else found.noise


@dataclass(frozen=True, slots=True)
class Interval:
    """A median and what it may be with 95 % confidence; no bounds where the values are too few to say."""

    n: int
    median: float
    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"{self.median:.3f}"
        return f"{self.median:.3f} ({self.low:.3f} to {self.high:.3f})"


def median_interval(values: Sequence[float]) -> Interval:
    """The median with its interval from order statistics.

    Each value lies above the true median with a chance of one half, whatever the distribution, so the k-th
    smallest and the k-th largest value hold it with the chance that a coin gives. Below six values no pair
    does so in 95 % of all cases.
    """
    ordered = sorted(values)
    n = len(ordered)
    middle = percentile(ordered, 0.5)
    outside, rank = 0.0, 0
    while rank < n // 2:
        outside += 2 * math.comb(n, rank) / 2**n
        if outside > 1 - CONFIDENCE:
            break
        rank += 1
    if rank == 0:
        return Interval(n, middle, None, None)
    return Interval(n, middle, ordered[rank - 1], ordered[n - rank])


@dataclass(frozen=True, slots=True)
class Slope:
    """How fast a series grows, for one unit of its time, and what that may be with 95 % confidence."""

    n: int
    median: float
    low: float
    high: float


def slope(times: Sequence[float], values: Sequence[float]) -> Slope | None:
    """The median of all pairs' slopes (Theil and Sen), its interval by Kendall's rank statistic.

    A few outliers do not move it. None for fewer than four points. Neighbours in time that resemble each
    other make the interval too narrow: give means of blocks, not raw samples.
    """
    points = list(zip(times, values, strict=True))
    n = len(points)
    if n < 4:
        return None
    found = sorted((b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(points, 2) if b[0] != a[0])
    margin = _NORMAL_95 * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = max(0, round((len(found) - margin) / 2) - 1)
    high = min(len(found) - 1, round((len(found) + margin) / 2))
    return Slope(n, percentile(found, 0.5), found[low], found[high])


def blocks(
    times: Sequence[float], values: Sequence[float], seconds: float
) -> tuple[list[float], list[float]]:
    """Means of neighbouring samples, one for each `seconds`."""
    gathered: dict[int, list[tuple[float, float]]] = {}
    for at, value in zip(times, values, strict=True):
        gathered.setdefault(int(at // seconds), []).append((at, value))
    means = [
        (sum(at for at, _ in block) / len(block), sum(value for _, value in block) / len(block))
        for _, block in sorted(gathered.items())
    ]
    return [at for at, _ in means], [value for _, value in means]
