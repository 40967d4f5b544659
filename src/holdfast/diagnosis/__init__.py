"""Whose fault is it? Checks layer by layer, and one verdict with evidence.

What lives here: checks as data, running them in order, the verdict, the checks that need no session.
What never will: printing; dialling an upstream as a client does (the command brings that along).
"""

from holdfast.diagnosis.checks import Answer, Check, Question, Report, Status, judge, run

__all__ = ["Answer", "Check", "Question", "Report", "Status", "judge", "run"]
