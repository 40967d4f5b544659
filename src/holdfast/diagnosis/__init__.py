"""Whose fault is it? Checks layer by layer, and one verdict with evidence.

What lives here: checks as data, running them in order, the report, the checks of this machine, of the way to
an upstream, and of an upstream that somebody else dials.
What never will: printing; which upstreams there are (`examination`).
"""

from holdfast.diagnosis.checks import Answer, Check, Question, Status, run
from holdfast.diagnosis.report import Report, Workaround, judge
from holdfast.diagnosis.support import Trace
from holdfast.diagnosis.visit import Approach, Visit

__all__ = [
    "Answer",
    "Approach",
    "Check",
    "Question",
    "Report",
    "Status",
    "Trace",
    "Visit",
    "Workaround",
    "judge",
    "run",
]
