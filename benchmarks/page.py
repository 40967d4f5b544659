"""What the web page costs its visitor: `python -m benchmarks.page [--rounds 3] [--minutes 10]`.

What lives here: the states of a call and what each may cost; the sizes of what is loaded; the order of it.
What never will: the browser (`rig.browser`), the visitor (`rig.visitor`), what a call leaves (`rig.hour`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.rig.browser import Chromium, Tab, Use, chromium
from benchmarks.rig.hour import SPOKEN, judge_hour, judge_real, lived_hour, real_minutes
from benchmarks.rig.house import PROJECT, Built, built, gateway
from benchmarks.rig.report import Cell, Result, arguments, carry_out, chart, progress
from benchmarks.rig.visitor import situation, talk, until, upstream, write_microphone
from holdfast.bench.candidates import BenchError
from holdfast.bench.figures import percentile
from holdfast.bench.revision import this_checkout

Json = dict[str, Any]

STATES: Final[Mapping[str, str]] = {
    "idle": "welcome",
    "listening": "listening",
    "user speaking": "hearing",
    "assistant speaking": "speaking",
}
"""The states of a call in the order in which they come, and what the page's headline calls them."""
MAIN_SHARE: Final[Mapping[str, float]] = {
    "idle": 0.5,
    "listening": 2.0,
    "user speaking": 5.0,
    "assistant speaking": 5.0,
}
"""Percent of a core that the page's own thread may use."""
TASK_MS: Final = 50.0
"""A longer task is felt."""
SETTLED_S: Final = 5.0
"""After a change of state nothing is counted for so long: the ridge of what was said last scrolls away."""
ROOM_S: Final = 5.0
"""The greeting, before the visitor's silence is measured."""
SLACK_S: Final = 2.0
"""So much longer than it is looked at a state lasts."""
EXCHANGES_A_MINUTE: Final = 6


# what a state costs


@dataclass(slots=True)
class State:
    """What was seen of one state, round by round."""

    uses: list[Use] = field(default_factory=list)
    tasks: list[dict[str, float]] = field(default_factory=list)
    messages: list[dict[str, float]] = field(default_factory=list)
    binary: list[dict[str, float]] = field(default_factory=list)

    def share(self, role: str) -> float:
        """Percent of a core, the median of the rounds."""
        return 100 * percentile([use.cpu_s.get(role, 0.0) for use in self.uses], 0.5)

    def range(self, role: str) -> str:
        """Percent of a core, least and most of the rounds."""
        seen = [100 * use.cpu_s.get(role, 0.0) for use in self.uses]
        return f"{min(seen):.1f} to {max(seen):.1f}"

    def wakes(self, role: str) -> float:
        """A second."""
        return percentile([use.wakes.get(role, 0.0) for use in self.uses], 0.5)

    def page(self, name: str) -> float:
        """A figure of the page's own account, for a second."""
        return percentile([use.page[name] for use in self.uses], 0.5)

    def task_ms(self, role: str) -> float:
        """The longest of all rounds."""
        return max((tasks.get(role, 0.0) for tasks in self.tasks), default=0.0)

    def way(self, way: str) -> float:
        """Messages a second."""
        return percentile([one.get(way, 0.0) for one in self.messages], 0.5)


@dataclass(slots=True)
class States:
    """Calls through all states: some that nothing disturbs, the last one looked into."""

    asked: argparse.Namespace
    seen: dict[str, State] = field(default_factory=lambda: {name: State() for name in STATES})
    complaints: list[str] = field(default_factory=list)

    async def run(self, made: Built, cores: set[int]) -> None:
        """All rounds."""
        window = self.asked.window + SETTLED_S + SLACK_S
        pattern = [(ROOM_S + window, False), (window, True), (3 * window, False)]
        microphone = write_microphone(made.folder / "states.wav", pattern, self.asked.seed)
        async with upstream(answer_s=window + 1) as emulated, chromium(microphone) as browser:
            with gateway(made, emulated.http_base, cores) as gate:
                for number in range(self.asked.rounds + 1):
                    looked_into = number == self.asked.rounds
                    async with browser.tab(str(gate.running.told["url"])) as tab:
                        await self._call(browser, tab, number, looked_into=looked_into)

    async def _call(self, browser: Chromium, tab: Tab, number: int, *, looked_into: bool) -> None:
        await until(tab.page, "welcome")
        if looked_into:
            await tab.count_messages()
        for name, headline in STATES.items():
            progress(f"call {number + 1} of {self.asked.rounds + 1}: {name}")
            if name == "listening":
                await talk(tab.page)
                await until(tab.page, "speaking")  # the greeting
            await until(tab.page, headline)
            await asyncio.sleep(SETTLED_S)
            await (self._look_into(browser, tab, name) if looked_into else self._measure(tab, name))
            if (found := await situation(tab.page)) != headline:
                raise BenchError(f"`{name}` did not last.", f"The page says `{found}` now.", "Try once more.")
        self.complaints += tab.complaints

    async def _measure(self, tab: Tab, name: str) -> None:
        before, began = await tab.use(), time.monotonic()
        await asyncio.sleep(self.asked.window)
        self.seen[name].uses.append((await tab.use()).since(before, time.monotonic() - began))

    async def _look_into(self, browser: Chromium, tab: Tab, name: str) -> None:
        before, began = await tab.counted(), time.monotonic()
        self.seen[name].tasks.append(await browser.longest_tasks_ms(tab, self.asked.window / 2))
        after, seconds = await tab.counted(), time.monotonic() - began
        for found, what in ((self.seen[name].messages, "messages"), (self.seen[name].binary, "binary")):
            found.append({way: (count - before[what][way]) / seconds for way, count in after[what].items()})


