"""A relayed conversation's links: dialled, opened, created, configured, live, lost, left; and its watchdog.

What lives here: one short function for each of these.
What never will: which upstream, when (`endpoints`); what a fresh one is told (`relay_rebuild`).
"""

from __future__ import annotations

from typing import Any

from holdfast.core import relay_ending, relay_rebuild
from holdfast.core.effects import Adopt, Dial, HangUp, StartTimer, StopTimer
from holdfast.core.events import TimerFired, UpstreamLost, UpstreamOpened
from holdfast.core.faults import Fault, Party, fault
from holdfast.core.recovery import DialNow, NoHope, Recovery
from holdfast.core.relay_effects import SendDown
from holdfast.core.relay_events import Erred, SessionCreated, SessionUpdated
from holdfast.core.relay_state import RelayState
from holdfast.core.timers import (
    SILENCES,
    STARTING,
    TIMER_CREATED,
    TIMER_DIAL,
    TIMER_PATIENCE,
    TIMER_RETRY,
    TIMER_RETURN,
    TIMER_ROTATE,
    TIMER_TELL,
    TIMER_UPDATED,
)
from holdfast.core.upstream_link import UpstreamLink, UpstreamPhase, UpstreamSignal

# dialling


def recovery(s: RelayState, now: float, budget_s: float, *, was_live: bool) -> Recovery:
    """A new account."""
    return Recovery(now, was_live, budget_s, has_own_wishes=s.surroundings.has_own_model)


def start(s: RelayState, now: float) -> None:
    """Find an upstream for a new conversation, or for one whose client has come back."""
    s.line.recovery = recovery(s, now, s.limits.start_budget_s, was_live=False)
    go_on(s, now)


def go_on(s: RelayState, now: float) -> None:
    """Dial, wait, or give up, as the upstreams of this process allow."""
    account = s.line.recovery
    if account is None or not s.upstream.may(UpstreamSignal.DIALED) or s.successor is not None:
        return
    plan = s.surroundings.endpoints.decide(account, now, s.chance)
    if isinstance(plan, DialNow):
        dial(s, s.upstream, plan)
    elif isinstance(plan, NoHope):
        relay_ending.failed(s, plan.cause, plan.reason, plan.retry_after_s)
    else:
        wait_ms = round(plan.seconds * 1000)
        s.note("upstream.waiting", retry_in_ms=wait_ms, reason=plan.reason, spread=plan.is_spread)
        s.out.append(StartTimer(TIMER_RETRY, plan.seconds))


def dial(s: RelayState, link: UpstreamLink, plan: DialNow) -> None:
    """Begin a new link."""
    s.line.generation += 1
    name = s.surroundings.upstreams[plan.endpoint].name
    link.dial(s.line.generation, plan.endpoint)
    s.note("upstream.connecting", generation=link.generation, upstream=name)
    s.out.append(Dial(link.generation, plan.endpoint))
    s.out.append(StartTimer(TIMER_DIAL, s.limits.dial_s))
    s.out.append(StartTimer(TIMER_PATIENCE, plan.patience_s))


def retry_due(s: RelayState, event: TimerFired, now: float) -> None:  # noqa: ARG001 - every timer's function is called alike
    """The wait is over."""
    go_on(s, now)


def opened(s: RelayState, event: UpstreamOpened, now: float) -> None:  # noqa: ARG001 - every side function is called alike
    """101. Nothing is proved."""
    link = s.link_of(event.generation)
    if link is None or not link.may(UpstreamSignal.OPENED):
        return
    link.move(UpstreamSignal.OPENED)
    s.note("upstream.opened", generation=link.generation)
    s.out.append(StopTimer(TIMER_DIAL))
    s.out.append(StartTimer(TIMER_CREATED, s.limits.created_s))


