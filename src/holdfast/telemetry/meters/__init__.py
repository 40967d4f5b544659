"""What is counted and measured, each thing named once: type, labels, meaning, what to do when it is high.

What lives here: rows of one table. `/metrics`, its page of reference, the dashboard and the alert rules come
from it.
What never will: counting (`metrics`), reading what rooms hold (`holdfast.readings`).

Names end in their unit, as Prometheus has it. The values of a label are few and known: what is not among them
becomes `other`. No label ever bears a customer, a session, an address or a word that somebody said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from holdfast.telemetry.meters.conversations import AUDIO, SESSIONS, TURNS
from holdfast.telemetry.meters.labels import LABELS
from holdfast.telemetry.meters.machinery import BOUNDS, PROCESS, STORE_AND_ENGINE
from holdfast.telemetry.meters.shapes import OTHER, PREFIX, Alert, Kind, Label, Meter
from holdfast.telemetry.meters.upstreams import FAULTS_MET, UPSTREAMS

__all__ = ["LABELS", "METERS", "OTHER", "PREFIX", "Alert", "Kind", "Label", "Meter"]

_ROWS: Final = (
    *SESSIONS,
    *FAULTS_MET,
    *UPSTREAMS,
    *TURNS,
    *AUDIO,
    *BOUNDS,
    *PROCESS,
    *STORE_AND_ENGINE,
)

METERS: Final[Mapping[str, Meter]] = {one.name: one for one in _ROWS}
