"""Whether one more session may begin, and what must be let go when memory runs short.

What lives here: judging samples of the processor, the event loop and memory, with hysteresis; how many
sessions there is room for.
What never will: reading a clock, the processor or memory; closing anything.

Refuse early rather than degrade everybody (reliability reference, B14 and F). Lateness alone speaks too late:
a loop is punctual until its processor is full, and then everybody suffers and nobody leaves. So the share of
the processor decides, with what a session costs on average, and a session just admitted counts before it has
cost anything. Lateness is the witness for what that share does not see: a long step, or others on the core.

A session that comes back is no new one: its cost is in the samples already. Ask only for new ones.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Literal

from holdfast.core.faults import Fault, fault

Resource = Literal["processor", "quota", "loop", "memory"]


class Pressure(IntEnum):
    """What is asked of the process. Each level holds those below it."""

    NONE = 0
    REFUSE = 1
    """Begin no new session."""
    SHED = 2
    """Let go what can be had again: links that wait for a session, and of what the clients of parked sessions
    missed all beyond `window_shed_bytes`.
    """
    CLOSE = 3
    """End the session that has been parked longest."""


@dataclass(frozen=True, slots=True)
class Step:
    """A resource at `enter` asks for `pressure`, until it has been below `leave` for a while.

    `samples`: so many in a row, so that one collection of garbage refuses nobody.
    """

    resource: Resource
    pressure: Pressure
    enter: float
    leave: float
    samples: int


STEPS: Final = (
    Step("processor", Pressure.REFUSE, enter=0.75, leave=0.65, samples=2),
    Step("quota", Pressure.REFUSE, enter=0.50, leave=0.42, samples=2),
    Step("loop", Pressure.REFUSE, enter=0.030, leave=0.010, samples=2),
    Step("memory", Pressure.REFUSE, enter=0.85, leave=0.80, samples=1),
    Step("memory", Pressure.SHED, enter=0.92, leave=0.88, samples=1),
    Step("memory", Pressure.CLOSE, enter=0.97, leave=0.93, samples=1),
)
"""Shares of what the process may have; seconds for the loop. The processor is `quota` where a control group
leaves less than a core: who has used up its part of a period stands still for the rest of it, so bursts need
room (`make overload`: at three quarters of a quarter core the slowest hundredth waited 3.7 times as long as
unloaded).
"""

CHECK_S: Final = 0.25
"""How often a sample should come."""
CALM_S: Final = 2.0
"""A step is left after this long below its `leave`."""
SETTLE_S: Final = 2.0
"""A new session's cost shows in the samples after this long; until then it is added to them."""
FIRST_COST: Final = 0.003
"""The share of a core that a session is taken to cost while nothing is known (20 ms frames both ways)."""
CHANGE_S: Final = 0.003
"""Seconds of a core that beginning or ending a session costs, roughly: no part of what sessions cost."""
REFUSAL_S: Final = 0.001
"""And refusing one: those who are refused ask again."""
PRIOR_SESSIONS: Final = 20
"""That expectation weighs as much as so many sessions seen: pages and housekeeping are no session's cost."""
SMOOTHING: Final = 0.5
"""The weight of the newest sample of the processor; and of a session's cost when that is dearer, where there
are many.
"""
TRUST: Final = 0.02
"""Its weight when that is cheaper: sessions may only be silent yet."""
RETRY_AFTER_S: Final = 5.0

_BUSY_MAX: Final = {step.resource: step.enter for step in STEPS}


@dataclass(frozen=True, slots=True)
class LoadSample:
    """The process since the sample before."""

    busy: float
    """Processor time used, as a share of what one event loop may have here (`cores`)."""
    lag_s: float
    """How late the loop was at worst."""
    memory: float
    """Memory in use, as a share of the limit; 0 where there is none."""
    sessions: int
    """Sessions that run."""
    cores: float = 1.0
    """What one event loop may have of a core here: 1, or less where a quota holds the process."""

    @property
    def held_by(self) -> Literal["processor", "quota"]:
        """What bounds the processor time."""
        return "quota" if self.cores < 1.0 else "processor"


@dataclass(slots=True)
class _Watch:
    """One step of the table, and whether it is in force."""

    step: Step
    is_on: bool = False
    above: int = 0
    calm_since: float | None = None

    def see(self, value: float, now: float) -> None:
        self.above = self.above + 1 if value >= self.step.enter else 0
        if self.above >= self.step.samples:
            self.is_on = True
        if value >= self.step.leave:
            self.calm_since = None
        elif self.calm_since is None:
            self.calm_since = now
        if self.is_on and self.calm_since is not None and now - self.calm_since >= CALM_S:
            self.is_on = False


