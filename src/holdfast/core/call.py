"""A call whose sound goes past us (WebRTC by the provider): what its sideband socket tells, and what we do.

What lives here: the call's phases, the settings that stay set, tools at most once, when it is hung up.
What never will: SDP, the dialect, the socket. The browser speaks to the provider; we see every event of the
session and may send our own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Final

from holdfast.core.effects import Finish, Note, StartTimer, StopTimer
from holdfast.core.faults import Fault
from holdfast.core.limits import Limits

TIMER_CALL_RETRY: Final = "call_retry"
TIMER_CALL_LIFE: Final = "call_life"
TIMER_CALL_IDLE: Final = "call_idle"
REASSERTED_MAX: Final = 3
"""How often settings that somebody changed are set again before the call is hung up."""
DIALS_MAX: Final = 5
DIALS_OF_UNKNOWN_MAX: Final = 3
"""A call that was made a moment ago may not be known everywhere yet (protocol reference, 9.2)."""
_UNKNOWN: Final = "configuration.model_not_found"
"""What a sideband's 404 is called: there is no such call, or no longer."""


class CallPhase(StrEnum):
    """Where a call stands."""

    DIALING = "dialing"  # its sideband is not open, or no longer
    HELD = "held"
    ENDING = "ending"  # it is being hung up
    OVER = "over"


# what happens


@dataclass(frozen=True, slots=True)
class CallBegan:
    """The provider has answered the offer."""


@dataclass(frozen=True, slots=True)
class SidebandOpened:
    generation: int


@dataclass(frozen=True, slots=True)
class SidebandLost:
    generation: int
    fault: Fault


@dataclass(frozen=True, slots=True)
class SettingsTold:
    """The session as the provider has it: whether something is not as it was bound."""

    is_altered: bool


@dataclass(frozen=True, slots=True)
class ToolCalled:
    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolEnded:
    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class CallMoved:
    """Any other event: somebody is there. `tokens` are those of a response that ended."""

    tokens: int = 0


@dataclass(frozen=True, slots=True)
class HangUpAsked:
    reason: str


@dataclass(frozen=True, slots=True)
class HungUp:
    """The provider was told, or could not be."""


@dataclass(frozen=True, slots=True)
class CallTimer:
    name: str


CallEvent = (
    CallBegan
    | SidebandOpened
    | SidebandLost
    | SettingsTold
    | ToolCalled
    | ToolEnded
    | CallMoved
    | HangUpAsked
    | HungUp
    | CallTimer
)

# what to do


@dataclass(frozen=True, slots=True)
class DialSideband:
    generation: int


@dataclass(frozen=True, slots=True)
class SetAgain:
    """Send the settings that the call is bound to."""


@dataclass(frozen=True, slots=True)
class RunTool:
    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class TellResult:
    """Tell a tool's result, and ask for the answer to it."""

    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class HangUpCall:
    """Tell the provider that the call is over."""


CallEffect = (
    DialSideband | SetAgain | RunTool | TellResult | HangUpCall | StartTimer | StopTimer | Note | Finish
)


