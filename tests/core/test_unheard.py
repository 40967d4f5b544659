"""The user speaks and the upstream tells nothing of it: named, left, and when neither may be."""

from __future__ import annotations

import pytest

from holdfast.core import effects, events, notices
from holdfast.core.events import ClientGone, ResumeAsked, SessionOptions
from holdfast.core.hearing import LEFT_MAX, Unheard
from holdfast.core.unheard import may_count
from tests.core.world import World, noted, speak, told, user_turn

CODE = "provider.not_listening"


def unheard(world: World, speech_s: float = 2.0) -> list[effects.Effect]:
    return world.do(Unheard(world.generation, speech_s))


def statuses(step: list[effects.Effect]) -> list[tuple[str, str]]:
    """What was told of the state: and the fault's code."""
    found = [one for one in told(step, notices.Status) if isinstance(one, notices.Status)]
    return [(one.state, one.fault.code if one.fault is not None else "") for one in found]


def may_be_listened_to(world: World) -> bool:
    return may_count(world.session.state, world.now)


def test_it_is_told_with_evidence_and_the_upstream_is_left() -> None:
    world = World.live()
    said = speak(world, 100)
    world.now += 6

    step = unheard(world)

    assert statuses(step) == [("degraded", CODE)]
    [fact] = noted(step, "upstream.unheard")
    assert (fact["fault"], fact["party"], fact["upstream_session"]) == (CODE, "provider", "sess_1")
    assert fact["evidence"] == ["2.0 s of speech were given, and nothing was told of them within 5 s"]
    assert noted(step, "upstream.reconnecting")[0]["fault"] == CODE
    assert world.generation == 2
    world.effects.clear()
    world.go_live()
    assert world.sent_audio() == said, "the next one is told what was said"
    assert statuses(world.effects) == [("live", "")]


def test_it_is_left_so_often_and_then_only_named_once() -> None:
    world = World.live()
    for number in range(LEFT_MAX):
        assert world.generation == number + 1
        speak(world, 100)
        world.now += 6
        unheard(world)
        world.go_live()
    speak(world, 100)
    world.now += 6

    step = unheard(world)
    again = unheard(world)

    assert statuses(step) == [("degraded", CODE)]
    assert world.generation == LEFT_MAX + 1
    assert world.session.state.upstream.is_live
    assert again == []


def test_who_hears_after_all_is_well_again() -> None:
    world = World.live()
    world.session.state.line.unheard = LEFT_MAX
    speak(world, 100)
    world.now += 6
    unheard(world)

    step = world.do(events.SpeechBegan(world.generation, "item_u", 0))

    assert statuses(step) == [("live", "")]


def test_a_work_around_is_tried_with_the_next_link() -> None:
    world = World.live()
    speak(world, 100)
    world.now += 6
    unheard(world)

    assert world.session.state.line.troubles == {0: 1}


def test_another_links_audio_says_nothing_of_this_one() -> None:
    world = World.live()
    world.rebuild()

    assert world.do(Unheard(1, 5.0)) == []
    assert world.generation == 2


def of_a_turn(world: World) -> None:
    user_turn(world)


def of_a_beginning(world: World) -> None:
    world.do(events.SpeechBegan(world.generation, "item_u", 0))


def of_an_answer_that_nobody_asked_for(world: World) -> None:
    world.do(
        events.ResponseBegan(world.generation, "resp_1"),
        events.ResponseEnded(world.generation, "resp_1", "completed"),
    )


@pytest.mark.parametrize("sign", [of_a_turn, of_a_beginning, of_an_answer_that_nobody_asked_for])
def test_who_has_told_of_speech_hears(sign: object) -> None:
    world = World.live()
    sign(world)  # type: ignore[operator] # one of the three

    assert world.session.state.upstream.hears
    assert unheard(world) == []


def test_an_answer_to_what_was_typed_shows_nothing_of_its_ears() -> None:
    world = World.live()
    world.do(events.TextGiven("hello"))
    world.respond()
    world.do(events.ResponseEnded(world.generation, "resp_1", "completed"))

    assert world.session.state.upstream.hears is None


def test_whose_turns_are_ended_by_hand_need_not_be_told_of_speech() -> None:
    world = World.live(SessionOptions(turn_detection="manual"))
    speak(world, 100)

    assert not may_be_listened_to(world)
    assert unheard(world) == []


def test_who_only_writes_down_need_not_tell_of_speech() -> None:
    world = World.live(SessionOptions(mode="transcription"))
    speak(world, 100)

    assert not may_be_listened_to(world)
    assert unheard(world) == []


def test_nobody_is_listened_to_while_an_answer_is_owed_comes_or_sounds() -> None:
    world = World.live()
    assert may_be_listened_to(world)
    world.do(events.TextGiven("hello"))
    assert not may_be_listened_to(world)
    world.respond(samples=48_000)
    assert not may_be_listened_to(world)
    world.do(events.ResponseEnded(world.generation, "resp_1", "completed"))
    assert not may_be_listened_to(world), "two seconds of it are still to be heard"
    world.now += 3
    assert may_be_listened_to(world)


def test_nobody_is_listened_to_who_is_away_and_who_is_back_is_again() -> None:
    world = World.live()
    world.do(ClientGone(1006, ""))
    assert not may_be_listened_to(world)
    world.do(ResumeAsked("epoch", 0, "token"), after=1.0)
    assert may_be_listened_to(world)


def test_nobody_is_listened_to_while_no_upstream_is_there() -> None:
    world = World.live()
    world.lose()

    assert not may_be_listened_to(world)
    assert unheard(world) == []
