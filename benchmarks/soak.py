"""Half an hour of coming, talking, breaking and leaving: `python -m benchmarks.soak [--minutes 30]`.

What lives here: people in churn, a fault every half minute drawn by the seed, and what the gateway uses
meanwhile: memory, descriptors, tasks, their slopes, and what is left when everybody has gone.
What never will: people, processes, layout (`rig`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

from benchmarks.rig.crowd import until
from benchmarks.rig.figures_over_time import Series, bound, judge
from benchmarks.rig.house import Built, Emulator, Gateway, built, emulator, gateway
from benchmarks.rig.person import Person
from benchmarks.rig.report import Result, arguments, carry_out, chart, progress
from benchmarks.rig.voice import Voice
from holdfast.bench.candidates import BenchError
from holdfast.bench.figures import percentile
from holdfast.bench.measuring import measuring_cores
from holdfast.bench.revision import this_checkout

FAULT_EVERY_S: Final = 30.0
SAMPLE_S: Final = 1.0
STAYS_S: Final = (15.0, 120.0)
"""How long a person stays, drawn evenly."""
SETTLED: Final = 1 / 3
"""That part of the run is left out of the slopes: pools and caches fill."""
DARK_S: Final = (1.0, 8.0)
DROPPED: Final = 0.3
EMPTY_S: Final = 3.0
SERIES: Final = ("memory_mib", "descriptors", "tasks")
TITLES: Final = {"memory_mib": "memory, MiB", "descriptors": "descriptors", "tasks": "tasks"}
LEFT_BEHIND: Final = 4
_FAILURES: Final = ("step.failed", "task.failed", "upgrade.failed")


@dataclass(slots=True)
class Soak:
    """A run."""

    asked: argparse.Namespace
    upstream: Emulator
    gate: Gateway
    chance: random.Random
    series: Series = field(default_factory=Series)
    people: dict[int, Person] = field(default_factory=dict)
    faults: list[tuple[float, str]] = field(default_factory=list)
    visits: int = 0
    wrongs: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    sessions: int = 0

    async def run(self) -> None:
        """From the first person to the last."""
        await asyncio.sleep(2 * SAMPLE_S)
        self.series.take(self.gate)
        end = time.monotonic() + 60 * self.asked.minutes
        loop = asyncio.get_running_loop()
        chores = [loop.create_task(self._place(number)) for number in range(self.asked.sessions)]
        chores.append(loop.create_task(self._break()))
        try:
            await self._sample(end, chores)
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.wait(chores)

    async def leave(self) -> None:
        """Everybody has gone; wait until the gateway has forgotten them, and look once more."""
        before = self.series.descriptors[0]

        def is_empty() -> bool:
            self.series.take(self.gate)
            return self.series.descriptors[-1] <= before + LEFT_BEHIND

        progress("everybody has gone")
        await asyncio.sleep(EMPTY_S)
        await until(is_empty, self.asked.settle)
        await asyncio.sleep(EMPTY_S)
        self.series.take(self.gate)

    async def _sample(self, end: float, chores: list[asyncio.Task[None]]) -> None:
        while (left := end - time.monotonic()) > 0:
            if not self.gate.running.is_alive:
                raise BenchError("the gateway has ended.", str(self.gate.read()[-1:]), "See its log.")
            for chore in chores:
                if chore.done():
                    chore.result()
            self.series.take(self.gate)
            ready = sum(person.is_ready for person in self.people.values())
            progress(
                f"{left / 60:.1f} min left, {ready} of {len(self.people)} have a session, "
                f"{self.series.memory_mib[-1]:.1f} MiB, {self.series.descriptors[-1]:.0f} descriptors, "
                f"{self.series.tasks[-1]:.0f} tasks, {len(self.faults)} faults",
                every_s=10.0,
            )
            await asyncio.sleep(min(SAMPLE_S, left))

    async def _place(self, number: int) -> None:
        """A place that is always taken by somebody."""
        # The same seed shall give the same run; nothing secret hangs on it.
        chance = random.Random(f"{self.asked.seed}:{number}")  # noqa: S311
        await asyncio.sleep(chance.uniform(0.0, 5.0))
        while True:
            self.visits += 1
            person = self.people[number] = Person(Voice(self.visits), self.gate.url, chance)
            living = asyncio.get_running_loop().create_task(person.live())
            try:
                await asyncio.wait([living], timeout=chance.uniform(*STAYS_S))
            finally:
                living.cancel()
                await asyncio.wait([living])
                self._remember(person)

    def _remember(self, person: Person) -> None:
        self.wrongs.update(person.wrongs)
        self.resumed += person.resumed
        self.sessions += person.sessions

    # faults

    async def _break(self) -> None:
        names = sorted(FAULTS)
        while True:
            await asyncio.sleep(self.asked.fault_every)
            name = self.chance.choice(names)
            self.faults.append((time.monotonic() - self.series.began, name))
            with contextlib.suppress(httpx.HTTPStatusError):
                # nobody may be there whom it could strike
                await FAULTS[name](self)

    def clients_drop(self) -> None:
        """Some people lose their network."""
        for person in self.people.values():
            if self.chance.random() < DROPPED:
                person.drop()

    async def dark(self, how: str) -> None:
        """The upstream is away for a few seconds."""
        await self.upstream.post("/dark", how=how, kill=True)
        await asyncio.sleep(self.chance.uniform(*DARK_S))
        await self.upstream.post("/back")


Fault = Callable[[Soak], Awaitable[object]]


def _ended(**how: int | bool) -> Fault:
    return lambda soak: soak.upstream.post("/sessions/all/end", **how)


def _broken(fault: str) -> Fault:
    return lambda soak: soak.upstream.post("/sessions/all/break", fault=fault)


def _door(*faults: str) -> Fault:
    async def act(soak: Soak) -> None:
        await soak.upstream.post("/faults", faults=list(faults))
        await soak.upstream.post("/sessions/all/end", reset=True)

    return act


def _dark(how: str) -> Fault:
    return lambda soak: soak.dark(how)


async def _drops(soak: Soak) -> None:
    soak.clients_drop()


FAULTS: Final[dict[str, Fault]] = {
    "upstream resets all": _ended(reset=True),
    "upstream closes 1001": _ended(code=1001),
    "upstream closes 1011": _ended(code=1011),
    "upstream closes 1012": _ended(code=1012),
    "upstream falls silent": _broken("mute"),
    "upstream half-open": _broken("half-open"),
    "upstream server_error": _broken("error:server_error"),
    "upstream malformed": _broken("malformed"),
    "upstream unknown event": _broken("unknown-event"),
    "reset, then 503 five times": _door("http:503@5"),
    "reset, then slow": _door("slow-created:1@20", "slow-updated:1@20"),
    "dark, refusing": _dark("refuse"),
    "dark, resetting": _dark("reset"),
    "dark, silent": _dark("silence"),
    "clients drop": _drops,
    "clients drop again": _drops,
}


def judged(soak: Soak, result: Result) -> None:
    """What must be so."""
    series, seconds = soak.series, 60 * soak.asked.minutes
    since = seconds * SETTLED
    for name in SERIES:
        growth = series.growth(name, since)
        verdict = judge(name, growth, seconds - since)
        wanted = bound(name, seconds - since)
        values = series.values(name)
        result.rows.append(
            {
                "series": TITLES[name],
                "empty before": values[0],
                "median": percentile(values, 0.5),
                "most": max(values),
                "empty after": values[-1],
                "an hour": growth.median if growth else None,
                "95 % from": growth.low if growth else None,
                "to": growth.high if growth else None,
                "verdict": verdict,
            }
        )
        low = growth.low if growth else float("nan")
        result.check(
            f"{TITLES[name]}: low end of the slope",
            low,
            round(wanted, 1),
            "an hour",
            is_fine=verdict == "steady",
        )
    for name in ("descriptors", "tasks"):
        result.check(f"{name} left behind", series.values(name)[-1] - series.values(name)[0], LEFT_BEHIND)
    failures = Counter(str(line.get("event")) for line in soak.gate.log if line.get("event") in _FAILURES)
    result.check("failures in the gateway's log", failures.total(), 0)
    result.check("breaches of the protocol", soak.wrongs.total(), 0)
    cpu, lag_ms = 100 * series.cpu_share(0, seconds), percentile(series.lag_ms, 0.99)
    result.notes += [
        f"{soak.visits} visits, {soak.sessions} sessions, {soak.resumed} resumed; {len(soak.faults)} faults: "
        + ", ".join(
            f"{count} x {name}" for name, count in sorted(Counter(n for _, n in soak.faults).items())
        ),
        f"processor {cpu:.1f} % of a core; loop late p99 {lag_ms:.1f} ms",
        "slopes: Theil and Sen over 20 blocks, interval by Kendall's rank statistic, first third left out",
        *(f"{count} x {what}" for what, count in soak.wrongs.most_common(5)),
        *(f"{count} x {what} in the log" for what, count in failures.items()),
    ]
    result.details.update(series=series.as_json(), faults=soak.faults)


def picture(result: Result) -> str:
    """The series, with the faults as upright lines."""
    series = result.details["series"]
    names = {
        **{TITLES[name]: name for name in SERIES},
        "% of a core": "cpu_percent",
        "loop late, ms": "lag_ms",
    }
    marks = [at for at, _ in result.details["faults"]]
    return chart(result.title, series["at"], {title: series[name] for title, name in names.items()}, marks)


async def _run(made: Built, asked: argparse.Namespace, result: Result) -> None:
    gateways, others = measuring_cores()
    async with emulator(made, others, "--seed", str(asked.seed)) as upstream:
        with gateway(made, upstream.base_url, gateways, leak=asked.leak) as gate:
            # The same seed shall give the same run; nothing secret hangs on it.
            soak = Soak(asked, upstream, gate, random.Random(asked.seed))  # noqa: S311
            try:
                await soak.run()
                await soak.leave()
            finally:
                gate.read()
                judged(soak, result)


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, write. 1 when something is not as it must be."""
    parser = arguments(str(__doc__).partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--sessions", type=int, default=50, help="people at once")
    parser.add_argument("--fault-every", type=float, default=FAULT_EVERY_S, help="seconds between faults")
    parser.add_argument("--settle", type=float, default=150.0, help="seconds for the last to be forgotten")
    parser.add_argument("--leak", help="plant one, so much a second: memory:BYTES, descriptors:N or tasks:N")
    asked = parser.parse_args(argv)

    async def measure(result: Result) -> None:
        with built(asked.rev) as made:
            result.revision = made.revision
            await _run(made, asked, result)

    shape = {"minutes": asked.minutes, "people": asked.sessions, "planted leak": asked.leak or "none"}
    result = Result("soak", "Half an hour of everything", this_checkout(), asked.seed, shape)
    result.title = f"{asked.minutes:g} minutes of coming, talking, breaking and leaving"
    return carry_out(result, asked, measure, picture)


if __name__ == "__main__":
    sys.exit(main())
