"""What a call leaves behind in the page: an hour of turns lived in minutes, and minutes of call in real time.

What lives here: living them, what is held at which moment, what may be.
What never will: the browser (`browser`), the visitor (`visitor`), what a moment costs (`benchmarks.page`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from benchmarks.rig.browser import Chromium, Tab, private_bytes
from benchmarks.rig.figures_over_time import BLOCKS, HOUR_S, MIB
from benchmarks.rig.house import Built, gateway
from benchmarks.rig.report import Cell, Result, progress
from benchmarks.rig.visitor import ask, talk, until, upstream
from holdfast.bench.figures import Slope, blocks, slope

GROWTH_MIB: Final = 5.0
"""What an hour of call may leave behind in the page, its worker and its worklets."""
NODES: Final = 3_000
"""Nodes of the DOM, however long the conversation."""
DEARER: Final = 2.0
"""How much more an exchange of the last half hour may cost than one of the first ten minutes."""
MARKS_MIN: Final = (0, 10, 20, 30, 60)
"""Of the lived hour."""
SAMPLES: Final = 60
"""Of a call in real time, however long."""
SPOKEN: Final = [(9.0, False), (3.0, True)]
"""The visitor's voice in real time: seconds, and whether it is heard."""


@dataclass(slots=True)
class Kept:
    """What a page holds at some moments."""

    at: list[float] = field(default_factory=list)
    """Minutes of the lived hour, or seconds of the real call."""
    heaps: list[dict[str, float]] = field(default_factory=list)
    counters: list[dict[str, float]] = field(default_factory=list)
    private: list[float] = field(default_factory=list)
    main_s: list[float] = field(default_factory=list)
    """What the main thread has used so far."""

    async def take(self, tab: Tab, at: float) -> None:
        """One more."""
        self.at.append(at)
        self.heaps.append(await tab.heaps())
        self.counters.append(await tab.counters())
        self.private.append(private_bytes(await tab.renderer()))
        self.main_s.append((await tab.use()).cpu_s["main thread"])

    def mib(self, world: str) -> list[float]:
        """Of one kind of world, or of `all`."""
        names = ("page", "worker", "worklet") if world == "all" else (world,)
        return [sum(heap.get(name, 0.0) for name in names) / MIB for heap in self.heaps]

    def growth(self) -> Slope | None:
        """MiB an hour of all heaps, by real time, without the first third."""
        since = len(self.at) // 3
        at, values = self.at[since:], self.mib("all")[since:]
        if len(at) < BLOCKS:
            return None
        found = slope(*blocks([one - at[0] for one in at], values, max((at[-1] - at[0]) / BLOCKS, 1e-9)))
        if found is None:
            return None
        return Slope(found.n, found.median * HOUR_S, found.low * HOUR_S, found.high * HOUR_S)


async def lived_hour(made: Built, browser: Chromium, cores: set[int], exchanges: int) -> Kept:
    """An hour's exchanges, as fast as they are answered. `exchanges`: for a lived minute."""
    kept = Kept()
    async with upstream(answer_s=8.0, at_once=True) as emulated:
        with gateway(made, emulated.http_base, cores, name="hour") as gate:
            async with browser.tab(str(gate.running.told["url"])) as tab:
                await ask(tab.page, "Good morning.")
                for minute in range(MARKS_MIN[-1] + 1):
                    if minute in MARKS_MIN:
                        await kept.take(tab, minute)
                        progress(f"lived: {minute} of {MARKS_MIN[-1]} minutes")
                    for number in range(exchanges if minute < MARKS_MIN[-1] else 0):
                        await ask(
                            tab.page, f"Minute {minute}, question {number}: when is my next payment due?"
                        )
    return kept


async def real_minutes(made: Built, browser: Chromium, cores: set[int], minutes: float) -> Kept:
    """A call in real time: the visitor asks aloud and is answered aloud, five times a minute."""
    kept = Kept()
    async with upstream(answer_s=5.0) as emulated:
        with gateway(made, emulated.http_base, cores, name="real") as gate:
            async with browser.tab(str(gate.running.told["url"])) as tab:
                await until(tab.page, "welcome")
                await talk(tab.page)
                await until(tab.page, "listening")
                began = time.monotonic()
                while (seconds := time.monotonic() - began) < 60 * minutes:
                    await kept.take(tab, seconds)
                    progress(f"in real time: {seconds / 60:.1f} of {minutes:g} minutes", every_s=30)
                    await asyncio.sleep(60 * minutes / SAMPLES)
    return kept


def judge_hour(kept: Kept, exchanges: int, result: Result) -> None:
    """What was left at its marks, and what an exchange cost then."""
    rows: list[Mapping[str, Cell]] = []
    costs: list[float] = []
    for at, minute in enumerate(kept.at):
        asked = exchanges * (minute - kept.at[at - 1]) if at else 0
        costs.append(1000 * (kept.main_s[at] - kept.main_s[at - 1]) / asked if asked else 0.0)
        rows.append(
            {
                "minutes lived": int(minute),
                "exchanges": int(exchanges * minute),
                **{f"{name} MiB": round(kept.mib(name)[at], 2) for name in ("page", "worker", "worklet")},
                "process MiB": round(kept.private[at] / MIB, 1),
                "nodes": int(kept.counters[at]["nodes"]),
                "listeners": int(kept.counters[at]["jsEventListeners"]),
                "main ms an exchange": round(costs[at], 1) or None,
            }
        )
    result.tables["An hour of turns, lived in minutes"] = rows
    grown = kept.mib("all")[-1] - kept.mib("all")[0]
    result.check("an hour's turns leave in all heaps", grown, GROWTH_MIB, "MiB")
    result.check("nodes after an hour's turns", kept.counters[-1]["nodes"], NODES)
    result.check(
        "an exchange of the last half hour costs of the first's", costs[-1] / costs[1], DEARER, "times"
    )


def judge_real(kept: Kept, minutes: float, result: Result) -> None:
    """The slope of a call in real time."""
    growth = kept.growth()
    low = growth.low if growth else float("nan")
    name = f"heaps grow in {minutes:g} real minutes: low end of the slope"
    result.check(name, low, GROWTH_MIB, "MiB an hour", is_fine=growth is not None and low <= GROWTH_MIB)
    if growth:
        result.notes.append(
            f"the slope is {growth.median:.2f} MiB an hour, 95 % from {growth.low:.2f} to {growth.high:.2f}; "
            "Theil and Sen over 20 blocks, interval by Kendall's rank statistic, first third left out"
        )
    names = {f"{world}, MiB": kept.mib(world) for world in ("page", "worker", "worklet")}
    process = [value / MIB for value in kept.private]
    nodes = [one["nodes"] for one in kept.counters]
    result.details["real"] = {"at": kept.at, **names, "process, MiB": process, "nodes": nodes}
