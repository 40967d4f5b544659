"""Reports for people, as text: tables, ratios, goals.

What lives here: layout. What never will: arithmetic, pictures (`pictures`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from holdfast.bench import goals
from holdfast.bench.against import BOUND, Comparison
from holdfast.bench.against import FACES as COMPARED
from holdfast.bench.contenders import FACES
from holdfast.bench.figures import TIMES, Change, Figure, Spread
from holdfast.bench.report import Report
from holdfast.bench.shapes import DIRECT, Kind, Who

Row = Sequence[str]


def text(report: Report) -> str:
    """The whole report."""
    return "\n".join(_lines(report)).rstrip()


def _lines(report: Report) -> Iterator[str]:
    machine = report.machine
    yield (
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}, "
        f"picows {machine['picows']}, load before {machine['load_before']}"
    )
    for name, remedy in report.absent.items():
        yield f"absent: {name} ({remedy})"
    for section in (_talks, _capacities, _starts, _weights, _ratios, _goals):
        lines = list(section(report))
        if lines:
            yield ""
            yield from lines
    yield ""
    yield f"  {report.messages} messages compared; {report.faulty} lost, altered, doubled, swapped"
    for doubt in report.doubts:
        yield f"  note: {doubt}"


def _talks(report: Report) -> Iterator[str]:
    if report.talks:
        yield "Processor time of one core: us for a message, median (quartiles); ms for a second of speech."
        yield "Then what the relay adds to the round trip, ms, beside no relay; and its share of the core"
    for kind in report.kinds:
        for sessions in sorted({talk.sessions for talk in report.of_kind(kind)}):
            yield ""
            yield f"  {sessions} sessions, frames of {kind}"
            there = [one for one in report.relays if report.of(one, kind, sessions)]
            rows = [_talk(report, one, kind, sessions) for one in there]
            head = ("", "", "us", "", "ms/s", "added p50", "p95", "p99", "core")
            yield from aligned([head, *rows], indent=4, left=2)


def _talk(report: Report, one: Who, kind: Kind, sessions: int) -> Row:
    share = report.median(one, kind, sessions, "candidate_share")
    if one == DIRECT:
        straight = [report.median(one, kind, sessions, f"rtt_{at}_ms") for at in ("p50", "p95", "p99")]
        return (*who(one), "-", "", "-", *(f"({value:.2f})" for value in straight), "-")
    cost = report.cost(one, kind, sessions)
    added = [report.added_ms(one, kind, sessions, at) for at in ("p50", "p95", "p99")]
    per_s = report.median(one, kind, sessions, "cpu_ms_per_audio_s")
    told = (f"{value.median:.2f}" if value.n else "-" for value in added)
    return (*who(one), f"{cost.median:.1f}", quartiles(cost, 1), f"{per_s:.2f}", *told, f"{share:.0%}")


def _capacities(report: Report) -> Iterator[str]:
    if not report.searches:
        return
    yield "Sessions on one core, 99 of 100 round trips under 20 ms: as tried, as processor time promises"
    rows = []
    for one, search in report.searches.items():
        more = "" if search.is_bracketed else " or more"
        rows.append((*who(one), f"{search.low}{more}", f"{search.computed:.0f}"))
    yield from aligned([("", "", "tried", "promised"), *rows], indent=4, left=2)


def _starts(report: Report) -> Iterator[str]:
    if not report.starts:
        return
    yield "Set-ups: connect, shake hands, be ready, close; a second of one core, and microseconds for each"
    rows = []
    for figure, one in _of_each(report, "set-ups"):
        mine = [start.setups for start in report.starts if (start.name, start.face) == one]
        cost = "-" if one == DIRECT else f"{sorted(found.cpu_us for found in mine)[len(mine) // 2]:.0f}"
        ready = sorted(found.ready_p50_ms for found in mine)[len(mine) // 2]
        spread = figure.spread
        rows.append((*who(one), f"{spread.median:.0f}", quartiles(spread, 0), cost, f"{ready:.1f}"))
    yield from aligned([("", "", "a second", "", "us", "ready after ms"), *rows], indent=4, left=2)


def _weights(report: Report) -> Iterator[str]:
    if not report.weights:
        return
    shape = report.shape
    talked = f"after {shape.active_s:g} s of talk ({shape.active})"
    yield f"Memory of a session, kB: idle ({shape.idle} of them), {talked}"
    active = {one: figure.spread for figure, one in _of_each(report, "active session")}
    rows = [
        (
            *who(one),
            f"{figure.spread.median:.1f}",
            quartiles(figure.spread, 1),
            f"{active[one].median:.0f}" if one in active else "-",
        )
        for figure, one in _of_each(report, "idle session")
    ]
    yield from aligned([("", "", "idle", "", "active"), *rows], indent=4, left=2)


def _of_each(report: Report, what: str) -> Iterator[tuple[Figure, Who]]:
    by_name = {figure.name: figure for figure in report.figures()}
    for one in report.relays:
        figure = by_name.get(f"{what} {one[0]}.{one[1]}")
        if figure is not None:
            yield figure, one


def _ratios(report: Report) -> Iterator[str]:
    found = [figure for figure in report.figures() if figure.unit == TIMES]
    if found:
        yield "Ratios, paired within a round: median (quartiles)"
    rows = [
        (figure.name, f"{figure.spread.median:.2f}", quartiles(figure.spread, 2), f"{figure.spread.n} pairs")
        for figure in found
    ]
    yield from aligned(rows, indent=4)


def _goals(report: Report) -> Iterator[str]:
    verdicts = goals.judge(report.figures())
    if verdicts:
        missing = len(goals.GOALS) - len(verdicts)
        yield f"Goals{f' ({missing} others were not measured)' if missing else ''}"
    rows = [
        (
            one.word,
            one.goal.what,
            f"{one.found.spread.median:.2f} {one.found.unit}",
            quartiles(one.found.spread, 2),
            f"wanted {one.wanted}",
        )
        for one in verdicts
    ]
    yield from aligned(rows, indent=4, left=5)


def who(one: Who) -> tuple[str, str]:
    """A contender and its face, for people."""
    return one[0], FACES[one[1]]


def quartiles(found: Spread, digits: int) -> str:
    """In brackets; nothing where there is one value."""
    return f"({found.low:.{digits}f} to {found.high:.{digits}f})" if found.n > 1 else ""


def aligned(rows: Sequence[Row], *, indent: int, left: int = 1) -> list[str]:
    """Columns as wide as their widest cell; the first `left` begin at the left, others end at the right."""
    if not rows:
        return []
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        " " * indent
        + "  ".join(
            f"{cell:<{width}}" if at < left else f"{cell:>{width}}"
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def comparison(changes: Sequence[Change]) -> str:
    """Today's figures beside earlier ones."""
    rows = [
        (one.name, f"{one.was:.2f} -> {one.is_now:.2f}", f"noise {one.noise:.2f}", one.word)
        for one in changes
    ]
    worse = sum(one.is_worse for one in changes)
    verdict = f"FAIL: {worse} of {len(changes)} are worse" if worse else f"pass: {len(changes)} are as good"
    return "\n".join(["", "Beside the earlier run", *aligned(rows, indent=4), f"  {verdict}"])


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
