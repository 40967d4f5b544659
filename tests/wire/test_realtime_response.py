"""Responses: the orders of the dialect's section 8, one end for every beginning, cancelling."""

import base64

import pytest

from tests.wire.realtime_dialog import Dialog, kinds, only_error, silence

SPOKEN_ORDER = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]

WRITTEN_ORDER = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]

CALL_ORDER = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]


def test_a_spoken_answer() -> None:
    dialog = Dialog()
    writer = dialog.host.begin_response()
    message = writer.message()
    message.transcript("Hello.")
    message.audio(b"\x01\x00" * 2400)
    writer.done()
    events = dialog.take()

    assert kinds(events) == SPOKEN_ORDER
    assert base64.b64decode(events[5]["delta"]) == b"\x01\x00" * 2400
    done = events[-2]["response"]
    assert (done["status"], done["status_details"]) == ("completed", None)
    assert done["output"] == [dialog.host.items[0]]
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "Hello."}]
    assert done["usage"]["output_token_details"] == {"text_tokens": 2, "audio_tokens": 2}
    assert done["usage"]["input_token_details"]["cached_tokens_details"]["image_tokens"] == 0
    assert dialog.host.active is None


def test_a_written_answer_swallows_audio() -> None:
    dialog = Dialog()
    dialog.update(output_modalities=["text"])
    writer = dialog.host.begin_response()
    message = writer.message()
    message.text("Hello.")
    message.audio(silence(100))
    writer.done()

    assert kinds(dialog.take()) == WRITTEN_ORDER


def test_a_function_call() -> None:
    dialog = Dialog()
    writer = dialog.host.begin_response()
    call_id = writer.function_call("balance", '{"of":"me"}')
    writer.done()
    events = dialog.take()

    assert kinds(events) == CALL_ORDER
    assert events[4]["name"] == "balance"
    item = events[-3]["item"]
    assert (item["status"], item["call_id"], item["arguments"]) == ("completed", call_id, '{"of":"me"}')
    assert len(call_id) <= 32


def test_words_before_a_call_are_an_item_of_their_own() -> None:
    dialog = Dialog()
    writer = dialog.host.begin_response()
    writer.message().transcript("One moment.")
    writer.function_call("balance", "{}")
    writer.done()
    done = next(event for event in dialog.take() if event["type"] == "response.done")

    assert [item["type"] for item in done["response"]["output"]] == ["message", "function_call"]


def test_the_request_overrides_the_session_for_one_response() -> None:
    dialog = Dialog()
    dialog.send("response.create", response={"output_modalities": ["text"], "metadata": {"k": "v"}})
    dialog.host.begin_response().done()
    created = dialog.take()[0]["response"]
    assert (created["output_modalities"], created["metadata"]) == (["text"], {"k": "v"})

    dialog.host.begin_response().done()
    assert dialog.take()[0]["response"]["output_modalities"] == ["audio"]


def test_one_response_at_a_time() -> None:
    dialog = Dialog()
    writer = dialog.host.begin_response()
    dialog.take()

    error = only_error(dialog.send("response.create", event_id="again"))
    assert (error["code"], error["event_id"]) == ("conversation_already_has_active_response", "again")
    assert writer.id in error["message"]
    with pytest.raises(RuntimeError):
        dialog.host.begin_response()


def test_a_request_that_had_to_wait_is_refused_when_another_response_came_first() -> None:
    dialog = Dialog()
    assert dialog.send("response.create", event_id="mine") == []
    writer = dialog.host.begin_response(request={})
    dialog.take()
    dialog.host.decline_response()

    error = only_error(dialog.take())
    assert (error["code"], error["event_id"]) == ("conversation_already_has_active_response", "mine")
    assert writer.id in error["message"]


def test_each_request_that_had_to_wait_is_refused_by_its_own_id() -> None:
    dialog = Dialog()
    for number in range(3):
        asked = {"metadata": {"n": str(number)}}
        assert dialog.send("response.create", event_id=f"mine-{number}", response=asked) == []
    first, second, third = (told for name, told in dialog.notes.told if name == "response_requested")
    writer = dialog.host.begin_response(request=first)
    assert writer.metadata == {"n": "0"}
    dialog.take()
    dialog.host.decline_response(second)
    dialog.host.decline_response(third)

    assert [event["error"]["event_id"] for event in dialog.take()] == ["mine-1", "mine-2"]


