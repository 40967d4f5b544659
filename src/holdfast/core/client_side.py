"""What the client does to a session: one short function for each of its events.

What lives here: accepting, refusing, holding, counting.
What never will: anything about how a message looked on the wire.
"""

from __future__ import annotations

from dataclasses import replace

from holdfast.core import asking, ending, lifecycle, links, writing
from holdfast.core.audio import SAMPLE_RATE_HZ, ms_of_samples
from holdfast.core.barge_in import interrupt
from holdfast.core.by_hand import end_turn, record_end
from holdfast.core.client_link import ClientSignal
from holdfast.core.effects import (
    AddText,
    ClearInput,
    Respond,
    StartTimer,
    StopTimer,
)
from holdfast.core.events import (
    Acknowledged,
    CancelAsked,
    ClearAsked,
    CommitAsked,
    EndAsked,
    MessageRefused,
    Pinged,
    Played,
    SessionAsked,
    TextGiven,
    TimerFired,
)
from holdfast.core.faults import Fault, fault
from holdfast.core.journal_side import bound_given, record_held_text, record_items, record_opening
from holdfast.core.kept_input import HeldCommand
from holdfast.core.links import UpstreamFacts
from holdfast.core.notices import (
    Accepted,
    Error,
    Pong,
    SessionCreated,
    Status,
)
from holdfast.core.observed import Reported, SilenceHeard
from holdfast.core.rebuild import enter_text
from holdfast.core.recovery import NoHope, WaitFor
from holdfast.core.refusals import refuse
from holdfast.core.state import State, error_of
from holdfast.core.timers import TIMER_CREATE, TIMER_IDLE, TIMER_LIFE, TIMER_RETRY
from holdfast.core.turn import TurnSignal


def repeated(s: State, event_id: str | None) -> bool:
    """Answer a command that was seen before with its first answer; True when it was."""
    answer = s.commands.answer_to(event_id)
    if answer is None:
        return False
    s.tell(replace(answer, duplicate=True))
    return True


def accept(s: State, event_id: str | None, answer: SessionCreated | None = None) -> None:
    """Remember the answer to a command that bore an id, and give it when there is no other."""
    if event_id is not None:
        s.commands.remember(event_id, answer or Accepted(event_id))
        s.record("command", {"event_id": event_id})
        if answer is None:
            s.tell(Accepted(event_id))


def session_asked(s: State, event: SessionAsked, now: float) -> None:
    """`create_session`: who it is for, and whether there is anybody to begin with."""
    options = event.options
    if repeated(s, event.event_id):
        return
    if not s.link.may(ClientSignal.ASKED) or s.asked is not None:
        message = "This connection has a session already; open another connection for another session."
        cause = fault("application.invalid_message", ["create_session twice"])
        refuse(s, _misplaced(message, cause, event.event_id), now)
        return
    if options.customer_id and options.customer_id != s.surroundings.customer_id:
        cause = fault("application.not_authorized", ["customerId differs from the signed-in customer"])
        s.note("session.refused", "warning", reason="foreign customerId")
        refuse(s, error_of("NOT_AUTHORIZED", cause, event_id=event.event_id), now)
        return
    if event.refusal is not None:
        ending.turned_away(s, event.refusal, event.refusal.code, event.refusal.retry_after_s)
        return
    s.options = options
    s.turn.is_answered = options.mode == "conversation"
    s.asked = event
    s.chance = event.chance
    links.start(s, now)
    _begin_or_wait(s, event, now)


def retry_due(s: State, event: TimerFired, now: float) -> None:  # noqa: ARG001 - every timer's function is called alike
    """The wait is over."""
    if s.asked is not None:
        _begin_or_wait(s, s.asked, now)
    else:
        lifecycle.go_on(s, now)


def _begin_or_wait(s: State, asked: SessionAsked, now: float) -> None:
    """Where nobody can be reached nothing is promised: the client hears that, and not of a session."""
    plan = links.plan(s, now)
    if isinstance(plan, WaitFor) and plan.is_outage:
        if s.line.promises(plan, now) is not None:
            s.tell(Status("connecting", plan.cause, round(plan.expected_s * 1000)))
        s.out.append(StartTimer(TIMER_RETRY, plan.seconds))
        return
    s.asked = None
    if isinstance(plan, NoHope) and plan.is_outage:
        ending.turned_away(s, plan.cause, plan.reason, plan.retry_after_s)
        return
    _begin(s, asked, now)
    lifecycle.follow(s, plan, now)


