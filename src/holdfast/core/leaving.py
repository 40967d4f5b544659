"""A session that may cost no more, or that an operator ends, ends politely: what is being said is said, then
a goodbye, then the end.

What lives here: the way from `BudgetSpent` to the end, and its deadline.
What never will: how much was spent, of what (`accounts`).
"""

from __future__ import annotations

from holdfast.core import asking, ending
from holdfast.core.effects import Respond, StartTimer
from holdfast.core.events import BudgetSpent, TimerFired
from holdfast.core.faults import Fault
from holdfast.core.state import Leaving, State
from holdfast.core.timers import TIMER_GOODBYE
from holdfast.core.turn import TurnPhase

LOOK_S = 0.25
"""How often it is looked whether all has been said and heard."""
BY_OPERATOR = "configuration.ended_by_operator"
REASON = "budget_spent"
"""Of whatever else makes it leave."""


def budget_spent(s: State, event: BudgetSpent, now: float) -> None:
    """Nothing more may be spent: who is in the middle of a sentence may end it."""
    if s.leaving is not None:
        return
    s.leaving = Leaving(event.fault, now + s.limits.goodbye_s)
    s.note("session.leaving", "warning", within_s=s.limits.goodbye_s, **event.fault.facts)
    s.is_leaving = True
    look(s, s.leaving, now)


def goodbye_due(s: State, event: TimerFired, now: float) -> None:
    """Hang up when the goodbye has been heard, whoever wished for the end."""
    if s.leaving is None:
        ending.goodbye_due(s, event, now)
    else:
        look(s, s.leaving, now)


def look(s: State, leaving: Leaving, now: float) -> None:
    """Go one step further when nobody is saying anything; at the deadline, whatever is said."""
    is_over = now >= leaving.by or not s.upstream.is_live or not s.link.is_listening
    is_quiet = _is_quiet(s) and s.output.unheard_s(now) <= 0
    if is_over or (is_quiet and (leaving.is_goodbye_said or not s.turn.is_answered)):
        _end(s, leaving.cause)
        return
    if is_quiet:
        leaving.is_goodbye_said = True
        s.turn.ask(Respond(say=leaving.cause.row.message))
        asking.request_response(s, now)
    s.out.append(StartTimer(TIMER_GOODBYE, min(LOOK_S, leaving.by - now)))


def _is_quiet(s: State) -> bool:
    if s.turn.is_answered:
        return s.turn.is_quiet
    return s.turn.phase is TurnPhase.LISTENING and not s.spoken.turns


def _end(s: State, cause: Fault) -> None:
    """The goodbye in writing, with when it opens again."""
    retry_after_ms = None if cause.retry_after_s is None else round(cause.retry_after_s * 1000)
    reason = "ended_by_operator" if cause.code == BY_OPERATOR else REASON
    ending.end(s, reason, cause, retry_after_ms=retry_after_ms)
