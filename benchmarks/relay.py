"""Every figure of `holdfast bench all`, each goal met or not, on a dated page: `python -m benchmarks.relay`.

What lives here: the page.
What never will: the measurement (`holdfast.bench`), the goals (`holdfast.bench.goals`).
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.rig.report import Check, Result, arguments, carry_out, progress
from holdfast.bench import goals, pictures, rounds
from holdfast.bench.drawing import quartiles
from holdfast.bench.report import Report
from holdfast.bench.revision import this_checkout
from holdfast.bench.shapes import SHAPES


def judge(report: Report, result: Result) -> None:
    """The table of figures, the goals, and that every byte came back."""
    for figure in report.figures():
        spread = figure.spread
        result.rows.append(
            {
                "figure": figure.name,
                "median": f"{spread.median:.2f}",
                "quartiles": quartiles(spread, 2),
                "unit": figure.unit,
                "of": spread.n,
            }
        )
    for one in goals.judge(report.figures()):
        found = f"{one.found.spread.median:.2f} {one.found.unit} {quartiles(one.found.spread, 2)}"
        result.checks.append(Check(one.goal.what, one.is_met, found.strip(), one.wanted))
    result.check("frames lost, altered, doubled or swapped", report.faulty, 0)
    result.notes += [f"{report.messages} messages, every byte compared"]
    result.notes += [f"absent: {name} ({remedy})" for name, remedy in report.absent.items()]
    result.notes += report.doubts
    result.details.update(report.as_json())


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, write. 1 when a goal is not met or something was lost."""
    parser = arguments(str(__doc__).partition("\n")[0])
    parser.add_argument("--part", choices=SHAPES, default="all")
    parser.add_argument("--rounds", type=int, help="how often each takes its turn")
    parser.add_argument("--seconds", type=float, help="length of each measurement")
    asked = parser.parse_args(argv)
    if asked.rev is not None:
        parser.error("--rev is for `holdfast bench --against`: this measures the checkout")
    told = {name: getattr(asked, name) for name in ("rounds", "seconds") if getattr(asked, name) is not None}
    report = rounds.empty(replace(SHAPES[asked.part], **told))

    over = threading.Event()

    def tell(line: str) -> None:
        if over.is_set():
            raise KeyboardInterrupt
        progress(line)

    async def measure(result: Result) -> None:
        try:
            await asyncio.to_thread(rounds.run, report, tell)
        finally:
            over.set()  # a thread is not ended by whoever waits for it
            judge(report, result)

    shape = report.shape
    about = {"part": asked.part, "rounds": shape.rounds, "seconds": shape.seconds}
    result = Result("relay", "What relaying costs, beside others", this_checkout(), asked.seed, about)
    return carry_out(result, asked, measure, lambda _: pictures.svg(report))


if __name__ == "__main__":
    sys.exit(main())
