"""A world: a few callers, one process of the gateway, its upstreams, its journal, and what befalls them all.

What lives here: drawing a world from a seed, running it, its trace and its coverage.
What never will: rules.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Any

from holdfast.core import effects, events
from holdfast.core.effects import Manner
from holdfast.core.faults import fault
from holdfast.core.journal_line import Durability
from holdfast.core.limits import Limits
from holdfast.core.links import UpstreamFacts
from tests.simulation.caller import Caller
from tests.simulation.clock import Clock
from tests.simulation.endpoints import Endpoint
from tests.simulation.gateway import Process, Runner
from tests.simulation.matrix import At, Fault
from tests.simulation.script import Script, draw
from tests.simulation.store import Store
from tests.simulation.truth import Violation
from tests.simulation.upstream import Link

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_S = 900.0
CLOSE_S = 5.0
"""How long a process that stops waits for its journal."""
ENDS_WITHOUT_A_CLIENT = frozenset(
    {"not_resumed", "draining", "goodbye", "ended_by_client", "upstream_lost", "not_started", "client_gone"}
)
OUTAGES = ("503", "provider.unreachable", "never", "429", "provider.name_unknown")
TIGHT = Limits(
    input_held_s=4.0,
    input_replayed_s=18.0,
    window_audio_s=2.0,
    window_messages=60,
    conversation_items=8,
    tool_calls_remembered=4,
    commands_held=3,
)


@dataclass(slots=True)
class Coverage:
    """What was seen."""

    cells: Counter[tuple[str, At]] = field(default_factory=Counter)
    pairs: Counter[tuple[At, str, At]] = field(default_factory=Counter)
    steps: int = 0
    sessions: int = 0
    seconds: float = 0.0
    rotations: int = 0
    rebuilds: int = 0
    ends: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Cut:
    """Less than a whole world: some callers, without some of their faults and turns."""

    callers: frozenset[int]
    mishaps: frozenset[tuple[int, int]] = frozenset()
    """Left out: number of the caller, number of the fault."""
    turns: tuple[tuple[int, int], ...] = ()
    """Number of the caller, how many are left."""

    def without_caller(self, number: int) -> Cut:
        return replace(self, callers=self.callers - {number})

    def without_mishap(self, number: int, index: int) -> Cut:
        return replace(self, mishaps=self.mishaps | {(number, index)})

    def with_turns(self, number: int, turns: int) -> Cut:
        return replace(self, turns=(*self.turns, (number, turns)))

    def applied(self, number: int, script: Script) -> Script:
        """What is left of a caller's life."""
        left = [one for index, one in enumerate(script.mishaps) if (number, index) not in self.mishaps]
        script.mishaps = [one for one in left if one.after is None or one.after in left]
        count = dict(self.turns).get(number)
        script.turns = script.turns[:count]
        return script


