"""`session.update`: what merges, what clears, what is fixed, and that a refusal changes nothing."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.realtime_dialog import Dialog, only_error, silence

GOOD_PATCHES: list[tuple[str, dict[str, Any]]] = [
    ("instructions", {"instructions": ""}),
    ("text only", {"output_modalities": ["text"]}),
    ("manual turns", {"audio": {"input": {"turn_detection": None}}}),
    (
        "semantic turns",
        {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}}},
    ),
    ("transcription", {"audio": {"input": {"transcription": {"model": "whisper-1", "language": "de"}}}}),
    ("noise reduction", {"audio": {"input": {"noise_reduction": {"type": "near_field", "strength": 0.5}}}}),
    ("custom voice", {"audio": {"output": {"voice": {"id": "voice_1"}, "speed": 1.5}}}),
    (
        "tools",
        {
            "tools": [
                {"type": "function", "name": "f", "parameters": {"x-title": "your debt", "type": "object"}}
            ]
        },
    ),
    (
        "mcp",
        {
            "tools": [
                {"type": "mcp", "server_label": "m", "server_url": "https://m", "require_approval": "never"}
            ]
        },
    ),
    ("forced tool", {"tool_choice": {"type": "function", "name": "f"}}),
    ("tracing", {"tracing": {"workflow_name": "w", "metadata": {"a": 1}}}),
    ("reasoning", {"reasoning": {"effort": "low"}}),
    ("parallel calls", {"parallel_tool_calls": False}),
    ("tokens", {"max_output_tokens": 4096}),
    ("truncation", {"truncation": {"type": "retention_ratio", "retention_ratio": 0.8}}),
    ("prompt", {"prompt": {"id": "pmpt_1", "version": "2"}}),
    ("include", {"include": ["item.input_audio_transcription.logprobs"]}),
    ("the same model", {"model": "gpt-realtime-2.1"}),
]


def test_the_first_session_is_complete() -> None:
    session = Dialog().events[0]["session"]

    assert session["id"].startswith("sess_")
    assert (session["type"], session["object"]) == ("realtime", "realtime.session")
    assert session["expires_at"] == 1_800_000_000
    assert session["audio"]["input"]["turn_detection"]["type"] == "server_vad"
    assert session["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24000}


@pytest.mark.parametrize(
    "patch", [patch for _, patch in GOOD_PATCHES], ids=[name for name, _ in GOOD_PATCHES]
)
def test_a_setting_is_accepted_and_echoed(patch: dict[str, Any]) -> None:
    answer = Dialog().update(**patch)

    assert answer["type"] == "session.updated", answer
    assert _holds(answer["session"], patch)


def _holds(whole: Any, part: Any) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and _holds(whole[key], value) for key, value in part.items())
    return bool(whole == part)


def test_nested_objects_merge_field_by_field() -> None:
    dialog = Dialog()
    dialog.update(audio={"output": {"voice": "cedar"}})
    session = dialog.update(audio={"input": {"turn_detection": {"silence_duration_ms": 200}}})["session"]

    assert session["audio"]["output"]["voice"] == "cedar"
    assert session["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 200
    assert session["audio"]["input"]["turn_detection"]["threshold"] == 0.5


def test_another_kind_of_turn_detection_starts_from_its_own_defaults() -> None:
    dialog = Dialog()
    dialog.update(audio={"input": {"turn_detection": {"type": "semantic_vad"}}})
    session = dialog.update(audio={"input": {"turn_detection": {"type": "server_vad"}}})["session"]

    assert "eagerness" not in session["audio"]["input"]["turn_detection"]
    assert session["audio"]["input"]["turn_detection"]["prefix_padding_ms"] == 300


def test_noise_reduction_keeps_its_strength() -> None:
    dialog = Dialog()
    dialog.update(audio={"input": {"noise_reduction": {"type": "far_field", "strength": 0.3}}})
    session = dialog.update(audio={"input": {"noise_reduction": {"type": "near_field"}}})["session"]

    assert session["audio"]["input"]["noise_reduction"] == {"type": "near_field", "strength": 0.3}


def test_tools_are_replaced_and_their_schemas_are_carried_untouched() -> None:
    parameters = {"type": "object", "x-utterances": ["what do I owe"], "x-title": "your balance"}
    dialog = Dialog()
    dialog.update(tools=[{"type": "function", "name": "old"}])
    session = dialog.update(tools=[{"type": "function", "name": "balance", "parameters": parameters}])[
        "session"
    ]

    assert [tool["name"] for tool in session["tools"]] == ["balance"]
    assert session["tools"][0]["parameters"] == parameters


REFUSED: list[tuple[dict[str, Any], str | None, str | None]] = [
    ({"modalities": ["text", "audio"]}, "unknown_parameter", "session.modalities"),
    ({"temperature": 0.8}, "unknown_parameter", "session.temperature"),
    ({"voice": "alloy"}, "unknown_parameter", "session.voice"),
    ({"output_modalities": ["text", "audio"]}, "invalid_value", "session.output_modalities"),
    ({"output_modalities": []}, "invalid_value", "session.output_modalities"),
    ({"output_modalities": ["smell"]}, "invalid_value", "session.output_modalities[0]"),
    ({"type": "transcription"}, "invalid_value", "session.type"),
    ({"model": "gpt-4o"}, "invalid_value", "session.model"),
    ({"instructions": 7}, "invalid_type", "session.instructions"),
    ({"instructions": None}, "invalid_type", "session.instructions"),
    ({"instructions": "x" * 300_000}, "string_above_max_length", "session.instructions"),
    (
        {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}},
        "invalid_value",
        "session.audio.input.format.rate",
    ),
    ({"audio": {"input": {"format": "pcm16"}}}, "invalid_type", "session.audio.input.format"),
    ({"audio": {"output": {"voice": "darth"}}}, "invalid_value", "session.audio.output.voice"),
    ({"audio": {"output": {"speed": 9}}}, "decimal_above_max_value", "session.audio.output.speed"),
    ({"audio": {"output": {"speed": True}}}, "invalid_type", "session.audio.output.speed"),
    (
        {"audio": {"input": {"turn_detection": {"type": "ear"}}}},
        "invalid_value",
        "session.audio.input.turn_detection.type",
    ),
    (
        {"audio": {"input": {"turn_detection": {"prefix_padding_ms": -1}}}},
        "integer_below_min_value",
        "session.audio.input.turn_detection.prefix_padding_ms",
    ),
    (
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        "unknown_parameter",
        "session.tools[0].function",
    ),
    ({"tools": [{"type": "function"}]}, "missing_required_parameter", "session.tools[0].name"),
    ({"tools": [{"name": "f"}]}, "missing_required_parameter", "session.tools[0].type"),
    ({"tool_choice": "sometimes"}, "invalid_value", "session.tool_choice"),
    ({"max_output_tokens": 0}, "integer_below_min_value", "session.max_output_tokens"),
    ({"max_output_tokens": "many"}, "invalid_value", "session.max_output_tokens"),
]


@pytest.mark.parametrize(
    ("patch", "code", "param"), REFUSED, ids=[f"{code}-{param}" for _, code, param in REFUSED]
)
def test_a_bad_setting_is_refused_as_a_whole(patch: dict[str, Any], code: str, param: str) -> None:
    dialog = Dialog()
    before = copy.deepcopy(dict(dialog.host.session))

    error = only_error([dialog.update(**{"instructions": "new", "tools": [], **patch})])

    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
    assert error["event_id"] == "mine"
    assert dict(dialog.host.session) == before
    assert dialog.notes.told == []


def test_the_type_is_required() -> None:
    error = only_error(Dialog().send("session.update", session={"instructions": "x"}))

    assert (error["code"], error["param"]) == ("missing_required_parameter", "session.type")


def test_the_voice_is_locked_once_the_assistant_spoke() -> None:
    dialog = Dialog()
    writer = dialog.host.begin_response()
    writer.message().audio(silence(100))
    writer.done()
    dialog.take()

    refused = only_error([dialog.update(instructions="new", audio={"output": {"voice": "cedar"}})])
    assert refused["code"] == "cannot_update_voice"
    assert dialog.host.session["instructions"] != "new"
    assert dialog.update(audio={"output": {"voice": "marin"}})["type"] == "session.updated"


def test_a_text_answer_does_not_lock_the_voice() -> None:
    dialog = Dialog()
    dialog.update(output_modalities=["text"])
    writer = dialog.host.begin_response()
    writer.message().text("hello")
    writer.done()
    dialog.take()

    assert dialog.update(audio={"output": {"voice": "cedar"}})["type"] == "session.updated"


def test_tracing_cannot_change_once_enabled() -> None:
    dialog = Dialog()
    dialog.update(tracing="auto")

    assert only_error([dialog.update(tracing={"workflow_name": "w"})])["param"] == "session.tracing"
    assert dialog.update(tracing=None)["type"] == "session.updated"


def test_a_transcription_session_has_its_own_shape() -> None:
    dialog = Dialog(intent="transcription")
    session = dialog.events[0]["session"]
    assert session["object"] == "realtime.transcription_session"
    assert "output" not in session["audio"]
    assert "model" not in session

    heard = {"input": {"transcription": {"model": "gpt-live-transcribe"}, "turn_detection": None}}
    [updated] = dialog.send("session.update", session={"type": "transcription", "audio": heard})
    assert updated["session"]["audio"]["input"]["transcription"]["model"] == "gpt-live-transcribe"

    refused = dialog.send("session.update", session={"type": "transcription", "instructions": "x"})
    assert only_error(refused)["code"] == "unknown_parameter"
    assert only_error(dialog.send("response.create"))["code"] == "invalid_value"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["instructions", "audio", "tools", "tool_choice", "tracing", "truncation", "prompt", "x"]
        ),
        json_values,
        max_size=4,
    )
)
def test_an_update_is_applied_or_changes_nothing(patch: dict[str, Any]) -> None:
    dialog = Dialog()
    before = copy.deepcopy(dict(dialog.host.session))

    answer = dialog.update(**patch)

    if answer["type"] == "error":
        assert dict(dialog.host.session) == before
    else:
        assert answer["session"] == dict(dialog.host.session)