def test_a_request_that_is_cancelled_before_its_turn_begins_and_ends_once() -> None:
    dialog = Dialog()
    dialog.send("response.create", response={"metadata": {"n": "1"}})
    assert dialog.send("response.cancel") == [], "it waits to be begun, and ends then"
    assert only_error(dialog.send("response.cancel"))["code"] == "response_cancel_not_active"

    writer = dialog.host.begin_response()
    created, done, _ = dialog.take()
    assert writer.is_done
    assert (created["type"], created["response"]["metadata"]) == ("response.created", {"n": "1"})
    assert done["response"]["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert dialog.host.active is None


def test_a_cancelled_response_ends_once_and_says_no_more() -> None:
    dialog = Dialog()
    writer = dialog.host.begin_response()
    message = writer.message()
    message.transcript("I was going to")
    dialog.take()

    events = dialog.send("response.cancel")
    message.audio(silence(100))
    message.transcript(" say")
    message.done()
    writer.done()

    assert dialog.take() == []
    done = events[-2]["response"]
    assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert done["output"][0]["status"] == "incomplete"
    assert dialog.notes.told == [("response_cancelled", writer.id)]
    refused = only_error(dialog.send("response.cancel"))
    assert refused["code"] == "response_cancel_not_active"
    assert refused["message"].startswith("Cancellation failed"), (
        "by these words a client knows it for harmless"
    )
    assert (
        only_error(dialog.send("response.cancel", response_id="resp_x"))["code"]
        == "response_cancel_not_active"
    )


def test_a_failed_response_bears_its_error() -> None:
    dialog = Dialog()
    dialog.host.begin_response().done("failed", error={"type": "server_error", "code": None, "message": "no"})

    details = dialog.take()[1]["response"]["status_details"]
    assert details == {"type": "failed", "error": {"type": "server_error", "code": None, "message": "no"}}


def test_out_of_band_answers_leave_the_conversation_alone() -> None:
    dialog = Dialog()
    default = dialog.host.begin_response()
    dialog.take()
    request = {
        "conversation": "none",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}],
        "output_modalities": ["text"],
    }
    dialog.send("response.create", response=request)
    beside = dialog.host.begin_response()
    beside.message().text("aside")
    events = dialog.take()

    assert events[0]["response"]["conversation_id"] is None
    assert not any(kind.startswith("conversation.") for kind in kinds(events))
    assert dialog.host.items == []
    assert dialog.host.active is default
    assert dialog.send("response.cancel", response_id=beside.id)[-2]["response"]["status"] == "cancelled"
    assert dialog.host.active is default


def test_what_a_request_refers_to_is_an_item_of_the_conversation() -> None:
    dialog = Dialog()
    content = [{"type": "input_text", "text": "what is my balance"}]
    said = {"type": "message", "role": "user", "content": content}
    dialog.send("conversation.item.create", item={"id": "said", **said})
    given = [{"type": "item_reference", "id": "said"}, said]
    dialog.send("response.create", response={"conversation": "none", "input": given})

    (request,) = [told for name, told in dialog.notes.told if name == "response_requested"]
    assert [one["content"][0]["text"] for one in request["input"]] == ["what is my balance"] * 2
    assert request["input"][0] is dialog.host.items[0]


def test_a_reference_to_nothing_is_refused_by_its_place() -> None:
    dialog = Dialog()
    given = [{"type": "item_reference", "id": "nothing"}]
    refused = only_error(dialog.send("response.create", response={"input": given}))

    assert (refused["code"], refused["param"]) == ("invalid_value", "response.input[0].id")
    assert "'nothing'" in refused["message"]
    assert not [name for name, _ in dialog.notes.told if name == "response_requested"]


def test_too_many_out_of_band_answers_are_refused() -> None:
    dialog = Dialog()
    for _ in range(16):
        dialog.send("response.create", response={"conversation": "none"})
        dialog.host.begin_response()
    dialog.take()

    refused = only_error(dialog.send("response.create", response={"conversation": "none"}))
    assert refused["code"] == "rate_limit_exceeded"
