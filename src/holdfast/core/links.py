"""A session's links, for both conductors: the one that serves, the one that is to take over, the way to each.

What lives here: the books of a dial, a life and a loss; each function answers what the runtime does for it.
What never will: which upstream, when (`endpoints`); what client and upstream are told (the conductors).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from holdfast.core.effects import Adopt, Dial, HangUp, Manner, Note, StartTimer, StopTimer
from holdfast.core.endpoints import Endpoints
from holdfast.core.faults import Fault, Party
from holdfast.core.limits import Limits
from holdfast.core.recovery import DialNow, NoHope, Recovery, WaitFor
from holdfast.core.timers import (
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

LOOK_EVERY_S: Final = 1.0
"""For a quiet moment, once a link has grown old."""
PROVIDERS_OWN: Final = frozenset({Party.PROVIDER, Party.GATEWAY})
"""At whose door a trouble must lie for a work-around to be tried."""
PROMISE_S: Final = 1.0
"""A promise that moves by less is the same one."""

LinkEffect = Adopt | Dial | HangUp | Note | StartTimer | StopTimer


@dataclass(frozen=True, slots=True)
class UpstreamFacts:
    """What a session knows of one upstream of the list."""

    name: str
    kind: str
    model: str
    voices: tuple[str, ...]
    default_voice: str
    workarounds: tuple[Manner, ...] = ()
    """How it is treated after each further trouble of its own in a row (brief, A19)."""
    transcription_model: str | None = None
    """Who writes down there what a user says."""


@dataclass(slots=True)
class LineAccount:
    """What outlives a single link: how many there were, why, and what the client was told of it."""

    generation: int = 0
    """Of the last dial."""
    recovery: Recovery | None = None
    """The way to the present link."""
    succession: Recovery | None = None
    """The way to the link that is to take over."""
    first_endpoint: int = 0
    """Who answered first."""
    told_endpoint: int = 0
    """Who answers, as the client was last told."""
    rebuilds: int = 0
    """How many links came after the first."""
    troubles: dict[int, int] = field(default_factory=dict)
    """By upstream: its own failures in a row."""
    is_cautious: bool = False
    """An upstream found our messages too big: smaller ones from here on."""
    is_ready_told: bool = False
    is_recovering_told: bool = False
    promised_at: float = 0.0
    """When the client was told that it goes on."""
    unheard: int = 0
    """How often an upstream was left because it did not hear the user."""
    stale_count: int = 0
    """Words of links that may not speak, or not yet."""

    def met(self, endpoint: int, cause: Fault) -> None:
        """An upstream failed: a trouble of its own is one for which a work-around may be tried."""
        if cause.row.party in PROVIDERS_OWN:
            self.troubles[endpoint] = self.troubles.get(endpoint, 0) + 1

    def manner(self, endpoint: int, workarounds: Sequence[Manner]) -> Manner:
        """How an upstream is treated after so many troubles in a row."""
        troubles = self.troubles.get(endpoint, 0)
        return workarounds[min(troubles, len(workarounds)) - 1] if troubles and workarounds else Manner.PLAIN

    def promises(self, plan: WaitFor, now: float) -> int | None:
        """Milliseconds until it goes on, where that is news: most waits are cut into short ones."""
        wait_s = max(plan.seconds, plan.expected_s)
        if abs(now + wait_s - self.promised_at) <= PROMISE_S:
            return None
        self.promised_at = now + wait_s
        return round(wait_s * 1000)

    @property
    def trouble(self) -> Literal["recovering", "connecting"]:
        """What it is called that nobody answers."""
        return "recovering" if self.is_ready_told else "connecting"

    @property
    def is_trouble_told(self) -> bool:
        """Whether the client knows, for it was told, or has not been told anything else yet."""
        return self.is_recovering_told or not self.is_ready_told


class Linked:
    """The part of a session's state that is about its links."""

    __slots__ = ("chance", "endpoints", "limits", "line", "successor", "upstream", "upstreams")

    def __init__(self, limits: Limits, upstreams: tuple[UpstreamFacts, ...], endpoints: Endpoints) -> None:
        self.limits = limits
        self.upstreams = upstreams
        self.endpoints = endpoints
        self.upstream = UpstreamLink()
        self.successor: UpstreamLink | None = None
        """The link that is to take over, while the present one still serves."""
        self.line = LineAccount()
        self.chance = 0.5
        """In [0, 1): the jitter that the present event brought."""

    @property
    def has_own_wishes(self) -> bool:
        """Whether the client chose the model."""
        raise NotImplementedError

    def may_try(self, manner: Manner) -> bool:  # noqa: ARG002 - a session of ours may be treated in any way
        """Whether a work-around may be tried for this session."""
        return True

    @property
    def starting(self) -> UpstreamLink:
        """The link that is on its way to live, when one is: never two at once."""
        return self.upstream if self.successor is None else self.successor

    def link_of(self, generation: int) -> UpstreamLink | None:
        """The link with this voice; None for a dead one."""
        for link in (self.upstream, self.successor):
            if link is not None and link.may_speak(generation):
                return link
        self.line.stale_count += 1
        return None


