"""A relayed conversation's links: dialled, opened, created, configured, live, lost, left.

What lives here: one short function for each of these.
What never will: the books (`links`); what a fresh upstream is told (`relay_rebuild`).
"""

from __future__ import annotations

from typing import Any

from holdfast.core import links, relay_ending, relay_rebuild
from holdfast.core.effects import StartTimer, StopTimer
from holdfast.core.events import TimerFired, UpstreamLost, UpstreamOpened
from holdfast.core.faults import Fault, Party, fault
from holdfast.core.recovery import DialNow, NoHope, WaitFor
from holdfast.core.relay_effects import SendDown, SendGreeting
from holdfast.core.relay_events import Erred, SessionCreated, SessionUpdated
from holdfast.core.relay_state import RelayState
from holdfast.core.timers import (
    SILENCES,
    TIMER_PACE,
    TIMER_RETRY,
    TIMER_TELL,
    TIMER_UPDATED,
)
from holdfast.core.upstream_link import UpstreamLink, UpstreamPhase, UpstreamSignal

# dialling


def start(s: RelayState, now: float) -> None:
    """Find an upstream for a new conversation, or for one whose client has come back."""
    links.start(s, now)
    go_on(s, now)


def go_on(s: RelayState, now: float) -> None:
    """Dial, wait, or give up, as the upstreams of this process allow."""
    plan = links.plan(s, now)
    if isinstance(plan, DialNow):
        s.out += links.dial(s, s.upstream, plan)
    elif isinstance(plan, NoHope):
        relay_ending.failed(s, plan.cause, plan.reason, plan.retry_after_s)
    elif plan is not None:
        s.out.append(StartTimer(TIMER_RETRY, plan.seconds))
        _promise(s, now, plan)


def _promise(s: RelayState, now: float, plan: WaitFor) -> None:
    wait_ms = s.line.promises(plan, now)
    if wait_ms is None:
        return
    s.note("upstream.waiting", retry_in_ms=wait_ms, reason=plan.reason, spread=plan.is_spread)
    if s.line.is_recovering_told:
        s.tell("status", state="recovering", retry_in_ms=wait_ms)


def retry_due(s: RelayState, event: TimerFired, now: float) -> None:  # noqa: ARG001 - every timer's function is called alike
    """The wait is over."""
    go_on(s, now)


def opened(s: RelayState, event: UpstreamOpened, now: float) -> None:  # noqa: ARG001 - every side function is called alike
    """101. Nothing is proved."""
    link = s.link_of(event.generation)
    if link is not None and link.may(UpstreamSignal.OPENED):
        s.out += links.opened(s, link)


def created(s: RelayState, event: SessionCreated, now: float) -> None:
    """Proof of life. The first one the client gets; a later upstream is told what the client has set."""
    link = s.link_of(event.generation)
    if link is None or not link.may(UpstreamSignal.CREATED):
        return
    s.out += links.created(link, event.session_id, event.model, event.lifetime_s, now)
    if event.event_id in s.event_ids:
        s.counting |= {link.generation}
    s.event_ids.append(event.event_id)
    if not s.line.is_ready_told:
        s.line.first_endpoint = link.endpoint
        if s.config.values:
            s.config.greeting = event.raw
            _configure(s, link)
            return
        relay_rebuild.know(s, event.facts)
        s.out.append(SendDown(event.raw))
        go_live(s, link, now)
    elif s.config.values:
        _configure(s, link)
    else:
        go_live(s, link, now)


def _configure(s: RelayState, link: UpstreamLink) -> None:
    relay_rebuild.configure(s, link)
    s.out.append(StartTimer(TIMER_UPDATED, s.limits.updated_s))


