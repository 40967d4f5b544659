"""A relayed conversation leaves its upstream before its end, quietly or at the last moment; or finds none."""

from __future__ import annotations

import pytest

from holdfast.core import relay_events as heard
from holdfast.core.effects import Dial, StartTimer
from holdfast.core.events import ClientGone
from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from holdfast.core.relay_effects import SendNews
from tests.core.relay_world import RelayWorld, ends


def test_a_session_moves_before_its_end_at_a_quiet_moment() -> None:
    world = RelayWorld.live(limits=Limits(upstream_life_s=100))
    old = world.generation
    world.add_item("item_1", "user", text="hello")
    world.respond("resp_1")
    world.timer("rotate", after=83.0)
    world.open()
    assert world.generation == old
    assert world.state.lane.voice == old
    world.effects.clear()

    world.done("resp_1")

    kinds = [
        type(one).__name__
        for one in world.effects
        if type(one).__name__ not in {"Note", "StartTimer", "StopTimer"}
    ]
    assert kinds == ["SendDown", "HangUp", "Adopt", "AddItem"]
    assert world.generation > old
    assert ends(world) == []


def test_at_the_last_moment_it_moves_in_mid_sentence() -> None:
    world = RelayWorld.live(limits=Limits(upstream_life_s=100))
    world.respond("resp_1")
    world.word("resp_1", "item_1", "one")
    world.timer("rotate", after=83.0)
    world.open()
    assert ends(world) == []
    world.timer("rotate", after=12.5)

    assert ends(world) == [("resp_1", "incomplete", "upstream_lost")]


def test_a_link_that_grew_old_while_its_client_was_away_is_left_when_it_is_back() -> None:
    world = RelayWorld.live(limits=Limits(upstream_life_s=100), can_return=True)
    world.now += 83.0
    world.do(ClientGone(1006))
    away = world.timer("rotate")
    assert not [one for one in away if isinstance(one, Dial)]
    assert StartTimer("rotate", 1.0) in away
    world.do(heard.ClientReturned("epoch", world.state.window.sent, "token2"))
    assert [one for one in world.timer("rotate", after=1.0) if isinstance(one, Dial)]


def rotate_waits(world: RelayWorld) -> list[float]:
    return [one.seconds for one in world.effects if isinstance(one, StartTimer) and one.name == "rotate"]


def test_a_forced_change_is_not_followed_by_another_look_at_once() -> None:
    world = RelayWorld.live(limits=Limits(upstream_life_s=100))
    world.respond("resp_1")
    world.word("resp_1", "item_1", "one")
    world.timer("rotate", after=83.0)
    world.open()
    world.timer("rotate", after=12.5)

    assert ends(world) == [("resp_1", "incomplete", "upstream_lost")]
    assert rotate_waits(world)[-1] == pytest.approx(83.0 - 12.5)


def test_the_last_moment_is_not_slept_over() -> None:
    world = RelayWorld.live(limits=Limits(upstream_life_s=100))
    world.respond("resp_1")
    world.timer("rotate", after=94.6)

    assert rotate_waits(world)[-1] == pytest.approx(0.4)


def test_a_successor_takes_over_at_once_when_the_present_one_dies() -> None:
    world = RelayWorld.live(limits=Limits(upstream_life_s=100))
    world.respond("resp_1")
    world.timer("rotate", after=83.0)
    world.open()
    world.effects.clear()
    world.lose()

    assert world.state.lane.is_passing
    assert not world.asked(Dial)
    assert world.state.surroundings.endpoints.live == 1


def test_a_successor_that_dies_is_no_loss() -> None:
    world = RelayWorld.live(limits=Limits(upstream_life_s=100))
    world.respond("resp_1")
    world.timer("rotate", after=83.0)
    successor = world.state.starting
    world.open()
    world.effects.clear()
    cause = fault("provider.server_error")
    world.do(heard.Erred(successor.generation, b"error", cause, "server_error", "x", None))

    assert world.down == []
    assert world.state.successor is None
    assert world.state.lane.is_passing


def test_a_long_wait_is_noted_where_it_is_news_and_told_with_its_end() -> None:
    world = RelayWorld.live(can_return=True)
    world.now += 60.0
    world.lose("provider.overloaded")
    world.timer("tell_trouble", after=0.3)
    waits: list[float] = []
    while not world.state.is_over:
        if world.state.upstream.is_starting:
            world.lose("provider.overloaded")
            continue
        waits = [one.seconds for one in world.effects if isinstance(one, StartTimer) and one.name == "retry"]
        world.timer("retry", after=waits[-1])

    noted = [one.facts["retry_in_ms"] for one in world.noted("upstream.waiting")]
    told = [one.facts.get("retry_in_ms") for one in world.effects if isinstance(one, SendNews)]
    assert len(waits) > 10
    assert noted == [1000, 2000, 4000]
    assert told == [None, 2000, 4000]
