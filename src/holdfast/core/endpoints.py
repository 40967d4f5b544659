"""Which upstream a session dials, when, and when it gives up: one machine for all sessions of a node.

What lives here: the choice among endpoints, the spreading of a mass loss, the way back to a better endpoint.
What never will: dialling, a clock, chance, memory of a session: its `Recovery` bears that.

A session asks `decide` until it is told to dial or to give up, and tells what became of each dial. Nobody is
woken: who waits asks again at least once a second, which costs microseconds and cannot be forgotten.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from holdfast.core.breaker import Breaker, BreakerState, Pause, Trouble
from holdfast.core.faults import Fault, fault
from holdfast.core.limits import Limits
from holdfast.core.outlook import ANSWERED_S, ASK_AGAIN_S, NEVER, Outlook, wait, wait_in_outage
from holdfast.core.recovery import (
    DIAL_LEAST_S,
    DialNow,
    NoHope,
    Recovery,
    Tries,
    UnderWay,
    WaitFor,
    backoff_s,
    trouble_of_dial,
    trouble_of_loss,
)
from holdfast.core.retry_budget import RetryPlaces, RetryTokens

LOSS_WINDOW_S: Final = 1.0
RETRY_AFTER_LEAST_S: Final = 1.0
EARLY_LEAST_S: Final = 0.75
EARLY_SPREAD_S: Final = 0.6
"""So long before a probe is asked who is to come for its answer: networks are slow, and timers late."""

_GONE: Final = frozenset({Trouble.FAILING, Trouble.REFUSED})


@dataclass(frozen=True, slots=True)
class EndpointStatus:
    """One endpoint as readiness, the doctor and the console show it."""

    name: str
    state: BreakerState
    live: int
    dialing: int
    tokens: float
    opens_again_in_s: float | None
    last_fault: str | None


@dataclass(slots=True)
class Endpoint:
    """What the node knows of one upstream."""

    name: str
    breaker: Breaker
    tokens: RetryTokens
    live: int = 0
    dialing: int = 0
    last_fault: Fault | None = None
    avoided_at: float = float("-inf")
    """When a session last had to go elsewhere."""


class Endpoints:
    """The upstreams of a node, in order of preference."""

    __slots__ = ("_limits", "_list", "_losses", "_places")

    def __init__(self, names: Sequence[str], limits: Limits) -> None:
        assert names, "a node without an upstream"
        pauses = {
            Trouble.FAILING: Pause(limits.breaker_failures, limits.breaker_open_s, limits.breaker_cap_s),
            Trouble.THROTTLED: Pause(1, limits.throttle_s, limits.throttle_cap_s),
            Trouble.REFUSED: Pause(1, limits.refused_s, limits.refused_s),
        }
        self._limits = limits
        self._list = [
            Endpoint(
                name,
                Breaker(pauses, limits.breaker_alone_s, limits.patience_s),
                RetryTokens(
                    limits.retry_tokens,
                    limits.retry_tokens_least,
                    limits.retry_token_gain,
                    limits.retry_tokens_per_s,
                ),
            )
            for name in names
        ]
        self._places = RetryPlaces(limits.retry_share, limits.retry_floor)
        self._losses: deque[float] = deque()

    @property
    def live(self) -> int:
        """Live upstreams of the node."""
        return sum(endpoint.live for endpoint in self._list)

    # the decision

    def decide(self, recovery: Recovery, now: float, chance: float) -> DialNow | WaitFor | NoHope:
        """What this session does next. `chance` in [0, 1) is fresh each time."""
        assert recovery.under_way is None, "one dial of a recovery at a time"
        if now > recovery.last_dial_at:
            return self._no_hope(recovery, now, chance, f"{recovery.budget_s:g} s were spent")
        if (spread_s := self._spread(recovery, now, chance)) > 0:
            return WaitFor(spread_s, "many links fell at once", spread_s, is_spread=True)
        soonest = Outlook(NEVER, "every endpoint refuses")
        for index in self._order(recovery, now):
            outlook = self._outlook(index, recovery, now)
            if not outlook.reason:
                return self._begin(index, recovery, now)
            if outlook.at < soonest.at:
                soonest = outlook
            if outlook.is_worth_waiting and outlook.at <= recovery.last_dial_at:
                break
        is_outage = recovery.is_first and self.is_outage(now)
        if recovery.no_worse_than is None and soonest.at <= recovery.last_dial_at:
            # Whose own probe just hung is not sent away before the next one, which is due.
            until = max(recovery.began_at + self._limits.outage_wait_s, recovery.failed_at + ANSWERED_S)
            if not is_outage:
                return wait(soonest, now, chance)
            if (plan := wait_in_outage(soonest, until, now, chance)) is not None:
                return replace(plan, cause=self._cause(recovery, self._hopeful(recovery)))
        return replace(self._no_hope(recovery, now, chance, soonest.reason), is_outage=is_outage)

    def better_than(self, endpoint: int, now: float) -> int | None:
        """An endpoint that a session working well at `endpoint` should try to move to, at a quiet moment."""
        for index in range(endpoint):
            candidate = self._list[index]
            state = self._state(index, now)
            is_free = state is BreakerState.HALF_OPEN and not candidate.breaker.is_probed(now)
            has_cooled = now - candidate.avoided_at >= self._limits.return_s
            if has_cooled and (is_free or state is BreakerState.CLOSED):
                return index
        return None

    def is_outage(self, now: float) -> bool:
        """Whether every endpoint has been gone for as long as a session holds out that was cut off."""
        return all(
            it.breaker.trouble in _GONE and now - it.breaker.failing_since >= self._limits.recovery_budget_s
            for it in self._list
        )

    def status(self, now: float) -> tuple[EndpointStatus, ...]:
        """All endpoints, for people."""
        return tuple(self._status(index, now) for index in range(len(self._list)))

    def patience_left(self, recovery: Recovery, now: float) -> float:
        """How much longer the dial under way may take; 0: cut it. To be asked from `patience_s` on, again and
        again: none is left to a dial that hangs where a later one was answered.
        """
        dial = recovery.under_way
        assert dial is not None, "no dial was under way"
        is_overtaken = self._list[dial.endpoint].breaker.has_overtaken(dial.began_at)
        return 0.0 if is_overtaken else max(0.0, min(ASK_AGAIN_S, dial.ends_at - now))

    # what became of it

    def went_live(self, endpoint: int, recovery: Recovery, now: float) -> None:
        """`session.updated` came."""
        it, dial = self._ended(endpoint, recovery)
        it.live += 1
        it.tokens.succeeded(now)
        if it.breaker.succeeded(dial.began_at, now):
            it.tokens.restore()

    def dial_failed(self, endpoint: int, recovery: Recovery, cause: Fault, now: float, chance: float) -> None:
        """A dial ended before it was live, whichever way."""
        it, dial = self._ended(endpoint, recovery)
        trouble = trouble_of_dial(cause, has_own_wishes=recovery.has_own_wishes)
        if trouble is Trouble.FAILING and it.breaker.has_overtaken(dial.began_at):
            recovery.cause = cause  # and nothing about the endpoint as it is now
            return
        is_slow = now - dial.began_at >= self._limits.slow_dial_s
        self._book(endpoint, recovery, cause, now, chance, comes_last=is_slow)
        if trouble is not None:
            it.tokens.failed(now)
            it.breaker.failed(trouble, dial.began_at, now, cause.retry_after_s, is_probe=dial.is_probe)
        if it.breaker.trouble is not None or recovery.no_worse_than is not None:
            it.avoided_at = now

    def lost_live(self, endpoint: int, recovery: Recovery, cause: Fault, now: float, chance: float) -> None:
        """A live link died. `recovery` is new, or the one that made the link when it died too young.

        No failed dial: a provider that restarts ends links and takes new ones at once. Only a link that dies
        young counts as a retry that failed: who lets everybody in and nobody stay would be asked without end.
        """
        it = self._list[endpoint]
        assert it.live > 0, "a link that was not live"
        it.live -= 1
        self._losses.append(now)
        self._forget_losses(now)
        it.last_fault = recovery.cause = cause
        if recovery.no_worse_than is not None:  # what was a wish is a need now
            recovery.no_worse_than, recovery.was_live, recovery.began_at = None, True, now
        elif recovery.attempts or not cause.row.retryable:
            self._book(endpoint, recovery, cause, now, chance, comes_last=True)
            if cause.row.retryable:
                it.tokens.failed(now)
        trouble = trouble_of_loss(cause, has_own_wishes=recovery.has_own_wishes)
        if trouble is not None:
            it.breaker.warned(trouble, now, cause.retry_after_s)
            it.avoided_at = now

    def left(self, endpoint: int) -> None:
        """We hung up a live link on purpose."""
        assert self._list[endpoint].live > 0, "a link that was not live"
        self._list[endpoint].live -= 1

    def dropped(self, recovery: Recovery) -> None:
        """The session needs no upstream any more: a dial under way, if any, is given up without blame."""
        if (dial := recovery.under_way) is not None:
            self._ended(dial.endpoint, recovery)

    # inside: the choice

    def _order(self, recovery: Recovery, now: float) -> list[int]:
        """The endpoints as this recovery should look at them.

        Somebody cut off in mid-sentence is not sent to find out whether an endpoint is back while another
        works; somebody who starts is, and so is who has a working link and looks for a better one.
        """

        def rank(index: int) -> tuple[bool, int]:
            is_risky = recovery.was_live and self._state(index, now) is BreakerState.HALF_OPEN
            return is_risky or recovery.at(index).comes_last, index

        best = recovery.no_worse_than
        return sorted(range(len(self._list) if best is None else best + 1), key=rank)

    def _outlook(self, index: int, recovery: Recovery, now: float) -> Outlook:
        it, tries = self._list[index], recovery.at(index)
        if tries.is_refused:
            return Outlook(NEVER, f"{it.name} refused")
        if now < tries.told_until:
            return Outlook(tries.told_until, f"{it.name} asked for a pause")
        if it.breaker.trouble is None:
            return self._outlook_closed(it, recovery, tries, now)
        return self._outlook_shut(it, self._opens_at(index, now), now)

    @staticmethod
    def _outlook_shut(it: Endpoint, opens_at: float, now: float) -> Outlook:
        if now < opens_at and it.breaker.trouble is Trouble.REFUSED:
            return Outlook(NEVER, f"{it.name} refuses everybody")  # nobody waits for a key to be changed
        if it.breaker.is_probed(now):
            reason = f"another session asks whether {it.name} is back"
            answered_by = it.breaker.asked_next_at(is_alone=True)
            return Outlook(now + ASK_AGAIN_S, reason, asked_at=it.breaker.probed_at, answered_by=answered_by)
        return Outlook(opens_at, f"{it.name} is left alone for a while") if now < opens_at else Outlook(now)

    def _outlook_closed(self, it: Endpoint, recovery: Recovery, tries: Tries, now: float) -> Outlook:
        if _is_retry(it, tries):
            if now < tries.not_before:
                return Outlook(tries.not_before, f"{it.name} failed", is_worth_waiting=True)
            if (wait_s := it.tokens.wait_s(now)) > 0:
                return Outlook(now + wait_s, f"the retries of {it.name} are used up")
        if _needs_place(it, recovery, tries) and not self._places.has_room(self.live):
            return Outlook(now + ASK_AGAIN_S, "others are trying again")
        return Outlook(now)

    def _begin(self, index: int, recovery: Recovery, now: float) -> DialNow:
        it = self._list[index]
        is_probe = it.breaker.trouble is not None
        has_place = not is_probe and _needs_place(it, recovery, recovery.at(index))
        patience_s = recovery.deadline - now
        if self._has_alternative(index, recovery):
            patience_s = max(DIAL_LEAST_S, min(patience_s / 2, self._limits.patience_s))
        if is_probe and (probe_s := it.breaker.probe(now)) is not None:
            patience_s = min(patience_s, probe_s)
        if has_place:
            self._places.take()
        it.dialing += 1
        recovery.attempts += 1
        recovery.under_way = UnderWay(index, now, now + patience_s, is_probe, has_place)
        self._note_avoided(index, recovery, now)
        return DialNow(index, is_probe, patience_s)

    def _has_alternative(self, index: int, recovery: Recovery) -> bool:
        """Whether another endpoint that seems well would be left to this recovery."""
        return recovery.no_worse_than is None and any(
            other != index and it.breaker.trouble is None and not recovery.at(other).failures
            for other, it in enumerate(self._list)
        )

    def _note_avoided(self, chosen: int, recovery: Recovery, now: float) -> None:
        """Better endpoints were passed over. Not one that only waits for its probe: it must be offered to
        somebody (`better_than`); nor one that refused this session alone.
        """
        for index in range(chosen):
            state, tries = self._state(index, now), recovery.at(index)
            is_ours = tries.failures > 0 and not tries.is_refused
            if state is not BreakerState.HALF_OPEN and (is_ours or state is not BreakerState.CLOSED):
                self._list[index].avoided_at = now

    def _spread(self, recovery: Recovery, now: float, chance: float) -> float:
        """How long this session keeps back because many fell at once: above 0. Judged when it first asks."""
        if not recovery.was_live or recovery.attempts:
            return 0.0
        if recovery.spread_until is None:
            share_s = chance * self._limits.spread_s if self._is_mass_loss(now) else 0.0
            recovery.spread_until = now + share_s
        return recovery.spread_until - now

    def _forget_losses(self, now: float) -> None:
        while self._losses and now - self._losses[0] > LOSS_WINDOW_S:
            self._losses.popleft()

    def _is_mass_loss(self, now: float) -> bool:
        self._forget_losses(now)
        lost = len(self._losses)
        limits = self._limits
        return lost > limits.spread_links and lost > limits.spread_share * (self.live + lost)

    def _no_hope(self, recovery: Recovery, now: float, chance: float, reason: str) -> NoHope:
        """The end, with a fault and a time that fit each other."""
        hopeful = self._hopeful(recovery)
        cause = self._cause(recovery, hopeful)
        if not hopeful:
            return NoHope(cause, reason, None)
        soonest = min(self._comes_for(index, recovery, now, chance) for index in hopeful)
        return NoHope(cause, reason, max(RETRY_AFTER_LEAST_S, soonest - now))

    def _hopeful(self, recovery: Recovery) -> dict[int, Endpoint]:
        """The endpoints that may have this session later."""
        return {
            index: it
            for index, it in enumerate(self._list)
            if it.breaker.trouble is not Trouble.REFUSED and not recovery.at(index).is_refused
        }

    def _cause(self, recovery: Recovery, hopeful: Mapping[int, Endpoint]) -> Fault:
        """What is wrong: something that passes, where there is hope."""
        known = (recovery.cause, *(it.last_fault for it in (hopeful.values() or self._list)))
        causes = [one for one in known if one is not None]
        cause = next((one for one in causes if one.row.retryable is bool(hopeful)), None)
        if cause is None:
            cause = causes[0] if causes else fault("provider.unreachable", ["nothing was dialled"])
        return cause

    def _comes_for(self, index: int, recovery: Recovery, now: float, chance: float) -> float:
        """When a new session has the best chance there: somewhat before the next probe, to be here when it is
        answered; each at its own moment.
        """
        breaker, told_until = self._list[index].breaker, recovery.at(index).told_until
        if breaker.trouble is not Trouble.FAILING:
            return max(self._opens_at(index, now), told_until)
        early_s = EARLY_LEAST_S + EARLY_SPREAD_S * chance
        return max(breaker.asked_next_at(is_alone=self._is_alone(index, now)) - early_s, told_until)

    # inside: the books

    def _ended(self, endpoint: int, recovery: Recovery) -> tuple[Endpoint, UnderWay]:
        """A dial is over: give back what it held."""
        dial = recovery.under_way
        assert dial is not None, "no dial was under way"
        assert dial.endpoint == endpoint, "another endpoint was dialled"
        recovery.under_way = None
        it = self._list[endpoint]
        it.dialing -= 1
        if dial.is_probe:
            it.breaker.release(dial.began_at)
        if dial.has_place:
            self._places.release()
        return it, dial

    def _book(
        self, endpoint: int, recovery: Recovery, cause: Fault, now: float, chance: float, *, comes_last: bool
    ) -> None:
        self._list[endpoint].last_fault = recovery.cause = cause
        failures = recovery.at(endpoint).failures + 1
        delay_s = backoff_s(failures, chance, self._limits.retry_base_s, self._limits.retry_cap_s)
        recovery.book(endpoint, cause, now, delay_s, comes_last=comes_last)

    def _is_alone(self, index: int, now: float) -> bool:
        """Whether no other endpoint could be used by all."""
        return all(
            other == index or it.breaker.trouble is not None or it.tokens.wait_s(now) > 0
            for other, it in enumerate(self._list)
        )

    def _state(self, index: int, now: float) -> BreakerState:
        return self._list[index].breaker.state(now, is_alone=self._is_alone(index, now))

    def _opens_at(self, index: int, now: float) -> float:
        breaker = self._list[index].breaker
        return 0.0 if breaker.trouble is None else breaker.opens_at(is_alone=self._is_alone(index, now))

    def _status(self, index: int, now: float) -> EndpointStatus:
        it, state = self._list[index], self._state(index, now)
        return EndpointStatus(
            name=it.name,
            state=state,
            live=it.live,
            dialing=it.dialing,
            tokens=it.tokens.left(now),
            opens_again_in_s=None
            if state is BreakerState.CLOSED
            else max(0.0, self._opens_at(index, now) - now),
            last_fault=None if it.last_fault is None else it.last_fault.code,
        )


def _is_retry(it: Endpoint, tries: Tries) -> bool:
    """A dial where this recovery has failed, unless the endpoint went away and came back since."""
    return tries.failures > 0 and tries.failed_at >= it.breaker.closed_at


def _needs_place(it: Endpoint, recovery: Recovery, tries: Tries) -> bool:
    """Retries do, and what is only a wish, so that not all wish at once."""
    return recovery.no_worse_than is not None or _is_retry(it, tries)
