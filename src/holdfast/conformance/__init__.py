"""A conformance and chaos suite for any server or gateway of the OpenAI Realtime dialect, as its client.

report = await run(Target("ws://127.0.0.1:9100/v1/realtime", credential="any"), CHECKS)
"""

from holdfast.conformance.suite import CHECKS, GROUPS, Unreachable, chosen, make, run
from holdfast.conformance.verdict import Check, Failed, Outcome, Report, Result, Skipped
from holdfast.conformance.visit import Target, Visit

__all__ = [
    "CHECKS",
    "GROUPS",
    "Check",
    "Failed",
    "Outcome",
    "Report",
    "Result",
    "Skipped",
    "Target",
    "Unreachable",
    "Visit",
    "chosen",
    "make",
    "run",
]
