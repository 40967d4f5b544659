"""How a run tells what it found: a table and a verdict for people, JSON for machines, a dated page.

What lives here: layout, files, the line of progress.
What never will: figures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, Final

import uvloop

from benchmarks.rig.house import PROJECT
from holdfast.bench import machine
from holdfast.bench.candidates import BenchError
from holdfast.bench.revision import Revision

MEASUREMENTS: Final = PROJECT / "docs" / "measurements"

Cell = str | int | float | bool | None
_WIDTH_PX: Final = 760
_HEIGHT_PX: Final = 150
_LEFT_PX: Final = 70
_GAP_PX: Final = 34
_POINTS: Final = 600


@dataclass(slots=True)
class Check:
    """Something that must be so."""

    name: str
    is_fine: bool
    found: str
    wanted: str


@dataclass(slots=True)
class Result:
    """What one run found. `rows` are the table."""

    kind: str
    title: str
    revision: Revision
    seed: int
    shape: Mapping[str, Any]
    rows: list[Mapping[str, Cell]] = field(default_factory=list)
    tables: dict[str, list[Mapping[str, Cell]]] = field(default_factory=dict)
    """Further ones, by their titles."""
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=machine.description)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0
    interrupted: bool = False

    def check(
        self,
        name: str,
        found: float,
        wanted: float,
        unit: str = "",
        *,
        is_fine: bool | None = None,
        at_least: bool = False,
    ) -> None:
        """`found` at most `wanted`, or `at_least` so much, unless `is_fine` says otherwise."""
        fine = (found >= wanted if at_least else found <= wanted) if is_fine is None else is_fine
        told = f"{'>=' if at_least else '<='} {wanted:g} {unit}".strip()
        self.checks.append(Check(name, fine, f"{found:.4g} {unit}".strip(), told))

    @property
    def is_fine(self) -> bool:
        """Whether all that must be so is so, and the run came to its end."""
        return not self.interrupted and all(check.is_fine for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "kind": f"holdfast.endurance.{self.kind}",
            "began": self.began.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 1),
            "revision": self.revision.as_json(),
            "seed": self.seed,
            "shape": dict(self.shape),
            "machine": self.machine,
            "fine": self.is_fine,
            "interrupted": self.interrupted,
            "checks": [
                {"name": one.name, "fine": one.is_fine, "found": one.found, "wanted": one.wanted}
                for one in self.checks
            ],
            "rows": [dict(row) for row in self.rows],
            **({"tables": {title: list(rows) for title, rows in self.tables.items()}} if self.tables else {}),
            "notes": self.notes,
            "details": self.details,
        }

    def text(self) -> str:
        """For people."""
        lines = [self.title, *self._about(), ""]
        lines += [f"  {line}" for line in table(self.rows)]
        for title, rows in self.tables.items():
            lines += ["", f"  {title}", *(f"  {line}" for line in table(rows))]
        lines += ["", *(_judged(check) for check in self.checks)]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def page(self, picture: str | None = None) -> str:
        """The dated page, in Markdown."""
        lines = [f"# {self.title}", "", *(f"* {line.strip()}" for line in self._about()), ""]
        lines += list(markdown(self.rows))
        for title, rows in self.tables.items():
            lines += ["", f"## {title}", "", *markdown(rows)]
        lines += ["", "| must be | found | wanted | |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {one.name} | {one.found} | {one.wanted} | {'yes' if one.is_fine else '**no**'} |"
            for one in self.checks
        ]
        lines += ["", *(f"* {note}" for note in self.notes)]
        if picture is not None:
            lines += ["", f"![{self.title}]({picture})"]
        return "\n".join(lines).rstrip() + "\n"

    def _about(self) -> list[str]:
        about = self.machine
        shape = ", ".join(f"{name} {value}" for name, value in self.shape.items())
        ending = ", interrupted" if self.interrupted else ""
        return [
            f"  {self.began:%Y-%m-%d %H:%M} UTC, commit {self.revision.name}, seed {self.seed}",
            f"  {self.seconds:.0f} s{ending}: {shape}",
            f"  {about['processor']}, {about['cores']} cores, {about['system']}, Python {about['python']}",
            f"  load average before: {about['load_before']}",
        ]


def _judged(check: Check) -> str:
    return f"  {'ok  ' if check.is_fine else 'FAIL'}  {check.name}: {check.found} (wanted {check.wanted})"


def table(rows: Sequence[Mapping[str, Cell]]) -> list[str]:
    """Columns as wide as their widest cell."""
    if not rows:
        return []
    names = list(rows[0])
    cells = [names, *([_cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(names))]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def markdown(rows: Sequence[Mapping[str, Cell]]) -> list[str]:
    """The same for a page."""
    if not rows:
        return []
    names = list(rows[0])
    lines = [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
    return lines + [f"| {' | '.join(_cell(row.get(name)) for name in names)} |" for row in rows]


def _cell(value: Cell) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


# files


def arguments(description: str) -> argparse.ArgumentParser:
    """What every run takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seed", type=int, default=1, help="of every chance in the run")
    parser.add_argument("--rev", help="measure this git revision, not the checkout")
    parser.add_argument("--json", action="store_true", help="print the whole result as JSON")
    parser.add_argument("--out", type=Path, default=MEASUREMENTS, help="folder of the dated page")
    parser.add_argument("--no-page", action="store_true", help="write no dated page")
    return parser


