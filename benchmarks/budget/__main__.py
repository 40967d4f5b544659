"""Measure where a message's time goes, and write figures, pictures and page: `python -m benchmarks.budget`.

What lives here: who is looked at, in which order.
What never will: whose a sample is.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Final, TypeVar

from benchmarks.budget import flame, page, sampling
from benchmarks.budget.budget import MEASURED_FACES, Budget, Column, pictured
from benchmarks.budget.layers import Stack
from benchmarks.rig.report import MEASUREMENTS, progress
from holdfast.bench import contenders, machine
from holdfast.bench.candidates import BenchError, Candidate, Upstream, echo_upstream
from holdfast.bench.counts import Counts
from holdfast.bench.measuring import measure, measuring_cores
from holdfast.bench.plans import Plan, Sample
from holdfast.bench.revision import this_checkout

Found = TypeVar("Found")

WARM_UP_S: Final = 2.0
TRIES: Final = 3
"""Of a round in which frames came too late: other work here."""
_MARGIN_S: Final = 3.0
"""perf needs a moment to begin and to end."""
_LOOK_S: Final = 0.2
_TALKS_PER_S: Final = 8
"""Messages of a session. More than it takes to begin one, and fewer than it says however they are joined."""
_LOOKED_AT: Final = ("nginx", "bare", "gateway")


@dataclass(slots=True)
class _Seen:
    """All rounds of one column."""

    stacks: list[Stack] = field(default_factory=list)
    messages: float = 0.0
    """While perf looked."""
    cost_us: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Bench:
    """Everybody, started."""

    candidates: list[Candidate]
    upstream: Upstream
    folder: Path
    load_cores: set[int]
    sessions: int

    def plan(self, one: Candidate, seconds: float) -> Plan:
        """A load on one of them."""
        return Plan(
            face=one.face,
            url=one.url,
            sessions=self.sessions,
            seconds=seconds,
            warm_up_s=WARM_UP_S,
            pids=machine.family(one.pid),
            upstream_pid=self.upstream.pid,
        )

    def look(self, one: Candidate, seconds: float, seen: _Seen) -> None:
        """One round of one column."""
        for _ in range(TRIES):
            looked, sample = self._under_load(one, seconds, sampling.perf)
            stacks = sampling.stacks(looked.file, one.pid)
            if not sample.faulty:
                break
        else:
            what = f"{sample.lost} came too late or not at all, {sample.faulty - sample.lost} were others."
            raise BenchError(f"{one.name} did not pass everything on.", what, "Close what else runs here.")
        seen.stacks += stacks
        messages_per_s = sample.messages / (seconds + _MARGIN_S)
        seen.messages += seconds * messages_per_s
        seen.cost_us.append(looked.cpu_s / seconds / messages_per_s * 1e6)

    def spy(self, one: Candidate, seconds: float) -> Counter[str]:
        """Python's names, under the same load. A process that is stopped so often may lose its callers."""
        return self._under_load(one, seconds, sampling.spy)[0]

    def _under_load(
        self, one: Candidate, seconds: float, look: Callable[[int, float, Path], Found]
    ) -> tuple[Found, Sample]:
        """What was seen while everybody talked, and how they fared."""
        plan = self.plan(one, seconds + _MARGIN_S)
        with ThreadPoolExecutor(1, "load") as pool:
            talking = pool.submit(measure, plan, self.folder, self.load_cores)
            while not talking.done() and not self._is_talking():
                pass
            time.sleep(WARM_UP_S)
            found = look(one.pid, seconds, self.folder)
            return found, talking.result()

    def _is_talking(self) -> bool:
        before = Counts.read(self.upstream.counts).received
        time.sleep(_LOOK_S)
        return Counts.read(self.upstream.counts).received - before > self.sessions * _TALKS_PER_S * _LOOK_S


@contextlib.contextmanager
def _everybody(sessions: int) -> Iterator[_Bench]:
    candidate_core, load_cores = measuring_cores()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-budget-")))
        upstream = stack.enter_context(echo_upstream(folder, load_cores))
        here, _ = contenders.named(_LOOKED_AT)
        found = [
            one for who in here for one in stack.enter_context(who.start(upstream, folder, candidate_core))
        ]
        chosen = [one for one in found if one.face in MEASURED_FACES]
        chosen.sort(key=lambda one: ([*MEASURED_FACES].index(one.face), _LOOKED_AT.index(one.name)))
        yield _Bench(chosen, upstream, folder, load_cores, sessions)


def run(sessions: int, rounds: int, seconds: float) -> tuple[Budget, dict[str, str]]:
    """Look at everybody. Answers the figures, and the pictures by column. Raises BenchError."""
    sampling.tools()
    shape = {"sessions": sessions, "rounds": rounds, "seconds": seconds, "hz": sampling.PERF_HZ}
    began = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    budget = Budget(began, this_checkout().as_json(), machine.description(), shape)
    pictures: dict[str, str] = {}
    with _everybody(sessions) as bench:
        seen = [_Seen() for _ in bench.candidates]
        for at in range(rounds):
            for one, its in zip(bench.candidates, seen, strict=True):
                progress(f"round {at + 1} of {rounds}: {one.name}, {MEASURED_FACES[one.face]}")
                bench.look(one, seconds, its)
        for one, its in zip(bench.candidates, seen, strict=True):
            us_of_a_sample = 1e6 / sampling.PERF_HZ / its.messages
            column = Column(one.name, one.face)
            column.fill(fmean(its.cost_us), its.stacks, us_of_a_sample)
            budget.columns.append(column)
            if one.name == "gateway":
                progress(f"names: {MEASURED_FACES[one.face]}")
                told = bench.spy(one, rounds * seconds)
                column.divide(told)
                title = f"One message, {MEASURED_FACES[one.face]}: {column.sampled_us:.1f} microseconds"
                pictures[one.face] = flame.draw(title, *pictured(its.stacks, told, us_of_a_sample))
    return budget, pictures


def _write(budget: Budget, pictures: dict[str, str], folder: Path) -> Path:
    stem = budget.began.replace(" ", "-").replace(":", "")
    for column in budget.columns:
        if column.name == "gateway" and column.face in pictures:
            column.flame = f"{stem}-flame-{column.face}.svg"
            (folder / column.flame).write_text(pictures[column.face])
    figures = folder / f"{stem}{page.SUFFIX}"
    figures.write_text(json.dumps(budget.as_json(), indent=1) + "\n")
    return figures


def main(arguments: Sequence[str]) -> int:
    """Answers the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--seconds", type=float, default=6.0, help="that perf looks, for each column and round"
    )
    parser.add_argument("--out", type=Path, default=MEASUREMENTS, help="folder of figures and pictures")
    parser.add_argument("--page", action="store_true", help="only write the page from the newest figures")
    asked = parser.parse_args(arguments)
    try:
        if not asked.page:
            budget, pictures = run(asked.sessions, asked.rounds, asked.seconds)
            progress("")
            figures = _write(budget, pictures, asked.out)
            sys.stdout.write(page.text(figures))
        if asked.out == MEASUREMENTS:
            page.PAGE.write_text(page.text(page.newest()))
    except BenchError as error:
        sys.stderr.write(f"error: {error.what}\n  why:  {error.why}\n  fix:  {error.fix}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
