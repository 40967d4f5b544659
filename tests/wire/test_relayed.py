"""What the relay looks at in an original, and what its own words look like."""

from __future__ import annotations

import base64
import json
from itertools import count
from typing import Any, Literal

import pytest

from holdfast.core import relay_effects as words
from holdfast.core import relay_events as events
from holdfast.core.faults import fault
from holdfast.core.relay_ending import PART_DONE, SOUND_DONE, WORDS_DONE
from holdfast.core.relay_mirror import RelayItem
from holdfast.wire import relay_words, relayed
from holdfast.wire.upstream import BreachError
from tests.wire.strict import judge_server_event

MOMENT = relayed.Moment(1000.0, 0.25)


def read(kind: str, **fields: Any) -> Any:
    return relayed.read(json.dumps({"type": kind, **fields}).encode(), kind, 1, MOMENT)


def client(kind: str, **fields: Any) -> Any:
    return relayed.read_client(json.dumps({"type": kind, **fields}).encode(), kind)


def said(raw: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(raw)
    return found


@pytest.mark.parametrize("size", [0, 1, 2, 3, 958, 959, 960, 4800])
def test_the_audio_of_a_message_is_measured_as_it_is(size: int) -> None:
    pcm = bytes(size)
    raw = json.dumps({"event_id": "audio", "type": relayed.APPEND, "audio": base64.b64encode(pcm).decode()})
    assert relayed.audio_bytes(raw.encode()) == size
    assert relayed.audio_of(raw.encode()) == pcm


@pytest.mark.parametrize("audio", [5, None, "not base64!", ["x"]])
def test_what_is_no_audio_has_none(audio: object) -> None:
    raw = json.dumps({"type": relayed.APPEND, "audio": audio}).encode()
    assert relayed.audio_of(raw) == b""
    assert relayed.audio_bytes(raw) <= 9


def test_a_session_says_how_its_turns_end() -> None:
    detection = {"type": "semantic_vad", "create_response": False, "interrupt_response": False}
    audio = {"input": {"turn_detection": detection, "format": {"type": "audio/pcmu"}}}
    session = {"id": "sess", "type": "realtime", "expires_at": 1600, "audio": audio}
    created = read("session.created", event_id="event_1", session=session)

    assert created.lifetime_s == 600.0
    assert created.facts == events.SessionFacts(
        answers_turns=False, interrupts=False, input_bytes_per_ms=8, output_bytes_per_ms=48
    )
    manual = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
    assert not read("session.updated", session=manual).facts.hears_turns
    assert read("session.updated", session={"type": "transcription"}).facts.answers_turns is False
    assert not read("session.updated", session={"turn_detection": None}).facts.hears_turns


def test_a_response_outside_of_the_conversation_has_no_conversation() -> None:
    assert read("response.created", response={"id": "r", "conversation_id": None}).is_beside is True
    assert read("response.created", response={"id": "r", "conversation_id": "c"}).is_beside is False
    assert read("response.created", response={"id": "r"}).is_beside is None


def test_a_failed_response_bears_its_fault() -> None:
    details = {"type": "failed", "error": {"type": "server_error", "code": None}}
    ended = read("response.done", response={"id": "r", "status": "failed", "status_details": details})
    assert ended.fault.code == "provider.server_error"


def test_an_item_is_read_with_its_words_and_whether_it_holds_more() -> None:
    content = [{"type": "input_text", "text": "look: "}, {"type": "input_image", "image_url": "data:,"}]
    told = read(
        "conversation.item.added", item={"id": "i", "type": "message", "role": "user", "content": content}
    )
    assert (told.item.text, told.item.is_rich, told.item.role) == ("look: ", True, "user")
    assert isinstance(read("conversation.item.added", item={"type": "message"}), events.Passed)


def test_a_client_message_is_read_as_far_as_it_is_answered() -> None:
    item = {
        "id": "mine",
        "type": "message",
        "role": "user",
        "content": [{"type": "input_audio", "audio": "AA=="}],
    }
    asked = client("conversation.item.create", event_id="e", previous_item_id="root", item=item).asked
    assert (asked.event_id, asked.item_id, asked.is_first, asked.item.is_rich) == ("e", "mine", True, True)
    assert client("response.create", response={"conversation": "none"}).asked.is_beside
    assert client("response.cancel", response_id="r").cancels == "r"
    assert client("holdfast.ack", received=7) == events.ClientAcknowledged(7)
    assert client("session.update", session=5).asked.settings is None


def test_fields_of_other_types_are_the_clients_to_judge_and_broken_json_is_a_breach() -> None:
    assert isinstance(read("response.done", response=["x"]), events.Passed)
    assert isinstance(read("unknown.event", item=5), events.Passed)
    with pytest.raises(BreachError):
        relayed.read(b'{"type":"error","error":{', "error", 1, MOMENT)


# our own words


def configure(*, is_foreign: bool = False, is_essential: bool = False) -> words.Configure:
    settings = {
        "type": "realtime",
        "model": "m",
        "instructions": "x",
        "tracing": "auto",
        "audio": {
            "input": {"transcription": {"model": "whisper-1", "language": "en"}, "turn_detection": None},
            "output": {"voice": "verse", "speed": 1.2},
        },
    }
    return words.Configure(1, 0, "e", settings, is_foreign, is_essential)


def test_settings_go_to_the_same_kind_as_they_are_but_for_what_is_fixed() -> None:
    session = said(relay_words.session_update(configure(), ("marin",), None))["session"]
    assert session == {name: value for name, value in configure().settings.items() if name != "model"}


def test_another_kind_is_not_told_what_it_does_not_know() -> None:
    session = said(relay_words.session_update(configure(is_foreign=True), ("marin",), "local"))["session"]
    assert session == {
        "type": "realtime",
        "instructions": "x",
        "audio": {
            "input": {"transcription": {"model": "local"}, "turn_detection": None},
            "output": {"speed": 1.2},
        },
    }


def test_the_essentials_are_what_a_conversation_cannot_do_without() -> None:
    session = said(relay_words.session_update(configure(is_essential=True), ("marin",), None))["session"]
    assert session == {"type": "realtime", "instructions": "x", "audio": {"input": {"turn_detection": None}}}


def test_items_are_put_back_in_the_form_a_client_may_send() -> None:
    answer = RelayItem(
        "a", "message", "assistant", b'{"status":"completed"}', "one two three", heard_share=0.6
    )
    call = RelayItem(
        "c",
        "function_call",
        "",
        b'{"type":"function_call","object":"x","name":"n","arguments":"{}","call_id":"k"}',
    )
    heard = RelayItem(
        "h", "message", "user", b'{"content":[{"type":"input_audio","transcript":null}]}', "hello"
    )
    shapes = [said(relay_words.add_item(words.AddItem(one, "e"))) for one in (answer, call, heard)]

    assert [shape["item"] for shape in shapes] == [
        {
            "id": "a",
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "one two"}],
        },
        {"id": "c", "type": "function_call", "call_id": "k", "name": "n", "arguments": "{}"},
        {"id": "h", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]},
    ]
    assert said(relay_words.add_item(words.AddItem(heard, "e", "root")))["previous_item_id"] == "root"


