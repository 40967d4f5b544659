"""What the upstream does to a session: one short function for each of its events.

What lives here: the fence (only the present generation speaks), order, exactly one end per response.
What never will: the dialect.
"""

from __future__ import annotations

from holdfast.core import lifecycle
from holdfast.core.audio import SAMPLE_BYTES, samples_of_ms
from holdfast.core.barge_in import cut_audio
from holdfast.core.effects import StartTimer
from holdfast.core.events import (
    InputCommitted,
    OutputAudio,
    OutputTranscribed,
    ResponseBegan,
    ResponseEnded,
    SpeechBegan,
    SpeechEnded,
    UpstreamBreached,
    UpstreamConfigured,
    UpstreamCreated,
    UpstreamErred,
    UpstreamLost,
    UpstreamOpened,
    UserTranscribed,
)
from holdfast.core.faults import Retry, fault
from holdfast.core.notices import (
    AssistantTranscript,
    AudioStarted,
    ResponseDone,
    ResponseStarted,
    SpeechStarted,
    SpeechStopped,
    UserTranscript,
)
from holdfast.core.refusals import refuse
from holdfast.core.state import State, error_of
from holdfast.core.tool_side import tell_results
from holdfast.core.turn import TurnSignal
from holdfast.core.upstream_link import UpstreamPhase, UpstreamSignal

ASK_PREFIX = "ask_"
"""Our requests for a response bear an `event_id` that begins like this."""

# the link


def opened(s: State, event: UpstreamOpened, now: float) -> None:  # noqa: ARG001 - every side function is called alike
    """101. Nothing is proved."""
    if s.upstream.may_speak(event.generation) and s.upstream.may(UpstreamSignal.OPENED):
        lifecycle.opened(s)


def created(s: State, event: UpstreamCreated, now: float) -> None:  # noqa: ARG001 - as above
    """Proof of life."""
    if s.upstream.may_speak(event.generation) and s.upstream.may(UpstreamSignal.CREATED):
        lifecycle.created(s, event.session_id, event.model)


def configured(s: State, event: UpstreamConfigured, now: float) -> None:
    """Ready."""
    if s.upstream.may_speak(event.generation) and s.upstream.may(UpstreamSignal.CONFIGURED):
        lifecycle.configured(s, now)


def lost(s: State, event: UpstreamLost, now: float) -> None:
    """Reader and writer both report a death; the second report bears an old generation."""
    if s.upstream.may_speak(event.generation):
        lifecycle.lost(s, event, now)


def erred(s: State, event: UpstreamErred, now: float) -> None:
    """An `error` event: a race, a refusal of the session, or trouble to be told."""
    if not s.upstream.may_speak(event.generation):
        return
    s.note(
        "upstream.error",
        "debug" if event.benign else "warning",
        code=event.code,
        fault=event.fault.code,
        upstream_session=s.upstream.session_id,
    )
    if event.code == "conversation_already_has_active_response":
        s.turn.collided()
        return
    if event.benign:
        return
    is_about_request = (event.event_id or "").startswith(ASK_PREFIX)
    if is_about_request:
        s.turn.refused()
    if s.upstream.is_starting:
        _refused_at_start(s, event, now)
        return
    if event.fault.row.retry is Retry.NEVER or event.fault.code == "provider.session_expired":
        s.upstream.last_error = event.fault
    refuse(s, error_of("RESPONSE_FAILED" if is_about_request else "UPSTREAM_ERROR", event.fault), now)
    lifecycle.request_response(s, now)


def breached(s: State, event: UpstreamBreached, now: float) -> None:
    """Not an event at all: dropped and counted; the third within a minute ends the link."""
    if not s.upstream.may_speak(event.generation):
        return
    s.note("upstream.breach", "warning", reason=event.reason, upstream_session=s.upstream.session_id)
    if s.upstream.breach(now) >= s.limits.breaches:
        cause = fault("provider.protocol_breach", [event.reason])
        lifecycle.lost(s, UpstreamLost(event.generation, cause, event.chance), now)


