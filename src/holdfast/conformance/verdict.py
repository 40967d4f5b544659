"""What a check is and how it ends.

What lives here: the check with its stable id, the three endings, the report.
What never will: a socket.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from holdfast.conformance.visit import Visit

EVIDENCE_CHARS = 600
"""Evidence is for reading; what is longer is cut."""


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Failed(Exception):  # noqa: N818 - it is a verdict about the other side, no error of ours
    """The server does not do what the check asks. The message is what was seen instead."""


class Skipped(Exception):  # noqa: N818 - same
    """The check cannot be made here. The message says why."""


def expect(condition: object, seen: str) -> None:
    """Fail unless `condition` holds; `seen` is the evidence."""
    if not condition:
        raise Failed(seen)


@dataclass(frozen=True, slots=True)
class Check:
    """One question. `id` is `group.name` and never changes. `section` is where it is asked for: a number in
    the protocol notes, a letter in the reliability contract, or the WebSocket's RFC 6455. `run` gives the
    evidence or raises `Failed` or `Skipped`.
    """

    id: str
    sentence: str
    section: str
    run: Callable[[Visit], Awaitable[str]]

    @property
    def group(self) -> str:
        """The part of its id before the dot."""
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Result:
    """A check that was made."""

    check: Check
    outcome: Outcome
    evidence: str
    ms: float

    def as_object(self) -> dict[str, Any]:
        """For machines."""
        return {
            "id": self.check.id,
            "sentence": self.check.sentence,
            "section": self.check.section,
            "result": str(self.outcome),
            "evidence": self.evidence,
            "ms": round(self.ms, 1),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All results, in order."""

    results: Sequence[Result] = field(default_factory=tuple)

    def count(self, outcome: Outcome) -> int:
        """How many ended so."""
        return sum(result.outcome is outcome for result in self.results)

    @property
    def passed(self) -> bool:
        """Whether nothing failed, and something was looked at."""
        return self.count(Outcome.FAILED) == 0 and self.count(Outcome.PASSED) > 0

    def as_object(self) -> dict[str, Any]:
        """For machines."""
        counts = {str(outcome): self.count(outcome) for outcome in Outcome}
        return {**counts, "checks": [result.as_object() for result in self.results]}
