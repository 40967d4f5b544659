"""Several workers beside one: `python -m benchmarks.workers [--share 0.4] [--rounds 3]`.

What lives here: one worker, then two, each held to a part of a core; how many sessions they carry with a
round trip below the bound; whether every byte comes back, and every client that was cut, wherever its session
is.
What never will: how a process is held, and the load itself.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.rig.quota import held
from benchmarks.rig.report import Result, arguments, carry_out, progress
from benchmarks.rig.returning import come_back
from holdfast.bench import generator, machine
from holdfast.bench.candidates import (
    Upstream,
    echo_upstream,
    gateway_settings,
    plain_environment,
    process,
)
from holdfast.bench.measuring import measure, measuring_cores
from holdfast.bench.plans import Plan, Sample
from holdfast.bench.revision import this_checkout

P99_MS: Final = 20.0
RATIO: Final = 1.8
BELIEVED: Final = 2.3
PROBE: Final = 30
"""Sessions for each worker that tell what one costs."""
FIRST: Final = 0.6
"""The share of what that promises which the search begins with."""
STEP: Final = 0.05
MISSES: Final = 2
"""So many in a row end the search: one may be the machine's mood."""
RETURNS: Final = 40
MESSAGES_PER_S: Final = 100
"""Of one session: 20 ms frames, both ways."""


@dataclass(frozen=True, slots=True)
class Staffed:
    """A running gateway: where, its front, and who runs conversations (the same process where it is one)."""

    authority: str
    front: int
    workers: tuple[int, ...]

    @property
    def browser(self) -> str:
        """The browser protocol's socket."""
        return f"ws://{self.authority}/api/openai/realtime"

    @property
    def processes(self) -> tuple[int, ...]:
        """All whose processor time is the gateway's."""
        return tuple(dict.fromkeys((self.front, *self.workers)))


@dataclass(slots=True)
class Round:
    """What one gateway carried."""

    workers: int
    sessions: int = 0
    at: Sample | None = None
    """The largest load that passed."""
    frames: int = 0
    faulty: int = 0
    returned: int = 0
    tried: int = 0
    by_processor: float = 0.0
    """Sessions that would fill what the workers may have, from what a message cost at the probe: with as many
    sessions for each worker, or the fuller one would look cheaper.
    """
    tries: list[dict[str, Any]] = field(default_factory=list)


@contextlib.contextmanager
def staffed(
    workers: int, share: float, upstream: Upstream, folder: Path, cores: tuple[set[int], set[int]]
) -> Iterator[tuple[Staffed, str]]:
    """`holdfast serve --workers N`, each worker held to `share` of a core; answers how, too.

    The front, which passes no message on, is beside the load. Nobody is refused for load: that is what is
    looked for. And no appends are joined, which would take longer than a round trip may.
    """
    environment = plain_environment() | gateway_settings(upstream, folder)
    environment["HOLDFAST_LIMITS__OVERLOAD_FROM_SESSIONS"] = "100000"
    environment["HOLDFAST_LIMITS__APPEND_JOIN_MS"] = "0"
    command = ["holdfast.cli", "serve", "--port", "0", "--json", "--workers", str(workers)]
    with process(command, environment, folder, cores[1]) as (pid, told), contextlib.ExitStack() as stack:
        found = tuple(told.get("workers") or (pid,))
        for one in found:
            machine.pin(one, cores[0])
        how = [stack.enter_context(held(one, share)) for one in found]
        yield Staffed(str(told["url"]).removeprefix("http://"), pid, found), how[0]


def carried(
    gateway: Staffed, upstream: Upstream, asked: argparse.Namespace, folder: Path, load_cores: set[int]
) -> Round:
    """How many sessions pass, and what was seen on the way there."""
    found = Round(len(gateway.workers))

    def tried(sessions: int) -> Sample:
        title = f"{found.workers} worker{'s' * (found.workers > 1)}, {sessions} sessions"
        progress(title)
        plan = Plan(
            asked.face,
            gateway.browser if asked.face != "json" else _realtime(gateway),
            sessions,
            asked.seconds,
            asked.warm_up,
            gateway.processes,
            upstream.pid,
        )
        sample = measure(plan, folder, load_cores)
        if not found.tries:
            found.by_processor = asked.share * found.workers * 1e6 / (sample.cpu_us * MESSAGES_PER_S)
        found.frames += sample.messages
        found.faulty += sample.faulty
        facts = {"sessions": sessions, "p99_ms": sample.rtt_p99_ms, "late_ms": sample.late_p99_ms}
        found.tries.append({**facts, "share": sample.candidate_share, "crowded": sample.is_crowded})
        return sample

    sample = tried(PROBE * found.workers)
    promised = PROBE * found.workers * asked.share * found.workers / max(sample.candidate_share, 1e-6)
    if sample.rtt_p99_ms < P99_MS:
        found.sessions, found.at = PROBE * found.workers, sample
    missed, part = 0, FIRST
    while missed < MISSES:
        sessions = max(PROBE * found.workers, round(promised * part))
        sample = tried(sessions)
        if sample.rtt_p99_ms < P99_MS and not sample.faulty:
            found.sessions, found.at, missed = sessions, sample, 0
        else:
            missed += 1
        part += STEP
    return found


