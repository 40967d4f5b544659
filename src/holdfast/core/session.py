"""The session: events in, effects out.

What lives here: the table from an event to the function that knows it, and the timers.
What never will: the functions.

`receive` runs inside the socket's callback: synchronous, bounded, microseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from holdfast.core import audio_side, client_side, events, lifecycle, refusals, tool_side, upstream_side
from holdfast.core.effects import Effect, StartTimer
from holdfast.core.events import Event, TimerFired
from holdfast.core.faults import Fault
from holdfast.core.state import TIMER_LOSSES, State, Surroundings

_HANDLERS: Final[dict[type, Callable[[State, Any, float], None]]] = {
    events.ClientAudio: audio_side.audio,
    events.OutputAudio: upstream_side.output_audio,
    events.SessionAsked: client_side.session_asked,
    events.TextGiven: client_side.text_given,
    events.CommitAsked: client_side.commit_asked,
    events.ClearAsked: client_side.clear_asked,
    events.CancelAsked: client_side.cancel_asked,
    events.EndAsked: client_side.end_asked,
    events.Played: client_side.played,
    events.Acknowledged: client_side.acknowledged,
    events.Pinged: client_side.pinged,
    events.MessageRefused: client_side.refused_message,
    events.ClientGone: client_side.gone,
    events.ClientTooSlow: client_side.too_slow,
    events.DrainBegan: client_side.drain,
    events.UpstreamOpened: upstream_side.opened,
    events.UpstreamCreated: upstream_side.created,
    events.UpstreamConfigured: upstream_side.configured,
    events.UpstreamLost: upstream_side.lost,
    events.UpstreamErred: upstream_side.erred,
    events.UpstreamBreached: upstream_side.breached,
    events.SpeechBegan: upstream_side.speech_began,
    events.SpeechEnded: upstream_side.speech_ended,
    events.InputCommitted: upstream_side.committed,
    events.UserTranscribed: upstream_side.user_transcribed,
    events.ResponseBegan: upstream_side.response_began,
    events.OutputTranscribed: upstream_side.output_transcribed,
    events.ResponseEnded: upstream_side.response_ended,
    events.ToolCalled: tool_side.called,
    events.ToolReturned: tool_side.returned,
}

_TIMERS: Final[dict[str, Callable[[State, float], None]]] = {
    lifecycle.TIMER_CREATE: lifecycle.create_due,
    lifecycle.TIMER_RETRY: lifecycle.dial,
    lifecycle.TIMER_RESPONSE: lifecycle.response_due,
    lifecycle.TIMER_GOODBYE: lifecycle.goodbye_due,
    lifecycle.TIMER_IDLE: lifecycle.idle_due,
    lifecycle.TIMER_LIFE: lifecycle.life_due,
    refusals.TIMER_ERRORS: refusals.errors_due,
    TIMER_LOSSES: lifecycle.losses_due,
}

_COUNTED: Final = frozenset(
    {
        events.SessionAsked,
        events.TextGiven,
        events.CommitAsked,
        events.ClearAsked,
        events.CancelAsked,
        events.Played,
        events.Acknowledged,
        events.Pinged,
        events.MessageRefused,
    }
)
"""Client messages that the message rate counts. Ending is always allowed."""


class Session:
    """One conversation. Not thread-safe; made for one event loop's callbacks."""

    __slots__ = ("state",)

    def __init__(self, surroundings: Surroundings) -> None:
        self.state = State(surroundings)

    def start(self) -> list[Effect]:
        """The first effects: a connection that never asks for a session does not stay."""
        return [StartTimer(lifecycle.TIMER_CREATE, self.state.limits.create_wait_s)]

    def receive(self, event: Event, now: float) -> list[Effect]:
        """Take one event at `now` (seconds, monotonic); answer what is to be done, in order."""
        s = self.state
        if s.is_over:
            return []
        kind = type(event)
        if kind is TimerFired:
            self._fired(event, now)  # type: ignore[arg-type] # narrowed by its type
        elif kind not in _COUNTED or refusals.admitted(s, now):
            _HANDLERS[kind](s, event, now)
        out = s.out
        s.out = []
        return out

    @property
    def is_over(self) -> bool:
        """Whether everything may be released."""
        return self.state.is_over

    def abort(self, cause: Fault) -> list[Effect]:
        """A step broke: end what can still be ended, by name."""
        s = self.state
        s.out = []
        lifecycle.end(s, "gateway_fault", cause)
        return s.out

    def _fired(self, event: TimerFired, now: float) -> None:
        if event.name in lifecycle.TIMEOUT_FAULTS:
            lifecycle.timed_out(self.state, event.name, event.chance, now)
        else:
            _TIMERS[event.name](self.state, now)