@dataclass(slots=True)
class Overload:
    """Give it a `LoadSample` each `CHECK_S`; ask `refusal` for each new session."""

    busy: float = 0.0
    cost: float = FIRST_COST
    """The share of the processor that one session takes, on average."""
    few: int = 0
    """Fewer sessions than these are never refused: it is not they who make the load."""
    _latest: LoadSample = field(default_factory=lambda: LoadSample(0.0, 0.0, 0.0, 0))
    _watches: list[_Watch] = field(default_factory=lambda: [_Watch(step) for step in STEPS])
    _fresh: deque[float] = field(default_factory=deque)
    """When sessions were admitted whose cost cannot be seen yet."""
    _left: int = 0
    """How many may still begin before the next sample."""
    _gone: int = 0
    """Sessions that ended since the last sample: what they took is in the next one."""
    _begun: int = 0
    """Sessions that began since then."""
    _refused: int = 0
    """And who wanted one in vain."""
    _sampled_at: float = 0.0

    def __post_init__(self) -> None:
        self._left = self.room

    @property
    def pressure(self) -> Pressure:
        """What is asked for now. Where nobody is refused, nobody is told so."""
        asked = max((watch.step.pressure for watch in self._watches if watch.is_on), default=Pressure.NONE)
        return Pressure.NONE if asked is Pressure.REFUSE and self._latest.sessions < self.few else asked

    @property
    def is_memory_short(self) -> bool:
        """Whether it is memory that asks for something."""
        return any(watch.is_on and watch.step.resource == "memory" for watch in self._watches)

    @property
    def room(self) -> int:
        """How many more sessions the processor bears, by what is known."""
        return max(0, int((_BUSY_MAX[self._latest.held_by] - self.busy) / self.cost) - len(self._fresh))

    def sample(self, sample: LoadSample, now: float) -> Pressure:
        """Take a sample; answers what is asked for from now on."""
        while self._fresh and now - self._fresh[0] >= SETTLE_S:
            self._fresh.popleft()
        self.cost *= self._latest.cores / sample.cores
        self._latest = sample
        self.busy += SMOOTHING * (sample.busy - self.busy)
        self._learn(sample, self._changing(now) / sample.cores)
        self._begun = self._gone = self._refused = 0
        self._sampled_at = now
        values = {sample.held_by: self.busy, "loop": sample.lag_s, "memory": sample.memory}
        for watch in self._watches:
            watch.see(values.get(watch.step.resource, 0.0), now)
        self._left = self.room
        return self.pressure

    def refusal(self, now: float, *, begins: bool = True) -> Fault | None:
        """Why one more session may not begin now; None when it may, and then it is counted. One that hears
        only that it cannot begin takes nothing.
        """
        if self.pressure is Pressure.NONE and not begins:
            return None
        if self.pressure is Pressure.NONE and self._left > 0:
            self._left -= 1
            self._begun += 1
            self._fresh.append(now)
            return None
        self._refused += 1
        return fault("gateway.overloaded", self._evidence(), retry_after_s=RETRY_AFTER_S)

    def ended(self, lasted_s: float) -> None:
        """A session is over; one whose cost was still to come takes nothing any more."""
        self._gone += 1
        if lasted_s < SETTLE_S and self._fresh:
            self._fresh.popleft()
            self._left += 1

    def _changing(self, now: float) -> float:
        """The share of a core that it took to begin, end and refuse sessions: those since the last sample, or
        those before that are not ready yet.
        """
        seconds = max(CHECK_S, now - self._sampled_at)
        changes = max((self._begun + self._gone) / seconds, len(self._fresh) / SETTLE_S)
        return CHANGE_S * changes + REFUSAL_S * self._refused / seconds

    def _learn(self, sample: LoadSample, changing: float) -> None:
        """Its cost is at least what is seen if all have settled, at most if the fresh ones have not.
        Of what is seen of a few, more is housekeeping.
        """
        spent = max(0.0, sample.busy - changing) + PRIOR_SESSIONS * FIRST_COST / sample.cores
        sessions = sample.sessions + self._gone
        least = spent / (sessions + PRIOR_SESSIONS)
        most = spent / (max(0, sessions - len(self._fresh)) + PRIOR_SESSIONS)
        if self.cost < least:
            self.cost += SMOOTHING * sessions / (sessions + PRIOR_SESSIONS) * (least - self.cost)
        elif self.cost > most:
            self.cost += TRUST * (most - self.cost)

    def _evidence(self) -> list[str]:
        latest = self._latest
        words = {
            "processor": f"the processor is {self.busy:.0%} busy",
            "quota": f"the processor's quota is {self.busy:.0%} used",
            "loop": f"the event loop is {latest.lag_s * 1e3:.0f} ms late",
            "memory": f"memory is {latest.memory:.0%} full",
        }
        told = dict.fromkeys(words[watch.step.resource] for watch in self._watches if watch.is_on)
        return list(told) or [f"{len(self._fresh)} sessions have just begun"]
