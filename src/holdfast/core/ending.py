"""A session's end, whatever brings it: exactly one terminal event for what is open, said once, last.

What lives here: ends, and the deadlines that lead to one.
What never will: a conversation's content.
"""

from __future__ import annotations

from typing import Literal

from holdfast.core import links
from holdfast.core.client_link import ClientSignal
from holdfast.core.effects import CloseClient, Finish, ForgetRecords, StartTimer
from holdfast.core.events import TimerFired
from holdfast.core.faults import Fault, fault
from holdfast.core.notices import ResponseDone, SessionEnded, ToolDone
from holdfast.core.state import State, error_of
from holdfast.core.timers import TIMER_GOODBYE, TIMER_IDLE

GOODBYE_GRACE_S = 0.5


def close_response(
    s: State, status: Literal["cancelled", "incomplete"], cause: Fault | None, reason: str | None = None
) -> None:
    """The end of the active response, when the upstream does not give it."""
    if (active := s.turn.active) is not None and s.turn.end(active):
        s.conversation.close(active)
        s.tell(ResponseDone(active, status, None, cause, reason))


def close_all(s: State, status: Literal["cancelled", "incomplete"], cause: Fault | None) -> None:
    """Exactly one terminal event for what is still open, whatever breaks."""
    for call in s.tools.abandon():
        s.tell(ToolDone(call.id, call.name, "cancelled"))
    close_response(s, status, cause)


def failed(s: State, cause: Fault, reason: str, retry_after_s: float | None, *, was_live: bool) -> None:
    """No upstream, and no hope of one within the budget."""
    s.note("session.failed", "error", reason=reason, remedy=cause.row.remedy, **cause.facts)
    _fail(s, cause, retry_after_s, was_live=was_live)


def turned_away(s: State, cause: Fault, reason: str, retry_after_s: float | None) -> None:
    """Nobody can be reached, which whoever runs this knows by now: a line for each would bury the rest."""
    s.note("session.turned_away", "debug", reason=reason, **cause.facts)
    _fail(s, cause, retry_after_s, was_live=False)


def _fail(s: State, cause: Fault, retry_after_s: float | None, *, was_live: bool) -> None:
    close_all(s, "incomplete", cause)
    retry_after_ms = None if retry_after_s is None else round(retry_after_s * 1000)
    code = "RECONNECT_FAILED" if was_live else "SESSION_INITIALIZATION_FAILED"
    s.tell(error_of(code, cause, retry_after_ms=retry_after_ms))
    end(s, "upstream_lost" if was_live else "not_started", cause, retry_after_ms=retry_after_ms)


def end(
    s: State,
    reason: str,
    cause: Fault | None = None,
    close_code: int | None = None,
    retry_after_ms: int | None = None,
) -> None:
    """The session is over; said once, last."""
    if s.is_over:
        return
    s.tell_losses(s.losses.flush(s.last_activity))
    close_all(s, "cancelled" if cause is None else "incomplete", cause)
    unheard = min(s.spoken.needed_from(s.received), s.kept.waiting_from(s.received))
    lost = {"input": (unheard, s.received)} if cause is not None and unheard < s.received else None
    s.tell(SessionEnded(reason, cause, retry_after_ms, lost))
    code = close_code if close_code is not None else (1000 if cause is None else cause.row.close_code)
    if s.session_id:
        s.note("session.ended", reason=reason, received=s.received, **(cause.facts if cause else {}))
        s.out.append(ForgetRecords())
    _release(s, code, reason)


def suspend(s: State, cause: Fault, code: int) -> None:
    """The process stops and the journal keeps the session: the client comes back to the next process."""
    if s.is_over:
        return
    s.tell_losses(s.losses.flush(s.last_activity))
    s.note("session.suspended", received=s.received, **cause.facts)
    _release(s, code, cause.code)


def _release(s: State, code: int, reason: str) -> None:
    s.is_over = True
    if s.link.is_listening:
        s.out.append(CloseClient(code, reason))
    s.link.move(ClientSignal.ENDED)
    s.out += links.end(s)
    s.out.append(Finish())
    # Who runs it may be collected late: what is heavy goes now.
    s.window.acknowledge(s.output.offset)
    s.kept.settle(s.received)


# deadlines


def create_due(s: State, event: TimerFired, now: float) -> None:  # noqa: ARG001 - every timer's function is called alike
    """A connection that never asks for a session does not stay."""
    if not s.link.is_attached:
        s.out.append(CloseClient(4408, "no create_session came"))


def goodbye_due(s: State, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """Hang up when the goodbye has been heard."""
    left = s.output.unheard_s(now)
    if s.turn.active is not None or left > 0:
        s.out.append(StartTimer(TIMER_GOODBYE, left + GOODBYE_GRACE_S))
    else:
        end(s, "goodbye")


def idle_due(s: State, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """Nobody has said a word for a while."""
    quiet = now - s.last_activity
    if quiet >= s.limits.idle_s:
        end(s, "idle", fault("application.idle", [f"{quiet:.0f} s without a word"]))
    else:
        s.out.append(StartTimer(TIMER_IDLE, s.limits.idle_s - quiet))


def life_due(s: State, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """No session lasts for ever."""
    end(s, "time_limit", fault("application.time_limit", [f"after {s.limits.session_s:g} s"]))


def losses_due(s: State, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """What was lost and not yet named."""
    s.tell_losses(s.losses.flush(now))
