"""Items and input audio: order, ids, cutting, removing, and what each side is told."""

import base64
from typing import Any

import pytest

from holdfast.wire.realtime.items import ITEMS_MAX
from tests.wire.realtime_dialog import Dialog, kinds, only_error, silence
from tests.wire.strict import judge_server_event


def ids(dialog: Dialog) -> list[str]:
    return [item["id"] for item in dialog.host.items]


def test_a_user_message_is_added_and_done() -> None:
    added, done = Dialog().say("hello", item={"id": "mine"})

    assert (added["type"], done["type"]) == ("conversation.item.added", "conversation.item.done")
    assert added["item"]["id"] == "mine"
    assert added["item"]["object"] == "realtime.item"
    assert added["previous_item_id"] is None


def test_items_go_where_the_client_wants_them() -> None:
    dialog = Dialog()
    dialog.say("b", item={"id": "b"})
    dialog.say("d", item={"id": "d"})
    dialog.say("a", item={"id": "a"}, previous_item_id="root")
    [added, _] = dialog.say("c", item={"id": "c"}, previous_item_id="b")

    assert ids(dialog) == ["a", "b", "c", "d"]
    assert added["previous_item_id"] == "b"


def test_an_unknown_place_or_a_known_id_adds_nothing() -> None:
    dialog = Dialog()
    dialog.say("a", item={"id": "a"})

    assert only_error(dialog.say("b", previous_item_id="nowhere"))["param"] == "previous_item_id"
    assert only_error(dialog.say("b", item={"id": "a"}))["param"] == "item.id"
    assert ids(dialog) == ["a"]


@pytest.mark.parametrize(
    ("role", "given", "kept"),
    [
        ("system", {"type": "text", "text": "x"}, {"type": "input_text", "text": "x"}),
        ("user", {"type": "text", "text": "x"}, {"type": "input_text", "text": "x"}),
        ("assistant", {"type": "text", "text": "x"}, {"type": "output_text", "text": "x"}),
        ("assistant", {"type": "output_text", "text": "x"}, {"type": "output_text", "text": "x"}),
        ("assistant", {"type": "audio", "transcript": "x"}, {"type": "output_audio", "transcript": "x"}),
        (
            "user",
            {"type": "input_image", "image_url": "data:image/png;base64,AA=="},
            {"type": "input_image", "image_url": "data:image/png;base64,AA=="},
        ),
    ],
)
def test_both_spellings_of_a_part_are_read(role: str, given: dict[str, str], kept: dict[str, str]) -> None:
    [added, _] = Dialog().send(
        "conversation.item.create", item={"type": "message", "role": role, "content": [given]}
    )

    assert added["item"]["content"] == [kept]


def test_user_audio_in_an_item_is_kept_for_retrieval() -> None:
    dialog = Dialog()
    pcm = bytes(range(200))
    part = {"type": "audio", "audio": base64.b64encode(pcm).decode()}
    [added, _] = dialog.send(
        "conversation.item.create", item={"type": "message", "role": "user", "content": [part]}
    )
    assert added["item"]["content"] == [{"type": "input_audio", "transcript": None}]

    [retrieved] = dialog.send("conversation.item.retrieve", item_id=added["item"]["id"])
    assert base64.b64decode(retrieved["item"]["content"][0]["audio"]) == pcm


def test_a_restored_conversation_keeps_its_ids_and_its_order() -> None:
    dialog = Dialog()
    pcm = base64.b64encode(silence(100)).decode()
    given: list[dict[str, Any]] = [
        {"id": "s", "type": "message", "role": "system", "content": [{"type": "input_text", "text": "x"}]},
        {"id": "u", "type": "message", "role": "user", "content": [{"type": "input_audio", "audio": pcm}]},
        {"id": "f", "type": "function_call", "call_id": "call_9", "name": "balance", "arguments": "{}"},
        {"id": "o", "type": "function_call_output", "call_id": "call_9", "output": "20"},
        {
            "id": "a",
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "20"}],
        },
    ]
    previous = None
    for item in given:
        added, done = dialog.send("conversation.item.create", item=item, previous_item_id=previous)
        assert (added["type"], done["type"]) == ("conversation.item.added", "conversation.item.done")
        for event in (added, done):
            assert (event["item"]["id"], event["previous_item_id"]) == (item["id"], previous)
            assert event["item"]["status"] == "completed"
            assert event["item"].get("call_id") == item.get("call_id")
            judge_server_event(event)
        previous = item["id"]

    assert ids(dialog) == ["s", "u", "f", "o", "a"]
    assert [told for told, _ in dialog.notes.told] == ["item_created"] * 5


