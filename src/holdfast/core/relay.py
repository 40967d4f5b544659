"""A session of the Realtime dialect on both sides: originals are passed on, only their type is looked at.

What lives here: holding the client's messages until the upstream is alive, the generation fence, exactly one
terminal event for the running response, an honest end.
What never will: what a message says. Rebuilding, with stable ids, gets its place here.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from holdfast.core.effects import CloseClient, Dial, Finish, HangUp, Note, StartTimer, StopTimer
from holdfast.core.faults import Fault, fault
from holdfast.core.lifecycle import (
    TIMEOUT_FAULTS,
    TIMER_CREATED,
    TIMER_DIAL,
    TIMER_IDLE,
    TIMER_LIFE,
    TIMER_RETRY,
)
from holdfast.core.limits import Limits
from holdfast.core.recovery import GiveUp, decide
from holdfast.core.upstream_link import UpstreamLink, UpstreamPhase, UpstreamSignal


@dataclass(slots=True, eq=False)
class SendUp:
    """Pass the client's original on."""

    raw: bytes


@dataclass(slots=True, eq=False)
class SendDown:
    """Pass the upstream's original on."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class SendError:
    """An `error` event of our own. `event_id` names the client's event that caused it."""

    fault: Fault
    code: str
    message: str
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class SendTerminal:
    """`response.done` for a response whose upstream is gone."""

    response_id: str
    status: str
    fault: Fault


RelayEffect = (
    SendUp
    | SendDown
    | SendError
    | SendTerminal
    | Dial
    | HangUp
    | StartTimer
    | StopTimer
    | CloseClient
    | Note
    | Finish
)


