"""A report as a picture that stands alone: curves over the number of sessions, bars for what has no curve.

What lives here: SVG. What never will: arithmetic beyond scaling.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from holdfast.bench.figures import spread
from holdfast.bench.report import Report
from holdfast.bench.shapes import DIRECT, Kind, Who

_WIDTH: Final = 420
_HEIGHT: Final = 230
_LEFT: Final = 60
_TOP: Final = 40
_GAP_X: Final = 110
_GAP_Y: Final = 34
_ROW: Final = 22
_FEET: Final = 62
"""From the axis to the first line of the legend."""
_LEGENDS: Final = 3
"""Names on one line of a legend."""
_LEGEND: Final = 15
_NAMES: Final = 190
"""Room for the names beside bars."""
_INK: Final = "#1c2733"
_FAINT: Final = "#52606d"
_COLOURS: Final[dict[str, str]] = {
    "direct": "#c9b458",
    "nginx": "#2f7d4f",
    "haproxy": "#8fbf9f",
    "bare": "#8a94a3",
    "gateway": "#1f6f8b",
    "unjoined": "#6f5fa8",
    "aiohttp": "#c97b3d",
    "litellm": "#b0413e",
}
_DASHES: Final[dict[str, str]] = {"json": "", "json-resume": "2 3", "page": "7 3", "binary": "1 2"}

Curve = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture within the picture."""

    title: str
    curves: Mapping[Who, Curve]
    unit: str
    is_log: bool = False
    bound: float | None = None
    """A line across."""


@dataclass(frozen=True, slots=True)
class Bars:
    """One bar for each."""

    title: str
    values: Mapping[Who, float]
    unit: str


def svg(report: Report) -> str:
    """Everything there is a panel for."""
    panels = [panel for panel in _panels(report) if _has_something(panel)]
    rows = math.ceil(len(panels) / 2)
    total_x = 2 * (_LEFT + _WIDTH) + _GAP_X
    heights = [max(_height(panel) for panel in panels[2 * at : 2 * at + 2]) for at in range(rows)]
    total_y = _TOP + sum(heights) + rows * _GAP_Y
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total_x} {total_y}" role="img">',
        "<title>What relaying costs</title>",
        f'<rect width="{total_x}" height="{total_y}" fill="#ffffff"/>',
        f'<g font-family="system-ui, sans-serif" font-size="12" fill="{_INK}">',
        f'<text x="14" y="22" fill="{_FAINT}">{escape(_caption(report))}</text>',
    ]
    top = _TOP
    for at, height in enumerate(heights):
        for column, panel in enumerate(panels[2 * at : 2 * at + 2]):
            left = column * (_LEFT + _WIDTH + _GAP_X / 2)
            draw = _curves(panel) if isinstance(panel, Panel) else _bars(panel)
            parts += [f'<g transform="translate({left:.0f} {top})">', *draw, "</g>"]
        top += height + _GAP_Y
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _panels(report: Report) -> Iterator[Panel | Bars]:
    relays = [one for one in report.relays if one != DIRECT]
    for kind in report.kinds:
        costs = {one: _costs(report, one, kind) for one in relays}
        if max(map(len, costs.values()), default=0) > 1:
            yield Panel(f"CPU for a message, frames of {kind}", costs, "us")
        else:
            values = {one: curve[0][1] for one, curve in costs.items() if curve}
            yield Bars(f"CPU for a message, frames of {kind}, us", values, "us")
    latencies = {one: _latencies(report, one) for one in report.relays}
    yield Panel("p99 of the round trip, frames of 20 ms", latencies, "ms", is_log=True, bound=20.0)
    carried = {one: count for one in relays if (count := report.carried(one))}
    yield Bars("sessions on one core (p99 under 20 ms)", carried, "")
    figures = {figure.name: figure.spread.median for figure in report.figures()}
    for what, title in (
        ("set-ups", "set-ups a second, one core"),
        ("idle session", "kB of an idle session"),
        ("active session", f"kB of a session after {report.shape.active_s:g} s of talk"),
    ):
        names = {one: f"{what} {one[0]}.{one[1]}" for one in relays}
        yield Bars(title, {one: figures[name] for one, name in names.items() if name in figures}, "")


def _has_something(panel: Panel | Bars) -> bool:
    if isinstance(panel, Bars):
        return bool(panel.values)
    return any(len(curve) > 1 for curve in panel.curves.values())


def _costs(report: Report, one: Who, kind: Kind) -> Curve:
    counts = sorted({talk.sessions for talk in report.of(one, kind)} & set(report.shape.sessions))
    return [(count, report.cost(one, kind, count).median) for count in counts]


