"""The relay's answers: each that was begun ends once; what was not told is asked for again under its id."""

from __future__ import annotations

import pytest

from holdfast.core import effects
from holdfast.core import relay_events as heard
from holdfast.core.limits import Limits
from holdfast.core.relay_effects import AddItem, Ask, SendTerminal
from tests.core.relay_world import MANUAL, RelayWorld, ends


def asks(world: RelayWorld) -> list[Ask]:
    return [one for one in world.effects if isinstance(one, Ask)]


def test_a_response_of_which_nothing_was_told_goes_on_under_its_id() -> None:
    world = RelayWorld.live()
    request = world.say("response.create", "mine")
    world.respond("resp_1")
    world.output("resp_1", "item_1")
    world.effects.clear()

    world.rebuild()
    world.respond("resp_9")
    world.output("resp_9", "item_9")
    assert world.state.lane.voice == -1
    world.word("resp_9", "item_9", "hello")
    world.done("resp_9")

    (ask,) = asks(world)
    assert ask.original == request.raw
    assert world.down == [
        'transcript.delta "resp_1" "item_1" hello',
        'audio.delta "resp_1" "item_1" hello',
        'response.done "resp_1" completed',
    ]
    assert ends(world) == []
    assert world.state.lane.voice == world.generation


def test_a_response_that_was_told_in_part_ends_by_name_and_is_carried_on() -> None:
    world = RelayWorld.live()
    world.respond("resp_1")
    world.output("resp_1", "item_1")
    world.word("resp_1", "item_1", "one two")
    world.effects.clear()

    world.rebuild()

    assert ends(world) == [("resp_1", "incomplete", "upstream_lost")]
    (item,) = [one.item for one in world.effects if isinstance(one, AddItem)]
    assert (item.id, item.heard_text) == ("item_1", "one two")
    (ask,) = asks(world)
    assert ask.carry_on == "one two"
    world.respond("resp_2")
    assert world.down == ['response.created "resp_2"']


def test_the_parts_of_a_cut_answer_are_ended_and_none_of_them_twice() -> None:
    world = RelayWorld.live()
    world.respond("resp_1")
    world.output("resp_1", "item_1")
    world.word("resp_1", "item_1", "one two")
    g = world.generation
    world.do(heard.PartNews(g, b"sound done", "response.output_audio.done", "item_1"))
    world.lose()

    (end,) = [one for one in world.effects if isinstance(one, SendTerminal)]
    assert end.parts == {"item_1": ("words.done", "response.content_part.done")}
    assert end.body == b'response.created "resp_1"'

    world = RelayWorld.live()
    world.respond("resp_1")
    g = world.generation
    world.do(heard.OutputItemBegan(g, b"item", "resp_1", "item_1", "message", ""))
    world.do(heard.PartBegan(g, b"part", "resp_1", "item_1", is_spoken=False))
    world.word("resp_1", "item_1", "one", audio=False)
    world.lose()
    (end,) = [one for one in world.effects if isinstance(one, SendTerminal)]
    assert end.parts == {"item_1": ("words.done", "response.content_part.done")}


def test_a_cut_answer_beside_the_conversation_is_ended_item_by_item_too() -> None:
    world = RelayWorld.live()
    world.say("response.create", is_beside=True)
    world.respond("resp_1", is_beside=True)
    g = world.generation
    world.do(heard.OutputItemBegan(g, b"item", "resp_1", "item_1", "message", ""))
    world.do(heard.PartBegan(g, b"part", "resp_1", "item_1", is_spoken=False))
    world.word("resp_1", "item_1", "one ", audio=False)
    world.word("resp_1", "item_1", "two", audio=False)
    world.lose()

    (end,) = [one for one in world.effects if isinstance(one, SendTerminal)]
    (item,) = end.output
    assert (item.id, item.text, end.is_beside) == ("item_1", "one two", True)
    assert end.unended == {"item_1"}
    assert end.parts == {"item_1": ("words.done", "response.content_part.done")}
    assert world.state.mirror.get("item_1") is None, "it stands outside of the conversation"


def test_who_asks_for_every_answer_is_not_given_the_rest_unasked() -> None:
    world = RelayWorld.live(MANUAL)
    world.say("response.create")
    world.respond("resp_1")
    world.output("resp_1", "item_1")
    world.word("resp_1", "item_1", "one two")
    world.effects.clear()
    world.rebuild()

    assert ends(world) == [("resp_1", "incomplete", "upstream_lost")]
    assert asks(world) == []


@pytest.mark.parametrize(("on_loss", "count"), [("continue", 1), ("stop", 0)])
def test_the_client_may_say_what_becomes_of_a_cut_answer(on_loss: str, count: int) -> None:
    facts = MANUAL if on_loss == "continue" else None
    world = RelayWorld.live(facts, on_loss=on_loss)
    world.respond("resp_1")
    world.output("resp_1", "item_1")
    world.word("resp_1", "item_1", "one two")
    world.rebuild()

    assert len(asks(world)) == count