class Relay:
    """One relayed conversation. Methods are events; each answers the effects, in order."""

    __slots__ = (
        "_held",
        "_held_bytes",
        "_limits",
        "_response",
        "_seen",
        "_started_at",
        "is_over",
        "is_passing",
        "link",
        "messages",
    )

    def __init__(self, limits: Limits) -> None:
        self.link = UpstreamLink()
        self.is_over = False
        self.is_passing = False
        """Live: the client's messages go up as they come, and the upstream's down, without a step."""
        self.messages = 0
        """Client messages so far, counted by the runner: a relay without any is idle."""
        self._seen = 0
        self._limits = limits
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._response: str | None = None
        self._started_at = 0.0

    def start(self, now: float) -> list[RelayEffect]:
        """The client is there: dial."""
        self._started_at = now
        return [
            StartTimer(TIMER_LIFE, self._limits.session_s),
            StartTimer(TIMER_IDLE, self._limits.idle_s),
            *self._dial(),
        ]

    # the client

    def client_message(self, raw: bytes) -> list[RelayEffect]:
        """The hot path up: pass on, or hold."""
        if self.link.phase is UpstreamPhase.LIVE:
            return [SendUp(raw)]
        if self.is_over:
            return []
        if self._held_bytes + len(raw) > self._limits.relay_held_bytes:
            cause = fault("provider.unavailable", [f"{self._held_bytes} bytes are held already"])
            message = "The upstream is not ready and no more can be held; this message was dropped."
            return [SendError(cause, "not_ready", message), _note("relay.dropped", "warning", bytes=len(raw))]
        self._held.append(raw)
        self._held_bytes += len(raw)
        return []

    def client_gone(self, code: int, reason: str) -> list[RelayEffect]:
        """The client's socket is over."""
        if self.is_over:
            return []
        return [_note("client.gone", code=code, reason=reason), *self._over()]

    def client_too_slow(self, waiting_bytes: int) -> list[RelayEffect]:
        """The client does not read."""
        cause = fault("user_network.slow", [f"{waiting_bytes} bytes were waiting to be read"])
        return self._end(cause)

    def drain(self) -> list[RelayEffect]:
        """The process stops."""
        return self._end(fault("gateway.draining"))

    # the upstream

    def opened(self, generation: int) -> list[RelayEffect]:
        """101: nothing is proved."""
        if not self.link.may_speak(generation) or not self.link.may(UpstreamSignal.OPENED):
            return []
        self.link.move(UpstreamSignal.OPENED)
        return [
            _note("upstream.opened", generation=generation),
            StopTimer(TIMER_DIAL),
            StartTimer(TIMER_CREATED, self._limits.created_s),
        ]

    def created(self, generation: int, raw: bytes, session_id: str) -> list[RelayEffect]:
        """`session.created`: alive. The client gets the original, then what was held goes up in order."""
        if not self.link.may_speak(generation):
            return []
        if not self.link.may(UpstreamSignal.CREATED):
            return [SendDown(raw)]
        self.link.move(UpstreamSignal.CREATED)
        self.link.move(UpstreamSignal.CONFIGURED)
        self.is_passing = True
        self.link.session_id = session_id
        effects: list[RelayEffect] = [
            StopTimer(TIMER_CREATED),
            _note("session.ready", upstream_session=session_id, held_bytes=self._held_bytes),
            SendDown(raw),
        ]
        effects.extend(SendUp(held) for held in self._held)
        self._held.clear()
        self._held_bytes = 0
        return effects

    def upstream_message(self, generation: int, raw: bytes) -> list[RelayEffect]:
        """The hot path down."""
        return [SendDown(raw)] if self.link.may_speak(generation) else []

    def response_began(self, generation: int, raw: bytes, response_id: str) -> list[RelayEffect]:
        """A response begins: somebody has to end it."""
        if not self.link.may_speak(generation):
            return []
        self._response = response_id
        return [SendDown(raw)]

    def response_ended(self, generation: int, raw: bytes, response_id: str) -> list[RelayEffect]:
        """A response ended by itself."""
        if not self.link.may_speak(generation):
            return []
        if self._response == response_id:
            self._response = None
        return [SendDown(raw)]

    def erred(
        self, generation: int, raw: bytes, cause: Fault, chance: float, now: float
    ) -> list[RelayEffect]:
        """An `error` event: before `session.created` it is about admission, later the client's business."""
        if not self.link.may_speak(generation):
            return []
        if self.link.phase is UpstreamPhase.LIVE:
            self.link.last_error = cause
            return [SendDown(raw)]
        return self.lost(generation, cause, chance, now)

    def breached(self, generation: int, reason: str, chance: float, now: float) -> list[RelayEffect]:
        """Not an event at all: dropped and counted; the third within a minute ends the link."""
        if not self.link.may_speak(generation):
            return []
        noted = _note("upstream.breach", "warning", reason=reason, upstream_session=self.link.session_id)
        if self.link.breach(now) < self._limits.breaches:
            return [noted]
        cause = fault("provider.protocol_breach", [reason])
        return [noted, *self.lost(generation, cause, chance, now)]

    def lost(self, generation: int, cause: Fault, chance: float, now: float) -> list[RelayEffect]:
        """The link is over: dial again while starting, else end and say so."""
        if not self.link.may_speak(generation):
            return []
        was_live = self.link.phase is UpstreamPhase.LIVE
        self.link.move(UpstreamSignal.LOST)
        self.is_passing = False
        effects: list[RelayEffect] = [HangUp(generation), *map(StopTimer, TIMEOUT_FAULTS)]
        decision = decide(
            cause,
            was_live=was_live,
            attempts=self.link.attempts,
            spent_s=now - self._started_at,
            chance=chance,
            limits=self._limits,
        )
        facts = {"fault": cause.code, "party": str(cause.row.party), "evidence": list(cause.evidence)}
        if isinstance(decision, GiveUp):
            return [
                *effects,
                _note("session.failed", "error", reason=decision.reason, **facts),
                *self._end(cause),
            ]
        delay_ms = round(decision.delay_s * 1000)
        return [
            *effects,
            _note("upstream.reconnecting", "warning", retry_in_ms=delay_ms, **facts),
            StartTimer(TIMER_RETRY, decision.delay_s),
        ]

    def timer(self, name: str, chance: float, now: float) -> list[RelayEffect]:
        """A deadline has come."""
        if self.is_over:
            return []
        if name == TIMER_RETRY:
            return self._dial()
        if name == TIMER_IDLE:
            return self._idle()
        if name == TIMER_LIFE:
            return self._end(fault("application.idle", [f"{self._limits.session_s:g} s"]))
        if name in TIMEOUT_FAULTS and self.link.is_starting:
            generation = self.link.generation
            cause = fault(TIMEOUT_FAULTS[name])
            return self.lost(generation, cause, chance, now)
        return []

    # inside

    def _idle(self) -> list[RelayEffect]:
        if self.messages == self._seen:
            return self._end(fault("application.idle", [f"no message for {self._limits.idle_s:g} s"]))
        self._seen = self.messages
        return [StartTimer(TIMER_IDLE, self._limits.idle_s)]

    def flooded(self) -> list[RelayEffect]:
        """The client sent what is no event for too long."""
        return self._end(fault("application.message_flood"))

    def _dial(self) -> list[RelayEffect]:
        self.link.move(UpstreamSignal.DIALED)
        generation = self.link.generation
        return [
            _note("upstream.connecting", generation=generation, attempt=self.link.attempts),
            Dial(generation),
            StartTimer(TIMER_DIAL, self._limits.dial_s),
        ]

    def _end(self, cause: Fault) -> list[RelayEffect]:
        if self.is_over:
            return []
        effects: list[RelayEffect] = []
        if self._response is not None:
            effects.append(SendTerminal(self._response, "incomplete", cause))
            self._response = None
        effects.append(SendError(cause, cause.code, cause.row.message))
        effects.append(CloseClient(cause.row.close_code, cause.code))
        return [*effects, *self._over()]

    def _over(self) -> list[RelayEffect]:
        self.is_over = True
        was_dialed = self.link.phase not in {UpstreamPhase.IDLE, UpstreamPhase.ENDED}
        generation = self.link.generation
        self.link.move(UpstreamSignal.ENDED)
        self.is_passing = False
        self._held.clear()
        self._held_bytes = 0
        return [HangUp(generation), Finish()] if was_dialed else [Finish()]


def _note(moment: str, level: str = "info", **facts: Any) -> Note:
    return Note(moment, level, facts)  # type: ignore[arg-type] # callers pass literals
