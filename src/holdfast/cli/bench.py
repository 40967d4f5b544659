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

The gateway and bare picows relays take turns on one core, load and upstream on another. What counts is the
ratio within a round; microseconds hold for this machine only. Exit code 1: something was lost or altered, or
--compare found it worse.
"""
SESSIONS_MAX = 2_000


class Part(str, Enum):  # noqa: UP042 - typer reads the value of a plain string enum
    """What to measure."""

    RELAY = "relay"


def bench(
    *,
    part: Annotated[Part, typer.Argument(help="What to measure.")] = Part.RELAY,
    sessions: Annotated[str, typer.Option(help="Sessions at once, one number or several.")] = "50,100",
    rounds: Annotated[int, typer.Option(min=1, max=1_000, help="How often each takes its turn.")] = 4,
    seconds: Annotated[float, typer.Option(min=0.1, max=600, help="Length of each measurement.")] = 4.0,
    compare: Annotated[Path | None, typer.Option(help="An earlier --json to stand beside.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Draw the bars into this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
) -> None:
    """Measure this project's own figures on this machine."""
    counts = read_sessions(sessions, as_json=as_json)
    earlier = read_report(compare, as_json=as_json) if compare is not None else None
    if svg is not None and not svg.parent.is_dir():
        why, fix = f"The folder {svg.parent} does not exist.", "Choose another --svg."
        fail(f"{svg} cannot be written.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    measures: dict[Part, Callable[[], Exit]] = {
        Part.RELAY: lambda: _relay(counts, rounds, seconds, earlier, svg, as_json=as_json),
    }
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


def _progress() -> Callable[[str], None]:
    """One line that is written over on a terminal, plain lines elsewhere."""
    if not sys.stderr.isatty():
        return lambda line: print(line, file=sys.stderr, flush=True)
    return lambda line: print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
