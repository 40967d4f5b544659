"""The session: events in, effects out.

What lives here: the table from an event to the function that knows it, and the timers.
What never will: the functions.

`receive` runs inside the socket's callback: synchronous, bounded, microseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from holdfast.core import audio_side, client_side, events, lifecycle, refusals, tool_side, upstream_side
from holdfast.core.effects import CloseClient, Effect, StartTimer
from holdfast.core.events import Event, TimerFired
from holdfast.core.faults import fault
from holdfast.core.state import State, Surroundings

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
        return [StartTimer("create_wait", self.state.limits.create_wait_s)]

    def receive(self, event: Event, now: float) -> list[Effect]:
        """Take one event at `now` (seconds, monotonic); answer what is to be done, in order."""
        s = self.state
        if s.is_over:
            return []
        kind = type(event)
        if kind is TimerFired:
            self._fired(event.name, now)  # type: ignore[union-attr] # narrowed by its type
        elif kind not in _COUNTED or refusals.admitted(s, now):
            _HANDLERS[kind](s, event, now)
        out = s.out
        s.out = []
        return out

    @property
    def is_over(self) -> bool:
        """Whether everything may be released."""
        return self.state.is_over

    def _fired(self, name: str, now: float) -> None:
        s = self.state
        if name in lifecycle.TIMEOUT_FAULTS:
            if s.upstream.is_starting:
                lifecycle.timed_out(s, name, 0.5, now)
        elif name == lifecycle.TIMER_RETRY:
            lifecycle.dial(s)
        elif name == refusals.TIMER_ERRORS:
            refusals.errors_due(s, now)
        elif name == lifecycle.TIMER_GOODBYE:
            self._goodbye(now)
        elif name == lifecycle.TIMER_IDLE:
            self._idle(now)
        elif name == lifecycle.TIMER_LIFE:
            lifecycle.end(s, "time_limit", fault("application.idle", [f"{s.limits.session_s:g} s"]))
        elif name == "create_wait" and not s.link.is_attached:
            s.out.append(CloseClient(4408, "no create_session came"))

    def _goodbye(self, now: float) -> None:
        """Hang up when the goodbye has been heard."""
        s = self.state
        current = s.output.current
        left = current.unheard_s(now) if current is not None and not current.is_cut else 0.0
        if s.turn.active is not None or left > 0:
            s.out.append(StartTimer(lifecycle.TIMER_GOODBYE, left + tool_side.GOODBYE_GRACE_S))
        else:
            lifecycle.end(s, "goodbye")

    def _idle(self, now: float) -> None:
        s = self.state
        quiet = now - s.last_activity
        if quiet >= s.limits.idle_s:
            lifecycle.end(s, "idle", fault("application.idle", [f"{quiet:.0f} s without a word"]))
        else:
            s.out.append(StartTimer(lifecycle.TIMER_IDLE, s.limits.idle_s - quiet))
