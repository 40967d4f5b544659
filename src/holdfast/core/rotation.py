"""Leaving an upstream before it leaves us: make before break, at a quiet moment (reliability reference, B13).

What lives here: when a successor is dialled (the provider's limit comes near, or the preferred upstream is
well again), and the moment at which it takes over.
What never will: what the successor is told (`rebuild`).
"""

from __future__ import annotations

from holdfast.core import lifecycle, rebuild
from holdfast.core.effects import HangUp, StartTimer, StopTimer
from holdfast.core.events import TimerFired
from holdfast.core.faults import fault
from holdfast.core.recovery import DialNow, Recovery
from holdfast.core.state import State
from holdfast.core.timers import TIMER_RETURN, TIMER_ROTATE
from holdfast.core.upstream_link import UpstreamLink, UpstreamPhase

LOOK_EVERY_S = 1.0


def life_left(s: State, now: float) -> tuple[float, bool]:
    """Seconds until the present link must be left, and whether that is now."""
    life_s = s.upstream.lifetime_s or s.limits.upstream_life_s
    left_s = s.upstream.live_at + life_s * s.limits.rotate_force - now
    return left_s, left_s <= 0


def rotate_due(s: State, event: TimerFired, now: float) -> None:
    """The present link grows old: have the next one ready, and take it when nobody speaks."""
    if s.upstream.phase is not UpstreamPhase.LIVE or s.link.is_away:
        return
    if s.successor is None:
        _dial_successor(s, s.upstream.endpoint, "age", event.chance, now)
    switch_when_quiet(s, now)
    left_s, is_late = life_left(s, now)
    s.out.append(StartTimer(TIMER_ROTATE, LOOK_EVERY_S if is_late else min(LOOK_EVERY_S, left_s)))


def return_due(s: State, event: TimerFired, now: float) -> None:
    """Somebody better may be well again."""
    if s.upstream.phase is not UpstreamPhase.LIVE or s.link.is_away or s.successor is not None:
        return
    better = s.surroundings.endpoints.better_than(s.upstream.endpoint, now)
    if better is not None:
        _dial_successor(s, better, "preferred", event.chance, now)
    s.out.append(StartTimer(TIMER_RETURN, s.limits.return_look_s))


def _dial_successor(s: State, endpoint: int, why: str, chance: float, now: float) -> None:
    wish = Recovery(
        now,
        was_live=False,
        budget_s=s.limits.start_budget_s,
        no_worse_than=endpoint,
        has_own_wishes=s.options.model is not None,
    )
    plan = s.surroundings.endpoints.decide(wish, now, chance)
    if not isinstance(plan, DialNow):
        return
    s.successor, s.line.succession = UpstreamLink(), wish
    s.note("upstream.rotating", reason=why, upstream=s.surroundings.upstreams[plan.endpoint].name)
    lifecycle.dial(s, s.successor, plan)


def switch_when_quiet(s: State, now: float) -> None:
    """Let the successor take over, if it is ready and the moment is right."""
    successor = s.successor
    if successor is None or successor.phase is not UpstreamPhase.LIVE:
        return
    _, is_late = life_left(s, now)
    is_heard = s.upstream.is_live and not s.kept.waiting
    is_quiet = s.turn.is_quiet and is_heard and not s.spoken.turns and not s.tools.running
    if not is_quiet and not is_late:
        return
    old = s.upstream
    rebuild.left(s, fault("provider.session_expired", ["left before its end"]), now)
    s.surroundings.endpoints.left(old.endpoint)
    s.out.append(StopTimer(TIMER_ROTATE))
    s.upstream, s.successor = successor, None
    s.line.recovery, s.line.succession = s.line.succession, None
    s.note("upstream.rotated", generation=successor.generation, quiet=is_quiet)
    lifecycle.take_over(s, now)
    s.out.append(HangUp(old.generation))
