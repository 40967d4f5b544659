"""How long a lost upstream costs, cell by cell: `python -m benchmarks.recovery [--runs 20]`.

What lives here: many runs of each cell of the fault matrix with real sockets, one session at a time in each
of several lanes; then many sessions cut at once. Times are the emulator's own log; positions of samples are
found in what it recorded.
What never will: which cells there are (`rig.cells`), what is read from the books (`rig.accounts`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from benchmarks.rig.accounts import (
    Account,
    endings,
    entry,
    found_out_at,
    owners,
    samples,
    struck_at,
    told_at,
    told_upstream_ms,
    upstream_ms,
    waited_ms,
)
from benchmarks.rig.cells import Cell, Outcome, cells
from benchmarks.rig.crowd import all_ready, crowd, until
from benchmarks.rig.house import Built, Gateway, built, emulator, gateway
from benchmarks.rig.house import Emulator as Process
from benchmarks.rig.person import Person
from benchmarks.rig.report import Result, arguments, carry_out, progress
from benchmarks.rig.voice import FRAME_MS, Voice
from holdfast.bench.figures import percentile
from holdfast.bench.measuring import measuring_cores
from holdfast.bench.revision import this_checkout
from holdfast.emulator import Call, Emulator, EmulatorOptions, SessionRecord, Turn

OWN_P50_MS: Final = 10.0
OWN_P99_MS: Final = 50.0
CUT_P99_MS: Final = 250.0
RUN_S: Final = 20.0
DEAD_S: Final = 45.0
"""A connection that is only silent takes the gateway's time-outs to be found out."""
CALM_S: Final = 0.4
"""After the answer nothing more may come; so long we listen."""
CUT_WAIT_S: Final = 25.0
SETTLED_S: Final = 8.0
"""A link that dies younger goes on with the budget of the recovery that made it."""
LOUD_MS: Final = 800
QUIET_MS: Final = 1_000
_TOOL_TURNS: Final = tuple(Turn(hear="What do I owe?", call=Call("balance")) for _ in range(20))


@dataclass(slots=True)
class Lane:
    """An emulator and its gateway, for one session at a time."""

    number: int
    made: Built
    cores: set[int]
    emulator: Emulator
    seed: int
    gate: Gateway | None = None
    runs: int = 0
    _is_marked: bool = False
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    async def fresh(self, cell: Cell) -> None:
        """A gateway that has seen no fault yet. Where tools are timed it has had a calm conversation: the
        first question to a database takes longer.
        """
        await asyncio.to_thread(self._stack.close)
        self.runs += 1
        start = gateway(
            self.made, self.emulator.http_base, self.cores, name=f"gateway-{self.number}-{self.runs}"
        )
        self.gate = await asyncio.to_thread(self._stack.enter_context, start)
        if cell.state == "TR" or not cell.trouble.needs_own:
            calm = Cell(cell.trouble, "TR")
            self._prepare(calm, [])
            await self._converse(calm, 0, lambda person: self._is_answered(calm, person))

    async def close(self) -> None:
        """End the gateway."""
        await asyncio.to_thread(self._stack.close)

    async def run(self, cell: Cell, number: int) -> Account:
        """Break one session and account for it."""
        if self.gate is None or self._is_marked or cell.trouble.needs_own:
            await self.fresh(cell)
        self._is_marked = cell.trouble.needs_own
        self._prepare(cell, cell.faults)
        assert self.gate is not None
        self.gate.read()
        known = len(self.gate.log)
        person, outcome = await self._converse(
            cell, number, lambda one: self._is_answered(cell, one) and self._is_served()
        )
        self.gate.read()
        return self._account(cell, person, outcome, self.gate.log[known:])

    def _prepare(self, cell: Cell, faults: list[str]) -> None:
        emulator = self.emulator
        emulator.options = replace(emulator.options, script=_TOOL_TURNS if cell.state == "TR" else ())
        emulator.sessions.clear()
        emulator.attempts.clear()
        emulator.set_faults(faults)

    async def _converse(
        self, cell: Cell, number: int, is_over: Callable[[Person], bool]
    ) -> tuple[Person, Outcome]:
        """One person speaks one turn; answers whether the session was there in the end."""
        assert self.gate is not None
        # The same seed shall give the same run; nothing secret hangs on it.
        chance = random.Random(f"{self.seed}:{cell}:{number}")  # noqa: S311
        voice = Voice(number, loud_ms=LOUD_MS, quiet_ms=QUIET_MS, turns=1)
        person = Person(voice, self.gate.url, chance, comes_back=False)
        living = asyncio.get_running_loop().create_task(person.live())
        try:
            await until(lambda: living.done() or is_over(person), RUN_S if cell.trouble.ends else DEAD_S)
            await asyncio.sleep(CALM_S)
        finally:
            outcome: Outcome = "held" if person.is_connected and person.is_ready else "ended"
            living.cancel()
            await asyncio.wait([living])
        return person, outcome

    def _is_answered(self, cell: Cell, person: Person) -> bool:
        """What was spoken is answered, with all ends."""
        ends = sum(one.kind == "response_done" for one in person.happenings)
        has_spoken = person.frames * FRAME_MS >= LOUD_MS + QUIET_MS
        return (
            ends >= (2 if cell.state == "TR" else 1)
            and has_spoken
            and person.is_ready
            and not person.open_responses
        )

    def _is_served(self) -> bool:
        """Some upstream that was not broken is configured."""
        return any(
            record.is_open and not record.broken and entry(record, "emulator", "session.updated")
            for record in self.emulator.records
        )

    def _account(self, cell: Cell, person: Person, outcome: str, log: list[dict[str, Any]]) -> Account:
        records = self.emulator.records
        completed, wrongs = endings(person)
        lost, doubled = samples(records, person) if outcome == "held" else (0, 0)
        total, own_upstream, died = None, 0.0, self._died(cell, records, log)
        if died is not None:
            reborn = [
                (updated, record)
                for record in records
                if (updated := entry(record, "emulator", "session.updated")) is not None and updated > died
            ]
            if reborn:
                updated, record = min(reborn, key=lambda one: one[0])
                total, own_upstream = 1e3 * (updated - died), upstream_ms(record)
        return Account(
            outcome=outcome,
            total_ms=total,
            upstream_ms=own_upstream,
            waited_ms=waited_ms(log),
            attempts=len(self.emulator.attempts),
            lost=lost,
            doubled=doubled,
            answers=completed,
            wrongs=(*wrongs, *person.wrongs),
        )

    def _died(
        self, cell: Cell, records: Sequence[SessionRecord], log: Sequence[dict[str, Any]]
    ) -> float | None:
        """When the first upstream was lost. A refused knock has no session, but a time; a connection that is
        only silent is lost when the gateway has found out."""
        attempts = self.emulator.attempts
        if not cell.trouble.ends:
            return found_out_at(log)
        if cell.state == "CN":
            return attempts[0].at_s if attempts else None
        return struck_at(records[0]) if records else None