def test_speech_is_made_of_the_clients_messages() -> None:
    def append(pcm: bytes) -> bytes:
        return json.dumps({"type": relayed.APPEND, "audio": base64.b64encode(pcm).decode()}).encode()

    effect = words.AddSpeech("i", "e", (append(b"abcd"), append(b"efg")), skip=2, size=4)
    (part,) = said(relay_words.add_speech(effect))["item"]["content"]
    assert base64.b64decode(part["audio"]) == b"cdef"


def test_a_request_is_made_again_as_it_was_under_an_id_of_ours() -> None:
    original = b'{"type":"response.create","event_id":"mine","response":{"instructions":"x"}}'
    assert said(relay_words.ask(words.Ask("holdfast_ask_1", original))) == {
        "type": "response.create",
        "event_id": "holdfast_ask_1",
        "response": {"instructions": "x"},
    }
    rest = said(relay_words.ask(words.Ask("holdfast_ask_2", carry_on="one two")))
    assert rest["event_id"] == "holdfast_ask_2"
    assert rest["response"]["metadata"] == {"holdfast_carry_on": "one two"}
    assert said(relay_words.ask(words.Ask("e"))) == {"type": "response.create", "event_id": "e"}


def test_a_clock_is_set_and_an_id_marked() -> None:
    raw = b'{"type":"input_audio_buffer.speech_started","event_id":"event_1","audio_start_ms":40}'
    assert said(relay_words.altered(raw, 1000, "_2")) == {
        "type": "input_audio_buffer.speech_started",
        "event_id": "event_1_2",
        "audio_start_ms": 1040,
    }


