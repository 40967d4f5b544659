"""What the upstream does to a session: one short function for each of its events.

What lives here: the fence (only a present link speaks), ids as the client knows them, order,
exactly one end per response.
What never will: the dialect.
"""

from __future__ import annotations

from holdfast.core import asking, ending, lifecycle, links, rotation, unheard, writing
from holdfast.core.answer_side import ask_again
from holdfast.core.audio import SAMPLE_RATE_HZ, samples_of_ms
from holdfast.core.barge_in import cut_audio
from holdfast.core.events import (
    InputCommitted,
    LifeProved,
    SpeechBegan,
    SpeechEnded,
    TranscriptionFailed,
    UpstreamBreached,
    UpstreamConfigured,
    UpstreamCreated,
    UpstreamErred,
    UpstreamLost,
    UpstreamOpened,
    UpstreamStages,
    UserTranscribed,
)
from holdfast.core.faults import Fault, Party, Retry, fault
from holdfast.core.journal_side import bound_given, record_items
from holdfast.core.notices import (
    SpeechStarted,
    SpeechStopped,
    Status,
    UserTranscript,
)
from holdfast.core.refusals import refuse
from holdfast.core.state import State, error_of
from holdfast.core.turn import TurnSignal
from holdfast.core.upstream_link import UpstreamLink, UpstreamPhase, UpstreamSignal

ASK_PREFIX = "ask_"
"""Our requests for a response bear an `event_id` that begins like this."""
PADDING = SAMPLE_RATE_HZ * 3 // 10
"""What a voice detector needs to hear before the first word of a turn that is told again."""

# the link


def opened(s: State, event: UpstreamOpened, now: float) -> None:  # noqa: ARG001 - every side function is called alike
    """101. Nothing is proved."""
    link = s.link_of(event.generation)
    if link is not None and link.may(UpstreamSignal.OPENED):
        s.out += links.opened(s, link)


def created(s: State, event: UpstreamCreated, now: float) -> None:
    """Proof of life."""
    link = s.link_of(event.generation)
    if link is not None and link.may(UpstreamSignal.CREATED):
        lifecycle.created(s, link, event, now)


def configured(s: State, event: UpstreamConfigured, now: float) -> None:
    """Ready."""
    link = s.link_of(event.generation)
    if link is not None and link.phase is UpstreamPhase.CREATED:
        link.left_out = event.left_out
        lifecycle.configured(s, link, now)
        rotation.switch_when_quiet(s, now)


def stages_told(s: State, event: UpstreamStages, now: float) -> None:
    """The upstream says who does its stages' work; a change on the way is told to the client."""
    link = s.link_of(event.generation)
    if link is None:
        return
    before, link.stages, link.at_work_at = link.stages, event.stages, now
    changed = [f"{stage}: {who}" for stage, who in event.stages.items() if before.get(stage) != who]
    if link is s.upstream and link.is_live and before and changed:
        s.tell(Status("live", upstream=s.upstream_facts(), notes=tuple(changed)))


def proved(s: State, event: LifeProved, now: float) -> None:
    """It does answer."""
    link = s.link_of(event.generation)
    if link is not None and link.phase is UpstreamPhase.CREATED and link.is_proving:
        lifecycle.go_live(s, link, now)
        rotation.switch_when_quiet(s, now)


def lost(s: State, event: UpstreamLost, now: float) -> None:
    """Reader and writer both report a death; the second report bears an old generation."""
    link = s.link_of(event.generation)
    if link is not None:
        lifecycle.lose(s, link, event, now)


def erred(s: State, event: UpstreamErred, now: float) -> None:
    """An `error` event: a race, a refusal of the session, or trouble to be told."""
    link = s.link_of(event.generation)
    if link is None:
        return
    cause = _whose(link, event)
    # Without the evidence: the provider's words may quote what was said. A race is nobody's fault.
    facts = {} if event.benign else {"fault": cause.code, "party": str(cause.row.party)}
    level = "debug" if event.benign else "warning"
    s.note("upstream.error", level, code=event.code, upstream_session=link.session_id, **facts)
    if event.code == "conversation_already_has_active_response":
        _collided(s, event)
        return
    if event.benign:
        return
    is_about_request = (event.event_id or "").startswith(ASK_PREFIX)
    if link.is_starting:
        # Admission errors arrive after 101; the code says more than the close that follows.
        lifecycle.lose(s, link, UpstreamLost(event.generation, cause, event.chance), now)
        return
    if is_about_request and ask_again(s, event.fault):
        return
    if is_about_request:
        s.turn.refused()
        s.spoken.answered_all()
        ending.close_response(s, "incomplete", cause)
    is_about_link = event.fault.row.retry is Retry.NEVER and event.fault.row.party is not Party.APPLICATION
    if is_about_link or event.fault.code == "provider.session_expired":
        link.last_error = event.fault
    if event.fault.code == "provider.server_error" and link.server_error(now) >= s.limits.server_errors:
        lifecycle.lose(s, link, UpstreamLost(event.generation, event.fault, event.chance), now)
        return
    refuse(s, error_of("RESPONSE_FAILED" if is_about_request else "UPSTREAM_ERROR", cause), now)
    asking.request_response(s, now)