def test_a_result_without_its_call_is_refused_as_the_service_does() -> None:
    dialog = Dialog()
    item = {"id": "o", "type": "function_call_output", "call_id": "call_9", "output": "20"}
    error = only_error(dialog.send("conversation.item.create", item=item, event_id="e1"))
    assert (error["code"], error["event_id"]) == ("invalid_tool_call_id", "e1")
    assert error["message"] == "Tool call ID 'call_9' not found in conversation."
    assert ids(dialog) == []


def test_a_result_of_the_server_s_own_call_is_taken() -> None:
    dialog = Dialog()
    writer = dialog.host.begin_response()
    call_id = writer.function_call("balance", "{}")
    writer.done()
    item = {"type": "function_call_output", "call_id": call_id, "output": "20"}
    [added, _] = dialog.send("conversation.item.create", item=item)
    assert added["item"]["call_id"] == call_id


@pytest.mark.parametrize(
    ("audio_format", "size", "ms"),
    [({"type": "audio/pcm", "rate": 24000}, 4800, 100), ({"type": "audio/pcmu"}, 800, 100)],
)
def test_recorded_speech_is_in_the_session_s_format_and_is_heard_at_its_part(
    audio_format: dict[str, Any], size: int, ms: int
) -> None:
    dialog = Dialog()
    dialog.update(audio={"input": {"format": audio_format, "transcription": {"model": "whisper-1"}}})
    recording = {"type": "input_audio", "audio": base64.b64encode(bytes(size)).decode()}
    content = [{"type": "input_text", "text": "and now:"}, recording]
    [added, _] = dialog.send(
        "conversation.item.create", item={"type": "message", "role": "user", "content": content}
    )
    item_id = added["item"]["id"]
    assert len(dialog.host.item_audio(item_id)) == ms * 48

    dialog.host.transcript_completed(item_id, "hello", ms / 1000)
    dialog.host.transcript_failed(item_id, "audio_unintelligible", "noise")
    completed, failed = dialog.take()
    assert (completed["item_id"], completed["content_index"]) == (item_id, 1)
    assert failed["content_index"] == 1
    [retrieved] = dialog.send("conversation.item.retrieve", item_id=item_id)
    assert retrieved["item"]["content"][0] == content[0]
    assert retrieved["item"]["content"][1]["transcript"] == "hello"


def test_what_is_transcribed_may_have_been_deleted_meanwhile() -> None:
    dialog = Dialog()
    dialog.update(audio={"input": {"transcription": {"model": "whisper-1"}}})
    dialog.speak(silence(200))
    item_id = dialog.host.commit()
    dialog.send("conversation.item.delete", item_id=item_id)
    dialog.host.transcript_completed(item_id, "hello", 0.2)
    [completed] = dialog.take()
    assert (completed["item_id"], completed["content_index"]) == (item_id, 0)


BAD_ITEMS: list[tuple[dict[str, Any], str, str]] = [
    ({}, "missing_required_parameter", "item.type"),
    ({"type": "song"}, "invalid_value", "item.type"),
    ({"type": "message", "role": "user"}, "missing_required_parameter", "item.content"),
    ({"type": "message", "role": "judge", "content": []}, "invalid_value", "item.role"),
    (
        {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "audio": "AAAA"}]},
        "unknown_parameter",
        "item.content[0].audio",
    ),
    (
        {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "!"}]},
        "invalid_value",
        "item.content[0].audio",
    ),
    ({"type": "function_call_output", "output": "x"}, "missing_required_parameter", "item.call_id"),
    ({"type": "function_call", "name": "f", "arguments": {}}, "invalid_type", "item.arguments"),
    (
        {"type": "mcp_approval_response", "id": "a", "approval_request_id": "b", "approve": True},
        "invalid_value",
        "item.approval_request_id",
    ),
]


