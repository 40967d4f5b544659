"""What a row of the table of figures consists of.

What lives here: a meter, a label, an alert; the buckets that meters share.
What never will: a row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal

PREFIX: Final = "holdfast_"
OTHER: Final = "other"
"""What a label says of a value that it does not know."""


class Kind(StrEnum):
    """As Prometheus has them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Label:
    """One label. `values`: all that it may say; None: they are told when the process starts."""

    name: str
    help: str
    values: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """When somebody is told: `expr` holds for `lasts`. `page`: now; `ticket`: in working hours."""

    name: str
    expr: str
    lasts: str
    severity: Literal["page", "ticket"]
    says: str


@dataclass(frozen=True, slots=True)
class Meter:
    """One thing. `advice`: what to do when it is high (or, where it says so, low)."""

    name: str
    kind: Kind
    help: str
    advice: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    alerts: tuple[Alert, ...] = ()
    group: str = ""

    @property
    def unit(self) -> str:
        """As its name ends."""
        stem = self.name.removesuffix("_total")
        return next((unit for unit in UNITS if stem.endswith(f"_{unit}")), "")


UNITS: Final = ("seconds", "ratio", "bytes", "samples", "tokens", "usd")

QUICK: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SILENCES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0)
WAITS: Final = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 40.0)
ABSENCES: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0)
LIVES: Final = (1.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0)


def group(title: str, *meters: Meter) -> tuple[Meter, ...]:
    """Meters that stand together on a page, under their full names."""
    return tuple(replace(one, name=PREFIX + one.name, group=title) for one in meters)
