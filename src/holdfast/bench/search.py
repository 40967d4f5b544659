"""How many sessions a relay carries: which number to try next. Pure.

What lives here: one search, told what each attempt gave.
What never will: measuring.

A number passes when 99 of 100 round trips stay below the bound. One that fails is tried once more,
for other work on the machine makes round trips late as well as too many sessions do.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

from holdfast.bench.plans import Sample

BOUND_MS: Final = 20.0
"""The length of a frame: whoever is later than that hears gaps."""
FULL: Final = 0.95
"""A process has no more of a core than this: the kernel keeps the rest for others."""
NEAR: Final = 1.1
"""Done when the number that fails is so near to the one that passes."""
_LEAP: Final = 4.0
_REACH: Final = 0.9
"""Aim at this share of what the processor time promises."""


def promised(sessions: int, sample: Sample, full: float = FULL) -> float:
    """So many sessions would fill `full` of a core, at what each took."""
    return sessions / sample.candidate_share * full if sample.candidate_share > 0 else float(sessions)


@dataclass(slots=True)
class Search:
    """One relay's. `most`: no more than this is tried."""

    most: int
    first: int = 50
    full: float = FULL
    """What the relay may have, in cores."""
    near: float = NEAR
    passed: dict[int, Sample] = field(default_factory=dict)
    failed: dict[int, Sample] = field(default_factory=dict)
    ended_by_load: bool = False
    """The generator could not carry more: the relay may."""
    _doubted: int = 0

    @property
    def low(self) -> int:
        """The most that passed."""
        return max(self.passed, default=0)

    @property
    def high(self) -> int | None:
        """The least that failed."""
        return min(self.failed, default=None)

    @property
    def is_bracketed(self) -> bool:
        """Whether the relay's own end was seen."""
        return self.high is not None

    @property
    def computed(self) -> float:
        """What the processor time promises, taken at the most that passed: messages are cheapest there."""
        return promised(self.low, self.passed[self.low], self.full) if self.passed else 0.0

    @property
    def sessions(self) -> float:
        """How many it carries: as seen where its end was seen, else as its processor time promises."""
        return float(self.low) if self.is_bracketed else max(self.computed, float(self.low))

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        attempts = {**self.failed, **self.passed}
        return {
            "measured": self.low,
            "computed": round(self.computed),
            "sessions": self.sessions,
            "ended_by_load": self.ended_by_load,
            "attempts": [
                {
                    "sessions": sessions,
                    "passed": sessions in self.passed,
                    "sample": asdict(attempts[sessions]),
                }
                for sessions in sorted(attempts)
            ],
        }

    def next(self) -> int | None:
        """What to try; None when it is done."""
        if self._doubted:
            return self._doubted
        if self.high is not None:
            if (self.low and self.high / self.low <= self.near) or self.high <= 1:
                return None
            middle = round((max(self.low, 1) * self.high) ** 0.5)
            return None if middle in {self.low, self.high} else middle
        if self.ended_by_load or self.low >= self.most:
            return None
        if not self.low:
            return min(self.first, self.most)
        aim = max(self.computed * _REACH, self.low * NEAR + 1)
        return min(round(aim), round(self.low * _LEAP), self.most)

    def told(self, sessions: int, sample: Sample) -> None:
        """What an attempt gave."""
        if sample.rtt_p99_ms < BOUND_MS and not sample.faulty:
            self.passed[sessions] = sample
            self._doubted = 0
        elif sample.is_crowded:
            self.ended_by_load = True
            self._doubted = 0
        elif self._doubted == sessions:
            self.failed[sessions] = sample
            self._doubted = 0
        else:
            self._doubted = sessions
