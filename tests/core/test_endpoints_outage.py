"""Figures of whole outages, in virtual time."""

from __future__ import annotations

import time

import pytest

from holdfast.core.faults import fault
from tests.core.outage import HANDSHAKE_S, REFUSED, RESTART, Outage, Spell

TEN_MINUTES = 600.0


@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("cause", [REFUSED, None], ids=["refuses", "hangs"])
def test_ten_minutes_without_the_only_upstream(
    cause: object, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    back = 10.0 + TEN_MINUTES + 1.37 * seed
    world = Outage(1, 200, [Spell(0, 10.0, back, REFUSED if cause else None)], seed=seed)
    world.run(10.0)
    world.cut(200)
    began = time.process_time()
    world.run(back)
    cpu_s = time.process_time() - began
    tried = len(world.attempts)
    world.run(back + 20.0)

    # One probe in four seconds, and what was under way before the breaker had seen five failures.
    under_way = 10 if cause else 200
    assert tried <= TEN_MINUTES / 4 + under_way + 5
    assert all(late_s <= 0.01 for late_s in world.told_late_s)
    assert world.told.total() >= 200
    last_s = max(at for at, _ in world.live_since) - back
    assert world.live == 200
    assert last_s <= 5.0
    with capsys.disabled():
        print(
            f"\n{'refuses' if cause else 'hangs'}, seed {seed}: {tried} dials in ten minutes, {world.asks} "
            f"questions in {cpu_s:.1f} s of CPU, {world.told.total()} endings told, the last of 200 live "
            f"{last_s:.1f} s after the return"
        )


def test_a_provider_that_restarts_has_everybody_back_within_a_handshake_of_their_share() -> None:
    world = Outage(1, 200, [])
    world.run(10.0)
    world.cut(200, cause=RESTART)
    world.run(20.0)
    assert (world.live, len(world.attempts), world.spread) == (200, 200, 190)
    assert max(world.away_s) <= HANDSHAKE_S + 0.02  # and what timers cost
    assert max(at for at, _ in world.live_since) <= 12.5


def test_one_lost_link_is_back_after_one_handshake() -> None:
    world = Outage(1, 200, [])
    world.run(10.0)
    world.cut(1)
    world.run(12.0)
    assert world.away_s == [pytest.approx(HANDSHAKE_S, abs=0.006)]


@pytest.mark.parametrize(("cause", "away_s"), [(REFUSED, 1.5), (None, 5.0)], ids=["refuses", "hangs"])
def test_with_a_second_upstream_everybody_goes_there(cause: object, away_s: float) -> None:
    world = Outage(2, 200, [Spell(0, 10.0, 1000.0, REFUSED if cause else None)])
    world.run(10.0)
    world.cut(200)
    world.run(60.0)
    assert world.live == 200
    assert not world.told
    assert max(world.away_s) <= away_s


def test_a_key_that_is_refused_costs_one_dial_a_minute() -> None:
    world = Outage(1, 200, [Spell(0, 10.0, 1000.0, fault("configuration.invalid_api_key"))])
    world.run(10.0)
    world.cut(200)
    world.run(13.0)
    # A few were under way before the first answer; whoever was still waiting did not ask.
    under_way = len(world.attempts)
    assert 10 <= under_way <= 15
    assert world.told.total() == 200
    for second in range(14, 614):
        world.run(second)
        world.start(1)
    # A minute from each refusal to the next newcomer: of ten minutes, what the dials took is left over.
    assert len(world.attempts) == under_way + 9


def test_a_throttled_key_is_asked_less_and_less() -> None:
    world = Outage(1, 200, [Spell(0, 10.0, 1000.0, fault("provider.rate_limited"))])
    world.run(10.0)
    world.cut(200)
    world.run(610.0)
    # Ten at once before the first answer; then 1, 2, 4, 8, 16, 30, 30 ... seconds.
    assert len(world.attempts) <= 10 + 6 + 600 / 30
