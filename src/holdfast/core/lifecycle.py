"""A link's life: dialled, opened, created, configured, live, lost; and the hand-over of what was held.

What lives here: one short function for each of these, called by the sides.
What never will: the books (`links`); what a fresh upstream is told (`rebuild`); the end (`ending`).
"""

from __future__ import annotations

from typing import Any

from holdfast.core import ending, links, rebuild
from holdfast.core.asking import request_response
from holdfast.core.audio import samples_of_bytes, samples_of_seconds
from holdfast.core.effects import (
    Append,
    Configure,
    Manner,
    ProveLife,
    Respond,
    StartTimer,
    StopTimer,
)
from holdfast.core.events import TimerFired, UpstreamCreated, UpstreamLost
from holdfast.core.faults import Fault, fault
from holdfast.core.kept_input import HeldCommand
from holdfast.core.notices import SessionReady, Status
from holdfast.core.recovery import DialNow, NoHope, WaitFor
from holdfast.core.state import State
from holdfast.core.timeline import Timeline
from holdfast.core.timers import (
    SILENCES,
    TIMER_PACE,
    TIMER_RESPONSE,
    TIMER_RETRY,
    TIMER_TELL,
    TIMER_UPDATED,
)
from holdfast.core.tool_results import tell_results
from holdfast.core.upstream_link import UpstreamLink, UpstreamPhase

CAUTIOUS_S = 0.1
PACE_EVERY_S = 0.25
PACE_S = 1.0
"""A brisk pace: a second of held audio every quarter of a second."""

# beginning


def start(s: State, now: float) -> None:
    """Find an upstream for a session whose client has come back."""
    links.start(s, now)
    go_on(s, now)


def go_on(s: State, now: float) -> None:
    """Dial, wait, or give up, as the upstreams of this process allow."""
    follow(s, links.plan(s, now), now)


def follow(s: State, plan: DialNow | WaitFor | NoHope | None, now: float) -> None:
    """Do what was decided."""
    if isinstance(plan, DialNow):
        s.out += links.dial(s, s.upstream, plan)
    elif isinstance(plan, NoHope):
        ending.failed(s, plan.cause, plan.reason, plan.retry_after_s, was_live=s.line.is_ready_told)
    elif plan is not None:
        s.out.append(StartTimer(TIMER_RETRY, plan.seconds))
        _promise(s, now, plan)


def _promise(s: State, now: float, plan: WaitFor) -> None:
    """Say when it goes on, where that is news: most waits are cut into short ones."""
    wait_ms = s.line.promises(plan, now)
    if wait_ms is None or s.line.recovery is None:
        return
    s.note("upstream.waiting", retry_in_ms=wait_ms, reason=plan.reason, spread=plan.is_spread)
    if s.line.is_trouble_told:
        s.tell(Status(s.line.trouble, s.line.recovery.cause, wait_ms))


def created(s: State, link: UpstreamLink, event: UpstreamCreated, now: float) -> None:
    """Proof of life: send our own complete settings, before anything else."""
    s.out += links.created(link, event.session_id, event.model, event.lifetime_s, now)
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
    s.out += links.went_live(s, link, now)
    if link is s.upstream:
        take_over(s, now)


def take_over(s: State, now: float) -> None:
    """The link is live and the session's own: from here on everything goes to it."""
    link = s.upstream
    s.out += links.taken_over(s, now)
    s.timeline = Timeline()
    s.turn.taken_over()
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
        ready = {**s.upstream_facts(), "sessionId": link.session_id}
        s.tell(SessionReady(ready, rebuild.left_out(s)))
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
    elif not rebuild.enter(s, held):
        return
    s.out.append(held)


def pace_due(s: State, event: TimerFired, now: float) -> None:  # noqa: ARG001 - every timer's function is called alike
    """The next piece of what was held, at a walking pace."""
    if s.upstream.phase is not UpstreamPhase.LIVE or s.upstream.is_live:
        return
    for held in s.kept.release(samples_of_seconds(PACE_S)):
        give(s, held)
    if s.kept.waiting > samples_of_seconds(PACE_S):
        s.out.append(StartTimer(TIMER_PACE, PACE_EVERY_S))
        request_response(s, now)  # for a typed turn that is in now
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


def tell_due(s: State, event: TimerFired, now: float) -> None:  # noqa: ARG001 - as above
    """The trouble lasts: the client hears of it."""
    if s.upstream.is_live or s.line.is_recovering_told:
        return
    s.line.is_recovering_told = True
    s.tell(Status(s.line.trouble, s.line.recovery.cause if s.line.recovery is not None else None))


# losing it


def lost(s: State, event: UpstreamLost, now: float) -> None:
    """The link is over: find another, and tell it everything."""
    link = s.upstream
    was_live = link.phase is UpstreamPhase.LIVE
    cause = _second_look(s, link.last_error or event.fault)
    s.out += links.lost(s, cause, now)
    s.out.append(StopTimer(TIMER_PACE))
    if was_live:
        rebuild.name_unkept(s, now)
        rebuild.left(s, cause, now)
    s.note("upstream.reconnecting", "warning", generation=link.generation, was_live=was_live, **cause.facts)
    if s.successor is not None:
        s.out += links.succeed(s, now)
        if s.upstream.phase is UpstreamPhase.LIVE:
            take_over(s, now)
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
    s.chance = event.chance
    if link is s.successor:
        s.out += links.successor_lost(s, link.last_error or event.fault, now)
    else:
        lost(s, event, now)


def breached(s: State, link: UpstreamLink, reason: str, chance: float, now: float) -> None:
    """A link breaks the protocol: borne twice in a minute."""
    s.note("upstream.breach", "warning", reason=reason, upstream_session=link.session_id)
    if link.breach(now) >= s.limits.breaches:
        cause = fault("provider.protocol_breach", [reason])
        lose(s, link, UpstreamLost(link.generation, cause, chance), now)


def rest(s: State, now: float) -> None:
    """Leave the upstream on purpose; it is dialled again when there is somebody to talk to."""
    s.out += [StopTimer(TIMER_PACE), StopTimer(TIMER_RESPONSE)]
    if s.upstream.phase is UpstreamPhase.LIVE:
        rebuild.left(s, fault("user_network.connection_lost"), now)
    s.out += links.rest(s)


def timed_out(s: State, event: TimerFired, now: float) -> None:
    """An upstream stayed silent past its time-out. Readiness is never pretended."""
    link = s.starting
    if not link.is_starting:
        return
    if more := links.patience_left(s, event.name, now):
        s.out += more
        return
    cause = fault(SILENCES[link.phase], [f"{event.name} was waited for in vain"])
    lose(s, link, UpstreamLost(link.generation, cause, event.chance), now)
