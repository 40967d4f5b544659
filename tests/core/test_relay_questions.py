"""The relay's questions where its upstream dies: each is answered once, whoever answers; and other races."""

from __future__ import annotations

import pytest

from holdfast.core import relay_effects
from holdfast.core import relay_events as heard
from holdfast.core.limits import Limits
from holdfast.core.relay_effects import (
    AddItem,
    Configure,
    SendError,
    SendUp,
)
from tests.core.relay_world import RelayWorld


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("conversation.item.retrieve", heard.ItemRetrieved),
        ("conversation.item.delete", heard.ItemDeleted),
    ],
)
def test_a_question_is_asked_again_until_it_is_answered(kind: str, answer: type) -> None:
    world = RelayWorld.live()
    question = world.say(kind, "mine", item_id="item_1")
    world.effects.clear()
    world.rebuild()
    assert world.up == [question.raw]

    world.do(answer(world.generation, b"answer", "item_1"))
    world.effects.clear()
    world.rebuild()
    assert world.up == []


def test_a_question_that_was_refused_is_not_asked_again() -> None:
    world = RelayWorld.live()
    world.say("conversation.item.create", "mine")
    world.err("invalid_value", "mine")
    world.say("input_audio_buffer.commit")
    world.err("input_audio_buffer_commit_empty")
    world.effects.clear()
    world.rebuild()

    assert world.up == []


@pytest.mark.parametrize(
    ("param", "still_asked"),
    [
        ("session.tracing", [b'response.create None ""']),
        ("response.metadata", [b'session.update None ""']),
        ("audio", [b'session.update None ""', b'response.create None ""']),
        ("type", [b'session.update None ""', b'response.create None ""']),
        ("", [b'response.create None ""']),
    ],
)
def test_a_refusal_that_names_no_event_is_known_by_its_field(param: str, still_asked: list[bytes]) -> None:
    world = RelayWorld.live()
    world.say("session.update", settings={"tracing": 7})
    world.say("response.create")
    world.err("invalid_value", param=param)
    world.effects.clear()
    world.rebuild()

    assert world.up == still_asked


def test_a_question_no_upstream_answers_is_refused_by_name() -> None:
    world = RelayWorld.live()
    world.say("conversation.item.retrieve", "mine", item_id="item_1")
    for _ in range(4):
        world.rebuild()
        world.now += 60

    errors = [one for one in world.effects if isinstance(one, SendError)]
    assert [(one.code, one.event_id) for one in errors] == [("provider.response_failed", "mine")]


def test_refusals_of_our_own_messages_are_not_the_clients_business() -> None:
    world = RelayWorld.live()
    world.add_item("item_1", "user", text="hello")
    world.rebuild()
    (item,) = world.asked(AddItem)
    assert isinstance(item, AddItem)
    world.effects.clear()
    world.err("invalid_value", item.event_id)

    assert world.down == []
    assert world.noted("rebuild.refused")


def test_a_refusal_that_names_nobody_is_about_our_own_oldest_message() -> None:
    world = RelayWorld.live()
    world.add_item("item_1", "user", text="hello")
    world.rebuild()
    world.effects.clear()
    world.err("invalid_value")
    assert world.down == []

    world.err("invalid_value")
    assert world.down == ["error invalid_value None"]


def test_a_cut_of_an_item_that_is_text_now_is_made_here() -> None:
    world = RelayWorld.live()
    world.add_item("item_0", "user", text="hello")
    world.respond("resp_1")
    world.output("resp_1", "item_1")
    world.word("resp_1", "item_1", "one two three four")
    world.done("resp_1")
    world.rebuild()
    world.effects.clear()

    world.say("conversation.item.truncate", item_id="item_1", audio_end_ms=0)
    world.do(heard.ItemDeleted(world.generation, b"deleted", "item_1"))

    kinds = [type(one).__name__ for one in world.effects]
    assert kinds == ["SendTruncated", "RemoveItem", "SendDeleted"], (
        "nothing was heard, so nothing is put back"
    )
    assert world.up == []
    assert world.down == []


def test_a_cut_that_was_not_answered_is_made_here() -> None:
    world = RelayWorld.live()
    world.respond("resp_1")
    world.output("resp_1", "item_1")
    world.word("resp_1", "item_1", "one two three four")
    world.done("resp_1")
    world.say("conversation.item.truncate", item_id="item_1", audio_end_ms=1)
    world.effects.clear()
    world.rebuild()

    (cut,) = world.asked(relay_effects.SendTruncated)
    assert isinstance(cut, relay_effects.SendTruncated)
    assert (cut.item_id, cut.audio_end_ms) == ("item_1", 1)
    assert world.up == []


def test_settings_that_change_while_a_successor_waits_are_told_to_it() -> None:
    world = RelayWorld.live(limits=Limits(upstream_life_s=100))
    world.respond("resp_1")
    world.timer("rotate", after=83.0)
    world.open()
    world.say("session.update", settings={"instructions": "new"})
    world.do(heard.SessionUpdated(world.generation, b"session.updated", heard.SessionFacts()))
    world.effects.clear()

    world.done("resp_1")

    assert [type(one).__name__ for one in world.effects if isinstance(one, Configure | SendUp)] == [
        "Configure"
    ]
    world.do(heard.SessionUpdated(world.generation, b"ours", heard.SessionFacts()))
    assert "ours" not in world.down


def test_an_upstream_that_counts_its_events_is_kept_apart() -> None:
    world = RelayWorld.new()
    world.open(event_id="event_1")
    world.lose()
    world.open(event_id="event_1")
    world.effects.clear()
    world.do(heard.Passed(world.generation, b"rate_limits.updated"))

    (down,) = world.asked(relay_effects.SendDown)
    assert isinstance(down, relay_effects.SendDown)
    assert down.mark == "_2"
    assert world.state.lane.voice == -1, "audio bears event ids, too"


def test_another_kind_of_upstream_is_told_so() -> None:
    world = RelayWorld.live(names=2)
    world.say("session.update", settings={"type": "realtime"})
    world.do(heard.SessionUpdated(world.generation, b"session.updated", heard.SessionFacts()))
    world.lose()
    world.lose("configuration.invalid_api_key")
    world.open()

    settings = world.asked(Configure)[-1]
    assert isinstance(settings, Configure)
    assert (settings.endpoint, settings.is_foreign) == (1, True)
