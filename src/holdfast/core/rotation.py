"""Leaving an upstream before it leaves us: make before break, at a quiet moment (reliability reference, B13).

What lives here: which moment is quiet, and what happens when the successor takes over.
What never will: when a successor is dialled (`links`), what it is told (`rebuild`).
"""

from __future__ import annotations

from holdfast.core import lifecycle, links, rebuild
from holdfast.core.effects import StopTimer
from holdfast.core.events import TimerFired
from holdfast.core.faults import fault
from holdfast.core.ordering import ORDER_WAIT_S
from holdfast.core.state import State
from holdfast.core.timers import TIMER_ROTATE
from holdfast.core.upstream_link import UpstreamPhase


def rotate_due(s: State, event: TimerFired, now: float) -> None:  # noqa: ARG001 - every timer's function is called alike
    """The present link grows old: have the next one ready, and take it when nobody speaks."""
    if s.upstream.phase is not UpstreamPhase.LIVE:
        return
    s.out += links.grow_old(s, now, is_away=s.link.is_away)
    if not s.link.is_away:
        switch_when_quiet(s, now)


def return_due(s: State, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """Somebody better may be well again."""
    s.out += links.look_for_better(s, now, is_away=s.link.is_away)


def switch_when_quiet(s: State, now: float) -> None:
    """Let the successor take over, if it is ready and the moment is right."""
    is_quiet = s.turn.is_quiet and s.upstream.is_live and not s.spoken.turns and not s.tools.running
    is_settled = _is_whole(s, now) and rebuild.is_sure(s, now)
    if not links.may_switch(s, now, is_quiet=is_quiet and is_settled):
        if is_quiet and s.successor is not None:  # nothing may happen before it is settled
            s.out.append(links.look_soon(s, now))
        return
    rebuild.name_unkept(s, now)  # none at a quiet moment
    rebuild.left(s, fault("provider.session_expired", ["left before its end"]), now)
    s.out.append(StopTimer(TIMER_ROTATE))
    hang_up = links.switch(s)
    s.note("upstream.rotated", generation=s.upstream.generation, quiet=is_quiet and is_settled)
    lifecycle.take_over(s, now)
    s.out.append(hang_up)


def _is_whole(s: State, now: float) -> bool:
    """Whether the last answer has come to its last sound. Of an upstream that does not say so, something may
    follow the end that overtook it: it is waited for as long as for anything that was overtaken.
    """
    return s.ordering.open_item is None or now - s.turn.last_event_at >= ORDER_WAIT_S
