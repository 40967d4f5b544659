"""Upstream events to ours: what an error means, what is a race, what is a breach."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.core import events
from holdfast.core.events import Event
from holdfast.wire import upstream
from holdfast.wire.upstream import BreachError


def decode(event: dict[str, Any]) -> Event | None:
    return upstream.read(json.dumps(event).encode(), 3)


def error(code: str | None, kind: str = "invalid_request_error", event_id: str | None = None) -> Event | None:
    return decode(
        {"type": "error", "error": {"type": kind, "code": code, "message": "m", "event_id": event_id}}
    )


@pytest.mark.parametrize(
    ("code", "kind", "fault"),
    [
        ("invalid_api_key", "invalid_request_error", "configuration.invalid_api_key"),
        ("model_not_found", "invalid_request_error", "configuration.model_not_found"),
        ("beta_api_shape_disabled", "invalid_request_error", "configuration.beta_shape"),
        ("billing_hard_limit_reached", "insufficient_quota", "configuration.quota_exhausted"),
        (None, "insufficient_quota", "configuration.quota_exhausted"),
        (None, "server_error", "provider.server_error"),
        ("session_expired", "invalid_request_error", "provider.session_expired"),
        ("rate_limit_exceeded", "requests", "provider.rate_limited"),
        ("unknown_parameter", "invalid_request_error", "application.invalid_message"),
    ],
)
def test_an_error_is_classified_by_its_code(code: str | None, kind: str, fault: str) -> None:
    event = error(code, kind)
    assert isinstance(event, events.UpstreamErred)
    assert event.fault.code == fault
    assert not event.benign


@pytest.mark.parametrize("code", sorted(upstream.BENIGN))
def test_races_are_benign(code: str) -> None:
    event = error(code)
    assert isinstance(event, events.UpstreamErred)
    assert event.benign


def test_a_refused_truncation_is_a_race() -> None:
    event = error("invalid_value", event_id="race_7")
    assert isinstance(event, events.UpstreamErred)
    assert event.benign


def test_audio_is_decoded() -> None:
    event = decode(
        {"type": "response.output_audio.delta", "response_id": "r", "item_id": "i", "delta": "AQI="}
    )
    assert isinstance(event, events.OutputAudio)
    assert (event.generation, event.response_id, event.item_id, event.pcm) == (3, "r", "i", b"\1\2")


def test_a_function_call_is_taken_from_its_finished_item() -> None:
    item = {"id": "i", "type": "function_call", "call_id": "c", "name": "balance", "arguments": "{}"}
    event = decode({"type": "response.output_item.done", "response_id": "r", "item": item})
    assert event == events.ToolCalled(3, "r", "c", "balance", "{}")


def test_a_failed_response_bears_its_fault() -> None:
    details = {"type": "failed", "error": {"type": "server_error", "code": None, "message": "sorry"}}
    response = {"id": "r", "status": "failed", "status_details": details, "usage": None}
    event = decode({"type": "response.done", "response": response})
    assert isinstance(event, events.ResponseEnded)
    assert event.fault is not None
    assert event.fault.code == "provider.server_error"


def test_what_we_carry_no_meaning_for_is_nothing() -> None:
    assert decode({"type": "rate_limits.updated", "rate_limits": []}) is None
    assert decode({"type": "tomorrow.event", "x": {"y": [1]}}) is None


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"type":1}', b'{"a":1}', b"\xff", b"[" * 100_000])
def test_a_breach_is_named(raw: bytes) -> None:
    with pytest.raises(BreachError):
        upstream.parse(raw)
    with pytest.raises(BreachError):
        upstream.peek_type(raw)


@pytest.mark.parametrize(
    "odd",
    [
        {"audio_start_ms": "soon"},
        {"audio_start_ms": 12.5, "delta": {"an": "object"}, "stages": {"chat": 1}},
        {"session": {"id": [1], "holdfast": {"left_out": [1]}}, "usage": 7, "error": "none"},
        {"response": {"status_details": {"error": {"code": [1]}}}, "item": []},
    ],
)
def test_of_an_event_with_fields_of_other_types_the_rest_counts(odd: dict[str, Any]) -> None:
    told = {"type": "input_audio_buffer.speech_started", "item_id": "item_1", **odd}
    assert decode(told) == events.SpeechBegan(3, "item_1", 0)
    raw = json.dumps(told).encode()
    assert upstream.parse(raw).type == told["type"]
    assert str(upstream.odd_in(raw)).startswith("Expected")


def test_of_an_event_that_is_odd_throughout_the_type_is_left() -> None:
    odd = {name: [1] for name in upstream.ServerEvent.__struct_fields__ if name != "type"}
    assert upstream.parse(json.dumps({"type": "a", **odd}).encode()) == upstream.ServerEvent("a")


def test_a_response_that_ends_oddly_ends() -> None:
    response = {"id": "resp_1", "status": "failed", "usage": "much"}
    ended = decode({"type": "response.done", "response": response})
    assert isinstance(ended, events.ResponseEnded)
    assert (ended.response_id, ended.status, ended.usage) == ("resp_1", "failed", None)


def test_nulls_and_numbers_where_texts_are_usual_are_read() -> None:
    event = decode({"type": "error", "error": {"type": None, "code": 42, "message": None}})
    assert isinstance(event, events.UpstreamErred)
    assert event.code == "42"


def test_a_key_that_is_repeated_is_cut_out_of_the_evidence() -> None:
    event = decode({"type": "error", "error": {"type": "x", "message": "Incorrect key: sk-abcdefghij."}})
    assert isinstance(event, events.UpstreamErred)
    assert "sk-abcdefghij" not in str(event.fault.evidence)


def test_bad_base64_is_a_breach() -> None:
    with pytest.raises(BreachError):
        decode({"type": "response.output_audio.delta", "response_id": "r", "item_id": "i", "delta": "%"})


@example(b'{"type":"\x80"')
@given(st.binary(max_size=200))
def test_no_bytes_break_the_codec(raw: bytes) -> None:
    with contextlib.suppress(BreachError):
        upstream.read(raw, 1)
