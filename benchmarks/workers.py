"""Several workers beside one: `python -m benchmarks.workers [--share 0.4] [--rounds 3]`.

What lives here: one worker, then two, each held to a part of a core; how many sessions they carry with a
round trip below the bound; whether every byte comes back, and every client that was cut, wherever its session
is.
What never will: how a process is held, and the load itself.
"""

from __future__ import annotations

import argparse
import asyncio
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
from holdfast.bench.plans import Plan
from holdfast.bench.revision import this_checkout
from holdfast.bench.search import BOUND_MS, Search

RATIO: Final = 1.8
BELIEVED: Final = 2.3
PROBE: Final = 30
"""Sessions for each worker that tell what one costs."""
NEAR: Final = 1.04
"""The search ends when what fails is so near to what passes: a tenth would hide what is looked for."""
MOST: Final = 2_000
RETURNS: Final = 40


@dataclass(frozen=True, slots=True)
class House:
    """Who has which cores."""

    workers: tuple[int, int]
    load: set[int]

    @property
    def where(self) -> str:
        """For the report."""
        first, second = self.workers
        return "both on one core" if first == second else "each on a core of its own, which the one has alone"


def house(*, is_shared: bool) -> House:
    """A core for each worker where four are to be had; with fewer they share one, as two processes do that
    take from each other what the caches held. Raises BenchError where nothing can be measured.
    """
    (last,), others = measuring_cores()
    if is_shared or len(others) < 3:
        return House((last, last), others)
    second = max(others)
    return House((last, second), others - {second})


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
    def realtime(self) -> str:
        """The OpenAI-compatible one."""
        return f"ws://{self.authority}/v1/realtime?model=gpt-realtime"

    @property
    def processes(self) -> tuple[int, ...]:
        """All whose processor time is the gateway's."""
        return tuple(dict.fromkeys((self.front, *self.workers)))


@contextlib.contextmanager
def staffed(
    workers: int, share: float, upstream: Upstream, folder: Path, house: House
) -> Iterator[tuple[Staffed, str]]:
    """`holdfast serve --workers N`, each worker held to `share` of a core; answers how, too.

    The front, which passes no message on, is beside the load. Nobody is refused for load: that is what is
    looked for. And no appends are joined, which would take longer than a round trip may.
    """
    environment = plain_environment() | gateway_settings(upstream, folder)
    environment["HOLDFAST_LIMITS__OVERLOAD_FROM_SESSIONS"] = "100000"
    environment["HOLDFAST_LIMITS__APPEND_JOIN_MS"] = "0"
    command = ["holdfast.cli", "serve", "--port", "0", "--json", "--workers", str(workers)]
    with process(command, environment, folder, house.load) as (pid, told), contextlib.ExitStack() as stack:
        found = tuple(told.get("workers") or (pid,))
        for one, core in zip(found, house.workers, strict=False):
            machine.pin(one, {core})
        how = [stack.enter_context(held(one, share)) for one in found]
        yield Staffed(str(told["url"]).removeprefix("http://"), pid, found), how[0]


@dataclass(slots=True)
class Trial:
    """How many sessions one gateway carries: a search that is taken further step by step."""

    gateway: Staffed
    upstream: Upstream
    held_by: str
    search: Search
    frames: int = 0
    faulty: int = 0
    returned: int = 0
    tries: list[dict[str, Any]] = field(default_factory=list)

    @property
    def workers(self) -> int:
        """How many there are."""
        return len(self.gateway.workers)

    def goes_on(self, asked: argparse.Namespace, folder: Path, cores: set[int]) -> bool:
        """One more load; False when there is none to be tried."""
        sessions = self.search.next()
        if sessions is None:
            return False
        progress(f"{self.workers} worker{'s' * (self.workers > 1)}, {sessions} sessions")
        plan = Plan(
            asked.face,
            self.gateway.realtime if asked.face == "json" else self.gateway.browser,
            sessions,
            asked.seconds,
            asked.warm_up,
            self.gateway.processes,
            self.upstream.pid,
        )
        sample = measure(plan, folder, cores)
        self.search.told(sessions, sample)
        self.frames += sample.messages
        self.faulty += sample.faulty
        facts = {"sessions": sessions, "p99_ms": sample.rtt_p99_ms, "late_ms": sample.late_p99_ms}
        self.tries.append({**facts, "share": sample.candidate_share, "crowded": sample.is_crowded})
        return True

    def row(self, number: int) -> dict[str, Any]:
        """What it carried."""
        at = self.search.passed.get(self.search.low)
        return {
            "round": number,
            "workers": self.workers,
            "sessions": self.search.low,
            "for each worker": round(self.search.low / self.workers, 1),
            "RTT p50 ms": round(at.rtt_p50_ms, 2) if at else None,
            "RTT p99 ms": round(at.rtt_p99_ms, 2) if at else None,
            "gateway's share of a core %": round(100 * at.candidate_share, 1) if at else None,
            "CPU us for a message": round(at.cpu_us, 1) if at else None,
            "load late p99 ms": round(at.late_p99_ms, 2) if at else None,
            "frames": self.frames,
            "came back": f"{self.returned} of {RETURNS}",
        }


