"""`holdfast bench`: the project's own figures on this machine.

What lives here: the command's options, their judgement, files in and out.
What never will: measuring (`bench`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from holdfast.cli.errors import Exit, fail

EXAMPLES = """
Examples:

  holdfast bench

  holdfast bench --sessions 100 --rounds 8 --svg relay.svg

  holdfast bench --json > base.json; holdfast bench --compare base.json

  holdfast bench --against HEAD~1

The gateway and bare picows relays take turns on one core, load and upstream on another. What counts is the
ratio within a round; microseconds hold for this machine only. With --against the gateway of this checkout
and that of another git revision run abreast on one core, started anew for each pair. Exit code 1: something
was lost or altered, --compare found it worse, or all of the 95 % interval of --against lies above 1.05.
"""
SESSIONS_MAX = 2_000
SESSIONS = "50,100"
SESSIONS_AGAINST = "50"
PAIRS_MAX = 1_000


class Part(str, Enum):  # noqa: UP042 - typer reads the value of a plain string enum
    """What to measure."""

    RELAY = "relay"


def bench(
    *,
    part: Annotated[Part, typer.Argument(help="What to measure.")] = Part.RELAY,
    sessions: Annotated[
        str | None,
        typer.Option(
            help=f"Sessions at once, one number or several. [{SESSIONS}; --against: {SESSIONS_AGAINST}]"
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, max=1_000, help="How often each takes its turn.")] = 4,
    seconds: Annotated[float, typer.Option(min=0.1, max=600, help="Length of each measurement.")] = 4.0,
    against: Annotated[
        str | None, typer.Option(metavar="REV", help="A git revision whose gateway to stand beside.")
    ] = None,
    pairs: Annotated[int, typer.Option(min=1, max=PAIRS_MAX, help="Pairs of each face for --against.")] = 30,
    compare: Annotated[Path | None, typer.Option(help="An earlier --json to stand beside.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Draw the bars into this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
) -> None:
    """Measure this project's own figures on this machine."""
    counts = read_sessions(sessions or (SESSIONS_AGAINST if against else SESSIONS), as_json=as_json)
    if against is not None and (len(counts) > 1 or compare is not None or svg is not None):
        why = "It takes one number of --sessions, and no --compare or --svg."
        fix = f"For example: holdfast bench --against {against} --sessions 50"
        fail("--against stands alone.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    earlier = read_report(compare, as_json=as_json) if compare is not None else None
    if svg is not None and not svg.parent.is_dir():
        why, fix = f"The folder {svg.parent} does not exist.", "Choose another --svg."
        fail(f"{svg} cannot be written.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    measures: dict[Part, Callable[[], Exit]] = {
        Part.RELAY: lambda: _relay(counts, rounds, seconds, earlier, svg, as_json=as_json),
    }
    if against is not None:
        measures[Part.RELAY] = lambda: _against(against, counts[0], pairs, seconds, as_json=as_json)
    try:
        raise typer.Exit(int(measures[part]()))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def read_sessions(text: str, *, as_json: bool = False) -> tuple[int, ...]:
    """`50,100` as numbers."""
    try:
        counts = tuple(int(part) for part in text.split(","))
    except ValueError:
        counts = ()
    if not counts or not all(1 <= count <= SESSIONS_MAX for count in counts):
        why = f"Numbers from 1 to {SESSIONS_MAX} are wanted, with commas between."
        fix = "For example: --sessions 50,100"
        fail(f"--sessions {text!r} is not right.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    return counts


def read_report(path: Path, *, as_json: bool = False) -> dict[str, Any]:
    """The report of an earlier run."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        why = "" if told["kind"] == "holdfast.bench.relay" else f"It is a report of {told['kind']}."
    except OSError as error:
        why = f"It cannot be read: {error.strerror}."
    except (ValueError, TypeError, KeyError):
        why = "It is not a report that `holdfast bench --json` printed."
    if why:
        fix = "Make one: holdfast bench --json > base.json"
        fail(f"{path} is nothing to compare with.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    assert isinstance(told, dict)
    return told


def _relay(
    counts: tuple[int, ...],
    rounds: int,
    seconds: float,
    earlier: dict[str, Any] | None,
    svg: Path | None,
    *,
    as_json: bool,
) -> Exit:
    # picows and uvloop are loaded only now: `holdfast --help` shall not wait for them
    from holdfast.bench import drawing, relay  # noqa: PLC0415
    from holdfast.bench.candidates import BenchError  # noqa: PLC0415

    try:
        report = relay.run(relay.Shape(counts, rounds, seconds), _progress())
    except BenchError as error:
        fail(error.what, error.why, error.fix, as_json=as_json)
    changes = relay.changes(earlier, report) if earlier is not None else []
    if svg is not None:
        svg.write_text(drawing.svg(report), encoding="utf-8")
    if as_json:
        told = report.as_json()
        if earlier is not None:
            told["comparison"] = [change.as_json() for change in changes]
        print(json.dumps(told, ensure_ascii=False))
    else:
        print(drawing.text(report))
        if changes:
            print(drawing.comparison(changes))
    is_worse = any(change.is_worse for change in changes)
    return Exit.TROUBLE if report.faulty or is_worse else Exit.FINE


def _against(base: str, sessions: int, pairs: int, seconds: float, *, as_json: bool) -> Exit:
    from holdfast.bench import against, drawing  # noqa: PLC0415 - as above
    from holdfast.bench.candidates import BenchError  # noqa: PLC0415 - as above

    try:
        found = against.run(base, against.Shape(sessions, pairs, seconds), _progress())
    except BenchError as error:
        fail(error.what, error.why, error.fix, as_json=as_json)
    print(json.dumps(found.as_json(), ensure_ascii=False) if as_json else drawing.against(found))
    return Exit.FINE if found.is_fine else Exit.TROUBLE


def _progress() -> Callable[[str], None]:
    """One line that is written over on a terminal, plain lines elsewhere."""
    if not sys.stderr.isatty():
        return lambda line: print(line, file=sys.stderr, flush=True)
    return lambda line: print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
