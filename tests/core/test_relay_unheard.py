"""The same behind `/v1/realtime`: those who run the gateway hear of it, a fresh upstream hears the user."""

from __future__ import annotations

from dataclasses import replace

from holdfast.core.events import ClientGone
from holdfast.core.hearing import LEFT_MAX, Unheard
from holdfast.core.relay_events import SessionFacts
from holdfast.core.relay_unheard import may_count
from tests.core.relay_world import MANUAL, RelayWorld

CODE = "provider.not_listening"


def unheard(world: RelayWorld, speech_s: float = 2.0) -> None:
    world.do(Unheard(world.generation, speech_s))


def may_be_listened_to(world: RelayWorld) -> bool:
    return may_count(world.state, world.now)


def test_it_is_noted_with_evidence_and_the_next_upstream_is_told_what_was_said() -> None:
    world = RelayWorld.live()
    said = world.speak(100)
    world.now += 6

    unheard(world)

    [note] = world.noted("upstream.unheard")
    assert (note.facts["fault"], note.facts["party"], note.level) == (CODE, "provider", "warning")
    assert note.facts["evidence"] == ["2.0 s of speech were given, and nothing was told of them within 5 s"]
    assert world.generation == 2
    world.effects.clear()
    world.open()
    assert world.up == said


def test_it_is_left_so_often_and_then_only_named_once() -> None:
    world = RelayWorld.live()
    for number in range(LEFT_MAX):
        assert world.generation == number + 1
        world.speak(100)
        world.now += 6
        unheard(world)
        world.open()
    world.now += 6
    unheard(world)
    unheard(world)

    assert world.generation == LEFT_MAX + 1
    assert len(world.noted("upstream.unheard")) == LEFT_MAX + 1
    assert world.state.lane.is_passing


def test_who_has_told_of_speech_hears() -> None:
    for sign in ("begin", "commit", "answer"):
        world = RelayWorld.live()
        world.speak(50)
        if sign == "begin":
            world.begin_speech("item_u", 0)
        elif sign == "commit":
            world.commit("item_u")
        else:
            world.respond("resp_1")
        unheard(world)
        assert world.state.upstream.hears, sign
        assert not world.noted("upstream.unheard"), sign


def test_an_answer_that_was_asked_for_shows_nothing_of_its_ears() -> None:
    world = RelayWorld.live()
    world.say("response.create")
    world.respond("resp_1")
    world.done("resp_1")

    assert world.state.upstream.hears is None


def test_who_need_not_tell_of_speech_is_not_blamed() -> None:
    telephone = SessionFacts(input_bytes_per_ms=8)
    for facts in (MANUAL, replace(SessionFacts(), kind="transcription"), telephone):
        world = RelayWorld.live(facts)
        world.speak(100)
        unheard(world)
        assert not may_be_listened_to(world)
        assert not world.noted("upstream.unheard"), facts


def test_nobody_is_listened_to_while_an_answer_is_owed_comes_or_sounds() -> None:
    world = RelayWorld.live()
    assert may_be_listened_to(world)
    world.say("response.create")
    assert not may_be_listened_to(world)
    world.respond("resp_1")
    world.output("resp_1", "item_1")
    world.sound("resp_1", "item_1", "x" * 128_000)  # two seconds as base64
    world.tell_item("conversation.item.done", "item_1", "assistant")
    assert not may_be_listened_to(world)
    world.done("resp_1")
    world.now += 1.9
    assert not may_be_listened_to(world)
    world.now += 0.2
    assert may_be_listened_to(world)


def test_nobody_is_listened_to_who_is_away_or_has_no_upstream() -> None:
    away = RelayWorld.live(can_return=True)
    away.do(ClientGone(1006, ""))
    gone = RelayWorld.live()
    gone.lose()

    assert not may_be_listened_to(away)
    assert not may_be_listened_to(gone)