async def all_cells(made: Built, asked: argparse.Namespace, result: Result) -> None:
    """Every cell, its runs spread over the lanes."""
    wanted = cells(asked.faults, asked.states)
    gateways = os.sched_getaffinity(0)  # no processor time is measured here, and most goes into starting
    work = [(cell, number) for cell in wanted for number in range(asked.runs)]
    random.Random(asked.seed).shuffle(work)  # noqa: S311 - the order, so that no cell has the slow minute
    accounts: dict[str, list[Account]] = {str(cell): [] for cell in wanted}
    total = len(work)

    async def worker(number: int) -> None:
        async with Emulator(EmulatorOptions(keep_audio=True, seed=asked.seed)) as emulator:
            lane = Lane(number, made, gateways, emulator, asked.seed)
            try:
                while work:
                    cell, at = work.pop()
                    accounts[str(cell)].append(await lane.run(cell, at + 1))
                    progress(f"{total - len(work)} of {total} runs, last: {cell}", every_s=2.0)
            finally:
                await lane.close()

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(asked.lanes):
                group.create_task(worker(number))
    finally:
        _judge_cells(wanted, accounts, result)


def _judge_cells(wanted: Sequence[Cell], accounts: dict[str, list[Account]], result: Result) -> None:
    for cell in wanted:
        found = accounts[str(cell)]
        own = [one.own_ms for one in found if one.own_ms is not None]
        result.rows.append(
            {
                "fault": cell.trouble.name,
                "state": cell.state,
                "runs": len(found),
                "must be": cell.trouble.outcome,
                "so": sum(one.outcome == cell.trouble.outcome for one in found),
                "own p50 ms": round(percentile(own, 0.5), 1) if own else None,
                "own p99 ms": round(percentile(own, 0.99), 1) if own else None,
                "waited p50 ms": round(percentile([one.waited_ms for one in found], 0.5)) if found else None,
                "attempts": max((one.attempts for one in found), default=0),
                "lost": sum(one.lost for one in found),
                "doubled": sum(one.doubled for one in found),
                "answers": _spread([one.answers for one in found]),
                "breaches": sum(bool(one.wrongs) for one in found),
            }
        )
    every = [(cell, one) for cell in wanted for one in accounts[str(cell)]]
    held = [one.own_ms for cell, one in every if cell.trouble.outcome == "held" and one.own_ms is not None]
    as_wanted = sum(one.outcome == cell.trouble.outcome for cell, one in every)
    result.check("runs with another outcome than required", len(every) - as_wanted, 0)
    _check_own(result, "recovery, own share", held, sum(cell.trouble.outcome == "held" for cell, _ in every))
    result.check("samples lost without a word", sum(one.lost for _, one in every), 0)
    result.check("samples that one upstream got twice", sum(one.doubled for _, one in every), 0)
    result.check("runs with a breach of the protocol", sum(bool(one.wrongs) for _, one in every), 0)
    wrongs = Counter(f"{cell}: {wrong}" for cell, one in every for wrong in one.wrongs)
    result.notes += [f"{count} x {what}" for what, count in wrongs.most_common(5)]
    result.details["accounts"] = {
        name: [{"own_ms": one.own_ms, "total_ms": one.total_ms, "outcome": one.outcome} for one in found]
        for name, found in accounts.items()
    }