def judge_states(states: States, result: Result) -> None:
    """A row for each state; the bounds."""
    for name, state in states.seen.items():
        if not state.uses or not state.messages:
            continue
        result.rows.append(_row(name, state))
        share = state.share("main thread")
        result.check(f"{name}: main thread", share, MAIN_SHARE[name], "% of a core")
        longest = state.task_ms("main thread")
        result.check(f"{name}: longest task of the main thread", longest, TASK_MS, "ms")
        bytes_seen = sum(per_s for way, per_s in state.binary[0].items() if "page" in way.split())
        result.check(f"{name}: binary bytes that the main thread saw", bytes_seen, 0, "a second")
    result.check("exceptions in the page", len(states.complaints), 0)
    result.notes += states.complaints[:3]
    result.details["states"] = {
        name: {
            "cpu": [use.cpu_s for use in state.uses],
            "wakes": [use.wakes for use in state.uses],
            "tasks_ms": state.tasks,
            "messages": state.messages,
            "binary": state.binary,
        }
        for name, state in states.seen.items()
    }


def _row(name: str, state: State) -> dict[str, Cell]:
    return {
        "state": name,
        "main %": round(state.share("main thread"), 2),
        "least to most": state.range("main thread"),
        "script %": round(100 * state.page("ScriptDuration"), 2),
        "layout, style %": round(100 * (state.page("LayoutDuration") + state.page("RecalcStyleDuration")), 2),
        "longest ms": round(state.task_ms("main thread"), 1),
        "worker %": round(state.share("worker"), 2),
        "worklets %": round(state.share("worklets"), 2),
        "compositor, GPU %": round(state.share("compositor") + state.share("GPU process"), 2),
        "main wakes/s": round(state.wakes("main thread")),
        "worker wakes/s": round(state.wakes("worker")),
        "worklet wakes/s": round(state.wakes("worklets")),
        "worklets-worker/s": round(state.way("worklets to worker") + state.way("worker to worklets")),
        "worker-gateway/s": round(state.way("worker to gateway") + state.way("gateway to worker")),
        "to main/s": round(state.way("worklets to page") + state.way("worker to page")),
        "from main/s": round(state.way("page to worklets") + state.way("page to worker"), 1),
    }


# what is loaded


def sizes(result: Result) -> None:
    """The parts as they travel, by the web client's own script. Raises BenchError."""
    command = ["npm", "--prefix", str(PROJECT / "web"), "run", "size", "--silent", "--", "--json"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own script
    try:
        rows = json.loads(told.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise BenchError(
            "the sizes are unknown.", told.stderr[-300:], "Run `npm run size` in web/."
        ) from None
    result.tables["What is loaded"] = rows
    for row in rows:
        if row["budget kB"] is not None:
            result.check(f"size of {row['part']}", row["gzip kB"], row["budget kB"], "kB")


def picture(result: Result) -> str:
    """What is held over the real minutes."""
    series = dict(result.details.get("real") or {"at": []})
    at = series.pop("at")
    return chart(result.title, at, series)


async def measure_all(made: Built, asked: argparse.Namespace, result: Result) -> None:
    """States, then both ways of an hour at the same time: of these only memory is judged."""
    cores = os.sched_getaffinity(0)
    sizes(result)
    states = States(asked)
    try:
        await states.run(made, cores)
    finally:
        judge_states(states, result)
    microphone = write_microphone(made.folder / "real.wav", SPOKEN * round(5 * asked.minutes + 1), asked.seed)
    try:
        async with chromium(microphone) as browser, asyncio.TaskGroup() as group:
            hour = group.create_task(lived_hour(made, browser, cores, asked.exchanges))
            real = group.create_task(real_minutes(made, browser, cores, asked.minutes))
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    judge_hour(hour.result(), asked.exchanges, result)
    judge_real(real.result(), asked.minutes, result)


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, write. 1 when something is not as it must be."""
    parser = arguments(str(__doc__).partition("\n")[0])
    parser.add_argument(
        "--rounds", type=int, default=3, help="calls that nothing disturbs; one more is looked into"
    )
    parser.add_argument("--window", type=float, default=8.0, help="seconds of each state")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the call in real time")
    parser.add_argument("--exchanges", type=int, default=EXCHANGES_A_MINUTE, help="in a lived minute")
    asked = parser.parse_args(argv)
    if not (PROJECT / "src/holdfast/_web/index.html").is_file():
        parser.error("the web client is not built: run `make web`")
    if asked.rev is not None:
        parser.error("--rev: the page of another revision has to be built there")

    async def measure(result: Result) -> None:
        with built(None) as made:
            result.revision = made.revision
            await measure_all(made, asked, result)

    shape = {"rounds": asked.rounds, "seconds of a state": asked.window, "real minutes": asked.minutes}
    result = Result("page", "What the page costs its visitor", this_checkout(), asked.seed, shape)
    result.notes += [
        "shares: processor time of threads, of one core, by the kernel; a state's median over the rounds",
        "longest ms (of processor time) and messages: from a call of its own that was traced and counted",
        "heaps: after a collection, with their buffers and the DOM; process: what the renderer has to itself",
    ]
    return carry_out(result, asked, measure, picture)


if __name__ == "__main__":
    sys.exit(main())
