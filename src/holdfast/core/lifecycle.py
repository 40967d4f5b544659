"""A link's life: dialled, opened, created, configured, live, lost; and the hand-over of what was held.

What lives here: one short function for each of these, called by the sides.
What never will: which upstream, when (`endpoints`); what a fresh one is told (`rebuild`); the end (`ending`).
"""

from __future__ import annotations

from typing import Any, Literal

from holdfast.core import ending, rebuild
from holdfast.core.asking import request_response
from holdfast.core.audio import samples_of_bytes, samples_of_seconds
from holdfast.core.effects import (
    Adopt,
    Append,
    Configure,
    Dial,
    HangUp,
    Manner,
    ProveLife,
    Respond,
    StartTimer,
    StopTimer,
)
from holdfast.core.events import TimerFired, UpstreamLost
from holdfast.core.faults import Fault, fault
from holdfast.core.kept_input import HeldCommand
from holdfast.core.notices import SessionReady, Status
from holdfast.core.recovery import DialNow, NoHope, Recovery, WaitFor
from holdfast.core.state import State
from holdfast.core.timeline import Timeline
from holdfast.core.timers import (
    SILENCES,
    STARTING,
    TIMER_CREATED,
    TIMER_DIAL,
    TIMER_PACE,
    TIMER_PATIENCE,
    TIMER_RESPONSE,
    TIMER_RETRY,
    TIMER_RETURN,
    TIMER_ROTATE,
    TIMER_TELL,
    TIMER_UPDATED,
)
from holdfast.core.tool_results import tell_results
from holdfast.core.upstream_link import UpstreamLink, UpstreamPhase, UpstreamSignal

PROMISE_S = 1.0
CAUTIOUS_S = 0.1
PACE_EVERY_S = 0.25
PACE_S = 1.0
"""A brisk pace: a second of held audio every quarter of a second."""

# beginning


def start(s: State, now: float) -> None:
    """Find an upstream for a new session, or for one whose client has come back."""
    s.line.recovery = _recovery(s, now, s.limits.start_budget_s, was_live=False)
    go_on(s, now)


def _recovery(s: State, now: float, budget_s: float, *, was_live: bool) -> Recovery:
    return Recovery(now, was_live, budget_s, has_own_wishes=s.options.model is not None)


def go_on(s: State, now: float) -> None:
    """Dial, wait, or give up, as the upstreams of this process allow."""
    recovery = s.line.recovery
    if recovery is None or not s.upstream.may(UpstreamSignal.DIALED) or s.successor is not None:
        return
    plan = s.surroundings.endpoints.decide(recovery, now, s.chance)
    if isinstance(plan, DialNow):
        dial(s, s.upstream, plan)
    elif isinstance(plan, NoHope):
        ending.failed(s, plan.cause, plan.reason, plan.retry_after_s, was_live=s.line.is_ready_told)
    else:
        s.out.append(StartTimer(TIMER_RETRY, plan.seconds))
        _promise(s, now, plan)


def _promise(s: State, now: float, plan: WaitFor) -> None:
    """Say when it goes on, where that is news: most waits are cut into short ones."""
    wait_s = max(plan.seconds, plan.expected_s)
    if abs(now + wait_s - s.line.promised_at) <= PROMISE_S or s.line.recovery is None:
        return
    s.line.promised_at = now + wait_s
    wait_ms = round(wait_s * 1000)
    s.note("upstream.waiting", retry_in_ms=wait_ms, reason=plan.reason, spread=plan.is_spread)
    if s.line.is_recovering_told or not s.line.is_ready_told:
        s.tell(Status(_trouble(s), s.line.recovery.cause, wait_ms))


