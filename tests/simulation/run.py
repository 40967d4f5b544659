"""Many worlds: seed after seed, on a few processes, into one account.

What lives here: running, counting, finding the smallest form of a failure.
What never will: what is wrong (`judge`, `watch`, the view), printing (`__main__`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from holdfast.core import effects, events
from tests.simulation.matrix import At
from tests.simulation.truth import Violation
from tests.simulation.world import Cut, World

TWICE_EVERY = 100
"""Each so many seeds, one is lived twice: the same seed must leave the same trace."""
CHUNK = 40


@dataclass(slots=True)
class Failure:
    """A seed that broke a rule."""

    seed: int
    rule: str
    what: str


@dataclass(slots=True)
class Account:
    """What came out of some seeds."""

    seeds: int = 0
    sessions: int = 0
    steps: int = 0
    seconds: float = 0.0
    rotations: int = 0
    cells: Counter[tuple[str, At]] = field(default_factory=Counter)
    pairs: Counter[tuple[At, str, At]] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: Account) -> None:
        """Enter another account."""
        self.seeds += other.seeds
        self.sessions += other.sessions
        self.steps += other.steps
        self.seconds += other.seconds
        self.rotations += other.rotations
        self.cells.update(other.cells)
        self.pairs.update(other.pairs)
        self.failures += other.failures


def live(seed: int, cut: Cut | None = None) -> tuple[World, Failure | None]:
    """One world."""
    world = World(seed, cut=cut)
    try:
        world.run()
    except Violation as violation:
        return world, Failure(seed, violation.rule, violation.what)
    except Exception as error:  # noqa: BLE001 - whatever the core throws is a finding
        return world, Failure(seed, "crash", f"{type(error).__name__}: {error}")
    return world, None


def run_seeds(seeds: Sequence[int]) -> Account:
    """Some worlds, one after the other."""
    account = Account()
    for seed in seeds:
        world, failure = live(seed)
        if failure is None and seed % TWICE_EVERY == 0 and live(seed)[0].crc != world.crc:
            failure = Failure(seed, "I12", "the same seed left another trace")
        coverage = world.coverage
        account.seeds += 1
        account.sessions += len(world.callers)
        account.steps += coverage.steps
        account.seconds += world.clock.now - 1_000.0
        account.rotations += world.rotations
        account.cells.update(coverage.cells)
        account.pairs.update(coverage.pairs)
        if failure is not None:
            account.failures.append(failure)
    return account


def run(first: int, count: int, jobs: int) -> Iterator[Account]:
    """All worlds; answers the account so far, again and again."""
    chunks = [range(at, min(at + CHUNK, first + count)) for at in range(first, first + count, CHUNK)]
    total = Account()
    if jobs <= 1:
        for chunk in chunks:
            total.add(run_seeds(chunk))
            yield total
        return
    with ProcessPoolExecutor(jobs) as pool:
        for account in pool.map(run_seeds, chunks):
            total.add(account)
            yield total


# the smallest form of a failure


def shrink(failure: Failure) -> Cut:
    """Fewer callers, fewer faults, fewer turns, as long as the same rule is broken."""
    world, _ = live(failure.seed)
    cut = Cut(frozenset(range(len(world.callers))))

    def breaks(smaller: Cut) -> bool:
        _, found = live(failure.seed, smaller)
        return found is not None and found.rule == failure.rule

    for number in range(len(world.callers)):
        smaller = cut.without_caller(number)
        if smaller.callers and breaks(smaller):
            cut = smaller
    for number in sorted(cut.callers):
        script = world.callers[number].script
        for index in reversed(range(len(script.mishaps))):
            if breaks(smaller := cut.without_mishap(number, index)):
                cut = smaller
        for turns in range(1, len(script.turns)):
            if breaks(smaller := cut.with_turns(number, turns)):
                cut = smaller
                break
    return cut


_PCM = re.compile(r"pcm=b(?:'[^']*'|\"[^\"]*\")")
_FAULT = re.compile(r"Fault\(row=FaultRow\(code='([^']*)'.*?retry_after_s=[^)]*\)")
QUIET = (effects.Note, effects.StartTimer, effects.StopTimer)


def events_of(seed: int, cut: Cut | None = None, last: int = 40) -> list[str]:
    """The last steps before a failure, for a person."""
    lines: list[str] = []
    world = World(seed, cut=cut)

    def log(runner: Any, event: events.Event, due: Sequence[effects.Effect]) -> None:
        shown = [one for one in due if not isinstance(one, QUIET)]
        if isinstance(event, events.ClientAudio) and all(isinstance(one, effects.Append) for one in shown):
            return
        lines.append(f"{world.clock.now - 1_000:9.3f} caller {runner.caller.number}: {_short(event)}")
        lines.extend(f"              -> {_short(one)}" for one in shown)

    world.log = log
    try:
        world.run()
    except AssertionError as broken:
        lines.append(f"          {broken}")
    return lines[-last:]


def _short(thing: object) -> str:
    pcm = getattr(thing, "pcm", None)
    if isinstance(pcm, bytes):
        start = getattr(thing, "start", None)
        return f"{type(thing).__name__}({len(pcm) // 2} samples, start={start})"
    return _FAULT.sub(r"Fault(\1)", _PCM.sub("pcm", repr(thing)))[:200]
