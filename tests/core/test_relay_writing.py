"""Relayed transcription sessions: every turn is written once, under the id that the client knows."""

from __future__ import annotations

from holdfast.core import relay_events as heard
from holdfast.core.limits import Limits
from holdfast.core.relay_effects import AddItem, AddSpeech, Ask, SendDeleted, SendError
from holdfast.core.relay_events import SessionFacts
from tests.core.relay_world import RelayWorld, append

WRITING = SessionFacts(kind="transcription", answers_turns=False, interrupts=False)
BY_HAND = SessionFacts(kind="transcription", hears_turns=False, answers_turns=False, interrupts=False)
COMMIT = "input_audio_buffer.commit"


def write(world: RelayWorld, item_id: str, text: str = "hello", kind: str = "completed") -> None:
    raw = f'{kind} "{item_id}" {text}'.encode()
    world.do(heard.Heard(world.generation, raw, kind, item_id, text))  # type: ignore[arg-type] # tests pass literals


def rebuild(world: RelayWorld, facts: SessionFacts) -> None:
    world.now += 60.0
    world.lose()
    world.effects.clear()
    world.open(facts)
    assert world.state.upstream.is_live


def test_a_turn_is_done_when_it_is_written_and_others_are_heard_again() -> None:
    world = RelayWorld.live(WRITING)
    world.speak(50)
    world.turn("item_1", 300, 500)
    write(world, "item_1")
    world.turn("item_2", 800, 950)
    write(world, "item_2", "hel", "delta")
    rebuild(world, WRITING)

    assert world.up == [append(number) for number in range(25, 50)]  # from where the first turn ended
    assert not [one for one in world.effects if isinstance(one, AddSpeech | Ask)]
    assert [one.item.id for one in world.effects if isinstance(one, AddItem)] == ["item_1"]
    world.effects.clear()
    world.turn("new_1", 300, 450)
    write(world, "new_1", "hel", "delta")
    assert world.down == []
    write(world, "new_1")
    write(world, "new_1")
    assert world.down == ['completed "item_2" hello']
    assert not world.state.spoken.turns


def test_a_turn_in_the_middle_of_which_the_upstream_dies_goes_on_under_its_id() -> None:
    world = RelayWorld.live(WRITING)
    world.speak(25)
    world.begin_speech("item_1", 300)
    rebuild(world, WRITING)
    world.effects.clear()
    world.speak(10)
    world.turn("new_1", 300, 600)
    write(world, "new_1")
    assert world.down[0] == 'speech_stopped "item_1"'
    assert world.down[-1] == 'completed "item_1" hello'
    assert not any("new_1" in one or "speech_started" in one for one in world.down)


def test_turns_ended_by_hand_are_ended_again_by_the_clients_own_messages() -> None:
    world = RelayWorld.live(BY_HAND)
    for number in (1, 2):
        world.speak(20)
        world.say(COMMIT, f"e{number}")
        world.commit(f"item_{number}")
    rebuild(world, BY_HAND)

    commits = [at for at, raw in enumerate(world.up) if raw.startswith(COMMIT.encode())]
    assert commits == [20, 41]
    assert len(world.up) == 42
    world.effects.clear()
    for number in (1, 2):
        world.commit(f"new_{number}")
    assert world.down == []
    write(world, "new_2")
    write(world, "new_1")
    assert world.down == ['completed "item_2" hello', 'completed "item_1" hello']
    assert not world.state.kept.ends


def test_a_turn_that_the_next_upstream_does_not_find_is_gone_by_name() -> None:
    world = RelayWorld.live(WRITING)
    world.speak(150)
    world.turn("item_1", 300, 800)
    world.turn("item_2", 2000, 2500)
    rebuild(world, WRITING)
    world.effects.clear()
    world.turn("new_2", 2000, 2500)
    assert [one for one in world.effects if isinstance(one, SendDeleted)] == [SendDeleted("item_1")]
    write(world, "new_2")
    assert world.down == ['completed "item_2" hello']


def test_a_turn_that_no_upstream_can_write_is_named_as_lost() -> None:
    limits = Limits()
    world = RelayWorld.live(WRITING, limits=limits)
    world.speak(50)
    world.turn("item_1", 300, 800)
    for _ in range(limits.turn_replays):
        rebuild(world, WRITING)
    world.now += 60.0
    world.lose()
    named = [one for one in world.effects if isinstance(one, SendError)]
    assert [one.code for one in named] == ["audio_lost"]
    assert not world.state.spoken.turns