def test_sound_without_words_is_told_too() -> None:
    world = RelayWorld.live()
    world.turn("item_0", 0, 0)
    world.respond("resp_1")
    world.output("resp_1", "item_1")
    world.sound("resp_1", "item_1")
    world.effects.clear()
    world.rebuild()

    assert ends(world) == [("resp_1", "incomplete", "upstream_lost")]
    assert [(ask.original, ask.carry_on) for ask in asks(world)] == [(None, None)], "the turn is still owed"


def test_a_response_over_which_the_user_speaks_ends_cancelled() -> None:
    world = RelayWorld.live()
    world.respond("resp_1")
    world.output("resp_1", "item_1")
    world.word("resp_1", "item_1", "one two")
    world.begin_speech("item_2", 0)
    world.effects.clear()
    world.rebuild()

    assert ends(world) == [("resp_1", "cancelled", "turn_detected")]
    assert asks(world) == []


def test_a_call_that_was_made_stays_and_is_not_carried_on() -> None:
    world = RelayWorld.live()
    world.respond("resp_1")
    world.output("resp_1", "item_1", "function_call")
    world.tell_item("response.output_item.done", "item_1", "", "function_call", is_done=True)
    world.effects.clear()
    world.rebuild()

    assert ends(world) == [("resp_1", "incomplete", "upstream_lost")]
    assert [one.item.id for one in world.effects if isinstance(one, AddItem)] == ["item_1"]
    assert asks(world) == []


def test_a_response_beside_the_conversation_is_asked_for_again_as_it_was() -> None:
    world = RelayWorld.live()
    world.respond("resp_1")
    request = world.say("response.create", is_beside=True)
    world.respond("beside_1", is_beside=True)
    world.word("resp_1", "item_1", "one", audio=False)
    world.effects.clear()
    world.rebuild()

    assert ("resp_1", "incomplete", "upstream_lost") in ends(world)
    assert request.raw in [ask.original for ask in asks(world)]


def test_a_response_beside_is_known_by_its_request_where_the_server_does_not_say() -> None:
    world = RelayWorld.live()
    world.respond("resp_1")
    world.say("response.create", is_beside=True)
    world.respond("beside_1", is_beside=None)

    assert ends(world) == []
    assert len(world.state.responses.open) == 2


def test_an_untold_response_is_not_asked_for_for_ever() -> None:
    world = RelayWorld.live()
    world.say("response.create")
    world.respond("resp_1")
    for _ in range(5):
        world.rebuild()
        world.now += 60

    assert [one[0] for one in ends(world)] == ["resp_1"]
    assert len(asks(world)) == 1 + world.state.limits.turn_replays


def test_a_response_that_fails_for_the_providers_reasons_is_asked_for_once_more() -> None:
    world = RelayWorld.live()
    world.say("response.create")
    world.respond("resp_1")
    world.done("resp_1", "failed", "provider.server_error")
    assert 'response.done "resp_1" failed' not in world.down

    world.timer("reask", after=0.5)
    world.respond("resp_2")
    world.done("resp_2", "failed", "provider.server_error")

    assert len(asks(world)) == 1
    assert world.down[-1] == 'response.done "resp_1" failed'


def test_an_error_in_place_of_an_answer_is_asked_about_once_more() -> None:
    world = RelayWorld.live()
    world.speak(50)
    world.turn("item_1", 300, 800)
    world.effects.clear()
    world.err("server_error", name="provider.server_error")
    world.timer("reask", after=0.5)

    assert world.down == []
    assert len(asks(world)) == 1


def test_the_third_error_of_the_providers_own_moves_the_session() -> None:
    world = RelayWorld.live()
    first = world.generation
    for _ in range(3):
        world.err("server_error", name="provider.server_error")

    assert world.generation > first
    assert len(world.down) == 2


def test_an_expired_session_moves_at_once_and_silently() -> None:
    world = RelayWorld.live()
    first = world.generation
    world.err("session_expired", name="provider.session_expired")

    assert world.generation > first
    assert world.down == []


def test_one_end_for_each_beginning_even_from_an_upstream_that_forgets_or_repeats() -> None:
    world = RelayWorld.live()
    world.respond("resp_1")
    world.respond("resp_1")
    world.respond("resp_2")
    world.done("resp_1")
    world.done("resp_2")
    world.done("resp_2")

    assert [line for line in world.down if "created" in line] == [
        'response.created "resp_1"',
        'response.created "resp_2"',
    ]
    assert ends(world) == [("resp_1", "incomplete", "upstream_lost")]
    assert [line for line in world.down if "done" in line] == ['response.done "resp_2" completed']