# dialling


def start(s: Linked, now: float) -> None:
    """An upstream is needed: for a new session, or for one whose client has come back."""
    s.line.recovery = _new_way(s, now, s.limits.start_budget_s)


def _new_way(s: Linked, now: float, budget_s: float, *, was_live: bool = False) -> Recovery:
    is_first = not s.line.is_ready_told
    return Recovery(now, was_live, budget_s, has_own_wishes=s.has_own_wishes, is_first=is_first)


def _way_to(s: Linked, link: UpstreamLink) -> Recovery:
    way = s.line.recovery if link is s.upstream else s.line.succession
    assert way is not None, "a link that nobody asked for"
    return way


def plan(s: Linked, now: float) -> DialNow | WaitFor | NoHope | None:
    """Dial, wait, or give up, as the upstreams of this process allow; None when nobody is to be dialled."""
    recovery = s.line.recovery
    if recovery is None or not s.upstream.may(UpstreamSignal.DIALED) or s.successor is not None:
        return None
    return s.endpoints.decide(recovery, now, s.chance)


def dial(s: Linked, link: UpstreamLink, due: DialNow) -> list[LinkEffect]:
    """Begin a new link."""
    s.line.generation += 1
    facts = s.upstreams[due.endpoint]
    manner = s.line.manner(due.endpoint, [one for one in facts.workarounds if s.may_try(one)])
    link.dial(s.line.generation, due.endpoint, manner)
    told = {"generation": link.generation, "upstream": facts.name, "manner": str(manner)}
    return [
        Dial(link.generation, due.endpoint, manner),
        Note("upstream.connecting", "info", told),
        StartTimer(TIMER_DIAL, s.limits.dial_s),
        StartTimer(TIMER_PATIENCE, min(due.patience_s, s.limits.patience_s)),
    ]


def patience_left(s: Linked, timer: str, now: float) -> list[LinkEffect]:
    """Whether the link that is starting may go on although this deadline has passed: then another look."""
    if timer != TIMER_PATIENCE:
        return []
    left_s = s.endpoints.patience_left(_way_to(s, s.starting), now)
    return [StartTimer(TIMER_PATIENCE, left_s)] if left_s > 0 else []


def opened(s: Linked, link: UpstreamLink) -> list[LinkEffect]:
    """The socket is open; what counts is still to come."""
    link.move(UpstreamSignal.OPENED)
    return [
        Note("upstream.opened", "info", {"generation": link.generation}),
        StopTimer(TIMER_DIAL),
        StartTimer(TIMER_CREATED, s.limits.created_s),
    ]


def created(
    link: UpstreamLink, session_id: str, model: str, lifetime_s: float | None, now: float
) -> list[LinkEffect]:
    """Proof of life."""
    link.move(UpstreamSignal.CREATED)
    link.session_id, link.model = session_id, model
    link.created_at, link.lifetime_s = now, lifetime_s
    told = {"generation": link.generation, "upstream_session": session_id, "model": model}
    return [Note("upstream.created", "info", told), StopTimer(TIMER_CREATED)]


def went_live(s: Linked, link: UpstreamLink, now: float) -> list[LinkEffect]:
    """It can be talked to."""
    link.move(UpstreamSignal.CONFIGURED)
    link.live_at = now
    s.endpoints.went_live(link.endpoint, _way_to(s, link), now)
    return [StopTimer(TIMER_UPDATED), StopTimer(TIMER_PATIENCE)]


def taken_over(s: Linked, now: float) -> list[LinkEffect]:
    """From here on everything goes to the present link, until it is old or a better one is well."""
    return [
        Adopt(s.upstream.generation),
        StopTimer(TIMER_TELL),
        StartTimer(TIMER_ROTATE, s.upstream.looks_in(s.limits, now)),
        *_look_for_better_later(s),
    ]


# losing it


def lost(s: Linked, cause: Fault, now: float) -> list[LinkEffect]:
    """The present link is over. One that dies young spends the budget of the recovery that made it."""
    link, line = s.upstream, s.line
    line.met(link.endpoint, cause)
    if link.phase is UpstreamPhase.LIVE:
        is_young = now - link.live_at < s.limits.live_settled_s
        if line.recovery is None or not (is_young and line.recovery.was_live):
            line.recovery = _new_way(s, now, s.limits.recovery_budget_s, was_live=True)
    out = _booked(s, link, cause, now)
    link.move(UpstreamSignal.LOST)
    return [*out, StopTimer(TIMER_ROTATE)]


def successor_lost(s: Linked, cause: Fault, now: float) -> list[LinkEffect]:
    """The one that was to take over came to nothing; the present one serves on."""
    assert s.successor is not None
    out = _booked(s, s.successor, cause, now)
    s.successor = s.line.succession = None
    told = {"fault": cause.code, "evidence": list(cause.evidence)}
    look_s = max(s.limits.live_settled_s, s.upstream.looks_in(s.limits, now))
    return [*out, Note("upstream.successor_lost", "warning", told), StartTimer(TIMER_ROTATE, look_s)]


