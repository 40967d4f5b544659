"""A session's beginning and end: asked for, dialled, ready, lost, over.

What lives here: one short function for each of these, called by the sides.
What never will: a conversation's content.
"""

from __future__ import annotations

from typing import Literal

from holdfast.core.audio import samples_of_bytes
from holdfast.core.client_link import ClientSignal
from holdfast.core.effects import (
    Append,
    CancelResponse,
    CloseClient,
    Configure,
    Dial,
    Finish,
    HangUp,
    Respond,
    StartTimer,
    StopTimer,
)
from holdfast.core.events import UpstreamLost
from holdfast.core.faults import Fault, fault
from holdfast.core.notices import ResponseDone, SessionEnded, SessionReady, Status, ToolDone
from holdfast.core.recovery import GiveUp, decide
from holdfast.core.state import State, error_of
from holdfast.core.timeline import Timeline
from holdfast.core.upstream_link import UpstreamPhase, UpstreamSignal

TIMER_CREATE = "create_wait"
TIMER_DIAL = "dial"
TIMER_CREATED = "created"
TIMER_UPDATED = "updated"
TIMER_RETRY = "retry"
TIMER_IDLE = "idle"
TIMER_LIFE = "life"
TIMER_GOODBYE = "goodbye"
TIMER_RESPONSE = "response"

GOODBYE_GRACE_S = 0.5

TIMEOUT_FAULTS = {
    TIMER_DIAL: "provider.handshake_timeout",
    TIMER_CREATED: "provider.silent",
    TIMER_UPDATED: "provider.unconfigured",
}
"""Which silence means what. Readiness is never pretended: each of these ends the link and dials again."""


def dial(s: State, now: float) -> None:  # noqa: ARG001 - called as a timer's function too
    """Begin a new link."""
    if not s.upstream.may(UpstreamSignal.DIALED):
        return
    s.upstream.move(UpstreamSignal.DIALED)
    s.note("upstream.connecting", generation=s.upstream.generation, attempt=s.upstream.attempts)
    s.out.append(Dial(s.upstream.generation))
    s.out.append(StartTimer(TIMER_DIAL, s.limits.dial_s))


def opened(s: State) -> None:
    """The socket is open; what counts is still to come."""
    s.upstream.move(UpstreamSignal.OPENED)
    s.note("upstream.opened", generation=s.upstream.generation)
    s.out.append(StopTimer(TIMER_DIAL))
    s.out.append(StartTimer(TIMER_CREATED, s.limits.created_s))


def created(s: State, session_id: str, model: str) -> None:
    """Proof of life: send our own complete settings, before anything else."""
    s.upstream.move(UpstreamSignal.CREATED)
    s.upstream.session_id = session_id
    s.upstream.model = model
    s.note("upstream.created", generation=s.upstream.generation, upstream_session=session_id, model=model)
    s.out.append(StopTimer(TIMER_CREATED))
    s.out.append(Configure(s.upstream.generation))
    s.out.append(StartTimer(TIMER_UPDATED, s.limits.updated_s))


def configured(s: State, now: float) -> None:
    """Our settings hold: hand over what was held, in order, and be ready."""
    was_live = s.upstream.is_live
    s.upstream.move(UpstreamSignal.CONFIGURED)
    if was_live:
        return
    s.out.append(StopTimer(TIMER_UPDATED))
    s.tell(SessionReady({**s.upstream_facts(), "sessionId": s.upstream.session_id}))
    s.tell(Status("live"))
    s.note("session.ready", upstream_session=s.upstream.session_id, held_samples=s.held.samples)
    s.timeline = Timeline()
    if s.options.greet and s.surroundings.greeting:
        # Asked for before the held audio: who has spoken already interrupts the greeting by barge-in.
        s.turn.ask(Respond(say=s.surroundings.greeting), first=True)
        request_response(s, now)
    for held in s.held.release():
        if isinstance(held, Append):
            s.timeline.advance(held.start, samples_of_bytes(len(held.pcm)))
        s.out.append(held)
    request_response(s, now)


def request_response(s: State, now: float) -> None:
    """Send the next request for a response, when one may be sent."""
    if s.upstream.is_live and (request := s.turn.next_request(now)) is not None:
        s.out.append(request)
        watch_response(s)


def watch_response(s: State) -> None:
    """Somebody owes us a response: look again when it should have come."""
    s.out.append(StartTimer(TIMER_RESPONSE, s.limits.response_first_s))


def response_due(s: State, now: float) -> None:
    """A response that was asked for and never begins, or begins and stops, is ended by name (B5)."""
    if not s.upstream.is_live or not s.turn.owes:
        return
    s.turn.unblock()
    quiet = now - s.turn.last_event_at
    patience = s.limits.response_first_s if s.turn.active is None else s.limits.response_stall_s
    if quiet < patience:
        s.out.append(StartTimer(TIMER_RESPONSE, patience - quiet))
        request_response(s, now)
        return
    cause = fault("provider.stalled", [f"nothing for {quiet:.0f} s"])
    s.note("response.stalled", "warning", quiet_s=round(quiet, 1), upstream_session=s.upstream.session_id)
    if s.turn.active is not None:
        s.out.append(CancelResponse(s.turn.active))
        close_response(s, "incomplete", cause)
    s.turn.refused()
    s.tell(error_of("RESPONSE_FAILED", cause))
    request_response(s, now)


