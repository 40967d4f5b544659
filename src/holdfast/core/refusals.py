"""Saying no without drowning anybody: the message rate, and at most one error a second and code.

What lives here: admission of messages by rate, the throttle's two ends.
What never will: what is wrong with a message.
"""

from __future__ import annotations

from dataclasses import replace

from holdfast.core import ending
from holdfast.core.effects import StartTimer
from holdfast.core.events import TimerFired
from holdfast.core.faults import Party, fault
from holdfast.core.notices import Error
from holdfast.core.state import State, error_of

TIMER_ERRORS = "errors"


def refuse(s: State, error: Error, now: float) -> None:
    """Tell an error, at most one a second and code; the rest is counted and told later."""
    if s.errors.admit(error, now):
        s.tell(error)
        _note(s, error)
    else:
        _wait(s)


def _note(s: State, error: Error) -> None:
    """Whoever looks at the session later shall see it, too; without evidence, which may quote the client."""
    cause = error.fault
    if cause is None or cause.row.party is not Party.APPLICATION or not s.session_id:
        return
    facts = {"fault": cause.code, "party": str(cause.row.party), "message": cause.row.message}
    s.note("client.refused", code=error.code, field=error.field, **facts)


def _wait(s: State) -> None:
    if not s.errors.is_waiting:
        s.errors.is_waiting = True
        s.out.append(StartTimer(TIMER_ERRORS, s.errors.interval_s))


def errors_due(s: State, event: TimerFired, now: float) -> None:  # noqa: ARG001 - every timer's function is called alike
    """The second is over: tell what was held back."""
    s.errors.is_waiting = False
    for error, others in s.errors.due(now):
        s.tell(replace(error, suppressed=others + 1))
    if s.errors.holds_any:
        _wait(s)


def flooded(s: State, now: float) -> bool:
    """Note one refusal for being too fast; True, and the session over, when that lasts."""
    if s.flood.refused(now):
        ending.end(s, "message_flood", fault("application.message_flood"), 1008)
        return True
    return False


def admitted(s: State, now: float) -> bool:
    """Whether one more message may come now; a flood that lasts ends the session."""
    if s.messages.take(1, now):
        return True
    if not flooded(s, now):
        cause = fault(
            "application.rate_limited", [f"over {s.limits.client_messages_per_s:g} messages a second"]
        )
        refuse(s, error_of("RATE_LIMITED", cause, retry_after_ms=1000), now)
    return False