class World:
    """One seed."""

    def __init__(self, seed: int, *, cut: Cut | None = None) -> None:
        self.seed = seed
        chance = self.chance = Random(seed)
        self.clock = Clock()
        self.coverage = Coverage()
        self.crc = 0
        self.event: events.Event | None = None
        self.log: Callable[[Runner, Any, Sequence[Any]], None] | None = None
        self.rotations = 0
        self.troubled_until = 0.0
        self.frees_memory = False
        self.journal_cause: Any = None
        self.leaving: Process | None = None
        """The process that was told to stop, until it has."""
        self._made = 0
        self._until = 0.0
        self._uid = 0
        self.is_tight = chance.random() < 0.12
        self.limits = TIGHT if self.is_tight else Limits()
        durability: Durability = "none" if chance.random() < 0.25 else "local"
        self.store = Store(self.clock, chance, durability)
        self.endpoints = self._draw_endpoints()
        self.facts = tuple(self._facts(index) for index in range(len(self.endpoints)))
        self.sends_dead_voices = chance.random() < 0.5
        self.process: Process | None = Process(self)
        count = chance.choice((1, 1, 2, 3, 4, 6))
        scripts = [draw(seed, seed * 6 + number) for number in range(count)]
        if cut is not None:
            scripts = [cut.applied(n, one) for n, one in enumerate(scripts) if n in cut.callers]
        self.callers = [Caller(self, script, number) for number, script in enumerate(scripts)]

    def _draw_endpoints(self) -> list[Endpoint]:
        chance = self.chance
        found = [Endpoint(f"up{number}", chance) for number in range(chance.choice((1, 2, 2, 3)))]
        for endpoint in found:
            if chance.random() < 0.12:
                begin = self.clock.now + chance.choice((0.0, chance.uniform(0, 10)))
                end = begin + chance.choice((0.5, 2.0, 6.0, 20.0))
                endpoint.troubles.append((begin, end, chance.choice(OUTAGES)))
                endpoint.failed_at = begin
                self.troubled_until = max(self.troubled_until, end)
            if chance.random() < 0.15:
                endpoint.lifetime_s = chance.choice((8.0, 15.0, 30.0))
        return found

    def _facts(self, index: int) -> UpstreamFacts:
        manners = ((), (Manner.MINIMAL_AUDIO,), (Manner.PACED_AUDIO, Manner.MINIMAL_AUDIO))
        kind = "local" if index == 2 else "openai"
        return UpstreamFacts(f"up{index}", kind, "m", ("marin",), "marin", self.chance.choice(manners))

    def new(self, kind: str) -> str:
        """An id that no other thing has."""
        self._made += 1
        return f"{kind}{self._made}"

    def new_link(self, runner: Runner, effect: effects.Dial) -> Link:
        """A connection to an upstream."""
        self._uid += 1
        link = Link(
            self.clock,
            runner.chance,
            runner.judge,
            runner,
            runner.known(),
            uid=self._uid,
            generation=effect.generation,
        )
        link.endpoint = effect.endpoint
        link.is_manual = runner.caller.script.options.turn_detection == "manual"
        link.lifetime_s = self.endpoints[effect.endpoint].lifetime_s
        link.tells_ends = self.chance.random() < 0.8
        link.cuts_samples = self.chance.random() < 0.1
        return link

    def endpoint_of(self, link: Link) -> Endpoint:
        """Where a link leads."""
        return self.endpoints[link.endpoint]

    # what befalls everybody

    def kill(self, after_s: float) -> None:
        """kill -9, and another process a little later."""
        if self.process is None:
            return
        for caller in self.callers:
            self._forgive(caller)
        self.process.die()
        self.store.kill()
        self.process = self.journal_cause = None
        self.troubled_until = max(self.troubled_until, self.clock.now + after_s)
        self.clock.after(after_s, self._starts)

    def _forgive(self, caller: Caller) -> None:
        """What a kill may cost: what was done and not durable may be done again."""
        truth, judge = caller.truth, caller.judge
        truth.killed = True
        lines, lost = self.store.lines.get(caller.session_id, []), self.store.waits(caller.session_id)
        caller.was_unborn |= not lines or any("tokens" in content for _, content in lost)
        settled = max([0, *(content["settled"] for kind, content in lines if kind == "progress")])
        for mark in [*truth.spoken, *truth.said]:
            spoken = truth.spoken.get(mark)
            if lost and (spoken is None or spoken[1] > settled):
                judge.repeats[mark] = "not durable when the process was killed"
        events_lost = [content["event_id"] for kind, content in lost if kind == "command"]
        truth.refused.update(caller.talk.by_event[one] for one in events_lost if one in caller.talk.by_event)
        items_lost = {content["id"] for kind, content in lost if kind == "item"}
        for item_id, told in judge.answers.items():
            if item_id in items_lost:
                judge.repeats |= dict.fromkeys(told.answer.covers, "answered, which was not durable")
            if not told.status:
                judge.repeats |= dict.fromkeys(
                    told.answer.covers, "being answered when the process was killed"
                )

    def _starts(self) -> None:
        self.process = Process(self)
        for endpoint in self.endpoints:
            endpoint.refused_at = float("-inf")  # a new process has to find out for itself

    def drain(self, after_s: float, *, twice: bool) -> None:
        """SIGTERM: this process stops, another one takes over."""
        process = self.process
        if process is None or not process.takes_new:
            return
        self.process, self.leaving = None, process
        process.drain(False)
        if twice:
            process.drain(True)
        self.clock.after(self.limits.drain_s, process.drain, True)
        self._waits_for(process, after_s, self.clock.now + CLOSE_S)

    def _waits_for(self, process: Process, after_s: float, closes_by: float) -> None:
        """The next process begins when the last session has left this one, and the journal has been given
        a while to write.
        """
        now = self.clock.now
        self.troubled_until = max(self.troubled_until, now + after_s)
        if process.runners or (self.store.has_unwritten and now < closes_by):
            closes_by = now + CLOSE_S if process.runners else closes_by
            self.clock.after(0.25, self._waits_for, process, after_s, closes_by)
            return
        for caller in self.callers:
            if self.store.waits(caller.session_id):
                self._forgive(caller)
        self.store.closes()
        process.is_alive, self.leaving = False, None
        self.clock.after(after_s, self._starts)

    def stall(self, seconds: float) -> None:
        """The event loop stands still."""
        self.clock.stall(seconds)

    def breaks_journal(self, seconds: float) -> None:
        """The journal's disk is gone for a while."""
        self.store.breaks()
        self.troubled_until = max(self.troubled_until, self.clock.now + seconds + 1)
        self.clock.after(0.5, self._journal_changed, fault("store.journal_unavailable", ["no space left"]))
        self.clock.after(seconds, self._journal_well)

    def slows_journal(self, delay_s: float, seconds: float) -> None:
        """The journal writes slowly for a while."""
        before, self.store.delay_s = self.store.delay_s, delay_s
        self.clock.after(seconds, setattr, self.store, "delay_s", before)

    def _journal_well(self) -> None:
        self.store.recovers()
        self._journal_changed(None)

    def _journal_changed(self, cause: Any) -> None:
        if cause is not None and not self.store.is_down:
            return
        self.journal_cause = cause
        for process in (self.process, self.leaving):
            for runner in [] if process is None else [*process.runners.values()]:
                runner.step(events.JournalChanged(cause))

    def was_refused(self, caller: Caller) -> None:
        """A caller came back and its session is not there."""
        if caller.truth.killed and (self.store.durability == "none" or caller.was_unborn):
            return
        ended = caller.ended_reason()
        if ended is None:
            raise Violation("B11", "a session is not there any more, and never ended")
        if ended not in ENDS_WITHOUT_A_CLIENT:
            raise Violation("B11", f"a session is not there any more: {ended}")

    def account(self, caller: Caller) -> None:
        """A session is quiet: its samples must add up."""
        runner = caller.runner_now()
        if runner is None or runner.watch.trouble_since is not None or runner.state.kept.waiting:
            return
        if runner.line is None or runner.line.is_dead or runner.line.is_deaf:
            return  # it is lost already, and nobody knows yet
        caller.judge.account(runner.state.input_lane.end)

    # running

    def hit(self, fault: Fault, at: At, first: At | None) -> None:
        """A fault has hit."""
        self.coverage.cells[fault.row, at] += 1
        if first is not None:
            self.coverage.pairs[first, fault.row, at] += 1

    def trace(self, runner: Runner, event: events.Event, due: Sequence[effects.Effect]) -> None:
        """One step of the core."""
        self.event = event
        self.coverage.steps += 1
        words = f"{self.clock.now:.6f}{type(event).__name__}{runner.state.output.offset}"
        self.crc = zlib.crc32(f"{words}{[type(one).__name__ for one in due]}".encode(), self.crc)
        if self.log is not None:
            self.log(runner, event, due)

    def run(self) -> Coverage:
        """Live until every caller is done."""
        end = self.clock.now + LONGEST_S
        self.clock.run(end, self._is_over)
        if not all(caller.is_over for caller in self.callers):
            raise Violation("I10", f"callers are still busy after {LONGEST_S:g} s")
        coverage = self.coverage
        coverage.sessions = len(self.callers)
        coverage.seconds = self.clock.now - 1_000.0
        coverage.rotations = self.rotations
        return coverage

    def lingers(self, seconds: float) -> None:
        """Somebody left without a word: what becomes of the session is to be seen."""
        self._until = self.clock.now + seconds

    def _is_over(self) -> bool:
        return self.clock.now >= self._until and all(caller.is_over for caller in self.callers)
