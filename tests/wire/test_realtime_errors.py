"""Whatever a client sends, the answer is an error event of the official shape, and the session goes on."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.realtime_dialog import Dialog, only_error
from tests.wire.strict import judge_server_event

BAD: list[tuple[bytes, str, str | None, str | None]] = [
    (b"", "invalid_json", None, None),
    (b"{", "invalid_json", None, None),
    (b"[]", "invalid_json", None, None),
    (b'"hello"', "invalid_json", None, None),
    (b"[" * 100_000, "invalid_json", None, None),
    (b'{"type":"session.update","session":{"instructions":"\\ud800"}}', "invalid_json", None, None),
    (b'{"event_id":"e"}', "missing_required_parameter", "type", "e"),
    (b'{"type":7,"event_id":"e"}', "invalid_type", "type", "e"),
    (b'{"type":"session.explode","event_id":"e"}', "invalid_value", "type", "e"),
    (b'{"event":"response.create"}', "missing_required_parameter", "type", None),
    (b'{"type":"transcription_session.update","session":{}}', "invalid_value", "type", None),
    (b'{"type":"session.update","event_id":"e"}', "missing_required_parameter", "session", "e"),
    (b'{"type":"session.update","event_id":"e","session":[]}', "invalid_type", "session", "e"),
    (b'{"type":"session.update","event_id":7,"session":{}}', "invalid_type", "event_id", None),
    (b'{"type":"input_audio_buffer.append","event_id":"e"}', "missing_required_parameter", "audio", "e"),
    (b'{"type":"input_audio_buffer.append","event_id":"e","audio":"*"}', "invalid_value", "audio", "e"),
    (b'{"type":"input_audio_buffer.append","audio":"AAAA","rate":1}', "unknown_parameter", "rate", None),
    (b'{"type":"output_audio_buffer.clear","event_id":"e"}', "invalid_value", "type", "e"),
    (
        b'{"type":"conversation.item.truncate","item_id":"x"}',
        "missing_required_parameter",
        "content_index",
        None,
    ),
    (
        b'{"type":"response.create","response":{"modalities":["text"]}}',
        "unknown_parameter",
        "response.modalities",
        None,
    ),
    (
        b'{"type":"response.create","response":{"conversation":"other"}}',
        "invalid_value",
        "response.conversation",
        None,
    ),
    (
        b'{"type":"response.create","response":{"metadata":{"a":7}}}',
        "invalid_type",
        "response.metadata.a",
        None,
    ),
]


@pytest.mark.parametrize(("payload", "code", "param", "event_id"), BAD)
def test_a_bad_event_gets_its_error(
    payload: bytes, code: str, param: str | None, event_id: str | None
) -> None:
    dialog = Dialog()
    events = dialog.send_raw(payload)
    error = only_error(events)

    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
    assert error["event_id"] == event_id
    assert judge_server_event(events[0]) == set()
    assert dialog.update(instructions="still here")["type"] == "session.updated"


def test_too_much_audio_in_one_append_is_refused() -> None:
    audio = "A" * (20 * 1024 * 1024 + 8)
    error = only_error(Dialog().send("input_audio_buffer.append", audio=audio))

    assert error["code"] == "string_above_max_length"


def test_a_long_event_id_is_refused_and_not_echoed() -> None:
    error = only_error(Dialog().send("input_audio_buffer.clear", event_id="e" * 513))

    assert (error["code"], error["event_id"]) == ("string_above_max_length", None)


def test_metadata_is_bounded() -> None:
    dialog = Dialog()
    for metadata in ({str(n): "" for n in range(17)}, {"k" * 65: ""}, {"k": "v" * 513}):
        assert only_error(dialog.send("response.create", response={"metadata": metadata}))


def test_binary_has_no_meaning() -> None:
    dialog = Dialog()
    dialog.take()
    dialog.host.receive_binary()

    assert only_error(dialog.take())["code"] == "invalid_event"


def test_every_event_has_an_id_of_its_own() -> None:
    dialog = Dialog()
    dialog.say("a")
    dialog.update(tools=[])
    dialog.send("nonsense")
    writer = dialog.host.begin_response()
    writer.message().transcript("b")
    writer.done()

    ids = [event["event_id"] for event in dialog.events]
    assert len(set(ids)) == len(ids)
    assert all(one.startswith("event_") for one in ids)


KINDS = [
    "session.update",
    "input_audio_buffer.append",
    "input_audio_buffer.commit",
    "conversation.item.create",
    "conversation.item.retrieve",
    "conversation.item.truncate",
    "conversation.item.delete",
    "response.create",
    "response.cancel",
]
KEYS = [
    "session",
    "audio",
    "item",
    "item_id",
    "response",
    "event_id",
    "previous_item_id",
    "content_index",
    "type",
    "role",
]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["message", "user", "realtime", "AAAA", "input_text"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*KEYS, "content", "text"]) | st.text(max_size=5), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(KINDS), st.dictionaries(st.sampled_from(KEYS[:-2]), json_values, max_size=4)
        ),
        max_size=4,
    )
)
def test_no_json_breaks_a_session(messages: list[tuple[str, dict[str, Any]]]) -> None:
    dialog = Dialog()
    for kind, fields in messages:
        for event in dialog.send_raw(json.dumps({**fields, "type": kind}).encode()):
            judge_server_event(event)

    assert dialog.update(instructions="still here")["type"] == "session.updated"


@given(st.binary(max_size=200))
def test_no_bytes_break_a_session(payload: bytes) -> None:
    dialog = Dialog()
    dialog.send_raw(payload)

    assert dialog.update(instructions="still here")["type"] == "session.updated"
