"""A report for people: the table, bars of text, bars of SVG.

What lives here: layout. What never will: arithmetic beyond scaling a bar.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from holdfast.bench.against import BOUND, Comparison
from holdfast.bench.against import FACES as COMPARED
from holdfast.bench.figures import Change, Spread, percentile, spread
from holdfast.bench.relay import FACES, TARGET, Report

_BAR_CHARS: Final = 24
_BAR_PX: Final = 360
_ROW_PX: Final = 26
_LEFT_PX: Final = 250
_HEADING: Final = "Microseconds of one core for one relayed message (median, quartiles)"
_COLOURS: Final = {"nginx": "#c3cad3", "bare": "#9aa5b1", "gateway": "#1f6f8b"}


@dataclass(frozen=True, slots=True)
class Bar:
    """One cost: whose, on which face, with how many sessions."""

    name: str
    face: str
    sessions: int
    cost: Spread

    @property
    def title(self) -> str:
        """What stands left of the bar."""
        return f"{FACES[self.face]}, {self.sessions}, {self.name}"


def bars(report: Report) -> list[Bar]:
    """All costs, neighbours of one face and size side by side."""
    return [
        Bar(name, face, sessions, report.cost(name, face, sessions))
        for face in FACES
        for sessions in report.shape.sessions
        for name in _COLOURS
        if report.samples(name, face, sessions)
    ]


def text(report: Report) -> str:
    """The whole report."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    machine = report.machine
    yield (
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}, "
        f"picows {machine['picows']}, load before {machine['load_before']}"
    )
    yield ""
    rounds = report.shape.rounds
    yield f"Microseconds of one core for one relayed message: median (quartiles) of {rounds} rounds"
    yield "20 ms frames; on the right the round trip through relay and upstream, p50 / p99"
    yield ""
    drawn = bars(report)
    longest = max((bar.cost.high for bar in drawn), default=0.0) or 1.0
    width = max(len(bar.title) for bar in drawn)
    for bar in drawn:
        filled = round(bar.cost.median / longest * _BAR_CHARS)
        cost = bar.cost
        yield (
            f"  {bar.title:<{width}}  {'█' * filled:<{_BAR_CHARS}} "
            f"{cost.median:5.1f}  ({cost.low:.1f} to {cost.high:.1f})  {_round_trip(report, bar)}"
        )
    yield ""
    for face, title in FACES.items():
        ratio, everything = spread(report.ratios(face)), spread(report.all_ratios(face))
        verdict = "within" if ratio.median <= TARGET else "over"
        yield (
            f"  {title:<17} gateway / bare  {ratio.median:.2f}  ({ratio.low:.2f} to {ratio.high:.2f}, "
            f"{ratio.n} pairs)  {verdict} the bound of {TARGET:.2f};  "
            f"all {everything.n}: {everything.median:.2f}"
        )
        if beside := report.ratios(face, name="nginx"):
            peer = spread(beside)
            yield f"  {'':<17} nginx / bare    {peer.median:.2f}  ({peer.low:.2f} to {peer.high:.2f})"
    yield ""
    shares = [m.sample.load_share + m.sample.upstream_share for m in report.measured]
    yield (
        f"  {report.messages} messages, {report.faulty} lost or altered; "
        f"load and upstream used {percentile(shares, 0.5):.0%} of their core (at most {max(shares):.0%})"
    )
    for doubt in report.doubts:
        yield f"  note: {doubt}"


def _round_trip(report: Report, bar: Bar) -> str:
    samples = report.samples(bar.name, bar.face, bar.sessions)
    p50 = percentile([sample.rtt_p50_ms for sample in samples], 0.5)
    p99 = percentile([sample.rtt_p99_ms for sample in samples], 0.5)
    return f"{p50:.2f} / {p99:.2f} ms"


def comparison(changes: Sequence[Change]) -> str:
    """Today's ratios beside earlier ones."""
    lines = ["  beside the earlier run:"]
    lines += [
        f"  {FACES[one.face]:<17} {one.was:.2f} -> {one.is_now:.2f}  (noise {one.noise:.2f})  "
        f"{'WORSE' if one.is_worse else 'as good'}"
        for one in changes
    ]
    return "\n".join(lines)


def against(comparison: Comparison) -> str:
    """This gateway beside another revision of itself."""
    return "\n".join(_against(comparison))


def _against(comparison: Comparison) -> Iterator[str]:
    about, shape = comparison.machine, comparison.shape
    yield (
        f"{about['processor']}, {about['cores']} cores, {about['system']}, Python {about['python']}, "
        f"load before {about['load_before']}"
    )
    yield ""
    yield f"  base       {comparison.base.name}  {comparison.base.title}"
    yield f"  candidate  {comparison.candidate.name}  {comparison.candidate.title}"
    yield ""
    yield f"Microseconds of one core for one relayed message; {shape.sessions} sessions of 20 ms frames"
    yield ""
    for face, title in COMPARED.items():
        theirs, ours = comparison.cost_us(face)
        ratio = comparison.ratio(face)
        yield (
            f"  {title:<17} {theirs:5.1f} -> {ours:5.1f}   ratio {ratio}, {ratio.n} pairs: "
            f"{comparison.verdict(face)}"
        )
    yield ""
    yield "  median of the pairs' ratios with its 95 % interval from order statistics;"
    yield f"  it fails when all of the interval lies above {BOUND:.2f}"
    yield (
        f"  {comparison.messages} messages compared byte by byte, {comparison.faulty} lost or altered; "
        f"{comparison.disturbed} of {len(comparison.rounds)} pairs were held up by other work"
    )


def svg(report: Report) -> str:
    """The bars as a picture that stands alone, light or dark."""
    drawn = bars(report)
    longest = max((bar.cost.high for bar in drawn), default=0.0) or 1.0
    height = _ROW_PX * (len(drawn) + 2)
    total = _LEFT_PX + _BAR_PX + 90
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height}" role="img">',
        '<g font-family="system-ui, sans-serif" font-size="13">',
        "<title>Processor time for one relayed message</title>",
        f'<rect width="{total}" height="{height}" fill="#ffffff"/>',
        f'<text x="10" y="18" font-weight="600" fill="#1c2733">{_HEADING}</text>',
    ]
    for at, bar in enumerate(drawn):
        parts.append(_svg_row(bar, _ROW_PX * (at + 1) + 6, _BAR_PX / longest))
    parts.append(
        f'<text x="10" y="{height - 8}" fill="#52606d" font-size="11">{escape(_caption(report))}</text>'
    )
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _svg_row(bar: Bar, top: int, scale: float) -> str:
    cost = bar.cost
    end = _LEFT_PX + cost.median * scale
    low, high = _LEFT_PX + cost.low * scale, _LEFT_PX + cost.high * scale
    middle = top + 9
    return (
        f'<text x="10" y="{top + 14}" fill="#1c2733">{escape(bar.title)}</text>'
        f'<rect x="{_LEFT_PX}" y="{top}" width="{end - _LEFT_PX:.1f}" height="18" rx="3" '
        f'fill="{_COLOURS[bar.name]}"/>'
        f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="#1c2733" stroke-width="1.5"/>'
        f'<text x="{max(end, high) + 8:.1f}" y="{top + 14}" fill="#1c2733">{cost.median:.1f}</text>'
    )


def _caption(report: Report) -> str:
    machine = report.machine
    return f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}, 20 ms frames"
