"""A spent budget, at any moment of any life: the session keeps the contract, and is over in time."""

from __future__ import annotations

import random

import pytest

from holdfast.core import events, notices
from holdfast.core.effects import Tell
from holdfast.core.faults import fault
from tests.properties.chaos import KINDS, LIMITS, Chaos
from tests.properties.test_chaos import WEIGHTS

SPENT = fault("configuration.session_budget", ["session_usd"])


def left(seed: int) -> tuple[Chaos, list[str]]:
    """A life that may cost no more from some moment on; how the session ended, as its client was told."""
    rng = random.Random(seed)
    kinds = [1, 0, 11, 13, 14, *rng.choices(range(KINDS), list(WEIGHTS.values()), k=rng.randrange(5, 120))]
    world = Chaos("none" if seed % 2 else "local", turn_detection="auto" if seed % 7 else "manual")
    world.books.enter(events.Pinged({}), world.now, world.session.start())
    spent_at = rng.randrange(2, len(kinds))
    told: list[str] = []

    def give(event: events.Event) -> None:
        state = world.session.state
        due = world.session.receive(event, world.now)
        words = (effect.notice for effect in due if isinstance(effect, Tell))
        told.extend(one.reason for one in words if isinstance(one, notices.SessionEnded))
        world.books.enter(event, world.now, due)
        assert state.leaving is None or world.session.is_over or "goodbye" in world.books.timers

    for at, kind in enumerate(kinds):
        world.now += rng.randrange(7) * 0.05
        if at == spent_at:
            give(events.BudgetSpent(SPENT))
        give(world.event(kind + KINDS * rng.randrange(5000)))
        world.balance()
    world.now += LIMITS.goodbye_s
    if not world.session.is_over:
        give(events.TimerFired("goodbye"))
    return world, told


@pytest.mark.parametrize("first", range(0, 600, 100))
def test_it_ends_in_time_whatever_happens(first: int) -> None:
    reasons: set[str] = set()
    for seed in range(first, first + 100):
        world, told = left(seed)
        assert world.session.is_over, seed
        assert len(told) <= 1, seed
        client = world.books.client
        assert not client.is_there or client.open_response is None, seed
        assert not world.endpoints.live, seed
        reasons.update(told)

    assert "budget_spent" in reasons
