"""Asking for an answer, when one may be asked for; somebody looks again when it should have come.

What lives here: the one door through which a request for a response leaves.
What never will: what is wished for (`turn`), what is done about silence (`watchdog`).
"""

from __future__ import annotations

from holdfast.core.effects import StartTimer
from holdfast.core.state import State
from holdfast.core.timers import TIMER_RESPONSE
from holdfast.core.upstream_link import UpstreamPhase


def request_response(s: State, now: float) -> None:
    """Send the next request for a response, when one may be sent."""
    # What is answered must have been heard: not while commands wait to be handed over.
    may_ask = s.upstream.phase is UpstreamPhase.LIVE and (s.upstream.is_live or not s.kept.commands)
    if may_ask and (request := s.turn.next_request(now)) is not None:
        s.turn.asked_at = s.timeline.expected
        s.out.append(request)
        watch_response(s)


def watch_response(s: State) -> None:
    """Somebody owes us a response: look again when the user would begin to wonder."""
    s.out.append(StartTimer(TIMER_RESPONSE, s.limits.response_notice_s))