def updated(s: RelayState, event: SessionUpdated, now: float) -> None:
    """`session.updated`: our own is no news, the client's is."""
    link = s.link_of(event.generation)
    if link is None:
        return
    if link.phase is UpstreamPhase.CREATED:
        if not s.line.is_ready_told:
            relay_rebuild.know(s, event.facts)
            s.out.append(SendGreeting(s.config.greeting, event.raw))
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
    if cause.code == "application.invalid_message":
        if link.phase is UpstreamPhase.CREATED and relay_rebuild.configure_less(s, link):
            s.note("upstream.error", "warning", code=event.code, fault=cause.code)
            return
        cause = fault("configuration.session_refused", [event.code, event.message])
    lose(s, link, cause, now)


def go_live(s: RelayState, link: UpstreamLink, now: float) -> None:
    """It can be talked to."""
    s.out += links.went_live(s, link, now)
    if link is s.upstream:
        take_over(s, now)
    else:
        switch_when_quiet(s, now)


def take_over(s: RelayState, now: float) -> None:
    """The link is the conversation's own: from here on everything goes to it."""
    link = s.upstream
    s.mark = f"_{link.generation}" if link.generation in s.counting else ""
    s.counting = frozenset()
    s.config.told = {one: told for one, told in s.config.told.items() if one == link.generation}
    s.out += links.taken_over(s, now)
    s.ids.answers(link.session_id)
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
        s.out += links.successor_lost(s, cause, now)
        return
    was_live = link.phase is UpstreamPhase.LIVE
    s.out += links.lost(s, cause, now)
    s.out.append(StopTimer(TIMER_PACE))
    s.note("upstream.reconnecting", "warning", generation=link.generation, was_live=was_live, **cause.facts)
    if was_live:
        relay_rebuild.left(s, cause)
    if s.successor is not None:
        s.out += links.succeed(s, now)
        if s.upstream.phase is UpstreamPhase.LIVE:
            take_over(s, now)
    elif s.is_away and was_live:
        rest(s)
    else:
        if s.line.is_ready_told and not s.line.is_recovering_told:
            s.out.append(StartTimer(TIMER_TELL, s.limits.recovering_told_s))
        go_on(s, now)


def rest(s: RelayState) -> None:
    """Leave the upstream on purpose; it is dialled again when there is somebody to talk to."""
    if s.upstream.phase is UpstreamPhase.LIVE:
        relay_rebuild.left(s, fault("user_network.connection_lost"))
    s.out += links.rest(s)
    s.note("upstream.rested")


def timed_out(s: RelayState, event: TimerFired, now: float) -> None:
    """An upstream stayed silent past its time-out. Readiness is never pretended."""
    link = s.starting
    if not link.is_starting:
        return
    if more := links.patience_left(s, event.name, now):
        s.out += more
        return
    lose(s, link, fault(SILENCES[link.phase], [f"{event.name} was waited for in vain"]), now)


def settings_due(s: RelayState, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """The client's own settings were neither taken nor refused: the upstream accepted and stayed silent."""
    if s.upstream.is_live and any(asked.kind == relay_rebuild.UPDATE for asked in s.kept.asked):
        lose(s, s.upstream, fault("provider.unconfigured", ["session.updated was waited for in vain"]), now)


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


def rotate_due(s: RelayState, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """The present link grows old: have the next one ready, and take it when nobody speaks."""
    if s.upstream.phase is not UpstreamPhase.LIVE:
        return
    s.out += links.grow_old(s, now, is_away=s.is_away)
    if not s.is_away:
        switch_when_quiet(s, now)


def return_due(s: RelayState, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """Somebody better may be well again."""
    s.out += links.look_for_better(s, now, is_away=s.is_away)


def switch_when_quiet(s: RelayState, now: float) -> None:
    """Let the successor take over, if it is ready and the moment is right."""
    is_quiet = s.is_quiet
    if not links.may_switch(s, now, is_quiet=is_quiet):
        return
    relay_rebuild.left(s, fault("provider.session_expired", ["left before its end"]))
    s.out.append(links.switch(s))
    s.note("upstream.rotated", generation=s.upstream.generation, quiet=is_quiet)
    take_over(s, now)
