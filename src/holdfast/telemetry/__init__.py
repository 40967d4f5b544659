"""What the house tells about itself: structured logs, figures, traces, without audio, transcripts or secrets.

What lives here: the configuration of logging, redaction, the tables of key moments and of metrics, watches
that turn sightings into figures and spans.
What never will: a decision. Nothing here may slow or end a session.
"""

from holdfast.telemetry.logs import TALLY, Logs, configure
from holdfast.telemetry.meters import LABELS, METERS, Meter
from holdfast.telemetry.moments import FIELDS, MOMENTS, Moment
from holdfast.telemetry.redaction import Redactor

__all__ = [
    "FIELDS",
    "LABELS",
    "METERS",
    "MOMENTS",
    "TALLY",
    "Logs",
    "Meter",
    "Moment",
    "Redactor",
    "configure",
]
