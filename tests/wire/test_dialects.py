"""The tables of the dialects, and what a link makes of what no recording holds."""

from __future__ import annotations

import base64
import json
import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.realtime import RealtimeSessionCreateRequest
from openai.types.realtime.realtime_response_create_params import RealtimeResponseCreateParams
from pydantic import BaseModel

from holdfast.wire.dialects import (
    BETA,
    DIALECTS,
    GA_RESPONSE,
    GA_SESSION,
    Dialect,
    OlderClient,
    Own,
    Translation,
    cure_of,
    link_of,
)
from holdfast.wire.dialects.downward import Downward
from holdfast.wire.dialects.memory import Memory
from holdfast.wire.dialects.upward import Upward

Json = dict[str, Any]
TRANSLATED = [one for one in DIALECTS.values() if not one.is_ga]
NOT_SETTABLE = {"type", "model"}


def names(model: Any) -> set[str]:
    """The fields of a model, or of all members of a union."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        return set(model.model_fields)
    return set().union(*(names(one) for one in typing.get_args(model) if one is not type(None)))


def test_the_list_of_ga_settings_is_the_official_one() -> None:
    top = {path.split(".")[0] for path in GA_SESSION}
    assert top == names(RealtimeSessionCreateRequest) - NOT_SETTABLE
    audio = typing.get_args(RealtimeSessionCreateRequest.model_fields["audio"].annotation)[0]
    for side in ("input", "output"):
        declared = names(audio.model_fields[side].annotation)
        assert {path.split(".")[2] for path in GA_SESSION if path.startswith(f"audio.{side}.")} == declared
        inner = typing.get_args(audio.model_fields[side].annotation)[0]
        for name in ("transcription", "turn_detection", "noise_reduction"):
            if name in inner.model_fields:
                known = {
                    path.split(".")[3] for path in GA_SESSION if path.startswith(f"audio.{side}.{name}.")
                }
                assert known == names(inner.model_fields[name].annotation), name


def test_the_list_of_ga_overrides_is_the_official_one() -> None:
    assert {path.split(".")[0] for path in GA_RESPONSE} == names(RealtimeResponseCreateParams)


@pytest.mark.parametrize("dialect", TRANSLATED, ids=lambda one: one.name)
def test_a_table_speaks_of_nothing_that_ga_does_not_have(dialect: Dialect) -> None:
    for known, fields in ((GA_SESSION, dialect.session), (GA_RESPONSE, dialect.response)):
        for one in fields or ():
            assert any(path == one.ga or path.startswith(f"{one.ga}.") for path in known), one
            for key in one.inside or ():
                assert f"{one.ga}.{key}" in known
    for path in dialect.anyway:
        assert any(one == path or one.startswith(f"{path}.") for one in GA_SESSION)
    assert dialect.sources


def told(link: Translation, event: Json) -> list[Json]:
    return [json.loads(one) for one in link.down(json.dumps(event).encode())]


@pytest.mark.parametrize("spaces", ["", " "])
@pytest.mark.parametrize("is_last", [False, True])
def test_an_audio_message_keeps_every_byte_but_its_name(*, spaces: str, is_last: bool) -> None:
    sound = base64.b64encode(bytes(range(256)) * 40).decode()
    rest = f'"event_id":{spaces}"e","response_id":"r","item_id":"i","delta":"{sound}"'
    name = f'"type":{spaces}"response.audio.delta"'
    raw = (f"{{{rest},{name}}}" if is_last else f"{{{name},{rest}}}").encode()
    (out,) = Translation(BETA).down(raw)

    assert json.loads(out) == {**json.loads(raw), "type": "response.output_audio.delta"}
    assert len(out) == len(raw) + len("output_") - len(spaces)


def test_audio_going_up_is_not_touched() -> None:
    raw = b'{"audio":"AAAA" , "type":"input_audio_buffer.append"}'
    assert Translation(BETA).up(raw)[0] is raw


def test_an_item_that_a_person_said_is_told_as_added_and_done_once() -> None:
    link = Translation(BETA)
    item = {"id": "u", "type": "message", "role": "user", "status": "completed", "content": []}
    event = {"type": "conversation.item.created", "event_id": "e", "previous_item_id": None, "item": item}

    assert [one["type"] for one in told(link, event)] == ["conversation.item.added", "conversation.item.done"]
    assert told(link, event) == []


def test_a_transcription_sessions_settings_go_up_under_their_own_event() -> None:
    heard = {"transcription": {"model": "whisper-1", "keywords": ["a"]}, "turn_detection": None}
    event = {
        "type": "session.update",
        "session": {"type": "transcription", "audio": {"input": heard}},
    }
    left: list[str] = []
    (out,) = Translation(BETA, on_left_out=left.extend).up(json.dumps(event).encode())

    session = {"input_audio_transcription": {"model": "whisper-1"}, "turn_detection": None}
    assert json.loads(out) == {"type": "transcription_session.update", "session": session}
    assert left == ["session.audio.input.transcription.keywords"]


def test_an_operators_voice_and_model_take_the_place_of_a_clients() -> None:
    own = Own("llama", "whisper", "af_heart")
    link = Translation(DIALECTS["speaches"], own)
    audio = {"input": {"transcription": {"model": "gpt-transcribe"}}, "output": {"voice": "marin"}}
    event = {"type": "session.update", "session": {"type": "realtime", "audio": audio}}
    (out,) = link.up(json.dumps(event).encode())

    session = json.loads(out)["session"]
    assert session == {"input_audio_transcription": {"model": "whisper"}, "voice": "af_heart"}


def test_a_tool_of_mcp_is_left_out_where_it_is_not_known() -> None:
    left: list[str] = []
    tools = [{"type": "mcp", "server_label": "x"}, {"type": "function", "name": "f"}]
    event = {"type": "session.update", "session": {"type": "realtime", "tools": tools}}
    (out,) = Translation(BETA, on_left_out=left.extend).up(json.dumps(event).encode())

    assert json.loads(out)["session"]["tools"] == tools[1:]
    assert left == ["session.tools.mcp"]


@pytest.mark.parametrize("dialect", TRANSLATED, ids=lambda one: one.name)
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b'{"type":1}',
        b'{"type":"session.update"}',
        b'{"type":"session.update","session":3}',
        b'{"type":"session.updated","session":null}',
        b'{"type":"session.created"}',
        b'{"type":"conversation.created","conversation":7}',
        b'{"type":"conversation.item.created","item":[]}',
        b'{"type":"response.output_item.done","item":"x"}',
        b'{"type":"response.created","response":"x"}',
        b'{"type":"response.done","response":{"output":[1],"usage":5}}',
        b'{"type":"error","error":"busy"}',
        b'{"type":"conversation.item.create","item":{"content":"x","role":"assistant"}}',
        b'{"type":"response.create","response":[1]}',
        b'{"type":"input_audio_buffer.append","audio":7}',
        b'{"type":"transcription.done"}',
        b'{"type":"\\ud800"}',
        b'{"type":"session.update","session":{"x":"\xff"}}',
        b'{"type":"session.updated","session":{"x":"\xff"}}',
    ],
)
def test_nonsense_of_either_side_is_no_accident(dialect: Dialect, raw: bytes) -> None:
    link = link_of(dialect, Own("m"), lambda _left: None)
    link.up(raw)
    link.down(raw)
    older = OlderClient(BETA)
    older.up(raw)
    older.down(raw)
    cure_of(raw)


LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=4))
KEYS = st.sampled_from(
    [*sorted({part for path in GA_SESSION for part in path.split(".")}), "type", "id", "x"]
)
TREES = st.recursive(
    LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4))
)
KINDS = st.sampled_from(
    ["session.update", "response.create", "conversation.item.create", "session.updated", "response.done"]
)


@given(kind=KINDS, body=TREES)
def test_any_settings_are_carried_or_named_and_none_breaks_a_link(kind: str, body: Any) -> None:
    raw = json.dumps({"type": kind, "session": body, "response": body, "item": body}).encode()
    for dialect in TRANSLATED:
        link = link_of(dialect, Own("m"), lambda _left: None)
        link.up(raw)
        link.down(raw)
    older = OlderClient(BETA)
    older.up(raw)
    older.down(raw)


def test_of_answers_that_were_cancelled_nothing_is_kept_once_another_begins() -> None:
    memory = Memory(DIALECTS["speaches"], Own("llama", None, None), lambda _: None, str)
    up, down = Upward(memory), Downward(memory)
    for number in range(3):
        began = {"type": "response.created", "response": {"id": f"resp_{number}", "status": "in_progress"}}
        down.down(json.dumps(began).encode())
        assert not memory.silenced
        up.up(b'{"type":"response.cancel"}')
        assert memory.silenced == {f"resp_{number}"}
