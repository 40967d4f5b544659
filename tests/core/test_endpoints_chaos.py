"""Anything at any time to many sessions that share endpoints; planted bugs prove that the books see."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from holdfast.core import endpoints
from holdfast.core.breaker import Breaker, Trouble
from holdfast.core.endpoints import Endpoints
from holdfast.core.faults import fault
from holdfast.core.outlook import Outlook, wait
from holdfast.core.recovery import NoHope, Recovery
from holdfast.core.retry_budget import RetryPlaces, RetryTokens
from tests.core.fleet import CUT, DOWN, Caller, Fleet

FAULTS = (
    DOWN,
    DOWN,
    DOWN,
    DOWN,
    fault("provider.handshake_timeout"),
    fault("provider.unavailable", retry_after_s=3.0),
    fault("provider.rate_limited"),
    fault("provider.rate_limited", retry_after_s=7.0),
    fault("configuration.invalid_api_key"),
)
LOSSES = (CUT, CUT, CUT, fault("provider.server_error"), fault("provider.policy"), fault("provider.closed"))
HEAL_S = 0.3
"""How long a dial takes when all is well."""
BOUND_S = 6.0
"""A pause of 4 s for a lonely endpoint, a probe, and a second to wake."""

T = TypeVar("T")


class Doings:
    """What a world can do to a fleet, each with a number that says to whom."""

    def __init__(self, names: int, seed: int, *, gentle: bool = False) -> None:
        self.fleet = Fleet(names, seed)
        self.faults = (DOWN,) if gentle else FAULTS
        self.losses = (CUT,) if gentle else LOSSES

    def start(self, _number: int) -> None:
        if len(self.fleet.callers) < 60:
            self.fleet.start()

    def start_many(self, number: int) -> None:
        for _ in range(number % 20):
            self.start(number)

    def dial_succeeds(self, number: int) -> None:
        if (caller := pick(self.fleet.dialing, number)) is not None:
            self.fleet.goes_live(caller)

    def dial_fails(self, number: int) -> None:
        if (caller := pick(self.fleet.dialing, number)) is not None:
            self.fleet.fails(caller, self.faults[number % len(self.faults)])

    def all_dials_fail(self, number: int) -> None:
        for caller in self.fleet.dialing:
            self.fleet.fails(caller, self.faults[number % len(self.faults)])

    def bad_spell(self, number: int) -> None:
        """Of five dials four fail: too few in a row for a breaker, enough to use up what retries cost."""
        for turn in range(30 + number % 30):
            if len(self.fleet.dialing) < 2:
                self.fleet.run(0.5)
                self.start(number)
            if (caller := pick(self.fleet.dialing, number)) is None:
                continue
            if turn % 5:
                self.fleet.fails(caller)
            else:
                self.fleet.goes_live(caller)

    def link_dies(self, number: int) -> None:
        if (caller := pick(self._idle_live(), number)) is not None:
            self.fleet.loses(caller, self.losses[number % len(self.losses)])

    def link_dies_young(self, number: int) -> None:
        now = self.fleet.now
        young = [one for one in self._idle_live() if now - one.lives_since < 5.0]
        fresh = [one for one in young if one.recovery.no_worse_than is None]
        if (caller := pick(fresh, number)) is not None:
            self.fleet.loses(caller, CUT, is_young=True)

    def old_link_dies_while_a_better_is_dialled(self, number: int) -> None:
        both = [one for one in self.fleet.callers if one.live_at is not None and one.dial is not None]
        if (caller := pick(both, number)) is not None:
            self.fleet.loses(caller, CUT)

    def many_die(self, number: int) -> None:
        for caller in self._idle_live()[: 10 + number % 30]:
            self.fleet.loses(caller, CUT)

    def moves(self, number: int) -> None:
        if (caller := pick(self._idle_live(), number)) is not None and caller.live_at is not None:
            better = self.fleet.endpoints.better_than(caller.live_at, self.fleet.now)
            self.fleet.wishes(caller, caller.live_at if better is None else better)

    def leaves(self, number: int) -> None:
        if (caller := pick(self.fleet.callers, number)) is not None:
            self.fleet.leaves(caller)

    def little_time(self, number: int) -> None:
        self.fleet.run(number % 10 / 20)

    def much_time(self, number: int) -> None:
        self.fleet.run(number % 40)

    def _idle_live(self) -> list[Caller]:
        return [one for one in self.fleet.callers if one.live_at is not None and one.dial is None]

    def heal(self, seconds: float) -> None:
        """All endpoints are well: every dial goes live after a moment, for so long."""
        end = self.fleet.now + seconds
        while self.fleet.now < end:
            self.fleet.run(0.05)
            for caller in self.fleet.dialing:
                if self.fleet.now - caller.dials[-1][0] >= HEAL_S:
                    self.fleet.goes_live(caller)


DOINGS: dict[Callable[[Doings, int], None], float] = {
    Doings.start: 6,
    Doings.start_many: 1,
    Doings.dial_succeeds: 8,
    Doings.dial_fails: 8,
    Doings.all_dials_fail: 1,
    Doings.bad_spell: 0.5,
    Doings.link_dies: 3,
    Doings.link_dies_young: 1,
    Doings.old_link_dies_while_a_better_is_dialled: 1,
    Doings.many_die: 0.5,
    Doings.moves: 2,
    Doings.leaves: 2,
    Doings.little_time: 8,
    Doings.much_time: 1,
}


def pick(among: list[T], number: int) -> T | None:
    return among[number % len(among)] if among else None


def live(seed: int, *, gentle: bool = False) -> Doings:
    """One seeded life of a fleet, its books checked after each step."""
    chance = random.Random(seed)
    world = Doings(chance.randint(1, 3), seed, gentle=gentle)
    for doing in chance.choices(list(DOINGS), list(DOINGS.values()), k=chance.randint(20, 200)):
        doing(world, chance.randrange(10_000))
        world.fleet.check_books()
    return world


class FleetMachine(RuleBasedStateMachine):
    """Hypothesis chooses, and makes what fails small."""

    @initialize(names=st.integers(1, 3), seed=st.integers(0, 1000))
    def begin(self, names: int, seed: int) -> None:
        self.world = Doings(names, seed)

    @rule(doing=st.sampled_from(list(DOINGS)), number=st.integers(0, 9_999))
    def something_happens(self, doing: Callable[[Doings, int], None], number: int) -> None:
        doing(self.world, number)

    @precondition(lambda self: len(self.world.fleet.callers) < 40)
    @rule(many=st.integers(1, 15))
    def sessions_come(self, many: int) -> None:
        self.world.start_many(many)

    @invariant()
    def books_agree(self) -> None:
        if hasattr(self, "world"):
            self.world.fleet.check_books()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            everything_is_given_back(self.world)


def everything_is_given_back(world: Doings) -> None:
    for caller in list(world.fleet.callers):
        world.fleet.leaves(caller)
    world.fleet.check_books()
    statuses = world.fleet.endpoints.status(world.fleet.now)
    assert all((one.live, one.dialing) == (0, 0) for one in statuses)


TestFleetMachine = FleetMachine.TestCase
TestFleetMachine.settings = settings(
    max_examples=60,
    stateful_step_count=60,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("first", range(0, 600, 100))
def test_no_seeded_life_breaks_a_rule(first: int) -> None:
    for seed in range(first, first + 100):
        everything_is_given_back(live(seed))


def check_liveness(seed: int) -> bool:
    """After whatever failed, endpoints that are well again get everybody that still waits. Answers whether
    the time was bounded: where retries are used up it is not, and who cannot retry is told.
    """
    world = live(seed, gentle=True)
    fleet = world.fleet
    for _ in range(8):
        fleet.start()
    has_retries = all(one.tokens > 50 for one in fleet.endpoints.status(fleet.now))
    in_time = {one for one in fleet.waiting if one.recovery.deadline > fleet.now + BOUND_S}
    world.heal(BOUND_S)
    if has_retries:
        was_turned_away = {one for one in in_time if one.end is not None and one.end.is_outage}
        forgotten = [one for one in in_time - was_turned_away if one.live_at is None]
        assert not forgotten, f"seed {seed}: forgotten"
    world.heal(36.0)
    assert not fleet.waiting, f"seed {seed}: waits for ever"
    return bool(has_retries and in_time)


def test_endpoints_that_are_well_again_get_everybody_that_waits() -> None:
    assert sum(check_liveness(seed) for seed in range(400)) > 200


# planted bugs


def _leak_a_place(_self: RetryPlaces) -> None:
    """A dial that ends gives nothing back."""


def _leak_a_probe(_self: Breaker, _began_at: float) -> None:
    """The probe never comes home."""


def _free_failures(self: RetryTokens, now: float) -> None:
    """A failure costs nothing."""
    self.left(now)


def _no_tokens_needed(_self: RetryTokens, _now: float) -> float:
    return 0.0


def _never_opens(self: Breaker, *_args: object, **_names: object) -> None:
    self.failures += 1


def _probes_in_swarms(self: Breaker, _now: float) -> float | None:
    return self.patience_s


def _room_for_all(_self: RetryPlaces, _live: int) -> bool:
    return True


def _never_closes(self: Breaker, _began_at: float, _now: float) -> bool:
    self.failures = 0
    return False


def _no_pause(self: Breaker, trouble: Trouble, at: float) -> None:
    self.trouble, self.shut_at, self.pause_s = trouble, at, 0.0


def _sleeps_on(outlook: Outlook, now: float, chance: float) -> object:
    told = _ORIGINAL_WAIT(outlook, now, chance)
    return replace(told, seconds=told.seconds + 20.0)


def _asks_the_refused(_self: Recovery, *_args: object, **_names: object) -> None:
    """The account of a recovery stays empty."""


def _leaves_without_counting(self: Endpoints, endpoint: int) -> None:
    assert self._list[endpoint].live >= 0


_ORIGINAL_WAIT = wait

PLANTED: list[tuple[object, str, Callable[..., object], Callable[[int], object]]] = [
    (RetryPlaces, "release", _leak_a_place, live),
    (RetryPlaces, "has_room", _room_for_all, live),
    (RetryTokens, "failed", _free_failures, live),
    (RetryTokens, "wait_s", _no_tokens_needed, live),
    (Breaker, "release", _leak_a_probe, live),
    (Breaker, "failed", _never_opens, live),
    (Breaker, "probe", _probes_in_swarms, live),
    (Breaker, "succeeded", _never_closes, check_liveness),
    (Breaker, "_shut", _no_pause, live),
    (Recovery, "book", _asks_the_refused, live),
    (Endpoints, "left", _leaves_without_counting, live),
    (endpoints, "wait", _sleeps_on, live),
]


@pytest.mark.parametrize(
    ("owner", "name", "bug", "check"), PLANTED, ids=[bug.__name__.strip("_") for _, _, bug, _ in PLANTED]
)
def test_a_planted_bug_is_caught(
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
    bug: Callable[..., object],
    check: Callable[[int], object],
) -> None:
    monkeypatch.setattr(owner, name, bug)
    with pytest.raises(AssertionError):  # noqa: PT012 - the loop is the act
        for seed in range(600):
            check(seed)


def test_the_books_can_tell_hope_from_none() -> None:
    fleet = Fleet()
    fleet.fails(fleet.start(), fault("configuration.invalid_api_key"))
    late = Caller(Recovery(fleet.now, was_live=False, budget_s=35.0))
    fleet.callers.append(late)
    assert isinstance(fleet.ask(late), NoHope)
