"""The Python load: N sessions that send frames in real time and check every byte that comes back.

What lives here: `python -m holdfast.bench.load TASK PLAN`, which prints what it found as JSON: `talk` a
`Sample`, `setups` a `Setups`; `idle` says when the sessions are open and waits for standard input to end.
What never will: more than one measurement in one process.

It is the reference for the compiled one (`native`), and stands in for it where there is no compiler. From
about 300 sessions on it is itself the bottleneck.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from array import array
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass
from typing import Any, Final

import uvloop
from picows import WSInvalidStatusError, ws_connect

from holdfast.bench import frames, machine
from holdfast.bench.caller import Caller, Tally
from holdfast.bench.counts import Counts
from holdfast.bench.figures import percentile
from holdfast.bench.plans import IdlePlan, Plan, Sample, SetupPlan, Setups

START_S: Final = 60.0
TOO_BUSY: Final = 503
COME_AGAIN_S: Final = 0.5
SETTLE_S: Final = 2.0
STEP_S: Final = 0.1
DIALS_AT_ONCE: Final = 20
CLOSE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Mark:
    """The state at one end of a window."""

    at: float
    sent: int
    messages: int
    candidate: float
    upstream: float
    load: float
    counts: Counts

    @classmethod
    def now(cls, plan: Plan, tally: Tally) -> _Mark:
        return cls(
            time.perf_counter(),
            tally.sent,
            tally.sent + tally.received,
            machine.cpu_seconds_of(plan.pids),
            machine.cpu_seconds(plan.upstream_pid),
            time.process_time(),
            Counts.read(plan.counts),
        )


async def measure(plan: Plan, together: asyncio.Barrier | None = None) -> Sample:
    """Run one measurement. Raises TimeoutError when the sessions do not become ready.

    `together`: measurements that begin to talk when the sessions of all are ready.
    """
    tally = Tally()
    memory_before = machine.memory_of(plan.pids)
    callers = await _connect(plan, tally, plan.frame_ms)
    if together is not None:
        await together.wait()
    await _turn(plan, tally, callers, plan.warm_up_s)
    tally.rtt_s, tally.late_s = array("d"), array("d")
    windows = [await _turn(plan, tally, callers, plan.seconds / plan.turns) for _ in range(plan.turns)]
    memory_after = machine.memory_of(plan.pids)
    lost = sum(caller.settled() for caller in callers)
    await _close(callers)
    return _sample(plan, windows, tally, lost, (memory_before, memory_after))


async def _turn(plan: Plan, tally: Tally, callers: list[Caller], seconds: float) -> tuple[_Mark, _Mark]:
    """All talk; the window begins when they have come into step, and ends before they fall silent."""
    for caller in callers:
        caller.talk()
    await asyncio.sleep(STEP_S)
    before = _Mark.now(plan, tally)
    await asyncio.sleep(seconds)
    after = _Mark.now(plan, tally)
    for caller in callers:
        caller.hush()
    await _settled(callers)
    return before, after


def _sample(
    plan: Plan, windows: list[tuple[_Mark, _Mark]], tally: Tally, lost: int, memory: tuple[int, int]
) -> Sample:
    def over(value: Callable[[_Mark], float]) -> float:
        return sum(value(after) - value(before) for before, after in windows)

    seconds = over(lambda mark: mark.at)
    messages = max(round(over(lambda mark: mark.messages)), 1)
    audio_s = over(lambda mark: mark.sent) * plan.frame_ms / 1000
    cpu = over(lambda mark: mark.candidate)
    return Sample(
        messages=messages,
        cpu_us=cpu / messages * 1e6,
        candidate_share=cpu / seconds,
        load_share=over(lambda mark: mark.load) / seconds,
        upstream_share=over(lambda mark: mark.upstream) / seconds,
        rtt_p50_ms=percentile(tally.rtt_s, 0.5) * 1e3,
        rtt_p99_ms=percentile(tally.rtt_s, 0.99) * 1e3,
        late_p99_ms=percentile(tally.late_s, 0.99) * 1e3,
        lost=lost,
        altered=tally.altered,
        troubles=tuple(tally.troubles),
        doubled=tally.doubled,
        swapped=tally.swapped,
        rtt_p95_ms=percentile(tally.rtt_s, 0.95) * 1e3,
        frame_ms=plan.frame_ms,
        audio_s=audio_s,
        cpu_ms_per_audio_s=cpu / audio_s * 1e3 if audio_s else 0.0,
        upstream_received=round(over(lambda mark: mark.counts.received)),
        upstream_sent=round(over(lambda mark: mark.counts.sent)),
        memory_before=memory[0],
        memory_after=memory[1],
    )


async def setups(plan: SetupPlan) -> Setups:
    """Sessions, one after the other on each place, as fast as they come."""
    tally, ready_s = Tally(), array("d")
    done = failed = 0
    until = time.perf_counter() + plan.warm_up_s + plan.seconds

    async def place() -> None:
        nonlocal done, failed
        while time.perf_counter() < until:
            began = time.perf_counter()
            caller = await _dial(plan, tally)
            await _first_of(caller.ready, caller.over)
            if not caller.ready.is_set():
                failed += 1
                continue
            ready_s.append(time.perf_counter() - began)
            await _close([caller])
            done += 1

    def mark() -> tuple[float, int, float, float, float]:
        candidate = machine.cpu_seconds_of(plan.pids)
        upstream = machine.cpu_seconds(plan.upstream_pid)
        return time.perf_counter(), done, candidate, time.process_time(), upstream

    async with asyncio.TaskGroup() as group:
        for _ in range(plan.at_once):
            group.create_task(place())
        await asyncio.sleep(plan.warm_up_s)
        del ready_s[:]
        before = mark()
        await asyncio.sleep(plan.seconds)
        after = mark()
    seconds, count, cpu, load, upstream = (b - a for a, b in zip(before, after, strict=True))
    return Setups(
        setups=round(count),
        per_s=count / seconds,
        cpu_us=cpu / max(count, 1) * 1e6,
        candidate_share=cpu / seconds,
        load_share=load / seconds,
        upstream_share=upstream / seconds,
        ready_p50_ms=percentile(ready_s, 0.5) * 1e3,
        ready_p99_ms=percentile(ready_s, 0.99) * 1e3,
        failed=failed,
        refused=tally.refused,
        troubles=tuple(tally.troubles),
    )


async def idle(plan: IdlePlan) -> None:
    """Sessions that are open and quiet until standard input ends."""
    callers = await _connect(plan, Tally())
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, over.set)
    sys.stdout.write(json.dumps({"ready": len(callers)}) + "\n")
    sys.stdout.flush()
    await over.wait()
    await _close(callers)


async def _connect(plan: Plan | IdlePlan, tally: Tally, frame_ms: int = 20) -> list[Caller]:
    gate = asyncio.Semaphore(DIALS_AT_ONCE)

    async def one(number: int) -> Caller:
        async with gate:
            caller = await _dial(plan, tally, number, frame_ms)
            await caller.ready.wait()
            return caller

    async with asyncio.timeout(START_S), asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(number)) for number in range(plan.sessions)]
    return [task.result() for task in tasks]


async def _dial(
    plan: Plan | IdlePlan | SetupPlan, tally: Tally, number: int = 0, frame_ms: int = 20
) -> Caller:
    """A candidate may say that it is too busy just now; then we come again."""
    while True:
        try:
            _, caller = await ws_connect(
                lambda: Caller(plan.face, number, tally, frame_ms), plan.url, extra_headers=frames.HEADERS
            )
        except WSInvalidStatusError as error:
            if error.response is None or int(error.response.status) != TOO_BUSY:
                raise
            tally.refused += 1
            await asyncio.sleep(COME_AGAIN_S)
            continue
        assert isinstance(caller, Caller)
        return caller


async def _close(callers: list[Caller]) -> None:
    """Say goodbye to all; whoever does not answer is left."""
    for caller in callers:
        caller.leave()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            for caller in callers:
                await caller.over.wait()


async def _first_of(*happenings: asyncio.Event) -> None:
    waiting = [asyncio.ensure_future(one.wait()) for one in happenings]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for one in waiting:
        one.cancel()


async def _settled(callers: list[Caller]) -> None:
    """Wait for what is still on its way."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_S):
            for caller in callers:
                await caller.answered.wait()


def _task(name: str, told: dict[str, Any]) -> Coroutine[Any, Any, Sample | Setups | None]:
    match name:
        case "talk":
            return measure(Plan(**told))
        case "setups":
            return setups(SetupPlan(**told))
        case _:
            return idle(IdlePlan(**told))


def main(name: str, plan: str) -> None:
    """One measurement on uvloop, printed."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(_task(name, json.loads(plan)))
    if found is not None:
        sys.stdout.write(json.dumps(asdict(found)) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
