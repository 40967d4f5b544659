"""The relay where its upstream dies: settings, items, unanswered speech, questions; told again, and once."""

from __future__ import annotations

from holdfast.core import relay_effects
from holdfast.core import relay_events as heard
from holdfast.core.effects import HangUp, StopTimer
from holdfast.core.limits import Limits
from holdfast.core.relay_effects import (
    AddItem,
    AddSpeech,
    Ask,
    Configure,
    SendDeleted,
    SendError,
    SendUp,
)
from holdfast.core.relay_mirror import RelayItem
from holdfast.core.relay_rebuild import merged
from tests.core.relay_world import APPEND_MS, MANUAL, RelayWorld

CREATE = "conversation.item.create"


def restored(world: RelayWorld) -> list[str]:
    return [one.item.id for one in world.effects if isinstance(one, AddItem)]


def order(world: RelayWorld) -> list[str]:
    """What a fresh upstream was told, in order."""
    names = {AddItem: "item", AddSpeech: "speech", Ask: "ask", SendUp: "up", Configure: "settings"}
    return [names[type(one)] for one in world.effects if type(one) in names]


# idle


def test_an_idle_session_moves_without_a_word_to_its_client() -> None:
    world = RelayWorld.live()
    world.rebuild()

    assert world.down == []
    assert not world.asked(SendError)
    assert world.state.lane.is_passing


def test_session_and_conversation_keep_the_ids_that_the_client_knows() -> None:
    world = RelayWorld.live()
    world.respond("resp_1", conversation_id="conv_1")
    world.done("resp_1")
    world.rebuild()
    g = world.generation
    world.effects.clear()
    world.do(heard.ConversationBegan(g, b'conversation.created "conv_2"', "conv_2"))
    world.do(heard.SessionUpdated(g, f'session.updated "sess_{g}"'.encode(), heard.SessionFacts()))
    world.respond("resp_2", conversation_id="conv_2")
    world.do(heard.Passed(g, b'anything "conv_2"'))

    assert world.down == [
        'session.updated "sess_1"',
        'response.created "resp_2" "conv_1"',
        'anything "conv_1"',
    ]


def test_confirmed_settings_are_told_first_and_their_confirmation_is_no_news() -> None:
    world = RelayWorld.live()
    world.say("session.update", settings={"type": "realtime", "instructions": "Be brief."})
    world.do(heard.SessionUpdated(world.generation, b"session.updated", heard.SessionFacts()))
    world.say("session.update", "second", settings={"instructions": "Be long."})
    world.effects.clear()

    world.rebuild()

    (settings,) = world.asked(Configure)
    assert isinstance(settings, Configure)
    assert settings.settings == {"type": "realtime", "instructions": "Be brief."}
    assert world.down == []
    assert world.up == [b'session.update second ""'], "what was not confirmed is asked again, as it was sent"


def test_settings_are_merged_field_by_field_and_a_new_type_begins_anew() -> None:
    before: dict[str, object] = {
        "audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 0.3}, "format": {"a": 1}}},
        "tools": [1],
        "instructions": "x",
    }
    update: dict[str, object] = {
        "audio": {"input": {"turn_detection": {"type": "semantic_vad"}}},
        "tools": [],
    }

    assert merged(before, update) == {
        "audio": {"input": {"turn_detection": {"type": "semantic_vad"}, "format": {"a": 1}}},
        "tools": [],
        "instructions": "x",
    }
    assert merged({"audio": {"input": {"x": {"type": "a", "b": 1}}}}, {"audio": {"input": {"x": None}}}) == {
        "audio": {"input": {"x": None}}
    }


def test_refused_settings_are_reduced_to_what_a_conversation_needs_once() -> None:
    world = RelayWorld.live()
    world.say("session.update", settings={"type": "realtime"})
    world.do(heard.SessionUpdated(world.generation, b"session.updated", heard.SessionFacts()))
    world.lose()
    world.open()
    world.err("invalid_value")

    first, second = world.asked(Configure)
    assert isinstance(first, Configure)
    assert isinstance(second, Configure)
    assert (first.is_essential, second.is_essential) == (False, True)
    world.err("invalid_value")
    assert world.noted("upstream.reconnecting")[-1].facts["fault"] == "configuration.session_refused"