@pytest.mark.parametrize(("item", "code", "param"), BAD_ITEMS)
def test_a_bad_item_is_refused(item: dict[str, Any], code: str, param: str) -> None:
    dialog = Dialog()
    error = only_error(dialog.send("conversation.item.create", item=item, event_id="e1"))

    assert (error["code"], error["param"], error["event_id"]) == (code, param, "e1")
    assert ids(dialog) == []


def test_delete_and_retrieve_are_never_silent() -> None:
    dialog = Dialog()
    dialog.say("a", item={"id": "a"})

    assert dialog.send("conversation.item.retrieve", item_id="a")[0]["item"]["id"] == "a"
    assert dialog.send("conversation.item.delete", item_id="a")[0]["item_id"] == "a"
    assert (
        only_error(dialog.send("conversation.item.delete", item_id="a"))["code"]
        == "item_delete_invalid_item_id"
    )
    assert (
        only_error(dialog.send("conversation.item.retrieve", item_id="a"))["code"]
        == "item_retrieve_invalid_item_id"
    )


def test_truncating_takes_the_words_away_and_tells_the_responder() -> None:
    dialog = Dialog()
    writer = dialog.host.begin_response()
    message = writer.message()
    message.transcript("one two three")
    message.audio(silence(1000))
    writer.done()

    [truncated] = dialog.send(
        "conversation.item.truncate", item_id=message.item_id, content_index=0, audio_end_ms=400
    )
    assert (truncated["type"], truncated["audio_end_ms"]) == ("conversation.item.truncated", 400)
    assert dialog.host.items[-1]["content"] == [{"type": "output_audio"}]
    assert dialog.notes.told[-1] == ("truncated", (message.item_id, 400))


def test_truncating_beyond_what_was_said_is_refused() -> None:
    dialog = Dialog()
    dialog.say("a", item={"id": "a"})
    writer = dialog.host.begin_response()
    message = writer.message()
    message.audio(silence(1000))
    writer.done()

    def truncate(item_id: str, ms: int) -> dict[str, Any]:
        return only_error(
            dialog.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=ms)
        )

    dialog.take()
    assert truncate(message.item_id, 1001)["code"] == "invalid_value"
    assert truncate("gone", 10)["code"] == "item_truncate_invalid_item_id"
    assert truncate("a", 10)["code"] is None


def test_odd_bytes_wait_for_the_next_chunk() -> None:
    dialog = Dialog()
    whole = bytes(range(11)) + b"\x0b"
    for start, end in ((0, 1), (1, 4), (4, 5), (5, 11), (11, 12)):
        assert dialog.speak(whole[start:end]) == []

    assert dialog.notes.pcm == whole


def test_a_commit_needs_a_tenth_of_a_second() -> None:
    dialog = Dialog()
    dialog.speak(silence(99))
    assert only_error(dialog.send("input_audio_buffer.commit"))["code"] == "input_audio_buffer_commit_empty"

    dialog.speak(silence(1))
    events = dialog.send("input_audio_buffer.commit")
    assert kinds(events) == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]
    assert {event.get("item_id") or event["item"]["id"] for event in events} == {dialog.host.items[0]["id"]}
    assert only_error(dialog.send("input_audio_buffer.commit"))["code"] == "input_audio_buffer_commit_empty"


