"""Whatever happens to a session: recorded, written, read and walked again it decides the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from holdfast.core import links
from holdfast.core.effects import StopTimer
from holdfast.flight import replay
from holdfast.flight.replay import sizes_of
from holdfast.flight.tap import RUNS_MAX, runs
from tests.flight.recorded_lives import assert_same, recorded
from tests.properties import chaos, relay_chaos, test_chaos
from tests.properties.seeds import BUDGET_S, try_seeds
from tests.simulation import gateway
from tests.simulation.run import live as live_in_the_simulation

WHOLE = 100_000


def _steps(seed: int) -> int:
    """How many steps a lot has: now the whole life, now so few that a replay begins at a portrait."""
    return WHOLE if seed % 3 == 0 else random.Random(seed).randrange(5, 60)


def of_a_session(seed: int) -> int:
    with recorded(chaos, _steps(seed)) as aboard:
        test_chaos.live(seed)
    return assert_same(aboard)


def of_a_relayed_one(seed: int) -> int:
    with recorded(relay_chaos, _steps(seed)) as aboard:
        relay_chaos.live(seed, 150)
    return assert_same(aboard)


def of_a_simulated_one(seed: int) -> int:
    with recorded(gateway, _steps(seed)) as aboard:
        live_in_the_simulation(seed)
    return assert_same(aboard)


@pytest.mark.timeout(200)
@pytest.mark.parametrize("life", [of_a_session, of_a_relayed_one, of_a_simulated_one])
def test_a_replay_decides_the_same(life: Callable[[int], int], capsys: pytest.CaptureFixture[str]) -> None:
    told = try_seeds(life, BUDGET_S / 2)
    with capsys.disabled():
        print(f"\nreplays {life.__name__.replace('_', ' ')}: {told}")


def test_a_portrait_is_where_a_long_life_begins() -> None:
    with recorded(chaos, 10) as aboard:
        test_chaos.live(3)
    (one,) = aboard.replays()

    assert one.recording.header.begins is not None
    assert one.recording.header.first > 0
    assert 10 <= len(one.walked) <= 20
    assert one.is_same


def _late(s: Any, link: Any, plan: Any) -> Any:
    return [*_DIAL(s, link, plan), StopTimer("tell_trouble")]


_DIAL = links.dial


@pytest.mark.parametrize("life", ["session", "relay"])
def test_a_decision_that_changed_is_seen(life: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = chaos if life == "session" else relay_chaos
    with recorded(world, WHOLE) as aboard:
        _ = test_chaos.live(5) if life == "session" else relay_chaos.live(5, 150)
    (same,) = aboard.replays()
    assert same.is_same

    monkeypatch.setattr(links, "dial", _late)
    changed = replay(same.recording)

    assert not changed.is_same
    first = changed.differences[0]
    assert "StopTimer(name=tell_trouble)" in first.differs
    assert any(effect["is"] == "effects.Dial" for effect in first.due)


def test_a_core_that_asks_otherwise_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    with recorded(relay_chaos, WHOLE) as aboard:
        relay_chaos.live(5, 150)
    (same,) = aboard.replays()

    monkeypatch.setattr(links, "went_live", lambda *_: [])
    assert not replay(same.recording).is_same


def test_sizes_come_back_as_they_were() -> None:
    chance = random.Random(1)
    for _ in range(200):
        sizes = [chance.choice([960, 961, 1920]) for _ in range(chance.randrange(60))]
        assert list(sizes_of(runs(sizes))) == sizes


def test_very_varied_sizes_are_told_as_if_even() -> None:
    sizes = list(range(100, 100 + 3 * RUNS_MAX))
    told = runs(sizes)

    assert len(told) <= 4
    assert sum(sizes_of(told)) == sum(sizes)
    assert len(list(sizes_of(told))) == len(sizes)
