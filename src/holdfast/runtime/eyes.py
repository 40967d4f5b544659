"""From a step to sightings: what those who watch are told of it.

What lives here: for each conductor the table from what it told, noted or heard to a sighting.
What never will: deciding; anything for each message of audio.

Both go by what the core made of an event, not by the event: a dead upstream's word is no sighting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

from holdfast.core import notices, relay_effects
from holdfast.core import relay_events as heard
from holdfast.core.audio import ms_of_samples, samples_of_ms
from holdfast.core.effects import Effect, Finish, Note, Record
from holdfast.core.faults import FAULTS, Fault, fault
from holdfast.core.links import Linked
from holdfast.core.observed import SilenceHeard
from holdfast.core.recent import Recent
from holdfast.core.relay_effects import RelayEffect
from holdfast.core.relay_events import RelayEvent
from holdfast.core.relay_state import BASE64, RelayState
from holdfast.core.relay_upstream import hears
from holdfast.core.state import OWN_ITEM, State
from holdfast.ports import sightings as seen
from holdfast.ports.sightings import Sighting, Watched
from holdfast.runtime.watching import Watches
from holdfast.wire.usage import usage_of

Told = notices.Notice | SilenceHeard
TYPED_REMEMBERED: Final = 32
"""Typed turns whose line may be written again: it changes while they wait for an upstream."""
_How = Literal["first", "rebuilt", "rotated"]
_FRESH: Final = seen.Began()
_LIVE: Final[Mapping[str, _How]] = {
    "session.ready": "first",
    "session.rebuilt": "rebuilt",
    "upstream.rotated": "rotated",
}


class Eyes:
    """What both have in common: the key moments of the log."""

    __slots__ = ("_ended", "_ending", "_is_over", "_links", "_watches", "session")

    def __init__(self, watches: Watches, session: Watched, links: Linked) -> None:
        self._watches = watches
        self.session = session
        self._links = links
        self._ending: Note | None = None
        self._ended: seen.Ended | None = None
        self._is_over = False

    def _tell(self, sighting: Sighting, at: float) -> None:
        if self._is_over:
            return
        if isinstance(sighting, seen.Ended):
            self._ended = sighting
            return
        self._watches.saw(self.session, sighting, at)

    def noted(self, note: Note, at: float) -> None:
        """A key moment of the log."""
        moment, facts = note.moment, note.facts
        if moment in _ENDINGS:
            self._ending = note
        if self._watches.who[moment]:
            self._tell(seen.Noted(moment, note.level, facts), at)
        cause = _fault_of(facts) if "fault" in facts else None
        if cause is not None:
            if moment == "upstream.reconnecting":
                self._tell(seen.UpstreamLost(facts["generation"], cause, facts["was_live"]), at)
            self._tell(seen.FaultMet(cause, moment), at)
        if moment in _LIVE:
            self._tell(self._live(_LIVE[moment]), at)
        elif moment == "client.gone":
            self._tell(seen.ClientAway(int(facts["code"])), at)
        elif moment == "session.resumed":
            self._tell(seen.ClientBack(bool(facts["recovered"])), at)

    def _live(self, how: _How) -> Sighting:
        link = self._links.upstream
        facts = self._links.upstreams[link.endpoint]
        model = link.model or facts.model
        return seen.UpstreamLive(link.generation, facts.name, facts.kind, model, link.session_id, how)

    def finished(self, effect: Finish, at: float) -> None:  # noqa: ARG002 - it says only that
        """The session is over, whatever way it took."""
        if self._ended is None:
            facts = {} if self._ending is None else self._ending.facts
            moment = "closed" if self._ending is None else self._ending.moment
            self._ended = seen.Ended(str(facts.get("reason") or moment), _fault_of(facts))

    def _end(self, at: float) -> None:
        """Said last in its step, and once."""
        if self._ended is not None and not self._is_over:
            self._is_over = True
            self._watches.saw(self.session, self._ended, at)


def _fault_of(facts: Mapping[str, object]) -> Fault | None:
    code = facts.get("fault")
    if code not in FAULTS:
        return None
    evidence = facts.get("evidence")
    return fault(str(code), evidence if isinstance(evidence, list) else ())


_ENDINGS: Final = frozenset({"session.ended", "session.failed", "session.suspended"})


class BrowserEyes(Eyes):
    """Of a session of the browser protocol. Before it exists there is nothing to see."""

    __slots__ = ("_is_begun", "_state", "_typed")

    def __init__(self, watches: Watches, session: Watched, state: State) -> None:
        super().__init__(watches, session, state)
        self._state = state
        self._is_begun = False
        self._typed: Recent[str] = Recent(TYPED_REMEMBERED)

    def restored(self, at: float, lasted_s: float) -> None:
        """The session was taken up from a journal, so long after it began."""
        self._begin(at, seen.Began(is_restored=True, lasted_s=lasted_s))

    def _begin(self, at: float, began: seen.Began = _FRESH) -> bool:
        """Whether there is a session; told once."""
        self.session.id, self.session.mode = self._state.session_id, self._state.options.mode
        self._is_begun = bool(self.session.id)
        if self._is_begun:
            self._tell(began, at)
        return self._is_begun

    def stepped(self, told: Sequence[Told], due: Sequence[Effect], at: float) -> None:
        """A step is done: what it told the client, and its effects."""
        if not self._watches.all or (not self._is_begun and not self._begin(at)):
            return
        for notice in told:
            build = _NOTICES.get(type(notice))
            if build is not None and (sighting := build(self._state, notice)) is not None:
                self._tell(sighting, at)
        for effect in due:
            look = _EFFECTS.get(type(effect))
            if look is not None:
                look(self, effect, at)
        if self._ended is not None:
            self._end(at)

    def _end(self, at: float) -> None:
        """With what was still to be heard."""
        item = self._state.output.current
        if self._ended is not None and item is not None and not item.is_cut and item.heard(at) < item.sent:
            heard_ms, sent_ms = ms_of_samples(item.heard(at)), ms_of_samples(item.sent)
            cut = seen.Interrupted(item.response_id, item.item_id, heard_ms, sent_ms)
            self._ended = replace(self._ended, cut=cut)
        super()._end(at)

    def recorded(self, effect: Record, at: float) -> None:
        """A typed turn is nobody's transcript: the journal's line tells of it."""
        item = effect.content
        is_own = effect.kind == "item" and str(item["id"]).startswith(OWN_ITEM)
        if is_own and item["role"] == "user" and item["text"] and item["id"] not in self._typed:
            self._typed.append(item["id"])
            self._tell(seen.WordsOfUser(item["id"], item["text"], is_typed=True), at)


def _interrupted(state: State, notice: notices.Interrupted) -> Sighting:
    item = state.output.current
    is_it = item is not None and item.item_id == notice.item_id
    sent_ms = ms_of_samples(item.sent) if item is not None and is_it else None
    return seen.Interrupted(notice.response_id, notice.item_id, notice.played_ms, sent_ms)


def _words(state: State, notice: notices.UserTranscript) -> Sighting | None:
    if not notice.final:
        return None
    model = state.transcription_model(state.facts_of(state.upstream))
    return seen.WordsOfUser(notice.item_id, notice.text, notice.usage, written_by=model)


def _response_done(state: State, notice: notices.ResponseDone) -> Sighting:
    item = state.output.current
    is_its = item is not None and item.response_id == notice.response_id
    sent_ms = ms_of_samples(item.sent) if item is not None and is_its else None
    return seen.ResponseEnded(
        notice.response_id, notice.status, notice.reason or "", notice.usage, notice.fault, sent_ms
    )


_EFFECTS: Final[Mapping[type, Callable[[BrowserEyes, Any, float], None]]] = {
    Note: BrowserEyes.noted,
    Record: BrowserEyes.recorded,
    Finish: BrowserEyes.finished,
}

_Build = Callable[[State, Any], Sighting | None]

_NOTICES: Final[Mapping[type, _Build]] = {
    notices.SpeechStarted: lambda _, n: seen.TurnBegan(n.item_id, n.sample),
    notices.SpeechStopped: lambda s, n: seen.TurnEnded(n.item_id, n.sample, s.received),
    notices.UserTranscript: _words,
    notices.ResponseStarted: lambda _, n: seen.ResponseBegan(n.response_id),
    SilenceHeard: lambda _, e: seen.SilenceHeard(e.item_id, e.spoke_until, e.received_at, e.heard_at),
    notices.AudioStarted: lambda _, n: seen.FirstSound(n.response_id, n.item_id),
    notices.AssistantTranscript: lambda _, n: (
        seen.WordsOfAssistant(n.response_id, n.item_id, n.text) if n.final else None
    ),
    notices.Interrupted: _interrupted,
    notices.ResponseDone: _response_done,
    notices.ToolStarted: lambda _, n: seen.ToolBegan(n.call_id, n.name),
    notices.ToolDone: lambda _, n: seen.ToolEnded(n.call_id, n.name, n.status),
    notices.AudioLost: lambda _, n: seen.AudioWasLost(n.direction, n.from_sample, n.to_sample, n.reason),
    notices.SessionEnded: lambda _, n: seen.Ended(n.reason, n.fault),
}


class RelayEyes(Eyes):
    """Of a conversation behind `/v1/realtime`."""

    __slots__ = ("_said_before", "_state")

    def __init__(self, watches: Watches, session: Watched, state: RelayState) -> None:
        super().__init__(watches, session, state)
        self._state = state
        self._said_before = 0
        """The relay's count of audio when the answer began that runs."""

    def stepped(self, event: RelayEvent, due: Sequence[RelayEffect], at: float) -> None:
        """A step is done."""
        if not self._watches.all:
            return
        look = _HEARD.get(type(event))
        if look is not None and (not isinstance(event, heard.Original) or hears(self._state, event)):
            sighting = look(self, event)
            if sighting is not None:
                self._tell(sighting, at)
        self.carried(due, at)

    def carried(self, due: Sequence[RelayEffect], at: float) -> None:
        """These effects are under way."""
        for effect in due:
            carry = _RELAY_EFFECTS.get(type(effect))
            if carry is not None:
                carry(self, effect, at)
        if self._ended is not None:
            self._end(at)

    def ended_for_it(self, effect: relay_effects.SendTerminal, at: float) -> None:
        """A response whose upstream is gone has its end from us."""
        cause, sent_ms = effect.fault, self.sent_ms()
        told = seen.ResponseEnded(effect.response_id, effect.status, effect.reason, None, cause, sent_ms)
        self._tell(told, at)

    def cut_here(self, effect: relay_effects.SendTruncated, at: float) -> None:
        """An item that the present upstream knows as text only was cut by us."""
        self._tell(seen.Interrupted("", effect.item_id, effect.audio_end_ms), at)

    def told_of_loss(self, effect: relay_effects.SendNews, at: float) -> None:
        """Of our own news only a loss is nobody else's."""
        if effect.name != "audio_lost":
            return
        facts = effect.facts
        first, last = samples_of_ms(int(facts["from_ms"])), samples_of_ms(int(facts["to_ms"]))
        self._tell(seen.AudioWasLost("input", first, last, str(facts["reason"])), at)

    def answer_began(self, event: heard.ResponseBegan) -> Sighting:
        """From here on what is said is said in it."""
        self._said_before = self._state.lane.said
        return seen.ResponseBegan(event.response_id)

    def answer_ended(self, event: heard.ResponseEnded) -> Sighting:
        """With what it used and about how much of it came."""
        sent_ms = self.sent_ms()
        return seen.ResponseEnded(
            event.response_id, event.status, "", usage_of(event.raw), event.fault, sent_ms
        )

    def sent_ms(self) -> int:
        """Of the answer that runs, by the size of its messages: about."""
        size = self._state.lane.said - self._said_before
        return int(size / BASE64) // self._state.facts.output_bytes_per_ms

    def words(self, event: heard.Heard) -> Sighting | None:
        """What was spoken is written down."""
        if event.type != "completed":
            return None
        model = written_by(self._state.config.values)
        return seen.WordsOfUser(event.item_id, event.text, usage_of(event.raw), written_by=model)