def _booked(s: Linked, link: UpstreamLink, cause: Fault, now: float) -> list[LinkEffect]:
    book = s.endpoints.lost_live if link.phase is UpstreamPhase.LIVE else s.endpoints.dial_failed
    book(link.endpoint, _way_to(s, link), cause, now, s.chance)
    return [HangUp(link.generation), *(map(StopTimer, STARTING) if link is s.starting else ())]


def succeed(s: Linked, now: float) -> list[LinkEffect]:
    """The present link is lost: the one that was to take over does so now, as far as it has come."""
    _promote(s)
    way = _way_to(s, s.upstream)  # what was a wish is a need now: it may wait, and try elsewhere
    way.no_worse_than, way.was_live = None, True
    way.began_at, way.budget_s = now, s.limits.recovery_budget_s
    is_live = s.upstream.phase is UpstreamPhase.LIVE
    return [] if is_live else [StartTimer(TIMER_TELL, s.limits.recovering_told_s)]


def _promote(s: Linked) -> None:
    assert s.successor is not None
    s.upstream, s.successor = s.successor, None
    s.line.recovery, s.line.succession = s.line.succession, None


# leaving it


def leave(s: Linked) -> list[LinkEffect]:
    """Hang up on purpose, without blame for anybody."""
    out: list[LinkEffect] = []
    for link, account in ((s.upstream, s.line.recovery), (s.successor, s.line.succession)):
        if link is None or not link.is_dialed:
            continue
        out.append(HangUp(link.generation))
        if link.phase is UpstreamPhase.LIVE:
            s.endpoints.left(link.endpoint)
        elif account is not None:
            s.endpoints.dropped(account)
    return out


def rest(s: Linked) -> list[LinkEffect]:
    """Leave the upstream until there is somebody to talk to."""
    out = leave(s)
    s.upstream.move(UpstreamSignal.RESTED)
    s.successor = s.line.recovery = s.line.succession = None
    return [*map(StopTimer, (*STARTING, TIMER_RETRY, TIMER_TELL, TIMER_ROTATE, TIMER_RETURN)), *out]


def end(s: Linked) -> list[LinkEffect]:
    """Nobody is dialled any more."""
    out = leave(s)
    s.upstream.move(UpstreamSignal.ENDED)
    return out


# rotating: make before break (reliability reference, B13)


def grow_old(s: Linked, now: float, *, is_away: bool = False) -> list[LinkEffect]:
    """Have the next link ready; look for a quiet moment until there is no time to wait for one. For a client
    that is away nobody is dialled, but it may come back.
    """
    is_set = is_away or s.successor is not None
    out = [] if is_set else _dial_successor(s, s.upstream.endpoint, "age", now)
    return [*out, look_soon(s, now)]


def look_soon(s: Linked, now: float) -> StartTimer:
    """The next look for the moment to change over."""
    left_s = s.upstream.life_left(s.limits, now)
    return StartTimer(TIMER_ROTATE, min(LOOK_EVERY_S, left_s or LOOK_EVERY_S))


def look_for_better(s: Linked, now: float, *, is_away: bool = False) -> list[LinkEffect]:
    """Somebody better may be well again."""
    if s.upstream.phase is not UpstreamPhase.LIVE:
        return []
    is_set = is_away or s.successor is not None
    better = None if is_set else s.endpoints.better_than(s.upstream.endpoint, now)
    out = [] if better is None else _dial_successor(s, better, "preferred", now)
    return [*out, *_look_for_better_later(s)]


def _look_for_better_later(s: Linked) -> list[LinkEffect]:
    return [] if s.upstream.endpoint == 0 else [StartTimer(TIMER_RETURN, s.limits.return_look_s)]


def _dial_successor(s: Linked, endpoint: int, why: str, now: float) -> list[LinkEffect]:
    wish = _new_way(s, now, s.limits.start_budget_s)
    wish.no_worse_than = endpoint
    due = s.endpoints.decide(wish, now, s.chance)
    if not isinstance(due, DialNow):
        return []
    s.successor, s.line.succession = UpstreamLink(), wish
    told = {"reason": why, "upstream": s.upstreams[due.endpoint].name}
    return [Note("upstream.rotating", "info", told), *dial(s, s.successor, due)]


def may_switch(s: Linked, now: float, *, is_quiet: bool) -> bool:
    """Whether the successor is ready, and the moment right or the last one."""
    is_ready = s.successor is not None and s.successor.phase is UpstreamPhase.LIVE
    return is_ready and (is_quiet or not s.upstream.life_left(s.limits, now))


def switch(s: Linked) -> HangUp:
    """The successor takes the place of a link that still works; answers the end of that one."""
    old = s.upstream
    s.endpoints.left(old.endpoint)
    _promote(s)
    return HangUp(old.generation)
