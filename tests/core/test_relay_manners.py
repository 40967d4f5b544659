"""Work-arounds behind `/v1/realtime`: what may be tried with an upstream in trouble; what is the client's."""

from __future__ import annotations

import pytest

from holdfast.core.effects import Dial, Manner, StartTimer
from holdfast.core.relay_effects import Ask, SendUp
from tests.core.relay_world import RelayWorld, append

ALL = (Manner.PLAIN, Manner.MINIMAL_AUDIO, Manner.PACED_AUDIO, Manner.OTHER_MODEL)
SECOND = 50
"""Audio messages in a second."""


def manners(world: RelayWorld) -> list[Manner]:
    return [one.manner for one in world.effects if isinstance(one, Dial)]


@pytest.mark.parametrize(("has_own_model", "last"), [(True, Manner.PACED_AUDIO), (False, Manner.OTHER_MODEL)])
def test_another_model_is_tried_where_the_client_named_none(*, has_own_model: bool, last: Manner) -> None:
    world = RelayWorld.live(workarounds=ALL, has_own_model=has_own_model)
    for _ in range(4):
        world.rebuild()

    assert manners(world) == [Manner.PLAIN, Manner.PACED_AUDIO, last, last]


def test_the_clients_own_trouble_is_no_reason_and_an_answer_ends_it() -> None:
    world = RelayWorld.live(workarounds=ALL)
    world.now += 60.0
    world.lose("configuration.session_refused")
    assert not world.state.line.troubles

    world = RelayWorld.live(workarounds=ALL)
    world.rebuild()
    world.respond("resp_1")
    world.done("resp_1")
    world.rebuild()
    assert manners(world) == [Manner.PLAIN, Manner.PLAIN]


def sent(world: RelayWorld) -> list[bytes]:
    return [one.raw for one in world.effects if isinstance(one, SendUp) and one.raw.startswith(b"a")]


def test_held_audio_is_paced_and_what_comes_meanwhile_waits_behind_it() -> None:
    world = RelayWorld.live(workarounds=(Manner.PACED_AUDIO,))
    world.now += 60.0
    world.lose()
    world.effects.clear()
    world.speak(2 * SECOND + 10)
    asked = world.say("response.create", "client_1")
    world.open()
    assert sent(world) == [append(number) for number in range(SECOND)]
    assert world.state.kept.is_pacing

    world.speak(5)
    world.timer("pace", after=0.25)
    assert len(sent(world)) == 2 * SECOND
    world.timer("pace", after=0.25)

    assert sent(world) == [append(number) for number in range(2 * SECOND + 15)]
    raws = [one.raw for one in world.effects if isinstance(one, SendUp)]
    assert raws.index(asked.raw) == 2 * SECOND + 10
    assert world.state.lane.is_passing
    assert not world.asked(Ask)
    paces = [one for one in world.effects if isinstance(one, StartTimer) and one.name == "pace"]
    assert len(paces) == 2


def test_a_link_that_dies_while_it_is_paced_gives_all_to_the_next() -> None:
    world = RelayWorld.live(workarounds=(Manner.PACED_AUDIO,))
    world.now += 60.0
    world.lose()
    world.speak(2 * SECOND)
    world.open()
    world.now += 60.0
    world.lose()
    assert not world.state.kept.is_pacing
    world.effects.clear()
    world.open()
    world.timer("pace", after=0.25)

    assert sent(world) == [append(number) for number in range(2 * SECOND)]
    assert world.state.lane.is_passing