def written_by(settings: Mapping[str, Any]) -> str:
    """The transcription model that a client has set; empty where it named none."""
    found: Any = settings
    for name in ("audio", "input", "transcription", "model"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else ""


_RELAY_EFFECTS: Final[Mapping[type, Callable[[RelayEyes, Any, float], None]]] = {
    Note: RelayEyes.noted,
    Finish: RelayEyes.finished,
    relay_effects.SendTerminal: RelayEyes.ended_for_it,
    relay_effects.SendTruncated: RelayEyes.cut_here,
    relay_effects.SendNews: RelayEyes.told_of_loss,
}


def _asked(event: heard.ClientAsked) -> Sighting | None:
    """A written turn of the user's; what is spoken in one is told when it is written down."""
    item = event.asked.item
    if item is None or item.role != "user" or not item.text:
        return None
    return seen.WordsOfUser(item.id, item.text, is_typed=True)


_Look = Callable[[RelayEyes, Any], Sighting | None]

_HEARD: Final[Mapping[type, _Look]] = {
    heard.Begun: lambda *_: seen.Began(),
    heard.ClientAsked: lambda _, e: _asked(e),
    heard.SpeechBegan: lambda _, e: seen.TurnBegan(e.item_id, samples_of_ms(e.audio_ms)),
    heard.SpeechEnded: lambda _, e: seen.TurnEnded(e.item_id, samples_of_ms(e.audio_ms)),
    heard.Heard: RelayEyes.words,
    heard.ResponseBegan: RelayEyes.answer_began,
    heard.PartBegan: lambda _, e: seen.FirstSound(e.response_id, e.item_id) if e.is_spoken else None,
    heard.Said: lambda _, e: seen.WordsOfAssistant(e.response_id, e.item_id, e.text) if e.final else None,
    heard.ItemCut: lambda _, e: seen.Interrupted("", e.item_id, e.audio_end_ms),
    heard.ResponseEnded: RelayEyes.answer_ended,
    heard.OutputItemBegan: lambda _, e: (
        seen.ToolBegan(e.call_id, "") if e.kind == "function_call" and e.call_id else None
    ),
}
"""By the upstream's words as they came. The first sound of an answer is dated by the part that it begins: the
sound itself passes without a step.
"""
