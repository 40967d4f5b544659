"""What the house tells about itself: structured logs, without audio, transcripts or secrets.

What lives here: the configuration of logging, redaction, the table of key moments.
What never will: a decision. Nothing here may slow or end a session.
"""

from holdfast.telemetry.logs import Logs, configure
from holdfast.telemetry.moments import MOMENTS, Moment
from holdfast.telemetry.redaction import Redactor

__all__ = ["MOMENTS", "Logs", "Moment", "Redactor", "configure"]
