"""The session: events in, effects out.

What lives here: the table from an event to the function that knows it, and the timers.
What never will: the functions.

`receive` runs inside the socket's callback: synchronous, bounded, microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from holdfast.core import (
    answer_side,
    audio_side,
    client_side,
    ending,
    events,
    hot_path,
    leaving,
    lifecycle,
    refusals,
    restart,
    return_side,
    rotation,
    timers,
    tool_side,
    unheard,
    upstream_side,
    watchdog,
)
from holdfast.core.effects import Effect, StartTimer
from holdfast.core.events import Event, TimerFired
from holdfast.core.faults import Fault
from holdfast.core.hearing import Unheard
from holdfast.core.observed import Reported, SilenceHeard
from holdfast.core.restart import StoredLine
from holdfast.core.state import TIMER_LOSSES, State, Surroundings

_HANDLERS: Final[dict[type, Callable[[State, Any, float], None]]] = {
    events.ClientAudio: audio_side.audio,
    events.OutputAudio: answer_side.output_audio,
    events.OutputAudioEnded: answer_side.audio_ended,
    events.SessionAsked: client_side.session_asked,
    events.ResumeAsked: return_side.resumed,
    events.TextGiven: client_side.text_given,
    events.CommitAsked: client_side.commit_asked,
    events.ClearAsked: client_side.clear_asked,
    events.CancelAsked: client_side.cancel_asked,
    events.EndAsked: client_side.end_asked,
    events.Played: client_side.played,
    SilenceHeard: client_side.silence_heard,
    events.Acknowledged: client_side.acknowledged,
    events.AudioDue: audio_side.due,
    events.Pinged: client_side.pinged,
    Reported: client_side.reported,
    events.MessageRefused: client_side.refused_message,
    events.ClientGone: return_side.gone,
    events.ClientTooSlow: return_side.too_slow,
    events.DrainBegan: return_side.drain,
    events.MemoryRanShort: return_side.shed,
    events.BudgetSpent: leaving.budget_spent,
    Unheard: unheard.unheard,
    events.UpstreamOpened: upstream_side.opened,
    events.UpstreamCreated: upstream_side.created,
    events.UpstreamConfigured: upstream_side.configured,
    events.LifeProved: upstream_side.proved,
    events.UpstreamLost: upstream_side.lost,
    events.UpstreamErred: upstream_side.erred,
    events.UpstreamBreached: upstream_side.breached,
    events.SpeechBegan: upstream_side.speech_began,
    events.SpeechEnded: upstream_side.speech_ended,
    events.InputCommitted: upstream_side.committed,
    events.UserTranscribed: upstream_side.user_transcribed,
    events.UpstreamStages: upstream_side.stages_told,
    events.TranscriptionFailed: upstream_side.transcription_failed,
    events.ResponseBegan: answer_side.response_began,
    events.OutputTranscribed: answer_side.output_transcribed,
    events.ResponseEnded: answer_side.response_ended,
    events.ToolCalled: tool_side.called,
    events.ToolReturned: tool_side.returned,
    events.Recorded: tool_side.on_recorded,
    events.JournalChanged: tool_side.journal_changed,
}

_TIMERS: Final[dict[str, Callable[[State, TimerFired, float], None]]] = {
    **dict.fromkeys(timers.STARTING, lifecycle.timed_out),
    timers.TIMER_CREATE: ending.create_due,
    timers.TIMER_RETRY: client_side.retry_due,
    timers.TIMER_TELL: lifecycle.tell_due,
    timers.TIMER_PACE: lifecycle.pace_due,
    timers.TIMER_RESPONSE: watchdog.response_due,
    timers.TIMER_REASK: answer_side.reask_due,
    timers.TIMER_ORDER: answer_side.order_due,
    timers.TIMER_UTTERANCE: return_side.utterance_due,
    timers.TIMER_ROTATE: rotation.rotate_due,
    timers.TIMER_RETURN: rotation.return_due,
    timers.TIMER_GOODBYE: leaving.goodbye_due,
    timers.TIMER_IDLE: ending.idle_due,
    timers.TIMER_LIFE: ending.life_due,
    timers.TIMER_AWAY: return_side.away_due,
    timers.TIMER_ALONE: return_side.alone_due,
    timers.TIMER_DRAIN: return_side.drain_due,
    refusals.TIMER_ERRORS: refusals.errors_due,
    TIMER_LOSSES: ending.losses_due,
}

_COUNTED: Final = frozenset(
    {
        events.SessionAsked,
        events.TextGiven,
        events.CommitAsked,
        events.ClearAsked,
        events.CancelAsked,
        events.Played,
        SilenceHeard,
        events.Acknowledged,
        events.Pinged,
        Reported,
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
        return [StartTimer(timers.TIMER_CREATE, self.state.limits.create_wait_s)]

    def restart(self, lines: Iterable[StoredLine], epoch: str, now: float) -> list[Effect]:
        """Take up a session where the journal of another process left it: its client is away.

        `lines` are (kind, content) in order; `epoch` is new, for the messages that
        were not received are gone.
        """
        s = self.state
        restart.restore(s, lines, epoch, now)
        hot_path.open_lanes(s)
        out, s.out = s.out, []
        return out

    def receive(self, event: Event, now: float) -> list[Effect]:
        """Take one event at `now` (seconds, monotonic); answer what is to be done, in order."""
        s = self.state
        if s.is_over:
            return []
        if s.told:
            s.told = []
        hot_path.book(s, now)
        kind = type(event)
        if kind is TimerFired:
            self._fired(event, now)  # type: ignore[arg-type] # narrowed by its type
        elif kind not in _COUNTED or refusals.admitted(s, now):
            _HANDLERS[kind](s, event, now)
        hot_path.open_lanes(s)
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
        s.out, s.told = [], []
        hot_path.book(s, s.last_activity)  # for the numbers; when it was does not matter any more
        ending.end(s, "gateway_fault", cause)
        hot_path.open_lanes(s)
        return s.out

    def _fired(self, event: TimerFired, now: float) -> None:
        self.state.chance = event.chance
        _TIMERS[event.name](self.state, event, now)
