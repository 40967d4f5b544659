"""A relayed conversation leaves its upstream before its end: at a quiet moment, or at the last one."""

from __future__ import annotations

import pytest

from holdfast.core import relay_events as heard
from holdfast.core.effects import Dial, StartTimer
from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from tests.core.relay_world import RelayWorld, ends


def test_a_session_moves_before_its_end_at_a_quiet_moment() -> None:
    world = RelayWorld.live(limits=Limits(upstream_life_s=100))
    old = world.generation
    world.add_item("item_1", "user", text="hello")
    world.respond("resp_1")
    world.timer("rotate", after=83.0)
    world.open()
    assert world.generation == old
    assert world.state.voice == old
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

    assert world.state.is_passing
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
    assert world.state.is_passing
