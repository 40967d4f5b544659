"""The open but silent upstream: an answer that is owed and does not come, or begins and stops.

What lives here: how long one waits, what the user is told meanwhile, when the link is left.
What never will: rebuilding (`lifecycle`, `rebuild`).
"""

from __future__ import annotations

from holdfast.core import lifecycle
from holdfast.core.asking import request_response, watch_response
from holdfast.core.effects import StartTimer
from holdfast.core.events import TimerFired, UpstreamLost
from holdfast.core.faults import fault
from holdfast.core.notices import Status
from holdfast.core.state import State
from holdfast.core.timers import TIMER_RESPONSE
from holdfast.core.upstream_link import UpstreamPhase

PUNCTUAL_S = 0.01
"""A clock may be so much early."""


def response_due(s: State, event: TimerFired, now: float) -> None:
    """A response that is owed never begins, or begins and stops: named, then asked of a fresh upstream."""
    is_owed = s.turn.owes or any(turn.last is not None for turn in s.spoken.turns)
    if s.upstream.phase is not UpstreamPhase.LIVE or not is_owed:
        return
    if s.tools.running:  # nobody has to answer before they are done; somebody has then
        watch_response(s)
        return
    s.turn.unblock()
    request_response(s, now)
    quiet = now - s.turn.last_event_at
    waits_for_first = s.turn.active is None or s.turn.reopened is not None
    patience = s.limits.response_first_s if waits_for_first else s.limits.response_stall_s
    silent = now - max(s.turn.last_event_at, s.upstream.at_work_at)
    if silent < patience - PUNCTUAL_S:
        left_s = patience - silent
        if waits_for_first and quiet >= s.limits.response_notice_s and not s.line.is_recovering_told:
            s.line.is_recovering_told = True
            s.tell(Status("degraded", fault("provider.stalled", [f"no answer for {quiet:.0f} s"])))
        elif waits_for_first and quiet < s.limits.response_notice_s:
            left_s = s.limits.response_notice_s - quiet
        s.out.append(StartTimer(TIMER_RESPONSE, left_s))
        return
    cause = fault("provider.stalled", [f"nothing for {silent:.0f} s"])
    s.note("response.stalled", "warning", quiet_s=round(silent, 1), upstream_session=s.upstream.session_id)
    lifecycle.lost(s, UpstreamLost(s.upstream.generation, cause, event.chance), now)


def answered(s: State) -> None:
    """The upstream has done its work: its troubles are over."""
    s.line.troubles.pop(s.upstream.endpoint, None)
    if s.line.is_recovering_told and s.upstream.is_live:
        s.line.is_recovering_told = False
        s.tell(Status("live"))