def _check_own(result: Result, title: str, own: Sequence[float], wanted: int) -> None:
    """Percentiles of those that came back; all must have."""
    result.check(f"{title}: came back", len(own), wanted, is_fine=len(own) == wanted)
    for share, bound in ((0.5, OWN_P50_MS), (0.99, OWN_P99_MS)):
        found = percentile(own, share)
        result.check(f"{title}, p{100 * share:g}", found, bound, "ms", is_fine=bool(own) and found <= bound)


def _spread(counts: Sequence[int]) -> str:
    return ", ".join(f"{value} x{times}" for value, times in sorted(Counter(counts).items()))


async def cut_at_once(made: Built, asked: argparse.Namespace, result: Result) -> None:
    """Many sessions of one gateway, all reset in the same moment, several times."""
    gateways, others = measuring_cores()
    shares: list[float] = []
    wished = 0
    async with emulator(made, others) as upstream:
        with gateway(made, upstream.base_url, gateways, name="cut") as gate:
            async with crowd(asked.cut, gate.url, seed=asked.seed, within_s=asked.cut / 40) as people:
                await all_ready(people, 60.0)
                for at in range(asked.cuts):
                    progress(f"{asked.cut} sessions cut at once, {at + 1} of {asked.cuts}")
                    await asyncio.sleep(SETTLED_S)
                    wished += len(people)
                    shares += await _cut(upstream, gate, people)
    result.check(f"{asked.cut} cut at once: came back", len(shares), wished, is_fine=len(shares) == wished)
    found = percentile(shares, 0.99)
    fine = bool(shares) and found <= CUT_P99_MS
    result.check(f"{asked.cut} cut at once, own share, p99", found, CUT_P99_MS, "ms", is_fine=fine)
    result.notes.append(f"{asked.cut} cut at once: own share p50 {percentile(shares, 0.5):.1f} ms")
    result.details["cut_own_ms"] = sorted(round(one, 2) for one in shares)


async def _cut(upstream: Process, gate: Gateway, people: list[Person]) -> list[float]:
    """The own shares of those that came back to the same session."""
    gate.read()
    known = len(gate.log)
    sessions = {one.session for one in people}
    await upstream.post("/sessions/all/end", reset=True)

    def rebuilt() -> bool:
        gate.read()
        return len(set(owners(gate.log[known:]).values()) & sessions) == len(sessions)

    await until(rebuilt, CUT_WAIT_S)
    await asyncio.sleep(CALM_S)
    gate.read()
    before, after = owners(gate.log[:known]), owners(gate.log[known:])
    ended = {session: name for name, session in before.items()}
    shares = []
    for at, (name, session) in enumerate(after.items()):
        progress(f"reading the books, {at} of {len(after)}", every_s=2.0)
        if session in sessions and session in ended:
            old, new = (
                await upstream.get(f"/sessions/{ended[session]}"),
                await upstream.get(f"/sessions/{name}"),
            )
            died, updated = told_at(old, "(closed"), told_at(new, "session.updated")
            if died is not None and updated is not None:
                total = 1e3 * (updated - died)
                shares.append(max(0.0, total - told_upstream_ms(new) - waited_ms(gate.log[known:], session)))
    return shares


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, write. 1 when something is not as it must be."""
    parser = arguments(str(__doc__).partition("\n")[0])
    parser.add_argument("--runs", type=int, default=20, help="of each cell")
    parser.add_argument("--faults", help="names with semicolons between; all without")
    parser.add_argument("--states", help="such as ID,US; all without")
    parser.add_argument("--lanes", type=int, default=4, help="gateways side by side, one session each")
    parser.add_argument("--cut", type=int, default=200, help="sessions that are cut at once; 0: none")
    parser.add_argument("--cuts", type=int, default=3, help="how often")
    asked = parser.parse_args(argv)
    try:
        wanted = cells(asked.faults, asked.states)
    except ValueError as wrong:
        parser.error(str(wrong))

    async def measure(result: Result) -> None:
        with built(asked.rev) as made:
            result.revision = made.revision
            if asked.runs:
                await all_cells(made, asked, result)
            if asked.cut:
                await cut_at_once(made, asked, result)

    shape = {"cells": len(wanted), "runs of each": asked.runs, "lanes": asked.lanes, "cut at once": asked.cut}
    result = Result("recovery", "A lost upstream, cell by cell", this_checkout(), asked.seed, shape)
    result.notes.append(
        "own share: from the loss to session.updated, less the upstream's answers and logged waits"
    )
    return carry_out(result, asked, measure)


if __name__ == "__main__":
    sys.exit(main())