def test_items_are_told_again_under_their_ids_and_their_echo_is_no_news() -> None:
    world = RelayWorld.live()
    world.add_item("item_1", "user", text="hello")
    world.add_item("item_2", "assistant", text="hi")
    world.add_item("item_3", "", "function_call", is_done=True)
    world.effects.clear()

    world.rebuild()
    world.add_item("item_1", "user", text="hello")
    world.tell_item("conversation.item.created", "item_2", "assistant")

    assert restored(world) == ["item_1", "item_2", "item_3"]
    assert world.down == []


def test_an_item_the_client_created_with_audio_is_told_again_as_it_was_sent() -> None:
    world = RelayWorld.live()
    theirs = RelayItem("mine", "message", "user", b'{"audio":"AAAA"}', is_rich=True)
    world.say(CREATE, item=theirs, item_id="mine")
    world.add_item("mine", "user")
    world.rebuild()

    (again,) = world.asked(AddItem)
    assert isinstance(again, AddItem)
    assert again.item.body == b'{"audio":"AAAA"}'


def test_what_was_deleted_is_not_told_again_and_what_was_cut_is_told_shorter() -> None:
    world = RelayWorld.live()
    world.add_item("item_1", "user", text="never mind")
    world.respond("resp_1")
    world.output("resp_1", "item_2")
    world.word("resp_1", "item_2", "one two three four five six", audio=False)
    for _ in range(10):
        world.sound("resp_1", "item_2", "x" * 6400)
    world.do(heard.ItemDeleted(world.generation, b"deleted", "item_1"))
    said = world.state.lane.said
    world.done("resp_1")
    half_ms = round(said * 3 / 4 / 48 / 2)
    world.do(heard.ItemCut(world.generation, b"truncated", "item_2", half_ms))
    world.rebuild()

    (again,) = world.asked(AddItem)
    assert isinstance(again, AddItem)
    assert again.item.id == "item_2"
    assert again.item.heard_text in {"one two", "one two three"}


def test_items_beyond_the_bound_are_forgotten_and_that_is_noted() -> None:
    world = RelayWorld.live(limits=Limits(conversation_items=3))
    for number in range(5):
        world.add_item(f"item_{number}", "user", text="x")
    world.rebuild()

    assert restored(world) == ["item_2", "item_3", "item_4"]
    assert [one.item_id for one in world.effects if isinstance(one, SendDeleted)] == ["item_0", "item_1"]
    assert world.noted("session.abridged")[0].facts["items"] == 2


def test_no_id_vanishes_without_a_word() -> None:
    world = RelayWorld.live()
    world.speak(50)
    world.turn("item_1", 300, 800)
    world.respond("resp_1")
    world.done("resp_1")
    world.respond("resp_2")
    world.output("resp_2", "item_2", "function_call")
    world.rebuild()

    assert restored(world) == ["item_1"], "by its place: its words were never written down"
    assert [one.item_id for one in world.effects if isinstance(one, SendDeleted)] == ["item_2"]


# speaking


def test_speech_that_was_being_said_is_heard_again_and_told_once() -> None:
    world = RelayWorld.live()
    world.speak(50)
    world.begin_speech("item_1", 800)
    said = world.speak(10)
    world.effects.clear()

    world.rebuild()

    first = (800 - 300) // APPEND_MS
    assert len(world.up) == 60 - first
    assert world.up[-10:] == said
    world.begin_speech("item_9", 300)
    world.end_speech("item_9", 600)
    world.commit("item_9")
    assert [line for line in world.down if "speech" in line or "committed" in line] == [
        'speech_stopped "item_1"',
        'committed "item_1"',
    ]
    assert 'conversation.item.added "item_1"' in world.down
    assert not [line for line in world.down if "item_9" in line]


def test_the_clock_of_a_fresh_upstream_is_told_as_the_clients() -> None:
    world = RelayWorld.live()
    world.speak(100)
    world.begin_speech("item_1", 1000)
    world.rebuild()
    world.begin_speech("item_9", 300)
    world.effects.clear()
    world.end_speech("item_9", 900)

    (down,) = world.asked(relay_effects.SendDown)
    assert isinstance(down, relay_effects.SendDown)
    assert down.late_ms == 700


def test_silence_before_the_last_turn_is_not_heard_again() -> None:
    world = RelayWorld.live()
    world.speak(50)
    world.turn("item_1", 200, 600)
    world.respond("resp_1")
    world.done("resp_1")
    world.effects.clear()
    world.rebuild()

    assert len(world.up) == (50 * APPEND_MS - 600) // APPEND_MS


