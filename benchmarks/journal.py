"""How fast is the journal, and what does it cost? `python -m benchmarks.journal [--json FILE]`.

What lives here: four experiments. (1) The disk alone: a block appended and forced out. (2) Live: 200 sessions
of two lines a second; from `write` to `written`, and processor time beside the same load on the journal that
keeps nothing. (3) Flood: as many lines as it takes. (4) A restart with 200 sessions of 300 lines.
What never will: the journal's insides; everything is seen through the port.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import uvloop

from holdfast.bench.figures import percentile
from holdfast.store import Database, Entry, Journal, MemoryJournal, SqliteJournal

SESSIONS: Final = 200
LINES_PER_S: Final = 2.0
RESTART_LINES: Final = 300
FLOOD_WAITING_MAX: Final = 5_000
P99_GOAL_MS: Final = 50.0
_TEXT: Final = "An ordinary sentence of a conversation, as long as people speak before they breathe. " * 3


def entry(number: int) -> Entry:
    """A line as large as an item of a conversation: about 330 bytes."""
    return Entry(number, "item", {"id": f"item_{number:021d}", "role": "user", "text": _TEXT})


@asynccontextmanager
async def opened(file: Path | None) -> AsyncIterator[Journal]:
    """A journal in a file, or for None one that keeps nothing. It says so itself when it degrades."""
    database = Database(file) if file else None
    journal: Journal = SqliteJournal(database) if database else MemoryJournal()
    await journal.start(lambda _state: None)
    yield journal
    await journal.close()
    if database is not None:
        await database.close()


def disk(folder: Path, rounds: int = 300) -> dict[str, Any]:
    """What one small durable write costs here, whoever does it."""
    took = []
    with (folder / "blocks").open("wb", buffering=0) as file:
        for _ in range(rounds):
            file.write(b"x" * 4_096)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(1_000 * (time.perf_counter() - began))
    return {
        "n": rounds,
        "p50_ms": round(percentile(took, 0.5), 2),
        "p99_ms": round(percentile(took, 0.99), 2),
    }


async def live(file: Path | None, seconds: float) -> dict[str, Any]:
    """Every session writes twice a second, each at its own moment."""
    waits: list[float] = []
    calls: list[float] = []
    chance = random.Random(1)  # noqa: S311 - spreads a load
    async with opened(file) as journal:

        async def talk(name: str) -> None:
            await asyncio.sleep(chance.random() / LINES_PER_S)
            for number in range(1, int(seconds * LINES_PER_S) + 1):
                due = asyncio.get_running_loop().time() + 1 / LINES_PER_S
                began = time.perf_counter()
                journal.write(name, entry(number), waited(began, waits))
                calls.append(time.perf_counter() - began)
                await asyncio.sleep(due - asyncio.get_running_loop().time())

        began, processor, on_loop = time.perf_counter(), time.process_time(), time.thread_time()
        await asyncio.gather(*(talk(f"session-{index}") for index in range(SESSIONS)))
        took = time.perf_counter() - began
        shares = {
            "cpu_percent": round(100 * (time.process_time() - processor) / took, 2),
            "cpu_percent_loop": round(100 * (time.thread_time() - on_loop) / took, 2),
        }
        counts = journal.counts
    return {
        "n": len(waits),
        "p50_ms": round(1_000 * percentile(waits, 0.5), 2),
        "p99_ms": round(1_000 * percentile(waits, 0.99), 2),
        "max_ms": round(1_000 * max(waits), 2),
        "write_call_p50_us": round(1e6 * percentile(calls, 0.5), 1),
        "write_call_p99_us": round(1e6 * percentile(calls, 0.99), 1),
        "transactions_per_s": round(counts.batches / took, 1),
        **shares,
    }


def waited(began: float, waits: list[float]) -> Callable[[int], None]:
    """A `written` that notes how long it took."""
    return lambda _number: waits.append(time.perf_counter() - began)


async def flood(file: Path, lines: int) -> dict[str, Any]:
    """As fast as the journal takes them without holding more than FLOOD_WAITING_MAX."""
    async with opened(file) as journal:
        began, processor = time.perf_counter(), time.process_time()
        for index in range(lines):
            number, session = divmod(index, SESSIONS)
            journal.write(f"flood-{session}", entry(number + 1), _nobody)
            await fewer(journal, FLOOD_WAITING_MAX)
        await fewer(journal, 1)
        took = time.perf_counter() - began
        cpu = time.process_time() - processor
        return {
            "n": lines,
            "lines_per_s": round(lines / took),
            "cpu_us_per_line": round(1e6 * cpu / lines, 1),
        }


async def fewer(journal: Journal, lines: int) -> None:
    """Wait until fewer lines than this wait."""
    while journal.counts.waiting >= lines:  # noqa: ASYNC110 - the port tells of lines, not of room
        await asyncio.sleep(0.001)


def _nobody(_number: int) -> None:
    """Who does not want to know."""


async def restart(file: Path) -> dict[str, Any]:
    """From a file that was left to all sessions in hand."""
    async with opened(file) as journal:
        for number in range(1, RESTART_LINES + 1):
            for session in range(SESSIONS):
                journal.write(f"restart-{session}", entry(number), _nobody)
            await fewer(journal, FLOOD_WAITING_MAX)
    began = time.perf_counter()
    async with opened(file) as journal:
        found = await journal.unfinished(not_older_than_s=3_600)
        took = time.perf_counter() - began
    lines = sum(len(session.entries) for session in found)
    return {"sessions": len(found), "lines": lines, "seconds": round(took, 3)}


def measure(folder: Path, seconds: float, lines: int) -> dict[str, Any]:
    """All four."""
    return {
        "disk": disk(folder),
        "live": uvloop.run(live(folder / "live.sqlite3", seconds)),
        "live_without": uvloop.run(live(None, seconds)),
        "flood": uvloop.run(flood(folder / "flood.sqlite3", lines)),
        "restart": uvloop.run(restart(folder / "restart.sqlite3")),
    }


def told(figures: dict[str, Any]) -> str:
    """The figures as sentences."""
    disk_, live_, without = figures["disk"], figures["live"], figures["live_without"]
    flood_, back = figures["flood"], figures["restart"]
    return (
        f"disk alone, 4 KiB forced out: p50 {disk_['p50_ms']} ms, p99 {disk_['p99_ms']} ms\n"
        f"live, {SESSIONS} sessions x {LINES_PER_S:g}/s: written after p50 {live_['p50_ms']} ms, "
        f"p99 {live_['p99_ms']} ms (goal {P99_GOAL_MS:g}), max {live_['max_ms']} ms, n {live_['n']}\n"
        f"  one call of write: p50 {live_['write_call_p50_us']} us, p99 {live_['write_call_p99_us']} us; "
        f"{live_['transactions_per_s']} transactions/s\n"
        f"  processor: {live_['cpu_percent']} % of a core, {live_['cpu_percent_loop']} % on the event loop; "
        f"the same load without a file: {without['cpu_percent']} %\n"
        f"flood: {flood_['lines_per_s']} lines/s, {flood_['cpu_us_per_line']} us of processor each\n"
        f"restart: {back['sessions']} sessions with {back['lines']} lines in {back['seconds']} s\n"
    )


def main() -> int:
    """Measure, print. 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument(
        "--folder", type=Path, help="a folder on the disk to measure (default: a temporary one)"
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the live experiment")
    parser.add_argument("--lines", type=int, default=100_000, help="lines of the flood")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        figures = measure(Path(folder), asked.seconds, asked.lines)
    if asked.json is not None:
        asked.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    sys.stdout.write(told(figures))
    return 0 if figures["live"]["p99_ms"] <= P99_GOAL_MS else 1


if __name__ == "__main__":
    sys.exit(main())
