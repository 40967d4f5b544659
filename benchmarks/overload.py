"""Three times what the gateway can carry: `python -m benchmarks.overload [--share 0.25] [--seconds 60]`.

What lives here: the gateway held to a part of a core, so that the load keeps up; what it can carry; its round
trip when little is asked of it; then three times as many people, and how those fare who are let in, how soon
the others are told no, and what memory does.
What never will: how a process is held, and the load itself.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import sys
import time
from array import array
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import picows

from benchmarks.rig.figures_over_time import HOUR_S, IN_ALL, Series
from benchmarks.rig.house import Built, Gateway, built, gateway
from benchmarks.rig.quota import held
from benchmarks.rig.report import Result, arguments, carry_out, chart, progress
from holdfast.bench import machine
from holdfast.bench.caller import Caller, Tally
from holdfast.bench.candidates import BenchError, echo_upstream
from holdfast.bench.figures import percentile
from holdfast.bench.measuring import measuring_cores
from holdfast.bench.revision import this_checkout
from holdfast.core.limits import DEFAULT

STEP: Final = 4
STEP_S: Final = 2.0
FULL: Final = 0.9
"""A share of what it is held to from which on more people tell nothing new about their cost."""
PEOPLE_MAX: Final = 2_000
SETTLE_S: Final = 4.0
ADMISSION_S: Final = 20.0
SLOWER: Final = 1.5
REFUSED_MS: Final = 50.0
GOODPUT_PERCENT: Final = 95.0
FILL_S: Final = DEFAULT.input_replayed_s + 72.0
"""How long a session's memory grows after it was let in: what it keeps fills, and the heap finds its size.
With 65 sessions and nothing planted it grew for 80 s, and then not at all for as long (23 November 2026).
"""
FILL_TIMES: Final = 3
FLAT_MIB: Final = IN_ALL["memory_mib"]
"""What the slope's interval may hold at most over the measured time."""
RETRY_S: Final = 5.0


class Visitor(Caller):
    """A session of the load that says how its socket ended."""

    def __init__(self, number: int, tally: Tally) -> None:
        super().__init__("binary", number, tally)
        self.code = 0

    def on_closed(self, code: int, reason: str) -> None:
        self.code = code
        super().on_closed(code, reason)


@dataclass(slots=True)
class Door:
    """Everybody who comes, and what became of them."""

    url: str
    chance: random.Random
    tally: Tally = field(default_factory=Tally)
    inside: set[Visitor] = field(default_factory=set)
    entries: list[float] = field(default_factory=list)
    """When somebody was let in (monotonic)."""
    refused_ms: list[float] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    broken: int = 0
    """Sessions that were let in and lost."""
    _number: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def come(self, people: int) -> None:
        """So many more people want a session, and go on wanting it."""
        for _ in range(people):
            task = asyncio.get_running_loop().create_task(self._one())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def empty(self) -> None:
        """All go home."""
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for visitor in self.inside:
            visitor.hush()
            visitor.close()
        self.inside.clear()

    async def _one(self) -> None:
        while True:
            wait_s = await self._try()
            await asyncio.sleep(wait_s * self.chance.uniform(1.0, 1.3))

    async def _try(self) -> float:
        """One attempt and the conversation that follows; answers when to try again."""
        self._number += 1
        number, asked_at = self._number, time.perf_counter()
        try:
            async with asyncio.timeout(ADMISSION_S):
                _, visitor = await picows.ws_connect(
                    lambda: Visitor(number, self.tally), self.url, websocket_handshake_timeout=None
                )
                assert isinstance(visitor, Visitor)
                is_in = await _first_of(visitor.ready, visitor.over)
        except picows.WSInvalidStatusError as error:
            status = int(error.response.status) if error.response is not None else 0
            after = str(error.response.headers.get("Retry-After", "")) if error.response is not None else ""
            self._refuse(f"HTTP {status}", asked_at)
            return float(after) if after.isdigit() else RETRY_S
        except (OSError, picows.WSError) as error:
            self._refuse(type(error).__name__, asked_at)
            return RETRY_S
        if not is_in:
            self._refuse(f"close {visitor.code}", asked_at)
            return RETRY_S
        self.inside.add(visitor)
        self.entries.append(time.monotonic())
        visitor.talk()
        await visitor.over.wait()
        self.inside.discard(visitor)
        self.broken += 1
        return RETRY_S

    def _refuse(self, how: str, asked_at: float) -> None:
        self.refused_ms.append(1e3 * (time.perf_counter() - asked_at))
        self.statuses[how] = self.statuses.get(how, 0) + 1