def dial(s: State, link: UpstreamLink, plan: DialNow) -> None:
    """Begin a new link."""
    s.line.generation += 1
    endpoint = plan.endpoint
    facts = s.surroundings.upstreams[endpoint]
    troubles = s.line.troubles.get(endpoint, 0)
    manner = Manner.PLAIN
    if troubles and facts.workarounds:
        manner = facts.workarounds[min(troubles, len(facts.workarounds)) - 1]
    link.dial(s.line.generation, endpoint, manner)
    s.note("upstream.connecting", generation=s.line.generation, upstream=facts.name, manner=str(manner))
    s.out.append(Dial(s.line.generation, endpoint, manner))
    s.out.append(StartTimer(TIMER_DIAL, s.limits.dial_s))
    s.out.append(StartTimer(TIMER_PATIENCE, plan.patience_s))


def retry_due(s: State, event: TimerFired, now: float) -> None:  # noqa: ARG001 - every timer's function is called alike
    """The wait is over."""
    go_on(s, now)


def opened(s: State, link: UpstreamLink) -> None:
    """The socket is open; what counts is still to come."""
    link.move(UpstreamSignal.OPENED)
    s.note("upstream.opened", generation=link.generation)
    s.out.append(StopTimer(TIMER_DIAL))
    s.out.append(StartTimer(TIMER_CREATED, s.limits.created_s))


def created(s: State, link: UpstreamLink, session_id: str, model: str, lifetime_s: float | None) -> None:
    """Proof of life: send our own complete settings, before anything else."""
    link.move(UpstreamSignal.CREATED)
    link.session_id = session_id
    link.model = model
    link.lifetime_s = lifetime_s
    s.note("upstream.created", generation=link.generation, upstream_session=session_id, model=model)
    s.out.append(StopTimer(TIMER_CREATED))
    s.out.append(Configure(link.generation))
    s.out.append(StartTimer(TIMER_UPDATED, s.limits.updated_s))


def configured(s: State, link: UpstreamLink, now: float) -> None:
    """Our settings hold. An upstream that was in trouble proves that it lives before it gets audio."""
    if link.is_proving:
        return
    if link.manner is Manner.MINIMAL_AUDIO:
        link.is_proving = True
        s.out.append(ProveLife(link.generation))
        s.out.append(StartTimer(TIMER_UPDATED, s.limits.updated_s))
    else:
        go_live(s, link, now)


def go_live(s: State, link: UpstreamLink, now: float) -> None:
    """Tell it what it must know, hand over what was held, in order, and be ready."""
    link.move(UpstreamSignal.CONFIGURED)
    link.live_at = now
    recovery = s.line.recovery if link is s.upstream else s.line.succession
    assert recovery is not None, "a link that nobody asked for"
    s.surroundings.endpoints.went_live(link.endpoint, recovery, now)
    s.out.append(StopTimer(TIMER_UPDATED))
    s.out.append(StopTimer(TIMER_PATIENCE))
    if link is s.successor:
        return
    take_over(s, now)


def take_over(s: State, now: float) -> None:
    """The link is live and the session's own: from here on everything goes to it."""
    link = s.upstream
    life_s = link.lifetime_s or s.limits.upstream_life_s
    s.out.append(Adopt(link.generation))
    s.out.append(StopTimer(TIMER_TELL))
    s.out.append(StartTimer(TIMER_ROTATE, life_s * s.limits.rotate_look))
    if link.endpoint > 0:
        s.out.append(StartTimer(TIMER_RETURN, s.limits.return_look_s))
    s.timeline = Timeline()
    s.aliases.clear()
    s.ordering.clear()
    facts: dict[str, Any] = {"upstream_session": link.session_id, "waiting_samples": s.kept.waiting}
    if s.line.is_ready_told:
        s.line.rebuilds += 1
        s.note("session.rebuilt", generation=link.generation, rebuilds=s.line.rebuilds, **facts)
        rebuild.restore(s, now)
    else:
        s.line.is_ready_told = True
        s.line.first_endpoint = s.line.told_endpoint = link.endpoint
        s.tell(SessionReady({**s.upstream_facts(), "sessionId": link.session_id}))
        s.note("session.ready", **facts)
        if s.options.greet and s.surroundings.greeting and not s.conversation.items:
            # Asked for before the held audio: who has spoken already interrupts the greeting by barge-in.
            s.turn.ask(Respond(say=s.surroundings.greeting), first=True)
            request_response(s, now)
        elif s.conversation.items:
            rebuild.restore(s, now)
    if not s.kept.commands:  # a typed turn that waits must be heard before it is answered
        request_response(s, now)
    if link.manner is Manner.PACED_AUDIO and s.kept.waiting > samples_of_seconds(PACE_S):
        link.is_live = False
        s.out.append(StartTimer(TIMER_PACE, PACE_EVERY_S))
        return
    hand_over(s, now)