def _begin(s: State, event: SessionAsked, now: float) -> None:
    """The session exists."""
    options = event.options
    s.link.move(ClientSignal.ASKED)
    s.session_id = event.session_id
    s.started_at = s.last_activity = now
    s.kept.widen(s.limits.input_held_s)
    created = SessionCreated(
        session_id=event.session_id,
        resume_token=event.resume_token,
        epoch=event.epoch,
        received=s.received,
        upstream=s.upstream_facts(),
        audio={"format": "pcm16", "sampleRate": SAMPLE_RATE_HZ, "channels": 1, "framing": options.framing},
        limits={
            "binaryBytes": s.limits.client_binary_bytes,
            "textBytes": s.limits.client_text_bytes,
            "inputHeldSeconds": s.limits.input_held_s,
            "sessionSeconds": s.limits.session_s,
            "inputRingSeconds": s.limits.client_ring_s,
            "resumeWindowSeconds": s.limits.resume_window_s,
        },
        durability=s.journal.durability,
        voice=voice_of(s, s.facts_of(s.upstream)) if s.turn.is_answered else None,
        mode=options.mode,
        notes=_notes(s),
    )
    s.tell(created)
    s.output.start(event.epoch)
    bound_given(s)
    record_opening(s)
    accept(s, event.event_id, created)
    s.note("session.created", held_samples=s.kept.waiting, framing=options.framing)
    if s.warned_no_session:  # there was no session yet that could have kept it in mind
        early_ms = ms_of_samples(s.kept.waiting)
        early = fault("application.no_session", [f"{early_ms} ms of audio came before create_session"])
        s.note("audio.before_session", "warning", **early.facts)
    s.tell(Status("connecting"))
    s.out.append(StopTimer(TIMER_CREATE))
    s.out.append(StartTimer(TIMER_IDLE, s.limits.idle_s))
    s.out.append(StartTimer(TIMER_LIFE, s.limits.session_s))


def voice_of(s: State, facts: UpstreamFacts) -> str:
    """The voice that speaks for this session there: the one that was asked for, where it is known."""
    asked = s.options.voice
    return asked if asked is not None and asked in facts.voices else facts.default_voice


def _notes(s: State) -> tuple[str, ...]:
    notes = []
    facts = s.facts_of(s.upstream)
    if not s.turn.is_answered:
        return writing.notes(s)
    voice = voice_of(s, facts)
    if s.options.voice not in {None, voice}:
        notes.append(f"voice {s.options.voice!r} is not known to this upstream; {voice!r} speaks")
    asked = s.options.model
    if asked is not None and asked != facts.model:
        if facts.kind == "local":
            notes.append(
                f"model {asked!r} was asked for; the embedded engine answers, a limited local assistant"
            )
        else:
            notes.append(f"model {asked!r} was asked for")
    return tuple(notes)


def text_given(s: State, event: TextGiven, now: float) -> None:
    """A typed turn: as speech, it interrupts and is answered."""
    if _is_refused(s, event.event_id, now):
        return
    if not s.turn.is_answered:
        cause = fault("application.invalid_message", ["input_text in a transcription session"])
        message = "A transcription session writes down what is said; there is nobody to answer a typed turn."
        refuse(s, _misplaced(message, cause, event.event_id), now)
        return
    text = AddText(event.text, s.new_item_id())
    if s.upstream.is_live:
        interrupt(s, now)
        enter_text(s, text.text, text.item_id)
        s.out.append(text)
    elif not _hold_command(s, text, event.event_id, now):
        return
    else:
        record_held_text(s, text.text, text.item_id)
    record_items(s)
    s.turn.move(TurnSignal.INPUT_GIVEN)
    s.turn.ask(Respond())
    asking.request_response(s, now)
    accept(s, event.event_id)