def _refused_at_start(s: State, event: UpstreamErred, now: float) -> None:
    """Admission errors arrive after 101; the code says more than the close that follows."""
    cause = event.fault
    if s.upstream.phase is UpstreamPhase.CREATED and cause.code == "application.invalid_message":
        cause = fault("configuration.session_refused", [event.code, event.message])
    lifecycle.lost(s, UpstreamLost(event.generation, cause), now)


# the user's turn, as the upstream hears it


def speech_began(s: State, event: SpeechBegan, now: float) -> None:
    """The user speaks: what sounds stops at once."""
    if not s.upstream.may_speak(event.generation):
        return
    s.last_activity = now
    sample = s.timeline.position(samples_of_ms(event.audio_start_ms))
    s.turn.move(TurnSignal.SPEECH_BEGAN)
    s.tell(SpeechStarted(event.item_id, sample))
    s.turn.silence()
    cut_audio(s, now)


def speech_ended(s: State, event: SpeechEnded, now: float) -> None:
    """The user's turn is over."""
    if s.upstream.may_speak(event.generation):
        s.last_activity = now
        s.turn.move(TurnSignal.SPEECH_ENDED)
        sample = s.timeline.position(samples_of_ms(event.audio_end_ms))
        s.tell(SpeechStopped(event.item_id, sample))


def committed(s: State, event: InputCommitted, now: float) -> None:  # noqa: ARG001 - as above
    """The user's item stands in the conversation, before its words are known."""
    if s.upstream.may_speak(event.generation):
        s.conversation.item(event.item_id, "user")


def user_transcribed(s: State, event: UserTranscribed, now: float) -> None:  # noqa: ARG001 - as above
    """What was heard."""
    if s.upstream.may_speak(event.generation):
        s.conversation.said(event.item_id, event.text, role="user", final=event.final)
        s.tell(UserTranscript(event.item_id, event.text, event.final))


# the answer


def response_began(s: State, event: ResponseBegan, now: float) -> None:
    """An answer begins."""
    if not s.upstream.may_speak(event.generation):
        return
    if s.turn.active is not None:
        # One terminal event for each start, even from an upstream that forgets one.
        breach = fault("provider.protocol_breach", ["two active responses"])
        lifecycle.close_response(s, "incomplete", breach)
    s.turn.begin(event.response_id, now)
    s.tell(ResponseStarted(event.response_id))
    lifecycle.watch_response(s)


def output_audio(s: State, event: OutputAudio, now: float) -> None:
    """The hot path of the answer: only the active response's item sounds."""
    turn = s.turn
    if not s.upstream.may_speak(event.generation) or event.response_id != turn.active:
        return
    turn.last_event_at = now
    if turn.silenced == event.response_id:
        return
    item = s.output.current
    if item is None or item.item_id != event.item_id:
        item = s.output.begin(event.response_id, event.item_id, now)
        s.tell(AudioStarted(event.response_id, event.item_id, item.stream))
    pcm = event.pcm
    if item.tail or len(pcm) & 1:
        pcm = item.whole(pcm)
    if not item.is_cut:
        s.play(item, pcm, len(pcm) // SAMPLE_BYTES)


def output_transcribed(s: State, event: OutputTranscribed, now: float) -> None:
    """What is being said, as text."""
    if not s.upstream.may_speak(event.generation) or event.response_id != s.turn.active:
        return
    s.turn.last_event_at = now
    s.conversation.said(event.item_id, event.text, role="assistant", final=event.final)
    s.tell(AssistantTranscript(event.response_id, event.item_id, event.text, event.final))


def response_ended(s: State, event: ResponseEnded, now: float) -> None:
    """Exactly one end for each beginning; then what waited for it."""
    if not s.upstream.may_speak(event.generation) or not s.turn.end(event.response_id):
        return
    s.last_activity = now
    s.tell(ResponseDone(event.response_id, event.status, event.usage, event.fault))
    if event.status == "failed" and event.fault is not None:
        s.note("response.failed", "warning", fault=event.fault.code, evidence=list(event.fault.evidence))
        refuse(s, error_of("RESPONSE_FAILED", event.fault), now)
    tell_results(s)
    lifecycle.request_response(s, now)
    if s.is_leaving and not s.turn.owes:
        s.out.append(StartTimer(lifecycle.TIMER_GOODBYE, s.output.unheard_s(now) + lifecycle.GOODBYE_GRACE_S))
