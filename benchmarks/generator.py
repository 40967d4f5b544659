"""How many sessions the load itself carries: `python -m benchmarks.generator [--sessions 300,600,1000]`.

What lives here: both loads directly at the upstream, nothing between them, one core each.
What never will: a gateway. What stands here is the end of what can be measured with it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.rig.report import Result, arguments, carry_out, progress
from holdfast.bench import generator
from holdfast.bench.candidates import echo_upstream
from holdfast.bench.figures import percentile
from holdfast.bench.measuring import measure, measuring_cores
from holdfast.bench.plans import Generator, Plan, Sample
from holdfast.bench.revision import this_checkout

FRAMES_MS: Final = (20, 100)
WARM_UP_S: Final = 0.5
GOAL: Final = 1_000
"""Sessions of 20 ms frames that the compiled one is to carry."""


def row(name: Generator, sessions: int, found: Sequence[Sample]) -> dict[str, str | int | float | bool]:
    """Medians of the rounds, and whether most of them were the load's own limit."""

    def middle(values: Sequence[float]) -> float:
        return percentile(values, 0.5)

    return {
        "load": name,
        "frame ms": found[0].frame_ms,
        "sessions": sessions,
        "load's core": round(middle([one.load_share for one in found]), 3),
        "upstream's core": round(middle([one.upstream_share for one in found]), 3),
        "p50 ms": round(middle([one.rtt_p50_ms for one in found]), 3),
        "p99 ms": round(middle([one.rtt_p99_ms for one in found]), 3),
        "late p99 ms": round(middle([one.late_p99_ms for one in found]), 3),
        "at its end": sum(one.is_crowded for one in found) * 2 > len(found),
    }


def run(counts: Sequence[int], rounds: int, seconds: float, result: Result) -> None:
    """Every number of sessions with both loads in turn. Raises BenchError."""
    load_core, others = measuring_cores()
    loads: list[Generator] = ["compiled", "python"] if generator.program() is not None else ["python"]
    cells = [(ms, sessions, which) for ms in FRAMES_MS for sessions in counts for which in loads]
    found: dict[tuple[int, int, Generator], list[Sample]] = {cell: [] for cell in cells}
    with (
        TemporaryDirectory(prefix="holdfast-load-") as folder,
        echo_upstream(Path(folder), {min(others)}) as upstream,
    ):
        for at in range(rounds):
            for cell in cells:
                frame_ms, sessions, which = cell
                progress(f"round {at + 1}/{rounds}, {frame_ms} ms, {sessions} sessions: {which}")
                plan = Plan(
                    face="json",
                    url=upstream.websocket,
                    sessions=sessions,
                    seconds=seconds,
                    warm_up_s=WARM_UP_S,
                    pids=(upstream.pid,),
                    upstream_pid=upstream.pid,
                    frame_ms=frame_ms,
                    counts=upstream.counts,
                )
                sample = measure(plan, Path(folder), load_core, which)
                found[cell].append(replace(sample, load_cores=2))  # the upstream has one of its own
    result.rows += [row(which, sessions, samples) for (_, sessions, which), samples in found.items()]
    judge(found, result)


def judge(found: dict[tuple[int, int, Generator], list[Sample]], result: Result) -> None:
    """Nothing is lost, and the goal is carried."""
    faulty = sum(sample.faulty for samples in found.values() for sample in samples)
    result.check("frames lost, doubled, swapped or altered", faulty, 0)
    if (at_goal := found.get((20, GOAL, "compiled"))) is not None:
        calm = [one for one in at_goal if not one.is_crowded]
        name = f"rounds of {GOAL} sessions of 20 ms in which the compiled load kept time"
        result.check(name, len(calm), len(at_goal), is_fine=2 * len(calm) > len(at_goal))
    if (why := generator.doubt()) is not None:
        result.notes.append(why)


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, write. 1 when something is not as it must be."""
    parser = arguments(str(__doc__).partition("\n")[0])
    parser.add_argument("--sessions", default="100,300,600,1000", help="numbers with commas between")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    asked = parser.parse_args(argv)
    counts = [int(one) for one in asked.sessions.split(",")]

    async def measured(result: Result) -> None:
        await asyncio.to_thread(run, counts, asked.rounds, asked.seconds, result)

    about = {name: getattr(asked, name) for name in ("sessions", "rounds", "seconds")}
    result = Result("generator", "How many sessions the load carries", this_checkout(), asked.seed, about)
    return carry_out(result, asked, measured)


if __name__ == "__main__":
    sys.exit(main())
