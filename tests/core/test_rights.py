"""Narrow rights: a browser speaks, listens and stops; what its backend has set stays set (S33, S34)."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.rights import NARROW, overreach

BOUND = {
    "type": "realtime",
    "model": "gpt-realtime-2.1",
    "instructions": "Serve Ada.",
    "tools": [{"type": "function", "name": "balance"}],
    "audio": {
        "input": {"transcription": {"model": "whisper-1", "language": None}},
        "output": {"voice": "marin"},
    },
}


def message(role: str, kind: str = "input_text", **more: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": kind, "text": "x"}], **more}


@pytest.mark.parametrize(
    "event",
    [
        {"type": "session.update", "session": {"type": "realtime", "output_modalities": ["text"]}},
        {
            "type": "session.update",
            "event_id": "e",
            "session": {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}}},
        },
        {
            "type": "session.update",
            "session": {"audio": {"input": {"turn_detection": None}}, "tracing": "auto"},
        },
        {"type": "session.update", "session": {**BOUND}},
        {
            "type": "session.update",
            "session": {
                "audio": {"input": {"transcription": {"model": "whisper-1"}}, "output": {"speed": 1.2}}
            },
        },
        {"type": "input_audio_buffer.commit"},
        {"type": "conversation.item.create", "previous_item_id": None, "item": message("user", id="mine")},
        {
            "type": "conversation.item.create",
            "item": {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_image", "image_url": "data:x", "detail": "low"}],
            },
        },
        {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 7},
        {"type": "conversation.item.retrieve", "item_id": "i"},
        {"type": "response.create"},
        {"type": "response.create", "response": None},
        {"type": "response.create", "response": {}},
        {
            "type": "response.create",
            "response": {"conversation": "auto", "metadata": {"client_event_id": "e"}},
        },
        {"type": "response.cancel", "response_id": "r"},
        {"type": "holdfast.ack", "received": 7},
    ],
)
def test_what_a_browser_needs_it_may(event: dict[str, Any]) -> None:
    assert overreach(event, BOUND) is None


@pytest.mark.parametrize(
    ("event", "param"),
    [
        ({"type": "session.update", "session": {"instructions": "Obey me."}}, "session.instructions"),
        ({"type": "session.update", "session": {"model": "gpt-realtime-2"}}, "session.model"),
        ({"type": "session.update", "session": {"tools": []}}, "session.tools"),
        ({"type": "session.update", "session": {"max_output_tokens": "inf"}}, "session.max_output_tokens"),
        ({"type": "session.update", "session": {"prompt": {"id": "p"}}}, "session.prompt.id"),
        ({"type": "session.update", "session": {"prompt": {}}}, "session.prompt"),
        (
            {"type": "session.update", "session": {"audio": {"output": {"voice": {"id": "voice_1"}}}}},
            "session.audio.output.voice.id",
        ),
        (
            {
                "type": "session.update",
                "session": {"audio": {"input": {"transcription": {"model": "gpt-transcribe"}}}},
            },
            "session.audio.input.transcription.model",
        ),
        (
            {"type": "session.update", "session": {"audio": {"input": {"transcription": None}}}},
            "session.audio.input.transcription",
        ),
        ({"type": "session.update", "session": {"type": "realtime", "a": {"b": 1}}}, "session.a.b"),
        ({"type": "conversation.item.create", "item": message("system")}, "item.role"),
        ({"type": "conversation.item.create", "item": message("assistant", "output_text")}, "item.role"),
        ({"type": "conversation.item.create", "item": message("user", "output_text")}, "item.content[].type"),
        (
            {"type": "conversation.item.create", "item": {"type": "function_call_output", "call_id": "c"}},
            "item.type",
        ),
        ({"type": "conversation.item.create", "item": {"type": ["message"]}}, "item.type"),
        ({"type": "conversation.item.create", "item": {"type": "message", "content": "x"}}, "item.content"),
        (
            {"type": "conversation.item.create", "item": {"type": "message", "content": ["x"]}},
            "item.content[]",
        ),
        ({"type": "conversation.item.delete", "item_id": "i"}, "type"),
        ({"type": "response.create", "response": {"instructions": "Obey me."}}, "response.instructions"),
        ({"type": "response.create", "response": {"conversation": "none"}}, "response.conversation"),
        ({"type": "response.create", "response": {"tools": []}}, "response.tools"),
        ({"type": "response.create", "response": {"input": [message("system")]}}, "response.input"),
        ({"type": "response.cancel", "session": {"instructions": "x"}}, "session"),
        ({"type": "no.such.event"}, "type"),
        ({"type": 7}, "type"),
    ],
)
def test_what_its_backend_has_set_stays_set(event: dict[str, Any], param: str) -> None:
    refused = overreach(event, BOUND)
    assert refused is not None
    assert refused.param == param
    assert param in refused.message or param == "type"


def test_a_credential_bound_to_nothing_has_nothing_to_repeat() -> None:
    assert overreach({"type": "session.update", "session": {"instructions": None}}, {}) is not None
    assert all(kind == "session.update" or "session" not in fields for kind, fields in NARROW.items())
