"""How long users wait, over all sessions: typical turns, minutes, a histogram with examples to click.

What lives here: samples of turns in, figures out; bounded by the number of samples.
What never will: how a turn's silence came about (`turns`).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from holdfast.ledger.shapes import TurnSample
from holdfast.ledger.turns import SEGMENTS

SAMPLES_MAX: Final = 2_000
MINUTES: Final = 60
EXAMPLES: Final = 5
AROUND: Final = 40
"""A typical turn is the mean of a twentieth of all: so many parts of the number to either side."""
EDGES_MS: Final = (0, 200, 400, 600, 800, 1_000, 1_250, 1_500, 2_000, 2_500, 3_000, 4_000, 6_000, 10_000)
_MINUTE_MS: Final = 60_000


class Latency:
    """The newest turns of all sessions."""

    def __init__(self, samples_max: int = SAMPLES_MAX) -> None:
        self._samples: OrderedDict[tuple[str, int], TurnSample] = OrderedDict()
        self._samples_max = samples_max
        self._told: dict[str, Any] | None = None

    @property
    def turns(self) -> int:
        """How many are remembered."""
        return len(self._samples)

    def take(self, sample: TurnSample) -> None:
        """One more turn, or one of before, known better."""
        self._samples[sample.session, sample.turn] = sample
        if len(self._samples) > self._samples_max:
            self._samples.popitem(last=False)
        self._told = None

    def forget(self) -> None:
        """All, because whoever told them tells everything again."""
        self._samples.clear()
        self._told = None

    def as_object(self) -> dict[str, Any]:
        """The figures; worked out when something was added."""
        if self._told is None:
            self._told = _figures(sorted(self._samples.values(), key=lambda one: one.at))
        return self._told


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that `share` of them do not exceed; 0 of none."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def _figures(every: list[TurnSample]) -> dict[str, Any]:
    """On the event loop, for thousands of turns: what is asked of each is worked out once. Where a client
    tells what its user heard only such turns count: of the others the gateway sees a part of the silence.
    """
    heard = [one for one in every if one.side == "browser"]
    samples = heard or every
    waits = [one.silence_ms for one in samples]
    by_silence = sorted(range(len(samples)), key=waits.__getitem__)
    return {
        "segments": _names(samples),
        "p50": _typical(samples, by_silence, 0.50),
        "p95": _typical(samples, by_silence, 0.95),
        "series": _series(samples, waits),
        "histogram": _histogram(samples, waits),
        "turns": len(samples),
        "sides": "browser" if heard else "server",
        "leftOut": len(every) - len(samples),
    }


def _names(samples: list[TurnSample]) -> list[str]:
    """Of all segments, in the order in which they pass."""
    names = list(SEGMENTS)
    for row in dict.fromkeys(tuple([name for name, _ in one.segments]) for one in samples):
        for place, name in enumerate(row):
            if name not in names:  # behind the one before it in the turn that brings it
                names.insert(0 if place == 0 else names.index(row[place - 1]) + 1, name)
    return names


def _typical(samples: list[TurnSample], by_silence: list[int], share: float) -> dict[str, float]:
    """The turn at a percentile: the mean of those around it, so that its parts add up to its whole."""
    if not by_silence:
        return {"total": 0.0}
    middle = max(0, math.ceil(share * len(by_silence)) - 1)
    reach = len(by_silence) // AROUND
    around = by_silence[max(0, middle - reach) : middle + reach + 1]
    parts: dict[str, float] = {}
    for at in around:
        for name, ms in samples[at].segments:
            parts[name] = parts.get(name, 0.0) + ms / len(around)
    told = {name: round(ms, 1) for name, ms in parts.items()}
    return {**told, "total": round(sum(told.values()), 1)}


def _series(samples: list[TurnSample], waits: list[float]) -> list[dict[str, Any]]:
    minutes: dict[int, list[float]] = {}
    for one, wait in zip(samples, waits, strict=True):
        minutes.setdefault(one.at - one.at % _MINUTE_MS, []).append(wait)
    newest = sorted(minutes)[-MINUTES:]
    return [_minute(at, sorted(minutes[at])) for at in newest]


def _minute(at: int, values: list[float]) -> dict[str, Any]:
    shares = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
    told = {name: round(percentile(values, share), 1) for name, share in shares.items()}
    return {"at": at, **told, "turns": len(values)}


def _histogram(samples: list[TurnSample], waits: list[float]) -> list[dict[str, Any]]:
    buckets: list[list[TurnSample]] = [[] for _ in EDGES_MS]
    for one, wait in zip(samples, waits, strict=True):
        buckets[max(0, bisect_right(EDGES_MS, wait) - 1)].append(one)
    return [
        {
            "fromMs": edge,
            "toMs": EDGES_MS[n + 1] if n + 1 < len(EDGES_MS) else None,
            "count": len(bucket),
            "examples": [{"session": one.session, "turn": one.turn} for one in bucket[: -EXAMPLES - 1 : -1]],
        }
        for n, (edge, bucket) in enumerate(zip(EDGES_MS, buckets, strict=True))
    ]
