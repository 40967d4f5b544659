"""A session of the Realtime dialect on both sides: originals are passed on, only their type is looked at.

What lives here: the table from an event to the function that knows what it means.
What never will: those functions; audio, which takes a shorter way past this table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from holdfast.core import (
    events,
    relay_answers,
    relay_client,
    relay_ending,
    relay_link,
    relay_rebuild,
    relay_unheard,
    relay_upstream,
    timers,
)
from holdfast.core import relay_events as heard
from holdfast.core.events import TimerFired
from holdfast.core.faults import Fault
from holdfast.core.hearing import Unheard
from holdfast.core.relay_effects import RelayEffect
from holdfast.core.relay_events import RelayEvent
from holdfast.core.relay_state import RelayState, RelaySurroundings

Step = Callable[[RelayState, Any, float], None]

_TIMERS: Final[Mapping[str, Callable[[RelayState, TimerFired, float], None]]] = {
    **dict.fromkeys(timers.STARTING, relay_link.timed_out),
    timers.TIMER_RETRY: relay_link.retry_due,
    timers.TIMER_TELL: relay_link.tell_due,
    timers.TIMER_PACE: relay_rebuild.pace_due,
    timers.TIMER_ROTATE: relay_link.rotate_due,
    timers.TIMER_RETURN: relay_link.return_due,
    timers.TIMER_RESPONSE: relay_answers.response_due,
    timers.TIMER_SETTINGS: relay_link.settings_due,
    timers.TIMER_REASK: relay_answers.reask_due,
    timers.TIMER_IDLE: relay_ending.idle_due,
    timers.TIMER_LIFE: relay_ending.life_due,
    timers.TIMER_AWAY: relay_client.away_due,
    timers.TIMER_ALONE: relay_client.alone_due,
    timers.TIMER_DRAIN: relay_client.drain_due,
    timers.TIMER_GOODBYE: relay_client.goodbye_due,
}


def _timer(s: RelayState, event: TimerFired, now: float) -> None:
    _TIMERS[event.name](s, event, now)


_STEPS: Final[Mapping[type, Step]] = {
    # the client
    heard.Begun: relay_client.began,
    heard.ClientAudioSent: relay_client.audio,
    heard.ClientAsked: relay_client.asked,
    heard.ClientAcknowledged: relay_client.acknowledged,
    heard.ClientReturned: relay_client.returned,
    heard.ClientFlooded: relay_client.flooded,
    events.ClientGone: relay_client.gone,
    events.ClientTooSlow: relay_client.too_slow,
    events.DrainBegan: relay_client.drain,
    events.MemoryRanShort: relay_client.shed,
    events.BudgetSpent: relay_client.budget_spent,
    Unheard: relay_unheard.unheard,
    # the upstream
    events.UpstreamOpened: relay_link.opened,
    events.UpstreamLost: relay_link.lost,
    events.UpstreamBreached: relay_upstream.breached,
    heard.SessionCreated: relay_link.created,
    heard.SessionUpdated: relay_link.updated,
    heard.Passed: relay_upstream.passed,
    heard.OwnPassed: relay_upstream.own_passed,
    heard.AtWork: relay_upstream.at_work,
    heard.AudioPassed: relay_answers.audio,
    heard.Erred: relay_upstream.erred,
    heard.ConversationBegan: relay_upstream.conversation_began,
    heard.SpeechBegan: relay_upstream.speech_began,
    heard.SpeechEnded: relay_upstream.speech_ended,
    heard.TurnTimedOut: relay_upstream.timed_out,
    heard.InputCommitted: relay_upstream.committed,
    heard.InputCleared: relay_upstream.cleared,
    heard.Heard: relay_upstream.heard,
    heard.ItemTold: relay_upstream.item_told,
    heard.ItemCut: relay_upstream.item_cut,
    heard.ItemDeleted: relay_upstream.item_deleted,
    heard.ItemRetrieved: relay_upstream.item_retrieved,
    heard.ResponseBegan: relay_answers.response_began,
    heard.OutputItemBegan: relay_answers.item_began,
    heard.PartBegan: relay_answers.part_began,
    heard.PartNews: relay_answers.part_news,
    heard.Said: relay_answers.said,
    heard.ToolAtWork: relay_answers.tool_at_work,
    heard.ResponseEnded: relay_answers.response_ended,
    events.TimerFired: _timer,
}


class Relay:
    """One relayed conversation: `receive` takes what happened and answers what to do."""

    __slots__ = ("state",)

    def __init__(self, surroundings: RelaySurroundings) -> None:
        self.state = RelayState(surroundings)

    def receive(self, event: RelayEvent, now: float) -> list[RelayEffect]:
        """One step. After the end nothing happens any more."""
        s = self.state
        if s.is_over:
            return []
        if s.fresh:
            s.kept.book()
        s.watch.now = now
        s.chance = getattr(event, "chance", s.chance)
        _STEPS[type(event)](s, event, now)
        s.refresh()
        due, s.out = s.out, []
        return due

    def abort(self, cause: Fault) -> list[RelayEffect]:
        """A bug of ours: end what can be ended by name."""
        s = self.state
        s.kept.book()
        s.out = []
        relay_ending.end(s, cause)
        s.refresh()
        due, s.out = s.out, []
        return due