@contextlib.contextmanager
def trial(workers: int, asked: argparse.Namespace, folder: Path, place: House) -> Iterator[Trial]:
    """One gateway with its upstream."""
    with (
        echo_upstream(folder, place.load) as upstream,
        staffed(workers, asked.share, upstream, folder, place) as (gateway, how),
    ):
        search = Search(MOST, PROBE * workers, full=asked.share * workers, near=NEAR)
        yield Trial(gateway, upstream, how, search)


async def measure_all(asked: argparse.Namespace, result: Result) -> None:
    """One worker and two, a load for the one and a load for the others: a machine's pace changes within
    minutes, and so meets both.
    """
    place = house(is_shared=asked.one_core)
    machine.pin(os.getpid(), place.load)
    pairs: list[tuple[Trial, Trial]] = []
    result.details["rounds"] = []
    for number in range(1, asked.rounds + 1):
        with contextlib.ExitStack() as stack:
            folders = [
                Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-workers-")))
                for _ in "12"
            ]
            one, two = (
                stack.enter_context(trial(workers, asked, folder, place))
                for workers, folder in enumerate(folders, 1)
            )
            going = [one, two]
            while going := [each for each in going if each.goes_on(asked, folders[0], place.load)]:  # noqa: ASYNC110
                await asyncio.sleep(0)  # nothing is waited for: whoever wants it to end is heard
            for each in (one, two):
                each.returned = await come_back(each.gateway.browser, RETURNS)
                result.rows.append(each.row(number))
                result.details["rounds"].append({"workers": each.workers, "tries": each.tries})
        pairs.append((one, two))
    _judge(pairs, place, result)


def _judge(pairs: Sequence[tuple[Trial, Trial]], place: House, result: Result) -> None:
    ratios = [two.search.low / one.search.low if one.search.low else float("nan") for one, two in pairs]
    trials = [each for pair in pairs for each in pair]
    ratio = statistics.median(ratios)
    # more than twice is no gain of ours: then the one was held up, and there is nothing to compare with
    name = "sessions of two workers beside one, median"
    result.check(name, ratio, RATIO, "times", is_fine=RATIO <= ratio <= BELIEVED)
    result.checks[-1].wanted = f"{RATIO:g} to {BELIEVED:g} times"
    result.check("frames lost, altered, doubled or out of order", sum(each.faulty for each in trials), 0)
    strangers = sum(RETURNS - each.returned for each in trials)
    result.check("clients that came back and did not find their session", strangers, 0)
    result.notes += [
        f"round by round: {', '.join(f'{one:.2f}' for one in ratios)}",
        f"each worker is held by {trials[0].held_by}, {place.where}",
        "the front, which no message passes, runs beside the load",
        f"a load passes when 99 of 100 frames of 20 ms come back within {BOUND_MS:g} ms",
        f"one that fails is tried twice, and what fails is at most {NEAR - 1:.0%} above what passes",
    ]
    if crowded := sum(each.search.ended_by_load for each in trials):
        result.notes.append(f"in {crowded} of {len(trials)} searches the load itself was at its end")
    if (doubt := generator.doubt()) is not None:
        result.notes.append(doubt)


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, write. 1 when something is not as it must be."""
    parser = arguments(str(__doc__).partition("\n")[0])
    parser.add_argument("--share", type=float, default=0.4, help="of a core, for each worker")
    parser.add_argument("--rounds", type=int, default=3, help="of one worker and two")
    parser.add_argument(
        "--one-core", action="store_true", help="both workers on one core, as with fewer than four"
    )
    parser.add_argument(
        "--face", choices=["page", "json", "binary"], default="page", help="what the load speaks"
    )
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measurement")
    parser.add_argument("--warm-up", type=float, default=3.0, help="before each")
    asked = parser.parse_args(argv)
    shape = {name: getattr(asked, name) for name in ("share", "rounds", "face", "seconds", "one_core")}
    result = Result("workers", "Two workers beside one", this_checkout(), asked.seed, shape)
    return carry_out(result, asked, lambda found: measure_all(asked, found))


if __name__ == "__main__":
    sys.exit(main())
