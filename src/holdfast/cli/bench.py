"""`holdfast bench`: the project's own figures on this machine, beside others.

What lives here: the command's options, their judgement, files in and out.
What never will: measuring (`bench`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli.errors import Exit, fail

if TYPE_CHECKING:
    from holdfast.bench.shapes import Shape

EXAMPLES = """
Examples:

  holdfast bench

  holdfast bench all --svg all.svg --json > all.json

  holdfast bench relay --sessions 100 --rounds 8 --peers nginx,litellm

  holdfast bench --json > base.json; holdfast bench --compare base.json

  holdfast bench --against HEAD~1

The gateway and whoever of nginx, haproxy, LiteLLM, an aiohttp relay (make bench-peers) and a bare picows
relay is here take turns on one core, load and upstream on others; every byte that comes back is compared.
What counts is the ratio within a round: microseconds hold for this machine only. Parts: quick (two minutes),
relay (a message, its latency), capacity (the most sessions), setups, memory, all (half an hour). With
--against the gateway of this checkout and that of another git revision run abreast on one core, started anew
for each pair. Exit code 1: something was lost or altered, --compare found it worse, or all of the 95 %
interval of --against lies above 1.05.
"""
SESSIONS_MAX = 4_000
SESSIONS_AGAINST = 50
SECONDS_AGAINST = 4.0
PAIRS_MAX = 1_000
FRAMES_MS = (20, 40, 60, 80, 100)


class Part(str, Enum):  # noqa: UP042 - typer reads the value of a plain string enum
    """What to measure."""

    QUICK = "quick"
    RELAY = "relay"
    CAPACITY = "capacity"
    SETUPS = "setups"
    MEMORY = "memory"
    ALL = "all"


def bench(
    *,
    part: Annotated[Part, typer.Argument(help="What to measure.")] = Part.QUICK,
    sessions: Annotated[
        str | None, typer.Option(help="Sessions at once, one number or several, such as 50,100,300.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, max=1_000, help="How often each takes its turn.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, max=600, help="Length of each measurement.")
    ] = None,
    frames: Annotated[str | None, typer.Option(help="Lengths of frames, ms, such as 20,100.")] = None,
    tls: Annotated[
        bool | None, typer.Option("--tls/--no-tls", help="Also before an upstream that speaks TLS.")
    ] = None,
    peers: Annotated[
        str | None, typer.Option(help="Whom to stand beside: nginx, haproxy, bare, aiohttp, litellm.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="REV", help="A git revision whose gateway to stand beside.")
    ] = None,
    pairs: Annotated[int, typer.Option(min=1, max=PAIRS_MAX, help="Pairs of each face for --against.")] = 30,
    compare: Annotated[Path | None, typer.Option(help="An earlier --json to stand beside.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Draw curves and bars into this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
) -> None:
    """Measure this project's own figures on this machine."""
    counts = read_sessions(sessions, as_json=as_json) if sessions is not None else ()
    if against is not None and (len(counts) > 1 or compare or svg or frames or peers or tls is not None):
        why = "It takes one number of --sessions, --pairs and --seconds."
        fix = f"For example: holdfast bench --against {against} --sessions 50"
        fail("--against stands alone.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    earlier = read_report(compare, as_json=as_json) if compare is not None else None
    if svg is not None and (svg.is_dir() or not svg.parent.is_dir()):
        why = "It is a folder." if svg.is_dir() else f"The folder {svg.parent} does not exist."
        fix = "Choose another --svg."
        fail(f"{svg} cannot be written.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    if against is not None:
        count = counts[0] if counts else SESSIONS_AGAINST
        raise typer.Exit(int(_against(against, count, pairs, seconds or SECONDS_AGAINST, as_json=as_json)))
    chosen: dict[str, Any] = {
        "sessions": counts or None,
        "seconds": seconds,
        "frames_ms": read_frames(frames, as_json=as_json) if frames is not None else None,
        "tls": tls,
        "names": read_peers(peers, as_json=as_json) if peers is not None else None,
        **dict.fromkeys(("rounds", "setup_rounds", "weight_rounds"), rounds),
    }
    shape = shaped(part.value, chosen)
    raise typer.Exit(int(_measure(shape, earlier, svg, as_json=as_json)))


def shaped(part: str, chosen: dict[str, Any]) -> Shape:
    """The part's own shape with what was chosen instead. Who asks for sessions gets those and no others."""
    from holdfast.bench.shapes import SHAPES  # noqa: PLC0415 - as below

    told = {name: value for name, value in chosen.items() if value is not None}
    if "sessions" in told:
        told["check_at"] = 0
    if "seconds" in told:
        for name in ("warm_up_s", "busy_warm_up_s", "active_s"):
            told[name] = min(getattr(SHAPES[part], name), told["seconds"])
    return replace(SHAPES[part], **told)


def read_sessions(text: str, *, as_json: bool = False) -> tuple[int, ...]:
    """`50,100` as numbers."""
    counts = _numbers(text)
    if not counts or not all(1 <= count <= SESSIONS_MAX for count in counts):
        why = f"Numbers from 1 to {SESSIONS_MAX} are wanted, with commas between."
        fix = "For example: --sessions 50,100"
        fail(f"--sessions {text!r} is not right.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    return counts


def read_frames(text: str, *, as_json: bool = False) -> tuple[int, ...]:
    """`20,100` as milliseconds."""
    lengths = _numbers(text)
    if not lengths or not set(lengths) <= set(FRAMES_MS):
        why, fix = f"Some of {', '.join(map(str, FRAMES_MS))} are wanted.", "For example: --frames 20,100"
        fail(f"--frames {text!r} is not right.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    return lengths


def read_peers(text: str, *, as_json: bool = False) -> tuple[str, ...]:
    """Who stands beside the gateway; an empty text: nobody."""
    from holdfast.bench.shapes import ALWAYS, EVERYBODY  # noqa: PLC0415 - as below

    names = set(filter(None, text.split(",")))
    unknown = names - set(EVERYBODY)
    if unknown:
        others = ", ".join(name for name in EVERYBODY if name not in ALWAYS)
        why, fix = f"Nobody is called {min(unknown)}.", f"Choose from {others}."
        fail(f"--peers {text!r} is not right.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    return tuple(name for name in EVERYBODY if name in names | ALWAYS)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        return ()


def read_report(path: Path, *, as_json: bool = False) -> dict[str, Any]:
    """The report of an earlier run."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        why = "" if told["kind"] == "holdfast.bench" else f"It is a report of {told['kind']}."
    except OSError as error:
        why = f"It cannot be read: {error.strerror}."
    except (ValueError, TypeError, KeyError):
        why = "It is not a report that `holdfast bench --json` printed."
    if why:
        fix = "Make one: holdfast bench --json > base.json"
        fail(f"{path} is nothing to compare with.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    assert isinstance(told, dict)
    return told


def _measure(shape: Shape, earlier: dict[str, Any] | None, svg: Path | None, *, as_json: bool) -> Exit:
    # picows and uvloop are loaded only now: `holdfast --help` shall not wait for them
    from holdfast.bench import drawing, goals, pictures, rounds  # noqa: PLC0415
    from holdfast.bench.candidates import BenchError  # noqa: PLC0415
    from holdfast.bench.report import changes  # noqa: PLC0415

    report, is_broken_off = rounds.empty(shape), False
    try:
        rounds.run(report, progress())
    except BenchError as error:
        fail(error.what, error.why, error.fix, as_json=as_json)
    except KeyboardInterrupt:
        is_broken_off = True
        report.notes.append("broken off by hand: these are the figures so far")
    found = changes(earlier, report) if earlier is not None else []
    if as_json:
        told = report.as_json() | {"goals": [one.as_json() for one in goals.judge(report.figures())]}
        if earlier is not None:
            told["comparison"] = [change.as_json() for change in found]
        print(json.dumps(told, ensure_ascii=False))
    else:
        print(drawing.text(report))
        if found:
            print(drawing.comparison(found))
    if svg is not None:  # last: what was measured is not lost to a picture that nobody may write
        try:
            svg.write_text(pictures.svg(report), encoding="utf-8")
        except OSError as error:
            fail(f"{svg} cannot be written.", f"{error.strerror}.", "Choose another --svg.", as_json=as_json)
    if is_broken_off:
        raise typer.Exit(130)
    is_worse = any(change.is_worse for change in found)
    return Exit.TROUBLE if report.faulty or is_worse else Exit.FINE


def _against(base: str, sessions: int, pairs: int, seconds: float, *, as_json: bool) -> Exit:
    from holdfast.bench import against, drawing  # noqa: PLC0415 - as above
    from holdfast.bench.candidates import BenchError  # noqa: PLC0415 - as above

    try:
        found = against.run(base, against.Shape(sessions, pairs, seconds), progress())
    except BenchError as error:
        fail(error.what, error.why, error.fix, as_json=as_json)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    print(json.dumps(found.as_json(), ensure_ascii=False) if as_json else drawing.against(found))
    return Exit.FINE if found.is_fine else Exit.TROUBLE


def progress() -> Callable[[str], None]:
    """One line that is written over on a terminal, plain lines elsewhere."""
    if not sys.stderr.isatty():
        return lambda line: print(line, file=sys.stderr, flush=True)
    return lambda line: print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