def hand_over(s: State, now: float) -> None:
    """Give what was held, and be live for the client."""
    for held in s.kept.release():
        give(s, held)
    live(s)
    tell_results(s)
    request_response(s, now)


def give(s: State, held: Append | HeldCommand) -> None:
    """One thing that waited goes up."""
    if isinstance(held, Append):
        s.timeline.advance(held.start, samples_of_bytes(len(held.pcm)))
    else:
        rebuild.enter(s, held)
    s.out.append(held)


def pace_due(s: State, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """The next piece of what was held, at a walking pace."""
    if s.upstream.phase is not UpstreamPhase.LIVE or s.upstream.is_live:
        return
    for held in s.kept.release(samples_of_seconds(PACE_S)):
        give(s, held)
    if s.kept.waiting > samples_of_seconds(PACE_S):
        s.out.append(StartTimer(TIMER_PACE, PACE_EVERY_S))
        return
    s.upstream.is_live = True
    hand_over(s, now)


def live(s: State) -> None:
    """Say who answers, when that is news."""
    if s.line.rebuilds == 0:
        s.tell(Status("live"))
    elif s.line.is_recovering_told or s.upstream.endpoint != s.line.told_endpoint:
        s.line.told_endpoint = s.upstream.endpoint
        s.tell(Status("live", upstream=s.upstream_facts(), notes=rebuild.notes(s)))
    s.line.is_recovering_told = False


def _trouble(s: State) -> Literal["recovering", "connecting"]:
    return "recovering" if s.line.is_ready_told else "connecting"


def tell_due(s: State, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """The trouble lasts: the client hears of it."""
    if s.upstream.is_live or s.line.is_recovering_told:
        return
    s.line.is_recovering_told = True
    s.tell(Status(_trouble(s), s.line.recovery.cause if s.line.recovery is not None else None))


# losing it


def lost(s: State, event: UpstreamLost, now: float) -> None:
    """The link is over: find another, and tell it everything."""
    link = s.upstream
    was_live = link.phase is UpstreamPhase.LIVE
    endpoints = s.surroundings.endpoints
    cause = _second_look(s, link.last_error or event.fault)
    s.chance = event.chance
    s.out.append(HangUp(link.generation))
    link.move(UpstreamSignal.LOST)
    for timer in (*STARTING, TIMER_ROTATE, TIMER_PACE):
        s.out.append(StopTimer(timer))
    if cause.row.party in rebuild.PROVIDERS_OWN:
        s.line.troubles[link.endpoint] = s.line.troubles.get(link.endpoint, 0) + 1
    if was_live:
        rebuild.left(s, cause, now)
        is_young = now - link.live_at < s.limits.live_settled_s
        if s.line.recovery is None or not (is_young and s.line.recovery.was_live):
            s.line.recovery = _recovery(s, now, s.limits.recovery_budget_s, was_live=True)
        endpoints.lost_live(link.endpoint, s.line.recovery, cause, now, s.chance)
    else:
        assert s.line.recovery is not None, "a link that nobody asked for"
        endpoints.dial_failed(link.endpoint, s.line.recovery, cause, now, s.chance)
    facts = {"fault": cause.code, "party": str(cause.row.party), "evidence": list(cause.evidence)}
    s.note("upstream.reconnecting", "warning", generation=link.generation, was_live=was_live, **facts)
    if s.successor is not None:
        _succeed(s, now)
        return
    if s.link.is_away and was_live:
        rest(s, now)
        return
    if not s.line.is_recovering_told:
        s.out.append(StartTimer(TIMER_TELL, s.limits.recovering_told_s))
    go_on(s, now)


def _second_look(s: State, cause: Fault) -> Fault:
    """Messages that were too big may be made smaller, once."""
    if cause.code != "provider.message_too_big" or s.line.is_cautious:
        return cause
    s.line.is_cautious = True
    s.kept.joined_max = samples_of_seconds(CAUTIOUS_S)
    return fault("provider.closed", [*cause.evidence, "smaller messages from here on"])


def lose(s: State, link: UpstreamLink, event: UpstreamLost, now: float) -> None:
    """One of the session's links is over."""
    if link is s.successor:
        from_successor(s, link.last_error or event.fault, now)
    else:
        lost(s, event, now)


def breached(s: State, link: UpstreamLink, reason: str, chance: float, now: float) -> None:
    """A link breaks the protocol: borne twice in a minute."""
    s.note("upstream.breach", "warning", reason=reason, upstream_session=link.session_id)
    if link.breach(now) >= s.limits.breaches:
        cause = fault("provider.protocol_breach", [reason])
        lose(s, link, UpstreamLost(link.generation, cause, chance), now)


def _succeed(s: State, now: float) -> None:
    """The one that was to take over takes over now, as far as it has come."""
    assert s.successor is not None
    s.upstream, s.successor = s.successor, None
    recovery = s.line.recovery = s.line.succession
    s.line.succession = None
    if recovery is not None:  # what was a wish is a need now
        recovery.no_worse_than = None
        recovery.was_live = True
        recovery.began_at, recovery.budget_s = now, s.limits.recovery_budget_s
    if s.upstream.phase is UpstreamPhase.LIVE:
        take_over(s, now)
    else:
        s.out.append(StartTimer(TIMER_TELL, s.limits.recovering_told_s))


def rest(s: State, now: float) -> None:
    """Leave the upstream on purpose; it is dialled again when there is somebody to talk to."""
    for timer in (*STARTING, TIMER_RETRY, TIMER_TELL, TIMER_ROTATE, TIMER_RETURN, TIMER_PACE, TIMER_RESPONSE):
        s.out.append(StopTimer(timer))
    if s.upstream.phase is UpstreamPhase.LIVE:
        rebuild.left(s, fault("user_network.connection_lost"), now)
    ending.leave_links(s)
    s.upstream.move(UpstreamSignal.RESTED)
    s.successor = s.line.recovery = s.line.succession = None


def timed_out(s: State, event: TimerFired, now: float) -> None:
    """An upstream stayed silent past its time-out. Readiness is never pretended."""
    link = s.starting
    if not link.is_starting:
        return
    cause = fault(SILENCES[link.phase], [f"{event.name} was waited for in vain"])
    lose(s, link, UpstreamLost(link.generation, cause, event.chance), now)


def from_successor(s: State, cause: Fault, now: float) -> None:
    """The one that was to take over came to nothing; the present one serves on."""
    link = s.successor
    assert link is not None
    endpoints = s.surroundings.endpoints
    s.out.append(HangUp(link.generation))
    for timer in STARTING:
        s.out.append(StopTimer(timer))
    assert s.line.succession is not None, "a link that nobody asked for"
    if link.phase is UpstreamPhase.LIVE:
        endpoints.lost_live(link.endpoint, s.line.succession, cause, now, s.chance)
    else:
        endpoints.dial_failed(link.endpoint, s.line.succession, cause, now, s.chance)
    s.successor = s.line.succession = None
    s.note("upstream.successor_lost", "warning", fault=cause.code, evidence=list(cause.evidence))
    s.out.append(StartTimer(TIMER_ROTATE, s.limits.live_settled_s))
