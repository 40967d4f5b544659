"""`python -m tests.simulation`: a long run, its coverage, its failures.

What lives here: arguments, progress, the report.
What never will: running (`run`).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.simulation.matrix import CELLS, FAULTS, PAIRS, At
from tests.simulation.run import Account, events_of, run, shrink

CELLS_LEAST = 100
PAIRS_LEAST = 10
SHOWN = 5
"""Failures of which the smallest form is looked for."""
RESULTS = Path(__file__).resolve().parents[2] / "docs" / "measurements"


def main() -> int:
    """Run, report; 1 when a rule was broken."""
    arguments = _arguments()
    began = time.monotonic()
    total = Account()
    for total in run(arguments.first, arguments.seeds, arguments.jobs):
        spent = time.monotonic() - began
        rate = total.sessions / max(spent, 1e-9)
        left = (arguments.seeds - total.seeds) * spent / max(total.seeds, 1)
        told = f"{total.seeds}/{arguments.seeds} seeds, {total.sessions} sessions, {rate:.0f}/s"
        print(f"\r{told}, {len(total.failures)} failures, {left:.0f} s left   ", end="", file=sys.stderr)
    print(file=sys.stderr)
    spent = time.monotonic() - began
    report = "\n".join(_report(total, arguments.first, arguments.seeds, spent))
    if arguments.json:
        print(json.dumps(_as_json(total, arguments.first, spent)))
    else:
        print(report)
        for failure in total.failures[:SHOWN]:
            cut = shrink(failure)
            print(f"\nseed {failure.seed} {failure.rule}: {failure.what}\nsmallest: {cut}")
            print("\n".join(events_of(failure.seed, cut)))
    if arguments.write:
        now = datetime.now(UTC)
        path = RESULTS / f"simulation-{now:%Y-%m-%d-%H%M}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(report + "\n")
        print(f"written: {path.relative_to(RESULTS.parents[1])}")
    return 1 if total.failures else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument(
        "--seeds", type=int, default=1_000, help="how many worlds (about three sessions each)"
    )
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--json", action="store_true", help="the result as one JSON object")
    parser.add_argument("--write", action="store_true", help="write the report to docs/measurements")
    return parser.parse_args()


def _commit() -> str:
    command = ("git", "describe", "--always", "--dirty")
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    return told.stdout.strip() or "unknown"


def _report(total: Account, first: int, seeds: int, spent: float) -> list[str]:
    cells = {(fault.row, state): total.cells[fault.row, state] for fault, state in CELLS}
    pairs = {key: total.pairs[key[0], key[1].row, key[2]] for key in PAIRS}
    thin = sorted(f"{row} at {state.name} ({n})" for (row, state), n in cells.items() if n < CELLS_LEAST)
    rules = {failure.rule for failure in total.failures}
    return [
        f"# Simulation, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "",
        f"`python -m tests.simulation --seeds {seeds} --from {first}`, commit {_commit()}.",
        "",
        "| figure | value |",
        "|---|---|",
        f"| seeds | {first} to {first + seeds - 1} |",
        f"| sessions | {total.sessions} |",
        f"| steps of the core | {total.steps} |",
        f"| virtual time | {total.seconds / 3600:.1f} h |",
        f"| wall time | {spent:.0f} s, {total.sessions / max(spent, 1e-9):.0f} sessions a second |",
        f"| rotations | {total.rotations} |",
        f"| seeds with a violation | {len(total.failures)} {sorted(rules) or ''} |",
        f"| cells of the matrix | {len(cells)}, the thinnest {min(cells.values())} times |",
        f"| pairs (fault while recovering) | {len(pairs)}, the thinnest {min(pairs.values())} times |",
        "",
        "How often each fault hit in each state:",
        "",
        *_table(total),
        "",
        "A fault on the way back, by where the first loss hit (columns) and how far the way back had come:",
        "",
        *_pairs_table(total),
        "",
        f"Cells below {CELLS_LEAST}: {', '.join(thin) or 'none'}.",
        "",
        f"Pairs below {PAIRS_LEAST}: {sum(n < PAIRS_LEAST for n in pairs.values())} of {len(pairs)}.",
        *(["", "Failures:", ""] if total.failures else []),
        *(f"- seed {one.seed}: {one.rule}: {one.what}" for one in total.failures[:50]),
    ]


def _table(total: Account) -> list[str]:
    states = list(At)
    head = ["| fault | " + " | ".join(state.name for state in states) + " |", "|---|" + "---|" * len(states)]
    rows = [
        f"| {fault.row} | "
        + " | ".join(str(total.cells[fault.row, state]) if state in fault.states else "-" for state in states)
        + " |"
        for fault in FAULTS
    ]
    return head + rows


def _pairs_table(total: Account) -> list[str]:
    firsts = list(dict.fromkeys(first for first, _, _ in PAIRS))
    seconds = list(dict.fromkeys((fault.row, state) for _, fault, state in PAIRS))
    head = [
        "| fault | at | " + " | ".join(one.name for one in firsts) + " |",
        "|---|---|" + "---|" * len(firsts),
    ]
    rows = [
        f"| {row} | {state.name} | "
        + " | ".join(str(total.pairs[first, row, state]) for first in firsts)
        + " |"
        for row, state in seconds
    ]
    return head + rows


def _as_json(total: Account, first: int, spent: float) -> dict[str, object]:
    return {
        "commit": _commit(),
        "first": first,
        "seeds": total.seeds,
        "sessions": total.sessions,
        "steps": total.steps,
        "rotations": total.rotations,
        "wallSeconds": round(spent, 1),
        "cells": {f"{row} / {state.name}": n for (row, state), n in sorted(total.cells.items(), key=str)},
        "failures": [{"seed": one.seed, "rule": one.rule, "what": one.what} for one in total.failures],
    }


if __name__ == "__main__":
    sys.exit(main())