def created(s: RelayState, event: SessionCreated, now: float) -> None:
    """Proof of life. The first one the client gets; a later upstream is told what the client has set."""
    link = s.link_of(event.generation)
    if link is None or not link.may(UpstreamSignal.CREATED):
        return
    link.move(UpstreamSignal.CREATED)
    link.session_id, link.model, link.lifetime_s = event.session_id, event.model, event.lifetime_s
    s.note("upstream.created", generation=link.generation, upstream_session=event.session_id)
    s.out.append(StopTimer(TIMER_CREATED))
    if event.event_id in s.event_ids:
        s.counting.add(link.generation)
    s.event_ids.append(event.event_id)
    if not s.line.is_ready_told:
        relay_rebuild.know(s, event.facts)
        s.line.first_endpoint = link.endpoint
        s.out.append(SendDown(event.raw))
        go_live(s, link, now)
    elif s.config.values:
        relay_rebuild.configure(s, link)
        s.out.append(StartTimer(TIMER_UPDATED, s.limits.updated_s))
    else:
        go_live(s, link, now)


def updated(s: RelayState, event: SessionUpdated, now: float) -> None:
    """`session.updated`: our own is no news, the client's is."""
    link = s.link_of(event.generation)
    if link is None:
        return
    if link.phase is UpstreamPhase.CREATED:
        go_live(s, link, now)
    elif link is s.upstream and link.is_live:
        if s.own_answered(""):
            return
        relay_rebuild.know(s, event.facts)
        relay_rebuild.settings_confirmed(s)
        s.pass_down(event.raw)


def refused_at_start(s: RelayState, link: UpstreamLink, event: Erred, now: float) -> None:
    """Admission errors arrive after 101; the code says more than the close that follows."""
    cause = event.fault
    if link.phase is UpstreamPhase.CREATED and cause.code == "application.invalid_message":
        if relay_rebuild.configure_less(s, link):
            s.note("upstream.error", "warning", code=event.code, fault=cause.code)
            return
        cause = fault("configuration.session_refused", [event.code, event.message])
    lose(s, link, cause, now)


def go_live(s: RelayState, link: UpstreamLink, now: float) -> None:
    """It can be talked to."""
    link.move(UpstreamSignal.CONFIGURED)
    link.live_at = now
    account = s.line.recovery if link is s.upstream else s.line.succession
    assert account is not None, "a link that nobody asked for"
    s.surroundings.endpoints.went_live(link.endpoint, account, now)
    s.out.append(StopTimer(TIMER_UPDATED))
    s.out.append(StopTimer(TIMER_PATIENCE))
    if link is s.upstream:
        take_over(s, now)
    else:
        switch_when_quiet(s, now)


def take_over(s: RelayState, now: float) -> None:
    """The link is the conversation's own: from here on everything goes to it."""
    link = s.upstream
    life_s = link.lifetime_s or s.limits.upstream_life_s
    s.mark = f"_{link.generation}" if link.generation in s.counting else ""
    s.counting.clear()
    s.config.told = {one: told for one, told in s.config.told.items() if one == link.generation}
    s.out.append(Adopt(link.generation))
    s.out.append(StopTimer(TIMER_TELL))
    s.out.append(StartTimer(TIMER_ROTATE, life_s * s.limits.rotate_look))
    if link.endpoint > 0:
        s.out.append(StartTimer(TIMER_RETURN, s.limits.return_look_s))
    facts: dict[str, Any] = {"upstream_session": link.session_id, "held_bytes": s.kept.waiting_size}
    if s.line.is_ready_told:
        s.line.rebuilds += 1
        s.note("session.rebuilt", generation=link.generation, rebuilds=s.line.rebuilds, **facts)
        relay_rebuild.restore(s, now)
    else:
        s.line.is_ready_told = True
        s.note("session.ready", **facts)
        s.tell(
            "session",
            session_id=s.begun.session_id,
            resume_token=s.begun.resume_token,
            epoch=s.begun.epoch,
        )
        relay_rebuild.hand_over(s, now)
    if s.line.is_recovering_told:
        s.line.is_recovering_told = False
        s.tell("status", state="live", upstream=s.surroundings.upstreams[link.endpoint].name)


