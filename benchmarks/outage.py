"""The upstream is dark for minutes: `python -m benchmarks.outage [--sessions 200] [--seconds 600]`.

What lives here: one experiment for each way of being dark. Everybody talks; the emulator goes dark; the
gateway's attempts and processor are counted, and when each person is told; it comes back, and so do the
people, when they were told to.
What never will: people, processes, layout (`rig`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from benchmarks.rig.crowd import all_ready, crowd, until
from benchmarks.rig.figures_over_time import Series
from benchmarks.rig.house import Built, Emulator, Gateway, built, emulator, gateway
from benchmarks.rig.person import Happening, Person
from benchmarks.rig.report import Result, arguments, carry_out, chart, progress
from holdfast.bench.figures import percentile
from holdfast.bench.measuring import measuring_cores
from holdfast.bench.revision import this_checkout

WAYS: Final = ("refuse", "reset", "silence")
TALK_S: Final = 5.0
ARRIVALS_PER_S: Final = 40.0
BUDGET_S: Final = 15.0
"""How long a lost session is held before its client is told (reliability reference, B9)."""
TOLD_S: Final = 1.0
BACK_S: Final = 5.0
BACK_WAIT_S: Final = 45.0
CPU_SHARE: Final = 0.10
RETRY_TOKENS: Final = 50
PROBE_S: Final = 4.0
"""A breaker's longest pause where no other upstream is left."""
OVER_BUDGET: Final = 1.2


def attempts_allowed(sessions: int, seconds: float) -> float:
    """One first redial for each session, the retries that the token bucket holds, the breaker's probes; and a
    fifth more, because people come back meanwhile."""
    return OVER_BUDGET * (sessions + RETRY_TOKENS + seconds / PROBE_S)


@dataclass(slots=True)
class Experience:
    """What one person went through."""

    told_at: float | None = None
    retry_after_ms: float | None = None
    ended_at: float | None = None
    ready_at: float | None = None


@dataclass(slots=True)
class Watch:
    """What all went through. Times are monotonic."""

    dark_at: float = float("inf")
    back_at: float = float("inf")
    people: dict[int, Experience] = field(default_factory=dict)

    def __call__(self, person: Person, happening: Happening) -> None:
        """Note what counts here."""
        one = self.people.setdefault(person.voice.number, Experience())
        at = happening.at
        if at >= self.back_at and happening.kind in {"session_ready", "session_resumed"}:
            one.ready_at = one.ready_at or at
        elif at >= self.dark_at and one.told_at is None and happening.kind == "error":
            if happening.body.get("code") == "RECONNECT_FAILED":
                one.told_at, one.retry_after_ms = at, happening.body.get("retryAfterMs")
        elif at >= self.dark_at and one.ended_at is None and happening.kind == "session_ended":
            one.ended_at = at