def _whose(link: UpstreamLink, event: UpstreamErred) -> Fault:
    """All that goes up is made here: a message that was refused is ours, and never the page's."""
    if event.fault.code != "application.invalid_message":
        return event.fault
    if link.is_starting:  # the address, or the settings: nothing else was sent yet
        return fault("configuration.session_refused", [event.code, event.message])
    return fault("gateway.message_refused", event.fault.evidence)


def _collided(s: State, event: UpstreamErred) -> None:
    """One answer at a time: whose request met a running one?"""
    if event.event_id is None and s.turn.asked is None:
        s.turn.is_refused_unasked = True  # the upstream's own answer to a turn
        return
    refused = s.turn.collided()
    if refused is not None and refused.is_plain and not s.turn.knows_all:
        s.spoken.missed(s.turn.active, s.tools.awaited)
    if s.turn.active is not None:  # that one is the upstream's own, and answers what stood there
        s.spoken.answering(s.turn.active, s.tools.awaited)


def breached(s: State, event: UpstreamBreached, now: float) -> None:
    """Not an event at all: dropped and counted; the third within a minute ends the link."""
    link = s.link_of(event.generation)
    if link is not None:
        lifecycle.breached(s, link, event.reason, event.chance, now)


# the user's turn, as the upstream hears it


def _position(s: State, upstream_ms: int) -> int:
    """Where in the session's input that is; an upstream cannot have heard more than it was given."""
    return min(s.timeline.position(samples_of_ms(upstream_ms)), s.kept.end)


def speech_began(s: State, event: SpeechBegan, now: float) -> None:
    """The user speaks: what sounds stops at once. An utterance that is heard again is not told again."""
    if not s.hears(event.generation):
        return
    s.last_activity = now
    unheard.heard(s)
    s.turn.move(TurnSignal.SPEECH_BEGAN)
    again = s.spoken.open
    if writing.began_again(s, event):
        pass
    elif again is not None and again.awaits:
        again.awaits = False
        s.aliases.bind(event.item_id, again.item_id)
    else:
        sample = _position(s, event.audio_start_ms)
        s.spoken.begin(event.item_id, sample - PADDING)
        s.tools.turn += 1
        bound_given(s)
        s.tell(SpeechStarted(event.item_id, sample))
    s.turn.silence()
    cut_audio(s, now)


def speech_ended(s: State, event: SpeechEnded, now: float) -> None:
    """The user's turn is over."""
    if not s.hears(event.generation):
        return
    s.last_activity = now
    s.turn.move(TurnSignal.SPEECH_ENDED)
    s.turn.last_event_at = now
    sample = _position(s, event.audio_end_ms)
    turn = s.spoken.end(sample)
    s.tools.turn_ended(sample)
    if s.turn.heard_end(sample):
        s.spoken.missed(None, s.tools.awaited)
    if turn is None or not turn.is_end_told:
        s.tell(SpeechStopped(s.aliases.known(event.item_id), sample))
    if turn is not None:
        turn.is_end_told = True
        writing.passed_over(s, sample)
    asking.watch_response(s)


def committed(s: State, event: InputCommitted, now: float) -> None:
    """The user's item stands in the conversation, before its words are known."""
    if not s.hears(event.generation):
        return
    unheard.heard(s)
    item_id = s.aliases.known(event.item_id)
    if s.spoken.open is not None:
        s.spoken.end(s.kept.end)
    elif (turn := next((turn for turn in s.spoken.turns if turn.is_by_hand), None)) is not None:
        # The client ended the turn by hand; only now is its item's id known.
        turn.is_by_hand = False
        if turn.replays and not s.turn.is_answered:
            s.aliases.bind(item_id, turn.item_id)
            item_id = turn.item_id
        turn.item_id = item_id
    if not s.turn.is_answered:
        writing.stands_again(s, item_id)
    s.turn.last_event_at = now
    said = s.spoken.find(item_id)
    item = s.conversation.item(item_id, "user")
    item.since, item.until = (0, 0) if said is None or said.last is None else (said.first, said.last)


def user_transcribed(s: State, event: UserTranscribed, now: float) -> None:
    """What was heard. An item that is told again is transcribed again, and the client was told."""
    if not s.hears(event.generation):
        return
    item_id = s.aliases.known(event.item_id)
    known = s.conversation.items.get(item_id)
    s.turn.last_event_at = now if not s.turn.is_answered else s.turn.last_event_at
    if (known is not None and known.is_final) or (not event.final and writing.is_again(s, item_id)):
        return
    s.conversation.said(item_id, event.text, role="user", final=event.final)
    s.tell(UserTranscript(item_id, event.text, event.final, event.usage))
    if event.final:
        record_items(s)
        writing.written(s, item_id, now)


def transcription_failed(s: State, event: TranscriptionFailed, now: float) -> None:
    """What was said could not be written down. An answer comes all the same, where there are answers."""
    if s.hears(event.generation):
        s.note("transcription.failed", "warning", **event.fault.facts)
        writing.failed(s, s.aliases.known(event.item_id), event.fault, now)