def tell_due(s: RelayState, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """The trouble lasts: who asked for news hears of it."""
    if not s.upstream.is_live and s.line.is_ready_told and not s.line.is_recovering_told:
        s.line.is_recovering_told = True
        s.tell("status", state="recovering")


# losing it


def lost(s: RelayState, event: UpstreamLost, now: float) -> None:
    """Reader and writer both report a death; the second report bears an old generation."""
    link = s.link_of(event.generation)
    if link is not None:
        lose(s, link, link.last_error or event.fault, now)


def lose(s: RelayState, link: UpstreamLink, cause: Fault, now: float) -> None:
    """A link is over: find another, and tell it everything."""
    if link is s.successor:
        _lose_successor(s, link, cause, now)
        return
    was_live = link.phase is UpstreamPhase.LIVE
    endpoints = s.surroundings.endpoints
    s.out.append(HangUp(link.generation))
    link.move(UpstreamSignal.LOST)
    for timer in (*STARTING, TIMER_ROTATE):
        s.out.append(StopTimer(timer))
    facts = {"fault": cause.code, "party": str(cause.row.party), "evidence": list(cause.evidence)}
    s.note("upstream.lost", "warning", generation=link.generation, was_live=was_live, **facts)
    account = s.line.recovery
    if was_live:
        relay_rebuild.left(s, cause)
        is_young = now - link.live_at < s.limits.live_settled_s
        if account is None or not (is_young and account.was_live):
            account = s.line.recovery = recovery(s, now, s.limits.recovery_budget_s, was_live=True)
        endpoints.lost_live(link.endpoint, account, cause, now, s.chance)
    else:
        assert account is not None, "a link that nobody asked for"
        endpoints.dial_failed(link.endpoint, account, cause, now, s.chance)
    if s.successor is not None:
        _succeed(s, now)
    elif s.is_away and was_live:
        rest(s)
    else:
        if s.line.is_ready_told and not s.line.is_recovering_told:
            s.out.append(StartTimer(TIMER_TELL, s.limits.recovering_told_s))
        go_on(s, now)


def _succeed(s: RelayState, now: float) -> None:
    """The one that was to take over takes over now, as far as it has come."""
    assert s.successor is not None
    s.upstream, s.successor = s.successor, None
    s.line.recovery, s.line.succession = s.line.succession, None
    account = s.line.recovery
    if s.upstream.phase is UpstreamPhase.LIVE:
        take_over(s, now)
    elif account is not None:
        # What was a wish is a need now: it may wait, and try elsewhere.
        account.no_worse_than, account.was_live = None, True
        account.began_at, account.budget_s = now, s.limits.recovery_budget_s
        s.out.append(StartTimer(TIMER_TELL, s.limits.recovering_told_s))


def _lose_successor(s: RelayState, link: UpstreamLink, cause: Fault, now: float) -> None:
    """The one that was to take over came to nothing; the present one serves on."""
    account = s.line.succession
    assert account is not None, "a link that nobody asked for"
    s.out.append(HangUp(link.generation))
    for timer in STARTING:
        s.out.append(StopTimer(timer))
    if link.phase is UpstreamPhase.LIVE:
        s.surroundings.endpoints.lost_live(link.endpoint, account, cause, now, s.chance)
    else:
        s.surroundings.endpoints.dial_failed(link.endpoint, account, cause, now, s.chance)
    s.successor = s.line.succession = None
    s.note("upstream.successor_lost", "warning", fault=cause.code, evidence=list(cause.evidence))
    s.out.append(StartTimer(TIMER_ROTATE, s.limits.live_settled_s))


def rest(s: RelayState) -> None:
    """Leave the upstream on purpose; it is dialled again when there is somebody to talk to."""
    for timer in (*STARTING, TIMER_RETRY, TIMER_TELL, TIMER_ROTATE, TIMER_RETURN):
        s.out.append(StopTimer(timer))
    if s.upstream.phase is UpstreamPhase.LIVE:
        relay_rebuild.left(s, fault("user_network.connection_lost"))
    relay_ending.leave_links(s)
    s.upstream.move(UpstreamSignal.RESTED)
    s.successor = s.line.recovery = s.line.succession = None
    s.note("upstream.rested")


def timed_out(s: RelayState, event: TimerFired, now: float) -> None:
    """An upstream stayed silent past its time-out. Readiness is never pretended."""
    link = s.starting
    if link.is_starting:
        lose(s, link, fault(SILENCES[link.phase], [f"{event.name} was waited for in vain"]), now)


def breached(s: RelayState, generation: int, reason: str, now: float) -> None:
    """Not an event at all: dropped and counted; the third within a minute ends the link."""
    link = s.link_of(generation)
    if link is None:
        return
    s.note("upstream.breach", "warning", reason=reason, upstream_session=link.session_id)
    if link.breach(now) >= s.limits.breaches:
        lose(s, link, fault("provider.protocol_breach", [reason]), now)


def judge_error(s: RelayState, link: UpstreamLink, event: Erred, now: float) -> bool:
    """Whether an `error` of a live upstream is about the link, which has been left then."""
    cause = event.fault
    is_ours = cause.row.party is Party.CONFIGURATION and event.event_id is None
    is_fatal = is_ours or cause.code == "provider.session_expired"
    if cause.code == "provider.server_error" and link.server_error(now) >= s.limits.server_errors:
        is_fatal = True
    if is_fatal:
        lose(s, link, cause, now)
    return is_fatal


# leaving it before it leaves us (reliability reference, B13)

LOOK_EVERY_S = 1.0


def rotate_due(s: RelayState, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """The present link grows old: have the next one ready, and take it when nobody speaks."""
    if s.upstream.phase is not UpstreamPhase.LIVE or s.is_away:
        return
    if s.successor is None:
        _dial_successor(s, s.upstream.endpoint, "age", now)
    switch_when_quiet(s, now)
    s.out.append(StartTimer(TIMER_ROTATE, LOOK_EVERY_S))


def return_due(s: RelayState, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """Somebody better may be well again."""
    if s.upstream.phase is not UpstreamPhase.LIVE or s.is_away or s.successor is not None:
        return
    better = s.surroundings.endpoints.better_than(s.upstream.endpoint, now)
    if better is not None:
        _dial_successor(s, better, "preferred", now)
    if s.upstream.endpoint > 0:
        s.out.append(StartTimer(TIMER_RETURN, s.limits.return_look_s))


def _dial_successor(s: RelayState, endpoint: int, why: str, now: float) -> None:
    wish = recovery(s, now, s.limits.start_budget_s, was_live=False)
    wish.no_worse_than = endpoint
    plan = s.surroundings.endpoints.decide(wish, now, s.chance)
    if not isinstance(plan, DialNow):
        return
    s.successor, s.line.succession = UpstreamLink(), wish
    s.note("upstream.rotating", reason=why, upstream=s.surroundings.upstreams[plan.endpoint].name)
    dial(s, s.successor, plan)


def switch_when_quiet(s: RelayState, now: float) -> None:
    """Let the successor take over, if it is ready and the moment is right."""
    successor, old = s.successor, s.upstream
    if successor is None or successor.phase is not UpstreamPhase.LIVE:
        return
    life_s = old.lifetime_s or s.limits.upstream_life_s
    is_late = now >= old.live_at + life_s * s.limits.rotate_force
    if not s.is_quiet and not is_late:
        return
    s.note("upstream.rotated", generation=successor.generation, quiet=s.is_quiet)
    relay_rebuild.left(s, fault("provider.session_expired", ["left before its end"]))
    s.surroundings.endpoints.left(old.endpoint)
    s.out.append(HangUp(old.generation))
    s.upstream, s.successor = successor, None
    s.line.recovery, s.line.succession = s.line.succession, None
    take_over(s, now)
