"""One upstream follows another before its end: when, how, and that nobody hears of it (reliability, B13)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.core import effects, events, notices
from holdfast.core.events import ClientAudio
from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from tests.core.world import OPENAI, World, pcm, speak, user_turn


def test_a_link_is_left_before_its_end_when_nobody_speaks() -> None:
    world = World.live()
    speak(world, 5)
    world.do(events.TimerFired("rotate"), after=3000.0)
    assert effects.Dial(2, 0) in world.effects
    assert not world.asked(effects.HangUp)
    world.do(ClientAudio(pcm(480, 3)))
    assert world.sent_audio().endswith(pcm(480, 3))

    new = world.do(
        events.UpstreamOpened(2), events.UpstreamCreated(2, "sess_2"), events.UpstreamConfigured(2)
    )
    assert new.index(effects.Adopt(2)) < new.index(effects.HangUp(1))
    world.do(events.UpstreamLost(1, fault("provider.closed")))
    assert not world.told(notices.Error)
    world.do(ClientAudio(pcm(480, 4)))
    assert world.sent_audio().endswith(pcm(480, 4))


def test_a_successor_waits_for_the_answer_to_end() -> None:
    world = World.live()
    user_turn(world)
    world.respond()
    world.do(events.TimerFired("rotate"), after=3000.0)
    world.do(events.UpstreamOpened(2), events.UpstreamCreated(2, "s"), events.UpstreamConfigured(2))
    assert effects.Adopt(2) not in world.effects
    world.do(events.ResponseEnded(1, "resp_1", "completed"))
    assert effects.Adopt(2) in world.effects


@pytest.mark.parametrize("tells_ends", [True, False])
def test_a_successor_waits_for_the_last_sound_that_an_end_may_have_overtaken(*, tells_ends: bool) -> None:
    world = World.live()
    world.do(events.TimerFired("rotate"), after=3000.0)
    user_turn(world)
    world.respond()
    world.link_lives(2)
    if tells_ends:
        world.do(events.OutputAudioEnded(1, "resp_1", "item_1"))
    world.do(events.ResponseEnded(1, "resp_1", "completed"))
    assert (effects.Adopt(2) in world.effects) is tells_ends
    world.do(events.OutputAudio(1, "resp_1", "item_1", pcm(2400, 9)), after=0.01)
    assert any(isinstance(e, effects.Play) and e.pcm == pcm(2400, 9) for e in world.effects) is not tells_ends
    world.do(events.TimerFired("rotate"), after=2.0)
    assert effects.Adopt(2) in world.effects


def test_a_sound_whose_end_nobody_told_keeps_no_successor_waiting_an_hour_later() -> None:
    world = World.live()
    world.respond()
    world.do(events.ResponseEnded(1, "resp_1", "completed"))
    world.do(events.TimerFired("rotate"), after=3000.0)
    assert effects.Adopt(2) in world.link_lives(2)


def test_a_link_that_still_gets_what_was_held_is_not_left_before_it_has_all_of_it() -> None:
    world = World.new(upstreams=(replace(OPENAI, workarounds=(effects.Manner.PACED_AUDIO,)),))
    world.create()
    world.go_live()
    world.now += 10
    world.lose("provider.server_error")
    world.redial()
    for _ in range(125):
        world.do(ClientAudio(pcm(480, 5)))
    world.go_live()
    world.do(events.TimerFired("rotate"))
    assert effects.Adopt(3) not in world.link_lives(3)
    world.do(events.TimerFired("pace"), events.TimerFired("pace"), after=0.25)
    assert world.sent_audio() == pcm(480, 5) * 125
    assert effects.Adopt(3) in world.do(events.TimerFired("rotate"), after=1.0)


def successor_waits(world: World, life_s: float = 100.0) -> None:
    """An answer is under way, and the successor is live behind it, at 83 % of the first link's life."""
    user_turn(world)
    world.respond()
    world.do(events.TimerFired("rotate"), after=0.83 * life_s)
    world.do(events.UpstreamOpened(2), events.UpstreamCreated(2, "s", "m", life_s))
    world.do(events.UpstreamConfigured(2))
    assert not world.asked(effects.HangUp)


def rotate_waits(world: World) -> list[float]:
    return [e.seconds for e in world.effects if isinstance(e, effects.StartTimer) and e.name == "rotate"]


def test_a_forced_change_is_not_followed_by_another_look_at_once() -> None:
    world = World.live(limits=Limits(upstream_life_s=100.0))
    successor_waits(world)
    world.do(events.TimerFired("rotate"), after=12.5)
    assert effects.HangUp(1) in world.effects
    assert rotate_waits(world)[-1] == pytest.approx(83.0 - 12.5)


def test_a_successor_that_had_to_wait_is_as_old_as_it_is() -> None:
    world = World.live(limits=Limits(upstream_life_s=100.0))
    successor_waits(world)
    world.do(events.ResponseEnded(1, "resp_1", "completed"), after=10.0)
    assert effects.HangUp(1) in world.effects
    assert rotate_waits(world)[-1] == pytest.approx(83.0 - 10.0)


def test_a_successor_that_fails_costs_nothing() -> None:
    world = World.live()
    world.do(events.TimerFired("rotate"), after=3000.0)
    world.do(events.UpstreamLost(2, fault("provider.unreachable")))
    assert not world.asked(effects.Finish)
    world.do(ClientAudio(pcm(480, 3)))
    assert world.sent_audio() == pcm(480, 3)


def test_a_successor_that_has_to_take_over_early_keeps_its_deadlines() -> None:
    world = World.live()
    world.do(events.TimerFired("rotate"), after=3000.0)
    lost = world.lose()
    assert not [e for e in lost if e in {effects.StopTimer("dial"), effects.StopTimer("dial_patience")}]
    world.do(events.TimerFired("dial"), after=10.0)
    world.redial()
    assert world.generation == 3


def test_a_thousand_rotations_ask_for_no_response() -> None:
    world = World.live()
    user_turn(world)
    world.respond()
    world.do(events.ResponseEnded(1, "resp_1", "completed"))
    for n in range(2, 1002):
        world.do(events.TimerFired("rotate"), after=3000.0)
        world.do(events.UpstreamOpened(n), events.UpstreamCreated(n, "s"), events.UpstreamConfigured(n))
        world.do(ClientAudio(pcm(480, 3)))
    assert world.generation == 1001
    assert not world.asked(effects.Respond)
    assert len(world.told(notices.ResponseStarted)) == 1


def test_a_change_that_could_not_wait_names_what_may_not_have_been_heard() -> None:
    limits = Limits(upstream_life_s=100.0, input_replayed_s=0.1, input_held_s=0.1, audio_burst_s=10.0)
    world = World.live(limits=limits)
    successor_waits(world)
    heard_to = world.session.state.received
    for number in range(50):  # faster than it was spoken, as what was held is handed over
        world.do(ClientAudio(pcm(480, number)))
    world.do(events.TimerFired("rotate"), after=12.5)
    until = world.session.state.received - 2400
    assert world.told(notices.AudioLost) == [notices.AudioLost("input", heard_to, until, "upstream_lost")]