def test_clear_drops_what_was_not_committed() -> None:
    dialog = Dialog()
    dialog.speak(silence(500) + b"\x01")

    assert kinds(dialog.send("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    assert dialog.notes.told == [("audio_cleared", None)]
    assert only_error(dialog.send("input_audio_buffer.commit"))["code"] == "input_audio_buffer_commit_empty"


def test_clear_is_answered_at_once_and_alone_whatever_goes_on() -> None:
    dialog = Dialog()
    assert kinds(dialog.send("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    writer = dialog.host.begin_response()
    writer.message().transcript("I am")
    assert kinds(dialog.send("input_audio_buffer.clear", event_id="alive")) == ["input_audio_buffer.cleared"]


def test_a_long_append_is_kept_until_it_was_listened_to() -> None:
    dialog = Dialog()
    dialog.speak(silence(16_000))
    pcm = b"".join(bytes([ms % 251, 1]) * 24 for ms in range(20_000))
    dialog.speak(pcm)
    item_id = dialog.host.speech_started(17_000)
    dialog.host.speech_stopped(35_000)
    dialog.host.commit()
    assert dialog.host.item_audio(item_id) == pcm[1_000 * 48 : 19_000 * 48]


def test_silence_may_become_a_turn() -> None:
    dialog = Dialog()
    dialog.speak(silence(9_000))
    item_id = dialog.host.idle_timeout(3_000)
    events = dialog.take()
    assert kinds(events) == [
        "input_audio_buffer.timeout_triggered",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]
    assert (events[0]["audio_start_ms"], events[0]["audio_end_ms"]) == (3_000, 9_000)
    assert events[0]["item_id"] == events[1]["item_id"] == item_id
    assert len(dialog.host.item_audio(item_id)) == 6_000 * 48


def test_a_spoken_turn_has_one_id_from_start_to_item() -> None:
    dialog = Dialog()
    pcm = b"".join(bytes([ms % 251, 0]) * 24 for ms in range(1000))
    dialog.speak(pcm)
    item_id = dialog.host.speech_started(200)
    dialog.host.speech_stopped(700)
    assert dialog.host.commit() == item_id
    started, stopped, committed, added, done = dialog.take()

    assert {
        started["item_id"],
        stopped["item_id"],
        committed["item_id"],
        added["item"]["id"],
        done["item"]["id"],
    } == {item_id}
    assert dialog.host.item_audio(item_id) == pcm[200 * 48 : 700 * 48]


def test_a_pause_within_a_turn_does_not_cut_it() -> None:
    dialog = Dialog()
    dialog.speak(silence(1000))
    first = dialog.host.speech_started(100)
    dialog.host.speech_stopped(400)
    assert dialog.host.speech_started(600) == first
    dialog.host.speech_stopped(900)

    assert dialog.host.commit() == first
    assert len(dialog.host.item_audio(first)) == len(silence(800))


def test_transcripts_are_silent_until_asked_for() -> None:
    dialog = Dialog()
    dialog.speak(silence(200))
    item_id = dialog.host.commit()
    dialog.take()
    dialog.host.transcript_completed(item_id, "hello", 0.2)
    assert dialog.take() == []
    assert dialog.host.items[0]["content"][0]["transcript"] == "hello"

    dialog.update(audio={"input": {"transcription": {"model": "gpt-4o-transcribe"}}})
    dialog.host.transcript_delta(item_id, "hel")
    dialog.host.transcript_completed(item_id, "hello", 0.2)
    dialog.host.transcript_failed(item_id, "audio_unintelligible", "noise")
    delta, completed, failed = dialog.take()
    assert delta["delta"] == "hel"
    assert completed["usage"]["input_token_details"] == {"audio_tokens": 2, "text_tokens": 0}
    assert failed["error"]["code"] == "audio_unintelligible"


def test_a_full_conversation_refuses_the_client_and_sheds_for_the_server() -> None:
    dialog = Dialog()
    for number in range(ITEMS_MAX):
        dialog.say("x", item={"id": f"i{number}"})
    assert only_error(dialog.say("one more"))["param"] == "item"

    dialog.speak(silence(100))
    dialog.send("input_audio_buffer.commit")
    assert dialog.events[-1] == {**dialog.events[-1], "type": "conversation.item.deleted", "item_id": "i0"}
    assert len(dialog.host.items) == ITEMS_MAX