def lost(s: State, event: UpstreamLost, now: float) -> None:
    """The link is over: dial again, or end the session and say why."""
    was_live = s.upstream.is_live
    cause = s.upstream.last_error or event.fault
    s.out.append(HangUp(event.generation))
    s.upstream.move(UpstreamSignal.LOST)
    for timer in TIMEOUT_FAULTS:
        s.out.append(StopTimer(timer))
    decision = decide(
        cause,
        was_live=was_live,
        attempts=s.upstream.attempts,
        spent_s=now - s.started_at,
        chance=event.chance,
        limits=s.limits,
    )
    facts = {"fault": cause.code, "party": str(cause.row.party), "evidence": list(cause.evidence)}
    if isinstance(decision, GiveUp):
        s.note("session.failed", "error", reason=decision.reason, **facts)
        failed(s, cause, was_live=was_live)
        return
    s.note("upstream.reconnecting", "warning", retry_in_ms=round(decision.delay_s * 1000), **facts)
    s.tell(Status("connecting", cause, round(decision.delay_s * 1000)))
    s.out.append(StartTimer(TIMER_RETRY, decision.delay_s))


def failed(s: State, cause: Fault, *, was_live: bool) -> None:
    """No upstream, and no hope of one."""
    close_all(s, "incomplete", cause)
    s.tell(error_of("RECONNECT_FAILED" if was_live else "SESSION_INITIALIZATION_FAILED", cause))
    end(s, "upstream_lost" if was_live else "not_started", cause)


def close_response(s: State, status: Literal["cancelled", "incomplete"], cause: Fault | None) -> None:
    """The end of the active response, when the upstream does not give it."""
    if (active := s.turn.active) is not None and s.turn.end(active):
        s.tell(ResponseDone(active, status, None, cause))


def close_all(s: State, status: Literal["cancelled", "incomplete"], cause: Fault | None) -> None:
    """Exactly one terminal event for what is still open, whatever breaks."""
    for call in s.tools.abandon():
        s.tell(ToolDone(call.id, call.name, "cancelled"))
    close_response(s, status, cause)


def timed_out(s: State, timer: str, chance: float, now: float) -> None:
    """An upstream stayed silent past its time-out."""
    if not s.upstream.is_starting:
        return
    generation = s.upstream.generation
    seconds = {TIMER_DIAL: s.limits.dial_s, TIMER_CREATED: s.limits.created_s}.get(timer, s.limits.updated_s)
    cause = fault(TIMEOUT_FAULTS[timer], [f"nothing for {seconds:g} s"])
    lost(s, UpstreamLost(generation, cause, chance), now)


def end(s: State, reason: str, cause: Fault | None = None, close_code: int | None = None) -> None:
    """The session is over; said once, last."""
    if s.is_over:
        return
    s.tell_losses(s.losses.flush(s.last_activity))
    close_all(s, "cancelled" if cause is None else "incomplete", cause)
    s.is_over = True
    s.tell(SessionEnded(reason, cause))
    code = close_code if close_code is not None else (1000 if cause is None else cause.row.close_code)
    if not s.link.is_gone:
        s.out.append(CloseClient(code, reason))
        s.link.move(ClientSignal.LEFT)
    if s.upstream.phase not in {UpstreamPhase.IDLE, UpstreamPhase.ENDED}:
        s.out.append(HangUp(s.upstream.generation))
    s.upstream.move(UpstreamSignal.ENDED)
    s.note("session.ended", reason=reason, fault=cause.code if cause else None, received=s.received)
    s.out.append(Finish())


# deadlines


def create_due(s: State, now: float) -> None:  # noqa: ARG001 - every timer's function is called alike
    """A connection that never asks for a session does not stay."""
    if not s.link.is_attached:
        s.out.append(CloseClient(4408, "no create_session came"))


def goodbye_due(s: State, now: float) -> None:
    """Hang up when the goodbye has been heard."""
    left = s.output.unheard_s(now)
    if s.turn.active is not None or left > 0:
        s.out.append(StartTimer(TIMER_GOODBYE, left + GOODBYE_GRACE_S))
    else:
        end(s, "goodbye")


def idle_due(s: State, now: float) -> None:
    """Nobody has said a word for a while."""
    quiet = now - s.last_activity
    if quiet >= s.limits.idle_s:
        end(s, "idle", fault("application.idle", [f"{quiet:.0f} s without a word"]))
    else:
        s.out.append(StartTimer(TIMER_IDLE, s.limits.idle_s - quiet))


def life_due(s: State, now: float) -> None:  # noqa: ARG001 - as above
    """No session lasts for ever."""
    end(s, "time_limit", fault("application.idle", [f"{s.limits.session_s:g} s"]))


def losses_due(s: State, now: float) -> None:
    """What was lost and not yet named."""
    s.tell_losses(s.losses.flush(now))
