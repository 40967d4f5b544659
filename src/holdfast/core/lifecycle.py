"""A session's beginning and end: asked for, dialled, ready, lost, over.

What lives here: one short function for each of these, called by the sides.
What never will: a conversation's content.
"""

from __future__ import annotations

from holdfast.core.client_link import ClientSignal
from holdfast.core.effects import CloseClient, Configure, Dial, Finish, HangUp, Respond, StartTimer, StopTimer
from holdfast.core.events import UpstreamLost
from holdfast.core.faults import Fault, fault
from holdfast.core.notices import ResponseDone, SessionEnded, SessionReady, Status, ToolDone
from holdfast.core.recovery import GiveUp, decide
from holdfast.core.state import State, error_of
from holdfast.core.turn import TurnSignal
from holdfast.core.upstream_link import UpstreamPhase, UpstreamSignal

TIMER_DIAL = "dial"
TIMER_CREATED = "created"
TIMER_UPDATED = "updated"
TIMER_RETRY = "retry"
TIMER_IDLE = "idle"
TIMER_LIFE = "life"
TIMER_GOODBYE = "goodbye"

TIMEOUT_FAULTS = {
    TIMER_DIAL: "provider.handshake_timeout",
    TIMER_CREATED: "provider.silent",
    TIMER_UPDATED: "provider.unconfigured",
}
"""Which silence means what. Readiness is never pretended: each of these ends the link and dials again."""


def dial(s: State) -> None:
    """Begin a new link."""
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


def configured(s: State) -> None:
    """Our settings hold: hand over what was held, in order, and be ready."""
    was_live = s.upstream.is_live
    s.upstream.move(UpstreamSignal.CONFIGURED)
    if was_live:
        return
    s.out.append(StopTimer(TIMER_UPDATED))
    s.tell(SessionReady({**s.upstream_facts(), "sessionId": s.upstream.session_id}))
    s.tell(Status("live"))
    s.note("session.ready", upstream_session=s.upstream.session_id, held_samples=s.held.samples)
    s.upstream_base = s.received - s.held.samples
    if s.options.greet and s.surroundings.greeting and not s.held.commands:
        # Asked for before the held audio: who has spoken already interrupts the greeting by barge-in.
        s.turn.ask(Respond(say=s.surroundings.greeting))
        request_response(s)
    s.out.extend(s.held.release())
    request_response(s)


def request_response(s: State) -> None:
    """Send the next request for a response, when one may be sent."""
    if s.upstream.is_live and (request := s.turn.next_request()) is not None:
        s.out.append(request)


def lost(s: State, event: UpstreamLost, now: float) -> None:
    """The link is over: dial again, or end the session and say why."""
    was_live = s.upstream.is_live
    cause = s.upstream.last_error or event.fault
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
    close_responses(s, "incomplete", cause)
    s.tell(error_of("RECONNECT_FAILED" if was_live else "SESSION_INITIALIZATION_FAILED", cause))
    end(s, "upstream_lost" if was_live else "not_started", cause)


def close_responses(s: State, status: str, cause: Fault | None = None) -> None:
    """Exactly one terminal event for what is still open, whatever breaks."""
    for call in s.tools.running:
        s.tell(ToolDone(call.id, call.name, "cancelled"))
    if s.turn.active is not None:
        s.tell(ResponseDone(s.turn.active, status, None, cause))  # type: ignore[arg-type] # a literal at both calls
        s.turn.active = None
        s.turn.move(TurnSignal.RESPONSE_ENDED)


def timed_out(s: State, timer: str, chance: float, now: float) -> None:
    """An upstream stayed silent past its time-out."""
    generation = s.upstream.generation
    s.out.append(HangUp(generation))
    seconds = {TIMER_DIAL: s.limits.dial_s, TIMER_CREATED: s.limits.created_s}.get(timer, s.limits.updated_s)
    cause = fault(TIMEOUT_FAULTS[timer], [f"nothing for {seconds:g} s"])
    lost(s, UpstreamLost(generation, cause, chance), now)


def end(s: State, reason: str, cause: Fault | None = None, close_code: int | None = None) -> None:
    """The session is over; said once, last."""
    if s.is_over:
        return
    close_responses(s, "cancelled" if cause is None else "incomplete", cause)
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