@dataclass(slots=True)
class Experiment:
    """One way of being dark."""

    way: str
    asked: argparse.Namespace
    upstream: Emulator
    gate: Gateway
    watch: Watch = field(default_factory=Watch)
    series: Series = field(default_factory=Series)
    people: list[Person] = field(default_factory=list)

    async def run(self) -> None:
        """From the first person's coming to the last one's return."""
        asked = self.asked
        within_s = asked.sessions / ARRIVALS_PER_S
        async with crowd(
            asked.sessions, self.gate.url, seed=asked.seed, within_s=within_s, on_happening=self.watch
        ) as self.people:
            progress(f"{self.way}: {asked.sessions} people come")
            await all_ready(self.people, 60.0)
            await self._sampling(TALK_S, "everybody talks")
            self.watch.dark_at = time.monotonic()
            await self.upstream.post("/dark", how=self.way, kill=True)
            await self._sampling(asked.seconds, "dark")
            progress(f"{self.way}: it is back")
            self.watch.back_at = time.monotonic()
            await self.upstream.post("/back")
            await until(self._all_back, BACK_WAIT_S)
        self.gate.read()

    def _all_back(self) -> bool:
        return sum(one.ready_at is not None for one in self.watch.people.values()) == len(self.people)

    async def _sampling(self, seconds: float, title: str) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.series.take(self.gate)
            progress(f"{self.way}: {title}, {left:.0f} s left", every_s=5.0)
            await asyncio.sleep(min(1.0, max(left, 0.0)))

    async def judge(self, result: Result) -> None:
        """What must be so."""
        way, wanted = self.way, self.asked.sessions
        knocks = await self._attempts()
        cpu = self.series.cpu_share(*self._dark)
        told = [one for one in self.watch.people.values() if one.told_at is not None]
        late = [one.told_at - self.watch.dark_at for one in told if one.told_at is not None]
        with_hint = sum(one.retry_after_ms is not None for one in told)
        back = [one.ready_at - self.watch.back_at for one in self.watch.people.values() if one.ready_at]
        allowed = round(attempts_allowed(wanted, self.asked.seconds))
        result.rows.append(
            {
                "dark by": way,
                "attempts": len(knocks),
                "allowed": allowed,
                "most in 1 s": max(Counter(int(at) for at in knocks).values(), default=0),
                "CPU %": round(100 * cpu, 2),
                "CPU % peak": round(100 * self._peak_cpu(), 1),
                "told": len(told),
                "with retryAfterMs": with_hint,
                "ended": sum(one.ended_at is not None for one in self.watch.people.values()),
                "told p50 s": round(percentile(late, 0.5), 2) if late else None,
                "told last s": round(max(late), 2) if late else None,
                "back": len(back),
                "back p50 s": round(percentile(back, 0.5), 2) if back else None,
                "back last s": round(max(back), 2) if back else None,
            }
        )
        result.check(f"{way}: attempts", len(knocks), allowed)
        result.check(f"{way}: processor", 100 * cpu, 100 * CPU_SHARE, "% of a core")
        latest = max(late, default=float("inf"))
        result.check(
            f"{way}: everybody ({with_hint} of {wanted}) told with retryAfterMs, after the dark began",
            latest,
            BUDGET_S + TOLD_S,
            "s",
            is_fine=with_hint == wanted and latest <= BUDGET_S + TOLD_S,
        )
        slowest = max(back, default=float("inf"))
        result.check(
            f"{way}: everybody ({len(back)} of {wanted}) has a session again",
            slowest,
            BACK_S,
            "s",
            is_fine=len(back) == wanted and slowest <= BACK_S,
        )
        wrongs = [wrong for person in self.people for wrong in person.wrongs]
        result.check(f"{way}: breaches of the protocol", len(wrongs), 0)
        result.notes += [f"{way}: {wrong}" for wrong in sorted(set(wrongs))[:3]]
        result.details[way] = {
            "series": self.series.as_json(),
            "dark_s": self._dark,
            "attempts_at_s": [round(at, 3) for at in knocks],
            "told_after_s": sorted(round(one, 3) for one in late),
            "back_after_s": sorted(round(one, 3) for one in back),
        }

    @property
    def _dark(self) -> tuple[float, float]:
        return self.watch.dark_at - self.series.began, self.watch.back_at - self.series.began

    async def _attempts(self) -> list[float]:
        """Seconds after the dark began. A refused connection is known only to who dials: it is in the log."""
        to_monotonic = time.monotonic() - time.time()
        if self.way == "refuse":
            dials = [line for line in self.gate.log if line.get("event") == "upstream.connecting"]
            moments = [_wall(str(line.get("timestamp", ""))) for line in dials]
        else:
            moments = [float(one["at"]) for one in (await self.upstream.get("/attempts"))["attempts"]]
        found = [at + to_monotonic - self.watch.dark_at for at in moments if at]
        return sorted(at for at in found if 0 <= at <= self.watch.back_at - self.watch.dark_at)

    def _peak_cpu(self) -> float:
        start, end = self._dark
        return max((share for at, share in self.series.cpu_shares() if start <= at <= end), default=0.0)


def _wall(text: str) -> float:
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat(text).timestamp()
    return 0.0


def picture(result: Result) -> str:
    """What the gateway used over the first of the experiments."""
    way, details = next(iter(result.details.items()))
    series = details["series"]
    names = {"gateway, % of a core": "cpu_percent", "tasks": "tasks", "memory, MiB": "memory_mib"}
    lines = {title: series[name] for title, name in names.items()}
    return chart(f"The upstream is dark ({way})", series["at"], lines, details["dark_s"])


async def _experiment(way: str, made: Built, asked: argparse.Namespace, result: Result) -> None:
    gateways, others = measuring_cores()
    settings = {"HOLDFAST_LIMITS__RECOVERY_BUDGET_S": str(BUDGET_S)} if asked.set_budget else {}
    async with emulator(made, others) as upstream:
        with gateway(made, upstream.base_url, gateways, name=way, settings=settings) as gate:
            one = Experiment(way, asked, upstream, gate)
            try:
                await one.run()
            finally:
                await one.judge(result)


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, write. 1 when something is not as it must be."""
    parser = arguments(str(__doc__).partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long it is dark; 30 is a short run")
    parser.add_argument("--ways", default=",".join(WAYS), help="ways of being dark: refuse, reset, silence")
    parser.add_argument(
        "--set-budget", action="store_true", help="set recovery_budget_s to the reference's 15 s"
    )
    asked = parser.parse_args(argv)

    async def measure(result: Result) -> None:
        with built(asked.rev) as made:
            result.revision = made.revision
            for way in asked.ways.split(","):
                await _experiment(way, made, asked, result)

    shape = {"people": asked.sessions, "seconds dark": asked.seconds, "ways": asked.ways}
    result = Result("outage", "The upstream is dark", this_checkout(), asked.seed, shape)
    return carry_out(result, asked, measure, picture)


if __name__ == "__main__":
    sys.exit(main())