@pytest.mark.parametrize(
    ("status", "reason"), [("incomplete", "upstream_lost"), ("cancelled", "turn_detected")]
)
def test_a_terminal_event_is_one_that_strict_clients_accept(
    status: Literal["incomplete", "cancelled"], reason: str
) -> None:
    spoken = RelayItem("i", "message", "assistant", text="one", said_from=0, said=100)
    call = RelayItem("c", "function_call", text="", body=b'{"call_id":"call_1","name":"balance"}')
    cause = fault("provider.connection_lost")
    effect = words.SendTerminal("r", status, reason, cause, (spoken, call), frozenset({"i", "c"}))

    for raw in relay_words.terminal(effect, map(str, range(9))):
        judge_server_event(said(raw))


def test_a_terminal_event_ends_what_was_open() -> None:
    item = RelayItem("i", "message", "assistant", text="one", said_from=0, said=100)
    cause = fault("provider.connection_lost")
    effect = words.SendTerminal("r", "incomplete", "upstream_lost", cause, (item,), frozenset({"i"}))
    ids = iter(["1", "2", "3"])
    told = [said(raw) for raw in relay_words.terminal(effect, ids)]

    assert [one["type"] for one in told] == [
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    response = told[-1]["response"]
    assert response["usage"]["input_token_details"]["cached_tokens_details"]["audio_tokens"] == 0
    assert response["status_details"]["error"] == {
        "type": "upstream_lost",
        "code": "provider.connection_lost",
    }
    assert response["output"][0]["content"] == [{"type": "output_audio", "transcript": "one"}]
    assert response["output"][0]["status"] == "incomplete"


@pytest.mark.parametrize("is_spoken", [True, False])
def test_the_end_of_a_part_that_had_begun_is_told_in_the_official_shape(*, is_spoken: bool) -> None:
    item = RelayItem("item_1", "message", "assistant", text="one", said_from=0, said=100, is_spoken=is_spoken)
    ends = (SOUND_DONE, WORDS_DONE, PART_DONE) if is_spoken else (WORDS_DONE, PART_DONE)
    body = (
        b'{"object":"realtime.response","id":"resp_other","status":"in_progress","output":[],'
        b'"conversation_id":"conv_1","output_modalities":["audio"],"max_output_tokens":"inf",'
        b'"metadata":{"client_event_id":"e"},"usage":null}'
    )
    effect = words.SendTerminal(
        "resp_1", "cancelled", "turn_detected", None, (item,), frozenset({"item_1"}), {"item_1": ends}, body
    )
    told = [said(raw) for raw in relay_words.terminal(effect, map(str, count(1)))]

    spoken = ["response.output_audio.done", "response.output_audio_transcript.done"]
    assert [one["type"] for one in told] == [
        *(spoken if is_spoken else ["response.output_text.done"]),
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    for event in told:
        judge_server_event(event)
    response = told[-1]["response"]
    assert (response["id"], response["conversation_id"]) == ("resp_1", "conv_1")
    assert response["metadata"] == {"client_event_id": "e"}


def test_what_begins_tells_its_conversation_and_whether_it_is_spoken() -> None:
    begun = read("response.created", response={"id": "resp_1", "conversation_id": "conv_1"})
    assert (begun.conversation_id, begun.is_beside) == ("conv_1", False)
    assert json.loads(begun.body)["id"] == "resp_1"
    assert read("response.created", response={"id": "resp_1", "conversation_id": None}).is_beside
    assert read("conversation.created", conversation={"id": "conv_1"}).conversation_id == "conv_1"
    assert read("response.content_part.added", part={"type": "audio"}).is_spoken
    assert not read("response.content_part.added", part={"type": "text"}).is_spoken
    assert (
        read("error", error={"type": "x", "message": "m", "param": "session.voice"}).param == "session.voice"
    )
    odd = read("response.created", response={"id": 7})
    assert isinstance(odd, events.Passed), "its fields are its client's to judge"


def test_an_item_beside_the_conversation_ends_in_its_response_alone() -> None:
    item = RelayItem("item_1", "message", "assistant", text="one", is_spoken=False)
    effect = words.SendTerminal(
        "resp_1", "incomplete", "upstream_lost", None, (item,), frozenset({"item_1"}), is_beside=True
    )
    told = [said(raw)["type"] for raw in relay_words.terminal(effect, map(str, count(1)))]

    assert told == ["response.output_item.done", "response.done"]