@dataclass(slots=True)
class Call:
    """One call. `tools` are the names that we run; others are the application's own."""

    limits: Limits
    tools: frozenset[str] = frozenset()
    phase: CallPhase = CallPhase.DIALING
    generation: int = 0
    was_held: bool = False
    dials: int = 0
    reasserted: int = 0
    tokens: int = 0
    moved_at: float = 0.0
    began_at: float = 0.0
    seen: dict[str, None] = field(default_factory=dict)
    """Calls of tools that were begun: none is begun twice."""
    owed: list[TellResult] = field(default_factory=list)
    """Results that no open sideband has been told."""
    out: list[CallEffect] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether nothing happens any more."""
        return self.phase is CallPhase.OVER

    def receive(self, event: CallEvent, now: float) -> list[CallEffect]:
        """One step. After the end nothing happens any more."""
        if self.is_over:
            return []
        self.STEPS[type(event)](self, event, now)
        due, self.out = self.out, []
        return due

    def _began(self, _event: CallBegan, now: float) -> None:
        self.began_at = self.moved_at = now
        self.out.append(StartTimer(TIMER_CALL_LIFE, self.limits.session_s))
        self.out.append(StartTimer(TIMER_CALL_IDLE, self.limits.idle_s))
        self._dial()

    def _dial(self) -> None:
        self.phase = CallPhase.DIALING
        self.generation += 1
        self.dials += 1
        self.out.append(DialSideband(self.generation))

    def _opened(self, event: SidebandOpened, now: float) -> None:
        if event.generation != self.generation or self.phase is not CallPhase.DIALING:
            return
        self.phase, self.was_held, self.dials, self.moved_at = CallPhase.HELD, True, 0, now
        self.out.append(Note("call.held", "info", {"generation": event.generation}))
        self.out += self.owed
        self.owed.clear()

    def _lost(self, event: SidebandLost, now: float) -> None:
        cause = event.fault
        if event.generation != self.generation or self.phase not in {CallPhase.DIALING, CallPhase.HELD}:
            return
        is_unknown = cause.code == _UNKNOWN
        if is_unknown and self.was_held:
            self._close(now)
            return
        self.phase = CallPhase.DIALING
        if self.dials >= (DIALS_OF_UNKNOWN_MAX if is_unknown else DIALS_MAX):
            self.out.append(Note("call.lost", "warning", {"fault": cause.code}))
            self._end("control_lost")
            return
        wait_s = min(self.limits.retry_cap_s, self.limits.retry_base_s * 2**self.dials)
        self.out.append(StartTimer(TIMER_CALL_RETRY, wait_s))

    def _told(self, event: SettingsTold, now: float) -> None:
        self.moved_at = now
        if not event.is_altered or self.phase is not CallPhase.HELD:
            return
        self.reasserted += 1
        if self.reasserted > REASSERTED_MAX:
            self._end("settings_altered")
            return
        self.out.append(Note("call.settings_altered", "warning", {"times": self.reasserted}))
        self.out.append(SetAgain())

    def _called(self, called: ToolCalled, now: float) -> None:
        self.moved_at = now
        if called.name not in self.tools or called.call_id in self.seen:
            return
        self.seen[called.call_id] = None
        while len(self.seen) > self.limits.tool_calls_remembered:
            del self.seen[next(iter(self.seen))]
        self.out.append(RunTool(called.call_id, called.name, called.arguments))

    def _moved(self, event: CallMoved, now: float) -> None:
        self.moved_at = now
        self.tokens += event.tokens

    def _result(self, event: ToolEnded, _now: float) -> None:
        result = TellResult(event.call_id, event.output)
        if self.phase is CallPhase.HELD:
            self.out.append(result)
        else:
            self.owed.append(result)

    def _due(self, event: CallTimer, now: float) -> None:
        name = event.name
        if name == TIMER_CALL_LIFE:
            self._end("too_long")
        elif name == TIMER_CALL_RETRY and self.phase is CallPhase.DIALING:
            self._dial()
        elif name == TIMER_CALL_IDLE:
            left_s = self.moved_at + self.limits.idle_s - now
            if left_s > 0:
                self.out.append(StartTimer(TIMER_CALL_IDLE, left_s))
            else:
                self._end("idle")

    def _hang_up(self, event: HangUpAsked, _now: float) -> None:
        self._end(event.reason)

    def _hung_up(self, _event: HungUp, now: float) -> None:
        self._close(now)

    def _end(self, reason: str) -> None:
        if self.phase is CallPhase.ENDING:
            return
        self.phase = CallPhase.ENDING
        self.out.append(StopTimer(TIMER_CALL_RETRY))
        self.out.append(Note("call.hung_up", "info", {"reason": reason}))
        self.out.append(HangUpCall())

    def _close(self, now: float) -> None:
        self.phase = CallPhase.OVER
        facts = {"seconds": round(now - self.began_at, 1), "tokens": self.tokens}
        self.out.append(Note("call.ended", "info", facts))
        self.out.append(Finish())

    STEPS: ClassVar[Mapping[type, Callable[[Call, Any, float], None]]] = {
        CallBegan: _began,
        SidebandOpened: _opened,
        SidebandLost: _lost,
        SettingsTold: _told,
        ToolCalled: _called,
        ToolEnded: _result,
        CallMoved: _moved,
        HangUpAsked: _hang_up,
        HungUp: _hung_up,
        CallTimer: _due,
    }