def deliver(result: Result, asked: argparse.Namespace, picture: str | None = None) -> int:
    """Print, write the dated page, its figures and its picture; answers the exit code."""
    progress("")
    if asked.json:
        sys.stdout.write(json.dumps(result.as_json(), ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(result.text() + "\n")
    if not asked.no_page:
        asked.out.mkdir(parents=True, exist_ok=True)
        stem = f"{result.began:%Y-%m-%d-%H%M}-{result.kind}"
        if picture is not None:
            (asked.out / f"{stem}.svg").write_text(picture, encoding="utf-8")
        (asked.out / f"{stem}.json").write_text(
            json.dumps(result.as_json(), indent=1) + "\n", encoding="utf-8"
        )
        page = asked.out / f"{stem}.md"
        page.write_text(result.page(f"{stem}.svg" if picture is not None else None), encoding="utf-8")
        sys.stderr.write(f"written: {page}\n")
    return 130 if result.interrupted else 0 if result.is_fine else 1


def carry_out(
    result: Result,
    asked: argparse.Namespace,
    measure: Callable[[Result], Coroutine[Any, Any, None]],
    picture: Callable[[Result], str] | None = None,
) -> int:
    """Run it and deliver what it found, also when it is interrupted; answers the exit code."""
    began = time.monotonic()
    # Whoever ends us by SIGTERM wants what Ctrl-C gives: processes ended, figures kept.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_or_interrupted(measure(result)))
    except KeyboardInterrupt:
        result.interrupted = True
    except BenchError as error:
        sys.stderr.write(f"error: {error.what}\n  why:  {error.why}\n  fix:  {error.fix}\n")
        return 1
    result.seconds = time.monotonic() - began
    return deliver(result, asked, picture(result) if picture is not None and result.details else None)


async def _or_interrupted(measuring: Coroutine[Any, Any, None]) -> None:
    """Ctrl-C ends the load as well: that it broke off is then no failure of the run."""
    try:
        await measuring
    except BenchError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from error
        raise


_said: float = 0.0


def progress(line: str, *, every_s: float = 0.0) -> None:
    """One line that is written over on a terminal, plain lines elsewhere; at most one in `every_s`."""
    global _said  # noqa: PLW0603 - a terminal has one last line
    now = time.monotonic()
    if now - _said < every_s:
        return
    _said = now
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{line}")
    elif line:
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


# pictures


def chart(
    title: str, at: Sequence[float], lines: Mapping[str, Sequence[float]], marks: Sequence[float] = ()
) -> str:
    """One strip for each series over the same time, seconds; `marks` are upright lines."""
    height = (_HEIGHT_PX + _GAP_PX) * len(lines) + 30
    total = _LEFT_PX + _WIDTH_PX + 20
    end = max(at, default=1.0) or 1.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{total}" height="{height}" fill="#ffffff"/>',
        '<g font-family="system-ui, sans-serif" font-size="12" fill="#1c2733">',
        f'<text x="10" y="18" font-weight="600">{escape(title)}</text>',
    ]
    for index, (name, values) in enumerate(lines.items()):
        parts += _strip(
            name, list(zip(at, values, strict=True)), marks, end, 30 + index * (_HEIGHT_PX + _GAP_PX)
        )
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _strip(
    name: str, series: Sequence[tuple[float, float]], marks: Sequence[float], end: float, top: int
) -> list[str]:
    most = max((value for _, value in series), default=0.0) or 1.0
    step = max(1, len(series) // _POINTS)
    points = " ".join(
        f"{_LEFT_PX + x / end * _WIDTH_PX:.1f},{top + 16 + _HEIGHT_PX * (1 - value / most):.1f}"
        for x, value in series[::step]
    )
    foot = top + 16 + _HEIGHT_PX
    upright = "".join(f"M{_LEFT_PX + x / end * _WIDTH_PX:.1f} {top + 16}V{foot}" for x in marks)
    return [
        f'<text x="{_LEFT_PX}" y="{top + 10}">{escape(name)}</text>',
        f'<path d="{upright}" stroke="#e8b4a8" stroke-width="1"/>',
        f'<path d="M{_LEFT_PX} {foot}h{_WIDTH_PX}" stroke="#9aa5b1"/>',
        f'<text x="{_LEFT_PX - 8}" y="{top + 26}" text-anchor="end">{most:.4g}</text>',
        f'<text x="{_LEFT_PX - 8}" y="{foot}" text-anchor="end">0</text>',
        f'<text x="{_LEFT_PX + _WIDTH_PX}" y="{foot + 13}" text-anchor="end">{end:.0f} s</text>',
        f'<polyline points="{points}" fill="none" stroke="#1f6f8b" stroke-width="1.3"/>',
    ]