def test_speech_that_found_no_room_is_named_when_its_upstream_dies() -> None:
    world = RelayWorld.live(limits=Limits(input_held_s=0.2, input_replayed_s=0.1))
    world.begin_speech("item_1", 300)
    world.speak(100)
    world.lose()

    (error,) = world.asked(SendError)
    assert isinstance(error, SendError)
    assert error.code == "audio_lost"
    assert world.noted("audio.lost")[0].facts["from_ms"] == 0
    world.effects.clear()
    world.open()
    world.rebuild()
    assert not world.asked(SendError), "named once"


def test_a_client_that_commits_by_hand_loses_nothing_it_has_not_committed() -> None:
    world = RelayWorld.live(MANUAL)
    answered = world.speak(10)
    world.say("input_audio_buffer.commit")
    open_end = world.speak(5)
    world.commit("item_1")
    world.effects.clear()

    world.rebuild()

    (speech,) = world.asked(AddSpeech)
    assert isinstance(speech, AddSpeech)
    assert speech.item_id == "item_1"
    assert (speech.appends, speech.skip, speech.size) == (tuple(answered), 0, sum(map(len, answered)))
    assert world.up == open_end
    assert not world.asked(Ask), "who asks for every answer is not given one unasked"


def test_a_commit_that_was_not_answered_is_asked_again_in_its_place() -> None:
    world = RelayWorld.live(MANUAL)
    before = world.speak(10)
    commit = world.say("input_audio_buffer.commit")
    request = world.say("response.create")
    after = world.speak(3)
    world.effects.clear()

    world.rebuild()

    assert world.up == [*before, commit.raw, request.raw, *after]


def test_what_the_client_took_back_is_not_heard_again() -> None:
    world = RelayWorld.live(MANUAL)
    world.speak(10)
    world.say("input_audio_buffer.clear")
    kept = world.speak(2)
    world.do(heard.InputCleared(world.generation, b"cleared"))
    world.effects.clear()
    world.rebuild()

    assert world.up == kept


# committed


def test_a_turn_without_an_answer_is_told_as_speech_and_answered_once() -> None:
    world = RelayWorld.live()
    world.speak(50)
    world.turn("item_1", 300, 800)
    world.effects.clear()

    world.rebuild()

    assert order(world)[:1] == ["speech"]
    assert order(world)[-1] == "ask"
    assert len(world.asked(Ask)) == 1
    world.add_item("item_1", "user")
    world.respond("resp_9")
    assert world.down == ['response.created "resp_9"']


def test_a_turn_whose_end_was_told_and_not_its_commit_is_committed_by_name() -> None:
    world = RelayWorld.live()
    world.speak(50)
    world.begin_speech("item_1", 300)
    world.end_speech("item_1", 800)
    world.effects.clear()
    world.rebuild()
    world.add_item("item_1", "user")

    (committed,) = world.asked(relay_effects.SendCommitted)
    assert isinstance(committed, relay_effects.SendCommitted)
    assert committed.item_id == "item_1"
    assert world.down == ['conversation.item.added "item_1"', 'conversation.item.done "item_1"']


def test_a_turn_no_upstream_can_answer_is_given_up_by_name() -> None:
    world = RelayWorld.live()
    world.speak(50)
    world.turn("item_1", 300, 800)
    for _ in range(4):
        world.rebuild()
        world.now += 60

    assert len(world.asked(AddSpeech)) == world.state.limits.turn_replays
    assert [one.code for one in world.effects if isinstance(one, SendError)] == ["provider.response_failed"]


def test_a_transcript_is_told_once() -> None:
    world = RelayWorld.live()
    world.speak(50)
    world.turn("item_1", 300, 800)
    world.do(heard.Heard(world.generation, b"delta 1", "delta", "item_1", ""))
    world.rebuild()
    world.effects.clear()
    g = world.generation
    world.do(heard.Heard(g, b"delta 1", "delta", "item_1", ""))
    world.do(heard.Heard(g, b"completed", "completed", "item_1", "hello"))
    world.do(heard.Heard(g, b"completed", "completed", "item_1", "hello"))

    assert world.down == ["completed"]


def test_a_successor_that_has_to_take_over_early_keeps_its_deadlines() -> None:
    world = RelayWorld.live(limits=Limits(upstream_life_s=100))
    world.timer("rotate", after=83.0)
    world.effects.clear()
    world.lose()
    assert StopTimer("dial") not in world.effects
    world.timer("dial", after=10.0)
    assert world.asked(HangUp)