def test_a_request_that_waits_is_not_doubled_by_one_of_ours() -> None:
    world = RelayWorld.live()
    world.speak(50)
    world.turn("item_1", 300, 800)
    request = world.say("response.create")
    world.effects.clear()
    world.rebuild()

    assert world.up[-1] == request.raw
    assert asks(world) == []


def test_an_answer_is_not_asked_for_while_the_user_speaks_on() -> None:
    world = RelayWorld.live()
    world.speak(100)
    world.turn("item_1", 300, 800)
    world.begin_speech("item_2", 1500)
    world.effects.clear()
    world.rebuild()

    assert asks(world) == []


def test_a_collision_of_ours_is_no_news() -> None:
    world = RelayWorld.live()
    world.speak(50)
    world.turn("item_1", 300, 800)
    world.rebuild()
    (ask,) = asks(world)
    world.respond("resp_9")
    world.effects.clear()
    world.err("conversation_already_has_active_response", ask.event_id)

    assert world.down == []
    assert ends(world) == []


def test_a_reopened_response_that_is_refused_ends_by_name() -> None:
    world = RelayWorld.live()
    world.say("response.create")
    world.respond("resp_1")
    world.rebuild()
    (ask,) = asks(world)
    world.err("invalid_value", ask.event_id)

    assert ends(world) == [("resp_1", "incomplete", "upstream_lost")]


def test_a_response_that_waits_for_an_upstream_can_be_cancelled() -> None:
    world = RelayWorld.live()
    world.say("response.create")
    world.respond("resp_1")
    world.lose()
    world.effects.clear()
    world.say("response.cancel", cancels="")
    assert ends(world) == [("resp_1", "cancelled", "client_cancelled")]

    world.open()
    assert asks(world) == []
    assert world.up == []


def test_a_cancelled_response_ends_cancelled_when_its_upstream_dies() -> None:
    world = RelayWorld.live()
    world.respond("resp_1")
    world.word("resp_1", "item_1", "one")
    cancel = world.say("response.cancel", cancels="resp_1")
    assert world.up == [cancel.raw]
    world.rebuild()

    assert ends(world) == [("resp_1", "cancelled", "turn_detected")]


# the watchdog


def test_an_answer_that_never_begins_is_asked_of_a_fresh_upstream() -> None:
    world = RelayWorld.live(limits=Limits(response_first_s=15))
    world.say("response.create")
    first = world.generation
    for _ in range(14):
        world.timer("response", after=1.0)
    assert world.generation == first
    world.timer("response", after=1.0)

    assert world.generation > first
    assert world.noted("upstream.reconnecting")[0].facts["fault"] == "provider.stalled"


def test_an_answer_that_stops_is_left_and_one_that_moves_is_not() -> None:
    world = RelayWorld.live(limits=Limits(response_stall_s=10))
    world.respond("resp_1")
    first = world.generation
    for _ in range(30):
        world.sound("resp_1", "item_1")
        world.timer("response", after=1.0)
    assert world.generation == first

    for _ in range(11):
        world.timer("response", after=1.0)
    assert world.generation > first


def test_an_answer_that_runs_is_looked_at_when_its_patience_would_end() -> None:
    world = RelayWorld.live(limits=Limits(response_stall_s=10))
    world.respond("resp_1")
    world.state.lane.said_at = world.now + 2.0  # by the short way, which makes no step
    (again,) = world.timer("response", after=3.0)
    assert isinstance(again, effects.StartTimer)
    assert (again.name, round(again.seconds, 6)) == ("response", 9.0)


def test_an_upstream_that_waits_for_its_own_tool_is_not_stalled() -> None:
    world = RelayWorld.live()
    world.respond("resp_1")
    world.do(heard.ToolAtWork(world.generation, b"mcp_call.in_progress", is_running=True))
    first = world.generation
    world.timer("response", after=60.0)

    assert world.generation == first


def test_nothing_is_watched_where_nothing_is_owed() -> None:
    world = RelayWorld.live()
    world.respond("resp_1")
    world.done("resp_1")
    first = world.generation

    assert world.timer("response", after=60.0) == []
    assert world.generation == first


def test_an_upstream_that_waits_for_its_own_server_is_waited_for_and_its_client_is_told_nothing() -> None:
    world = RelayWorld.live(limits=Limits(response_stall_s=10))
    world.respond("resp_1")
    first = world.generation
    for _ in range(20):
        assert world.do(heard.AtWork(first, b"holdfast.working")) == []
        world.timer("response", after=2.0)
    assert world.generation == first

    for _ in range(6):
        world.timer("response", after=2.0)
    assert world.generation > first
