"""The page of the reference, written from the newest figures of docs/measurements.

What lives here: words and tables. `python -m benchmarks.budget --page` writes it again; a test knows when it
is stale.
What never will: figures that no run gave.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks.budget.budget import Budget
from benchmarks.budget.layers import LAYERS
from benchmarks.rig.report import MEASUREMENTS, Cell, markdown

SUFFIX: Final = "-budget.json"
PAGE: Final = MEASUREMENTS.parent / "reference" / "budget.md"
_NOTE: Final = (
    "<!-- Written by `python -m benchmarks.budget` from its newest figures. Run it; do not edit. -->"
)
_LEAST_US: Final = 0.05


def newest(folder: Path = MEASUREMENTS) -> Path:
    """The newest figures: their names begin with the date."""
    return max(folder.glob(f"*{SUFFIX}"))


def text(figures: Path) -> str:
    """The page."""
    budget = Budget.of(json.loads(figures.read_text()))
    return "\n".join(_lines(budget, figures.name)) + "\n"


WHO: Final = """\
Microseconds of one core for one message relayed one way, 20 ms of sound, by whose they are. Each column was
under the same load in turn, round by round: the gateway as `holdfast serve` starts it, a bare picows relay
that does nothing else, and nginx, which copies bytes and looks at no message."""
SUM: Final = """\
*measured* is the scheduler's account of the process, *sum* that of the rows, which are perf's samples,
{samples:,} in all; they differ by {worst:.1%} at most. The scheduler counts the switch to a process and from
it, in which no sample is the process's: who sleeps for each message, as nginx does here, has most of it."""
KERNEL: Final = """\
On one machine the two ends of a socket share a kernel: *send* carries a message through TCP up to the other
end's queue, and *wake the receiver* tells another core of it. Nothing above the kernel makes either cheaper
but sending less often."""
HOW: Final = """\
{began} UTC, commit {commit}; {processor}, {cores} cores, {system}, Python {python},
load average before {load_before}; {sessions} sessions, {rounds} rounds of {seconds:g} s for each column,
sampled {hz} times a second of processor time. How the interpreter's part is divided, and what stands on what
in a picture, is py-spy's word, which stops the process to look: shares of perf's figures, not figures of its
own.

The figures are in [{source}](../measurements/{source}).
`make budget` (Linux, root, perf, py-spy; some minutes) makes new ones, the pictures and this page."""


def _lines(budget: Budget, source: str) -> Iterator[str]:
    yield from (_NOTE, "", "# Where each microsecond of a message goes", "", WHO, "")
    yield from markdown(_table(budget))
    worst = max((abs(column.error) for column in budget.columns), default=0.0)
    samples = sum(column.samples for column in budget.columns)
    yield from ("", SUM.format(samples=samples, worst=worst))
    yield from ("", KERNEL)
    for column in budget.columns:
        if column.modules:
            yield from ("", f"## The interpreter's part: {column.title}", "")
            yield from markdown(_modules(column.modules))
            yield from ("", f"![{column.title}](../measurements/{column.flame})")
    changed = " with changes" if budget.revision["changed"] else ""
    commit = f"{budget.revision['commit'][:10]}{changed}"
    told = {**budget.machine, **budget.shape, "began": budget.began, "commit": commit, "source": source}
    yield from ("", "## How this was measured", "", HOW.format(**told))


def _table(budget: Budget) -> list[dict[str, Cell]]:
    used = [name for name in LAYERS if any(name in column.layers for column in budget.columns)]
    rows: list[dict[str, Cell]] = [
        {"": name, **{column.title: _us(column.layers.get(name)) for column in budget.columns}}
        for name in used
    ]
    rows.append({"": "**sum**", **{column.title: f"{column.sampled_us:.1f}" for column in budget.columns}})
    rows.append({"": "**measured**", **{column.title: f"{column.cpu_us:.1f}" for column in budget.columns}})
    return rows


def _modules(modules: dict[str, float]) -> Sequence[dict[str, Cell]]:
    shown = [(name, cost) for name, cost in modules.items() if cost >= _LEAST_US]
    rest = sum(modules.values()) - sum(cost for _, cost in shown)
    rows: list[dict[str, Cell]] = [{"module": f"`{name}`", "us": _us(cost)} for name, cost in shown]
    return [*rows, {"module": "all others", "us": _us(rest)}]


def _us(cost: float | None) -> str | None:
    return None if cost is None else f"{cost:.2f}"
