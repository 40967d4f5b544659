"""A dial that hangs while a later one is answered: it is given up, and held against nobody."""

from __future__ import annotations

import pytest

from holdfast.core import effects, events, relay_effects
from holdfast.core.effects import StartTimer
from holdfast.core.faults import fault
from holdfast.core.recovery import DialNow, Recovery
from tests.core.node import DOWN, KEY, Node
from tests.core.outage import Outage, Spell
from tests.core.relay_world import RelayWorld
from tests.core.world import World

TOO_LONG = fault("provider.handshake_timeout")


class Shut(Node):
    """A node whose only upstream has failed, and four of whose probes have hung: the fifth is patient."""

    def __init__(self) -> None:
        super().__init__()
        self.break_endpoint()
        for _ in range(4):
            self.now += 4.0
            recovery, dial = self.dial()
            assert (dial.is_probe, dial.patience_s) == (True, 4.0)
            self.endpoints.dropped(self.fail(recovery, TOO_LONG, after=4.0))

    def left(self, recovery: Recovery) -> float:
        return self.endpoints.patience_left(recovery, self.now)


def test_a_patient_probe_goes_on_as_long_as_its_session_holds_out_and_is_looked_at_twice_a_second() -> None:
    node = Shut()
    recovery, dial = node.dial()
    assert (dial.is_probe, dial.patience_s) == (True, 35.0)
    began = node.now
    node.now = began + 4.0
    assert node.left(recovery) == 0.5
    node.now = began + 34.75
    assert node.left(recovery) == 0.25
    for late_s in (0.0, 2.0):
        node.now = began + 35.0 + late_s
        assert node.left(recovery) == 0.0


def test_a_patient_probe_is_given_up_when_a_later_dial_was_answered_and_its_session_dials_again_at_once() -> (
    None
):
    node = Shut()
    hung, _ = node.dial()
    node.now += 4.0
    later, dial = node.dial()
    assert dial.is_probe
    node.now += 0.25
    assert node.left(hung) == 0.5
    node.go_live(later)
    assert node.left(hung) == 0.0
    tokens = node.endpoints.status(node.now)[0].tokens
    node.fail(hung, TOO_LONG)
    assert hung.cause == TOO_LONG
    assert node.endpoints.status(node.now)[0].tokens == tokens
    assert node.dial(hung)[1] == DialNow(0, is_probe=False, patience_s=30.75)


def test_dials_that_began_before_an_endpoint_came_back_do_not_shut_it_again() -> None:
    node = Node()
    hanging = [node.dial()[0] for _ in range(6)]
    node.break_endpoint()
    node.now += 4.0
    node.live()
    for recovery in hanging:
        node.endpoints.dropped(node.fail(recovery, DOWN))
    assert node.state() == "closed"


def test_a_dial_that_is_refused_is_refused_however_old_it_is() -> None:
    node = Shut()
    hung, _ = node.dial()
    node.now += 4.0
    node.live()
    node.fail(hung, KEY)
    assert node.end(hung).cause == KEY


def test_the_dial_that_was_answered_has_not_overtaken_itself_nor_those_after_it() -> None:
    node = Shut()
    node.live(after=0.25)
    recovery, _ = node.dial()
    assert node.left(recovery) == 0.5
    node.fail(recovery, DOWN)
    assert node.wait(recovery).reason == "e0 failed"


@pytest.mark.parametrize("seed", range(30))
def test_in_whichever_moment_an_upstream_that_hung_comes_back_all_are_there_within_five_seconds(
    seed: int,
) -> None:
    back = 70.0 + 0.7 * seed  # its probes go every four seconds, and every fifth is patient
    world = Outage(1, 100, [Spell(0, 10.0, back, None)], seed=seed)
    world.run(10.0)
    world.cut(100)
    world.run(back + 5.0)
    assert world.live == 100


def test_beside_a_patient_probe_the_next_one_is_waited_for_like_any_other() -> None:
    node = Shut()
    node.dial()
    node.now += 4.0
    node.dial()
    node.now += 0.1
    waits = node.wait(node.starting())
    assert waits.reason == "another session asks whether e0 is back"
    assert waits.seconds <= 0.5


# a session asks


def looks(done: list[effects.Effect] | list[relay_effects.RelayEffect]) -> list[float]:
    return [e.seconds for e in done if isinstance(e, StartTimer) and e.name == "dial_patience"]


def test_a_session_looks_at_a_dial_that_takes_long_and_lets_it_go_on() -> None:
    world = World.new()
    world.create()
    assert looks(world.do(events.TimerFired("dial_patience"), after=4.0)) == [0.5]
    assert world.generation == 1
    again = world.do(events.TimerFired("dial_patience"), after=31.0)
    assert effects.HangUp(1) in again


def test_a_client_of_the_openai_dialect_waits_for_its_upstream_as_long() -> None:
    world = RelayWorld.new()
    assert looks(world.do(events.TimerFired("dial_patience"), after=4.0)) == [0.5]
    again = world.do(events.TimerFired("dial_patience"), after=31.0)
    assert effects.HangUp(1) in again