def _latencies(report: Report, one: Who) -> Curve:
    """Where the most was looked for, all that was tried; else the medians of the rounds."""
    if report.searches and one not in report.searches:
        return []
    if one in report.searches:
        search = report.searches[one]
        return sorted(
            (count, sample.rtt_p99_ms) for count, sample in {**search.failed, **search.passed}.items()
        )
    talks = report.of(one, Kind())
    counts = sorted({talk.sessions for talk in talks})
    return [
        (count, spread([talk.sample.rtt_p99_ms for talk in talks if talk.sessions == count]).median)
        for count in counts
    ]


def _height(panel: Panel | Bars) -> int:
    if isinstance(panel, Bars):
        return _ROW * len(panel.values) + 20
    names = sum(bool(curve) for curve in panel.curves.values())
    return _HEIGHT + _FEET + _LEGEND * math.ceil(names / _LEGENDS)


def _curves(panel: Panel) -> Iterator[str]:
    drawn = {one: curve for one, curve in panel.curves.items() if curve}
    right = max(x for curve in drawn.values() for x, _ in curve)
    values = [y for curve in drawn.values() for _, y in curve]
    high = max(*values, panel.bound or 0.0) * 1.1
    low = min(values) * 0.8 if panel.is_log else 0.0

    def place(x: float, y: float) -> tuple[float, float]:
        share = math.log(y / low) / math.log(high / low) if panel.is_log else y / high
        return _LEFT + x / right * _WIDTH, 16 + _HEIGHT * (1 - share)

    yield f'<text x="{_LEFT}" y="6" font-weight="600">{escape(panel.title)}</text>'
    for tick in _ticks(low, high, is_log=panel.is_log):
        y = place(0, tick)[1]
        yield f'<path d="M{_LEFT} {y:.1f}h{_WIDTH}" stroke="#e4e8ee"/>'
        yield (
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="{_FAINT}">'
            f"{tick:g} {escape(panel.unit)}</text>"
        )
    if panel.bound is not None:
        y = place(0, panel.bound)[1]
        yield f'<path d="M{_LEFT} {y:.1f}h{_WIDTH}" stroke="#b0413e" stroke-dasharray="3 3"/>'
    for x in sorted(
        {x for curve in drawn.values() for x, _ in curve} if len(drawn) < 3 else _ticks(0, right)
    ):
        yield (
            f'<text x="{place(x, high)[0]:.1f}" y="{_HEIGHT + 32}" text-anchor="middle" fill="{_FAINT}">'
            f"{x:g}</text>"
        )
    yield f'<text x="{_LEFT + _WIDTH}" y="{_HEIGHT + 48}" text-anchor="end" fill="{_FAINT}">sessions</text>'
    for at, (one, curve) in enumerate(drawn.items()):
        yield from _curve(one, [place(x, y) for x, y in curve])
        yield from _legend(one, at)


def _curve(one: Who, points: Curve) -> Iterator[str]:
    colour, dash = _COLOURS[one[0]], _DASHES[one[1]]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    line = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
    yield f'<polyline points="{path}" fill="none" {line}/>'
    for x, y in points:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>'


def _legend(one: Who, at: int) -> Iterator[str]:
    x = _LEFT + at % _LEGENDS * (_WIDTH // _LEGENDS)
    y = _HEIGHT + _FEET + at // _LEGENDS * _LEGEND
    colour, dash = _COLOURS[one[0]], _DASHES[one[1]]
    yield f'<path d="M{x} {y - 4}h16" stroke="{colour}" stroke-width="2.5" stroke-dasharray="{dash}"/>'
    yield f'<text x="{x + 20}" y="{y}" font-size="10">{escape(_name(one))}</text>'


def _bars(bars: Bars) -> Iterator[str]:
    most = max(bars.values.values()) or 1.0
    room = _LEFT + _WIDTH - _NAMES - 50
    yield f'<text x="{_LEFT}" y="6" font-weight="600">{escape(bars.title)}</text>'
    for at, (one, value) in enumerate(bars.values.items()):
        y, width = 18 + at * _ROW, value / most * room
        yield f'<text x="{_NAMES - 8}" y="{y + 13}" text-anchor="end">{escape(_name(one))}</text>'
        yield f'<rect x="{_NAMES}" y="{y}" width="{width:.1f}" height="16" rx="2" fill="{_COLOURS[one[0]]}"/>'
        yield f'<text x="{_NAMES + width + 6:.1f}" y="{y + 13}">{_short(value)}</text>'


def _ticks(low: float, high: float, *, is_log: bool = False) -> list[float]:
    """Round numbers within."""
    if is_log:
        exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        return [10.0**one for one in exponents if low <= 10.0**one <= high]
    step = 10.0 ** math.floor(math.log10(high / 2))
    step = next(step * times for times in (1, 2, 5, 10) if high / (step * times) <= 6)
    return [step * at for at in range(int(high / step) + 1) if step * at >= low]


def _name(one: Who) -> str:
    return one[0] if one[1] == "json" else f"{one[0]} {one[1]}"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def _caption(report: Report) -> str:
    machine = report.machine
    where = f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}"
    return f"{where}; one core for the relay"
