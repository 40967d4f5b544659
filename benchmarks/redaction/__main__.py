"""Recall and precision by kind: `python -m benchmarks.redaction [--misses] [--json FILE] [--write]`.

What lives here: the count. *Found* is a place of which no letter or figure is left in the text, whatever it
was taken for. *Right* is a mark that stands where something of its kind stood.
What never will: the cases.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.redaction.cases import Case, known
from benchmarks.redaction.later import later
from benchmarks.redaction.unseen import unseen
from holdfast.redaction import DEFAULT_KINDS, Place, Redaction

PAGES: Final = Path(__file__).resolve().parents[2] / "docs" / "measurements"


@dataclass(slots=True)
class Count:
    """What became of one kind, over all cases of a set."""

    there: int = 0
    found: int = 0
    marked: int = 0
    right: int = 0

    @property
    def recall(self) -> float:
        """Share of what was there that was found, whole."""
        return self.found / self.there if self.there else 1.0

    @property
    def precision(self) -> float:
        """Share of the marks that are right."""
        return self.right / self.marked if self.marked else 1.0


@dataclass(slots=True)
class Result:
    """A set's counts by kind, and the cases that went wrong."""

    name: str
    cases: int = 0
    empty: int = 0
    untouched: int = 0
    counts: dict[str, Count] = field(default_factory=lambda: {str(kind): Count() for kind in DEFAULT_KINDS})
    misses: list[str] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)

    @property
    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "set": self.name,
            "cases": self.cases,
            "withNothing": self.empty,
            "ofTheseUntouched": self.untouched,
            "medianMs": statistics.median(self.ms),
            "kinds": {
                kind: {
                    "there": one.there,
                    "found": one.found,
                    "marked": one.marked,
                    "right": one.right,
                    "recall": round(one.recall, 4),
                    "precision": round(one.precision, 4),
                }
                for kind, one in self.counts.items()
            },
        }


def measure(name: str, cases: Sequence[Case]) -> Result:
    """Run the redaction over a set."""
    redaction, result = Redaction(), Result(name)
    redaction.clean("4")  # tables are loaded
    for case in cases:
        began = time.perf_counter()
        places = redaction.places(case.text)
        result.ms.append((time.perf_counter() - began) * 1_000)
        _count(case, places, result)
    return result


def _count(case: Case, places: Sequence[Place], result: Result) -> None:
    result.cases += 1
    result.empty += not case.truth
    result.untouched += not case.truth and not places
    gone = {at for place in places for at in range(place.start, place.end)}
    wrong = Counter[str]()
    for kind, start, end in case.truth:
        whole = all(at in gone or not case.text[at].isalnum() for at in range(start, end))
        result.counts[kind].there += 1
        result.counts[kind].found += whole
        wrong[f"missed {kind}"] += not whole
    for place in places:
        right = any(
            kind == place.kind and place.start < end and start < place.end for kind, start, end in case.truth
        )
        result.counts[place.kind].marked += 1
        result.counts[place.kind].right += right
        wrong[f"took {case.text[place.start : place.end]!r} for {place.kind}"] += not right
    result.misses += [f"{what}: {case.text}" for what, count in wrong.items() if count]


def page(results: Sequence[Result]) -> str:
    """The figures as a page."""
    lines = [
        "# Redaction of transcripts",
        "",
        f"`python -m benchmarks.redaction --write`, {datetime.now(UTC):%d %B %Y %H:%M} UTC. Every sentence",
        "and number is made up. *Found*: no letter or figure of it is left. *Right*: the mark stands where",
        "something of its kind stood. Below each table stands what went wrong.",
    ]
    for one in results:
        untouched = f"{one.untouched} of {one.empty} sentences with nothing in them were left as they were."
        lines += ["", f"## {one.name}: {one.cases} sentences", "", untouched]
        lines += [f"A sentence takes {statistics.median(one.ms):.2f} ms (median).", ""]
        lines += ["| kind | there | found | recall | marks | right | precision |", "|" + " --- |" * 7]
        lines += [_row(kind, count) for kind, count in one.counts.items()]
        lines += ["", *(f"* {miss}" for miss in one.misses)]
    return "\n".join(lines).rstrip() + "\n"


def _row(kind: str, count: Count) -> str:
    cells = (kind, count.there, count.found, f"{count.recall:.1%}", count.marked, count.right)
    return "| " + " | ".join(map(str, (*cells, f"{count.precision:.1%}"))) + " |"


def told(results: Sequence[Result], *, misses: bool) -> str:
    """The figures for a terminal."""
    lines = []
    for one in results:
        lines.append(f"{one.name}: {one.cases}; nothing in {one.empty}, of these untouched {one.untouched}")
        for kind, count in one.counts.items():
            recall = f"recall {count.recall:7.2%} ({count.found}/{count.there})"
            lines.append(
                f"  {kind:5}  {recall}  precision {count.precision:7.2%} ({count.right}/{count.marked})"
            )
        lines += [f"  ! {miss}" for miss in one.misses if misses]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> None:
    """Measure all sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--misses", action="store_true", help="print each case that went wrong")
    parser.add_argument("--json", type=Path, help="write the counts here")
    parser.add_argument("--write", action="store_true", help="write a dated page to docs/measurements")
    asked = parser.parse_args(argv)
    results = measured()
    sys.stdout.write(told(results, misses=asked.misses))
    if asked.json:
        asked.json.write_text(json.dumps([one.as_json for one in results], indent=1))
    if asked.write:
        (PAGES / f"{datetime.now(UTC):%Y-%m-%d-%H%M}-redaction.md").write_text(page(results))


def measured() -> list[Result]:
    """All sets."""
    return [
        measure("Sentences it was built with", known()),
        measure("Sentences it was mended after", later()),
        measure("Sentences it had never seen", unseen()),
    ]


if __name__ == "__main__":
    main()