async def _first_of(wished: asyncio.Event, feared: asyncio.Event) -> bool:
    waits = [asyncio.ensure_future(event.wait()) for event in (wished, feared)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return wished.is_set()


@dataclass(frozen=True, slots=True)
class Window:
    """What was seen between two moments."""

    sessions: int
    p50_ms: float
    p99_ms: float
    share: float
    """Of one core."""
    messages_per_s: float
    load_late_ms: float


@dataclass(slots=True)
class Trial:
    """One gateway, held."""

    gate: Gateway
    share: float
    seed: int
    series: Series = field(default_factory=Series)

    @contextlib.asynccontextmanager
    async def door(self) -> AsyncIterator[Door]:
        """People come and go within the block."""
        # The same seed shall give the same run; nothing secret hangs on it.
        door = Door(self.gate.url, random.Random(self.seed))  # noqa: S311
        try:
            yield door
        finally:
            await door.empty()

    async def watch(self, door: Door, seconds: float, title: str) -> Window:
        """Look at those inside for a while."""
        tally = door.tally
        tally.rtt_s, tally.late_s = array("d"), array("d")
        cpu, messages, began = (
            machine.cpu_seconds(self.gate.pid),
            tally.sent + tally.received,
            time.monotonic(),
        )
        while (left := began + seconds - time.monotonic()) > 0:
            self.series.take(self.gate)
            progress(f"{title}, {len(door.inside)} sessions, {left:.0f} s left", every_s=5.0)
            await asyncio.sleep(min(0.5, left))
        took = time.monotonic() - began
        return Window(
            sessions=len(door.inside),
            p50_ms=1e3 * percentile(tally.rtt_s, 0.5),
            p99_ms=1e3 * percentile(tally.rtt_s, 0.99),
            share=(machine.cpu_seconds(self.gate.pid) - cpu) / took,
            messages_per_s=(tally.sent + tally.received - messages) / took,
            load_late_ms=1e3 * percentile(tally.late_s, 0.99),
        )

    async def fill(self, door: Door, fill_s: float) -> None:
        """Until nobody has come for so long. Who comes late may delay that, but not for ever."""
        most = time.monotonic() + FILL_TIMES * fill_s
        while (left := min(most, door.entries[-1] + fill_s) - time.monotonic()) > 0:
            await self.watch(door, min(left, STEP_S), "what they keep fills")

    async def capacity(self) -> tuple[int, Window]:
        """How many sessions the share bears, from what one costs when it is nearly full."""
        async with self.door() as door:
            known: Window | None = None
            while len(door.inside) < PEOPLE_MAX:
                door.come(STEP if known is None else max(STEP, round(len(door.inside) * 0.15)))
                await asyncio.sleep(STEP_S / 4)
                window = await self.watch(door, STEP_S, "capacity")
                if not window.sessions:
                    raise BenchError("nobody was let in.", str(door.statuses), "Look at the gateway's log.")
                known = window
                if window.share >= FULL * self.share or door.refused_ms:
                    break
        assert known is not None
        return max(1, round(known.sessions * self.share / known.share)), known


async def measure(made: Built, asked: argparse.Namespace, result: Result) -> None:
    """The whole experiment."""
    cores = measuring_cores()
    machine.pin(os.getpid(), cores[1])
    with echo_upstream(made.folder, cores[1]) as upstream:
        # a frame that is joined waits for the next by design: that is `holdfast bench`'s to measure
        settings = {"HOLDFAST_LIMITS__APPEND_JOIN_MS": "0"}
        if asked.limit:
            settings["HOLDFAST_LIMITS__SESSIONS"] = str(asked.limit)
        with (
            gateway(made, upstream.http, cores[0], settings=settings, leak=asked.leak) as gate,
            held(gate.pid, asked.share) as how,
        ):
            result.notes.append(f"held by {how}")
            await _experiment(Trial(gate, asked.share, asked.seed), asked, result)


async def _experiment(trial: Trial, asked: argparse.Namespace, result: Result) -> None:
    capacity, full = await trial.capacity()
    await asyncio.sleep(SETTLE_S)
    async with trial.door() as door:
        door.come(max(2, capacity // 10))
        await asyncio.sleep(SETTLE_S)
        calm = await trial.watch(door, asked.calm_seconds, "unloaded")
    await asyncio.sleep(SETTLE_S)
    loaded_from = time.monotonic() - trial.series.began
    async with trial.door() as door:
        offered = round(asked.times * capacity)
        for _ in range(20):
            door.come(offered // 20)
            await trial.watch(door, asked.arrive_seconds / 20, "they come")
        await trial.fill(door, asked.fill_seconds)
        measured_from = time.monotonic()
        loaded = await trial.watch(door, asked.seconds, f"{asked.times:g} times the capacity")
        await trial.fill(door, asked.fill_seconds + asked.seconds / 2)  # somebody may have come late
        statuses, refused, broken = dict(door.statuses), list(door.refused_ms), door.broken
        altered, troubles = door.tally.altered, list(door.tally.troubles)
    rows = (("nearly full", full, None), ("unloaded", calm, None), ("overload", loaded, offered))
    result.rows += [
        {
            "phase": name,
            "offered": offers,
            "sessions": window.sessions,
            "RTT p50 ms": round(window.p50_ms, 2),
            "RTT p99 ms": round(window.p99_ms, 2),
            "share used %": round(100 * window.share / trial.share, 1),
            "messages/s": round(window.messages_per_s),
            "load late p99 ms": round(window.load_late_ms, 2),
        }
        for name, window, offers in rows
    ]
    latency = percentile(refused, 0.99)
    result.check(
        "p99 of those let in, beside unloaded",
        loaded.p99_ms / max(calm.p99_ms, loaded.load_late_ms, 1e-9),
        SLOWER,
        "times",
    )
    goodput = loaded.messages_per_s / max(full.messages_per_s, 1e-9)
    result.check("goodput, of that when nearly full", 100 * goodput, GOODPUT_PERCENT, "%", at_least=True)
    result.check(
        f"p99 of a refusal ({len(refused)} refusals)",
        latency,
        REFUSED_MS,
        "ms",
        is_fine=bool(refused) and latency <= REFUSED_MS,
    )
    since = max(measured_from, door.entries[-1] + asked.fill_seconds) - trial.series.began
    judge_memory(trial.series, since, result)
    result.check("sessions let in and lost", broken, 0)
    result.check("messages altered", altered, 0)
    told = ", ".join(f"{count} x {name}" for name, count in sorted(statuses.items())) or "none"
    result.notes += [
        f"capacity {capacity} sessions of 20 ms frames both ways; refusals: {told}",
        f"refused in p50 {percentile(refused, 0.5):.1f} ms, most {max(refused, default=0):.1f} ms",
        "what the load itself is late is no lateness of ours: unloaded is at least that",
        *troubles,
    ]
    entries = [round(at - trial.series.began, 2) for at in door.entries]
    result.details.update(series=trial.series.as_json(), marks_s=[loaded_from, since], entries_s=entries)
    result.details.update(capacity=capacity, offered=offered)


def judge_memory(series: Series, since: float, result: Result) -> None:
    """Flat is what is shown to be flat: the whole interval of the slope lies below the bound.

    Before `since` memory rises by what those inside keep; [limits] bound that, and it is full by then.
    """
    growth, seconds = series.growth("memory_mib", since), series.at[-1] - since
    if growth is None:
        result.check("memory: too short to say", float("nan"), FLAT_MIB, "MiB", is_fine=False)
        return
    low, middle, high = (value * seconds / HOUR_S for value in (growth.low, growth.median, growth.high))
    result.check(f"memory grows in {seconds:.0f} s by at most", high, FLAT_MIB, "MiB")
    result.notes.append(
        f"memory is judged over the last {seconds:.0f} s, when those inside had filled what they may keep:"
        f" {middle:+.2f} MiB, with 95 % {low:+.2f} to {high:+.2f} (slopes of Theil and Sen over 20 blocks)"
    )


def picture(result: Result) -> str:
    """What the gateway used; upright where the crowd came, and where memory is judged from."""
    series = result.details["series"]
    names = {"gateway, % of a core": "cpu_percent", "memory, MiB": "memory_mib", "loop late, ms": "lag_ms"}
    lines = {title: series[name] for title, name in names.items()}
    return chart("Overload", series["at"], lines, result.details["marks_s"])


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, write. 1 when something is not as it must be."""
    parser = arguments(str(__doc__).partition("\n")[0])
    parser.add_argument("--share", type=float, default=0.25, help="of a core, for the gateway")
    parser.add_argument("--times", type=float, default=3.0, help="so many times the capacity is offered")
    parser.add_argument("--seconds", type=float, default=60.0, help="of overload that are measured")
    parser.add_argument("--calm-seconds", type=float, default=20.0, help="with a tenth of the capacity")
    parser.add_argument("--arrive-seconds", type=float, default=10.0, help="in which all come")
    parser.add_argument(
        "--fill-seconds", type=float, default=FILL_S, help="from the last one's entry until memory is judged"
    )
    parser.add_argument("--leak", help="plant one, so much a second: memory:BYTES")
    parser.add_argument("--limit", type=int, help="[limits] sessions, for comparison")
    asked = parser.parse_args(argv)

    async def run(result: Result) -> None:
        with built(asked.rev) as made:
            result.revision = made.revision
            await measure(made, asked, result)

    shape = {
        "share of a core": asked.share,
        "times the capacity": asked.times,
        "seconds": asked.seconds,
        "planted leak": asked.leak or "none",
    }
    result = Result("overload", "More than it can carry", this_checkout(), asked.seed, shape)
    return carry_out(result, asked, run, picture)


if __name__ == "__main__":
    sys.exit(main())