def commit_asked(s: State, event: CommitAsked, now: float) -> None:
    """The end of a turn by hand; with automatic turn detection there is nothing to do."""
    if _is_refused(s, event.event_id, now):
        return
    if s.options.turn_detection == "auto":
        cause = fault("application.invalid_message", ["commit_audio with turnDetection auto"])
        message = "commit_audio needs turnDetection 'manual' in create_session; with 'auto' it has no use."
        refuse(s, _misplaced(message, cause, event.event_id), now)
        return
    if not end_turn(s, now):
        _no_room(s, event.event_id, now)
        return
    record_end(s)
    accept(s, event.event_id)


def clear_asked(s: State, event: ClearAsked, now: float) -> None:
    """Forget what was not committed."""
    if _is_refused(s, event.event_id, now):
        return
    if s.upstream.is_live:
        s.spoken.clear(s.kept.end)
        s.out.append(ClearInput())
    elif not _hold_command(s, ClearInput(), event.event_id, now):
        return
    accept(s, event.event_id)


def cancel_asked(s: State, event: CancelAsked, now: float) -> None:
    """Stop speaking."""
    if _is_refused(s, event.event_id, now):
        return
    if not s.upstream.is_live:
        _not_ready(s, "cancel_response", event.event_id, now)
        return
    interrupt(s, now)
    accept(s, event.event_id)


def end_asked(s: State, event: EndAsked, now: float) -> None:
    """Goodbye, said by the client."""
    if s.asked is not None:
        ending.end(s, "ended_by_client")
    elif not _is_refused(s, event.event_id, now):
        accept(s, event.event_id)
        ending.end(s, "ended_by_client")


def _misplaced(message: str, cause: Fault, event_id: str | None) -> Error:
    return Error("INVALID_MESSAGE", message, retryable=False, fault=cause, field="type", event_id=event_id)


def _is_refused(s: State, event_id: str | None, now: float) -> bool:
    if repeated(s, event_id):
        return True
    if s.asked is not None:
        _not_ready(s, "the session has not begun", event_id, now)
        return True
    if not s.link.is_attached:
        missing = fault("application.no_session")
        refuse(s, error_of("NO_SESSION_EXISTS", missing, event_id=event_id), now)
        return True
    s.last_activity = now
    return False


def _hold_command(s: State, command: HeldCommand, event_id: str | None, now: float) -> bool:
    if s.kept.hold_command(command):
        return True
    _no_room(s, event_id, now)
    return False


def _no_room(s: State, event_id: str | None, now: float) -> None:
    _not_ready(s, "more commands than can be held", event_id, now)


def _not_ready(s: State, what: str, event_id: str | None, now: float) -> None:
    cause = fault("provider.not_ready", [what])
    error = error_of("OPENAI_CONNECTION_NOT_READY", cause, retry_after_ms=1000, event_id=event_id)
    refuse(s, error, now)


# the rest


def refused_message(s: State, event: MessageRefused, now: float) -> None:
    """The codec could not accept a message: say why, and live on."""
    cause = event.fault or fault("application.invalid_message", [event.message])
    refuse(
        s,
        Error(
            event.error,
            event.message,
            retryable=False,
            fault=cause,
            field=event.field,
            event_id=event.event_id,
        ),
        now,
    )


def played(s: State, event: Played, now: float) -> None:  # noqa: ARG001 - every side function is called alike
    """The client's word on what was heard."""
    s.output.report(event.item_id, event.ms)


def silence_heard(s: State, event: SilenceHeard, now: float) -> None:  # noqa: ARG001 - as above
    """The client's word on how long its user waited: for whoever watches."""
    s.told.append(event)


def acknowledged(s: State, event: Acknowledged, now: float) -> None:  # noqa: ARG001 - as above
    """The client has everything up to here: the window forgets it."""
    s.window.acknowledge(min(event.offset, s.output.offset))


def reported(s: State, event: Reported, now: float) -> None:  # noqa: ARG001 - as above
    """How it is at the client's end: noted for whoever looks, and nothing is decided by it."""
    if s.link.is_attached:
        facts = event.fault.facts if event.fault is not None else {}
        s.note("client.reported", "info" if facts else "debug", **event.figures, **facts)


def pinged(s: State, event: Pinged, now: float) -> None:  # noqa: ARG001 - as above
    """Are you there?"""
    s.tell(Pong(event.payload))
