"""Audio that is cut inside a sample: sound for whoever hears it again, not noise."""

from __future__ import annotations

from holdfast.core import relay_events as heard
from holdfast.core.relay_effects import AddSpeech, PadAudio
from tests.core.relay_world import MANUAL, RelayWorld


def odd(world: RelayWorld, count: int) -> None:
    """The client sends audio cut inside a sample."""
    for number in range(count):
        world.do(heard.ClientAudioSent(b"a%d" % number + bytes(959)))


def test_audio_cut_inside_a_sample_stays_audio_for_a_fresh_upstream() -> None:
    world = RelayWorld.live(MANUAL)
    odd(world, 3)
    world.say("input_audio_buffer.commit")
    world.commit("item_1")
    world.say("response.create")
    world.respond("resp_1")
    world.done("resp_1")
    odd(world, 2)
    world.rebuild()

    assert world.asked(PadAudio), "the first message that it hears begins with half a sample"
    assert world.state.base == 3 * 961 - 1
    world.effects.clear()
    odd(world, 1)
    world.rebuild()
    assert len(world.asked(PadAudio)) == 1
    assert world.state.base == 3 * 961 - 1

    world.say("input_audio_buffer.clear")
    world.do(heard.InputCleared(world.generation, b"cleared"))
    world.effects.clear()
    world.rebuild()
    assert not world.asked(PadAudio), "what comes after a clear begins with a whole one"


def test_a_turn_that_is_told_again_is_whole_samples() -> None:
    world = RelayWorld.live(MANUAL)
    odd(world, 3)
    world.say("input_audio_buffer.commit")
    world.commit("item_1")
    odd(world, 2)
    world.say("input_audio_buffer.commit")
    world.commit("item_2")
    world.rebuild()

    first, second = world.asked(AddSpeech)
    assert isinstance(first, AddSpeech)
    assert isinstance(second, AddSpeech)
    assert (first.skip, first.size) == (0, 3 * 961 - 1)
    assert (second.skip, second.size) == (1, 2 * 961 - 2)
