"""Numbers about numbers: percentiles, quartiles, paired ratios, and whether a change is more than noise.

What lives here: arithmetic. What never will: measuring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

TOLERANCE: Final = 0.05
"""A ratio may grow by a twentieth before it counts as worse, however quiet the machine was."""


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
class Change:
    """How a ratio stands to an earlier one. `noise` is both spreads, added."""

    face: str
    was: float
    is_now: float
    noise: float

    @property
    def is_worse(self) -> bool:
        """Whether it grew by more than the noise, and by more than the tolerance."""
        return self.is_now - self.was > max(self.noise, self.was * TOLERANCE)

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return {**asdict(self), "is_worse": self.is_worse}


def change(face: str, was: Spread, is_now: Spread) -> Change:
    """Compare two ratios of the same face."""
    return Change(face, was.median, is_now.median, was.noise + is_now.noise)