def _realtime(gateway: Staffed) -> str:
    return f"ws://{gateway.authority}/v1/realtime?model=gpt-realtime"


async def measure_all(asked: argparse.Namespace, result: Result) -> None:
    """One worker and two, round by round: a shared machine's mood meets both."""
    cores = measuring_cores()
    machine.pin(os.getpid(), cores[1])
    rounds: list[Round] = []
    result.details["rounds"] = []
    for number in range(asked.rounds):
        for workers in (1, 2) if number % 2 == 0 else (2, 1):
            with tempfile.TemporaryDirectory(prefix="holdfast-workers-") as home:
                folder = Path(home)
                with (
                    echo_upstream(folder, cores[1]) as upstream,
                    staffed(workers, asked.share, upstream, folder, cores) as (gateway, how),
                ):
                    found = carried(gateway, upstream, asked, folder, cores[1])
                    found.tried = RETURNS
                    found.returned = await come_back(gateway.browser, RETURNS)
            rounds.append(found)
            result.rows.append(_row(number + 1, found))
            result.details["rounds"].append({"workers": workers, "tries": found.tries})
    _judge(rounds, how, asked, result)


def _row(number: int, found: Round) -> dict[str, Any]:
    at = found.at
    return {
        "round": number,
        "workers": found.workers,
        "sessions": found.sessions,
        "for each worker": round(found.sessions / found.workers, 1),
        "by processor time": round(found.by_processor),
        "RTT p50 ms": round(at.rtt_p50_ms, 2) if at else None,
        "RTT p99 ms": round(at.rtt_p99_ms, 2) if at else None,
        "gateway's share of a core %": round(100 * at.candidate_share, 1) if at else None,
        "CPU us for a message": round(at.cpu_us, 1) if at else None,
        "load late p99 ms": round(at.late_p99_ms, 2) if at else None,
        "frames": found.frames,
        "came back": f"{found.returned} of {found.tried}",
    }


def _judge(rounds: Sequence[Round], how: str, asked: argparse.Namespace, result: Result) -> None:
    one, two = ([found for found in rounds if found.workers == number] for number in (1, 2))
    name = "sessions of two workers beside one"
    _compare(name, [found.sessions for found in one], [found.sessions for found in two], result)
    name = "the same by processor time"
    _compare(name, [found.by_processor for found in one], [found.by_processor for found in two], result)
    result.check("frames lost, altered, doubled or out of order", sum(found.faulty for found in rounds), 0)
    strangers = sum(found.tried - found.returned for found in rounds)
    result.check("clients that came back and did not find their session", strangers, 0)
    result.notes += [
        f"each worker is held by {how}; the front, which no message passes, runs beside the load",
        f"a load passes when 99 of 100 frames of 20 ms come back within {P99_MS:g} ms ({asked.face} face)",
        f"it is raised by {STEP:.0%} of what the processor promises until it fails {MISSES} times in a row",
    ]
    crowded = sum(found.at.is_crowded for found in rounds if found.at is not None)
    if crowded:
        result.notes.append(f"in {crowded} of {len(rounds)} the load itself was near the end of its means")
    if (doubt := generator.doubt()) is not None:
        result.notes.append(doubt)


def _compare(name: str, alone: Sequence[float], pairs: Sequence[float], result: Result) -> None:
    ratios = [two / one if one else float("nan") for one, two in zip(alone, pairs, strict=True)]
    ratio = statistics.median(ratios)
    # more than twice is no gain of ours: then the one was held up, and there is nothing to compare with
    result.check(f"{name}, median", ratio, RATIO, "times", is_fine=RATIO <= ratio <= BELIEVED)
    result.checks[-1].wanted = f"{RATIO:g} to {BELIEVED:g} times"
    result.notes.append(f"{name}, round by round: {', '.join(f'{one:.2f}' for one in ratios)}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, write. 1 when something is not as it must be."""
    parser = arguments(str(__doc__).partition("\n")[0])
    parser.add_argument("--share", type=float, default=0.4, help="of a core, for each worker")
    parser.add_argument("--rounds", type=int, default=3, help="of one worker and two")
    parser.add_argument(
        "--face", choices=["page", "json", "binary"], default="page", help="what the load speaks"
    )
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measurement")
    parser.add_argument("--warm-up", type=float, default=3.0, help="before each")
    asked = parser.parse_args(argv)
    shape = {name: getattr(asked, name) for name in ("share", "rounds", "face", "seconds")}
    result = Result("workers", "Two workers beside one", this_checkout(), asked.seed, shape)
    return carry_out(result, asked, lambda found: measure_all(asked, found))


if __name__ == "__main__":
    sys.exit(main())
