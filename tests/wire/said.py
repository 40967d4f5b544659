"""What servers say that we cannot run here, written down from the sources that their tables name.

What lives here: their words, shortened; a GA client's beside them.
What never will: what the gateway makes of it: that is recorded (`recording`).
"""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]
Line = tuple[str, Json | str]

_PCM: Final = {"type": "audio/pcm", "rate": 24000}
SOUND: Final = "AAAA"

ASKED: Final[dict[str, Json]] = {
    "update": {
        "type": "session.update",
        "event_id": "mine_1",
        "session": {
            "type": "realtime",
            "instructions": "Be brief.",
            "output_modalities": ["audio"],
            "audio": {
                "input": {
                    "format": _PCM,
                    "transcription": {"model": "gpt-transcribe"},
                    "turn_detection": {
                        "type": "server_vad",
                        "threshold": 0.5,
                        "create_response": True,
                        "interrupt_response": True,
                    },
                },
                "output": {"format": _PCM, "voice": "marin"},
            },
            "tools": [{"type": "function", "name": "balance", "parameters": {"type": "object"}}],
            "tool_choice": "auto",
            "truncation": "auto",
        },
    },
    "append": {"type": "input_audio_buffer.append", "audio": SOUND},
    "history": {
        "type": "conversation.item.create",
        "item": {
            "id": "a1",
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Good day."}],
        },
    },
    "image": {
        "type": "conversation.item.create",
        "item": {
            "id": "u1",
            "type": "message",
            "role": "user",
            "content": [{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}],
        },
    },
    "ask": {
        "type": "response.create",
        "event_id": "mine_2",
        "response": {"instructions": "Say it.", "metadata": {"client_event_id": "x"}},
    },
    "ask_beside": {
        "type": "response.create",
        "event_id": "mine_3",
        "response": {"conversation": "none", "input": []},
    },
    "cancel": {"type": "response.cancel"},
    "clear": {"type": "input_audio_buffer.clear"},
    "commit": {"type": "input_audio_buffer.commit"},
    "truncate": {
        "type": "conversation.item.truncate",
        "item_id": "item_a",
        "content_index": 0,
        "audio_end_ms": 120,
    },
    "delete": {"type": "conversation.item.delete", "item_id": "item_a"},
    "retrieve": {"type": "conversation.item.retrieve", "event_id": "mine_4", "item_id": "item_a"},
    "update_transcription": {
        "type": "session.update",
        "session": {
            "type": "transcription",
            "audio": {"input": {"transcription": {"model": "gpt-transcribe", "language": "en"}}},
        },
    },
}
"""A GA client's events, by name."""


def _up(*names: str) -> list[Line]:
    return [("client", name) for name in names]


def _down(*events: Json) -> list[Line]:
    return [("upstream", event) for event in events]


_IDS: Final = {"response_id": "resp_a", "item_id": "item_a", "output_index": 0, "content_index": 0}

_SPEACHES_SESSION: Final = {
    "id": "sess_s",
    "input_audio_format": "pcm16",
    "input_audio_transcription": {"model": "Systran/faster-distil-whisper-small.en", "language": None},
    "instructions": "Your knowledge cutoff is 2023-10.",
    "max_response_output_tokens": "inf",
    "modalities": ["audio", "text"],
    "model": "llama",
    "output_audio_format": "pcm16",
    "temperature": 0.8,
    "tool_choice": "auto",
    "tools": [],
    "turn_detection": {
        "create_response": True,
        "prefix_padding_ms": 0,
        "silence_duration_ms": 550,
        "threshold": 0.9,
        "type": "server_vad",
    },
    "speech_model": "speaches-ai/Kokoro-82M-v1.0-ONNX",
    "voice": "af_heart",
}


def _speaches_answer(status: str) -> Json:
    return {
        "id": "resp_a",
        "status": status,
        "output": [],
        "modalities": ["audio", "text"],
        "object": "realtime.response",
    }


def _message(status: str, content: list[Json], **more: Any) -> Json:
    base = {"id": "item_a", "object": "realtime.item", "type": "message", "status": status}
    return {**base, "role": "assistant", "content": content, **more}


_SPEACHES: Final[list[Line]] = [
    *_down({"type": "session.created", "event_id": "event_a", "session": _SPEACHES_SESSION}),
    *_up("update"),
    *_down(
        {
            "type": "session.updated",
            "event_id": "event_b",
            "session": {**_SPEACHES_SESSION, "instructions": "Be brief."},
        }
    ),
    *_up("append"),
    *_down(
        {
            "audio_start_ms": 0,
            "event_id": "event_c",
            "item_id": "item_u",
            "type": "input_audio_buffer.speech_started",
        },
        {
            "audio_end_ms": 900,
            "event_id": "event_d",
            "item_id": "item_u",
            "type": "input_audio_buffer.speech_stopped",
        },
        {
            "type": "input_audio_buffer.committed",
            "event_id": "event_e",
            "item_id": "item_u",
            "previous_item_id": None,
        },
        {
            "type": "conversation.item.created",
            "event_id": "event_f",
            "item": {
                "id": "item_u",
                "object": "realtime.item",
                "status": "completed",
                "type": "message",
                "role": "user",
                "content": [{"type": "input_audio", "transcript": None}],
            },
            "previous_item_id": None,
        },
        {
            "content_index": 0,
            "event_id": "event_g",
            "item_id": "item_u",
            "transcript": "hello",
            "type": "conversation.item.input_audio_transcription.completed",
            "usage": {"seconds": 0.9, "type": "duration"},
        },
        {"type": "response.created", "event_id": "event_h", "response": _speaches_answer("incomplete")},
        {
            "type": "response.output_item.added",
            "event_id": "event_i",
            "output_index": 0,
            "response_id": "resp_a",
            "item": _message("incomplete", []),
        },
        {
            "type": "conversation.item.created",
            "event_id": "event_j",
            "item": _message("incomplete", []),
            "previous_item_id": "item_u",
        },
        {
            "type": "response.content_part.added",
            "event_id": "event_k",
            **_IDS,
            "part": {"type": "audio", "transcript": ""},
        },
        {**_IDS, "delta": "Hi", "event_id": "event_l", "type": "response.audio_transcript.delta"},
        {**_IDS, "delta": SOUND, "event_id": "event_m", "type": "response.audio.delta"},
    ),
    *_up("cancel"),
    *_down(
        {**_IDS, "delta": SOUND, "event_id": "event_n", "type": "response.audio.delta"},
        {"type": "response.done", "event_id": "event_o", "response": _speaches_answer("completed")},
    ),
    *_up("history", "truncate", "retrieve", "ask_beside", "ask"),
    *_down(
        {"type": "response.created", "event_id": "event_p", "response": _speaches_answer("incomplete")},
        {
            "type": "response.created",
            "event_id": "event_q",
            "response": {**_speaches_answer("incomplete"), "id": "resp_b"},
        },
        {
            "type": "error",
            "event_id": "event_r",
            "error": {"type": "server_error", "message": "APIError: busy", "code": None, "param": None},
        },
    ),
]

_XAI: Final[list[Line]] = [
    *_down(
        {
            "type": "conversation.created",
            "event_id": "event_a",
            "conversation": {"id": "conv_x", "object": "realtime.conversation"},
        }
    ),
    *_up("update"),
    *_down(
        {"type": "ping", "event_id": "event_b", "timestamp": 1},
        {
            "type": "session.updated",
            "event_id": "event_c",
            "session": {
                "instructions": "Be brief.",
                "voice": "Ara",
                "turn_detection": {"type": "server_vad"},
                "audio": {"input": {"format": _PCM}, "output": {"format": _PCM}},
                "tools": [],
            },
        },
    ),
    *_up("append"),
    *_down(
        {"type": "input_audio_buffer.speech_started", "event_id": "event_d", "item_id": "item_u"},
        {"type": "input_audio_buffer.speech_stopped", "event_id": "event_e", "item_id": "item_u"},
        {"type": "input_audio_buffer.committed", "event_id": "event_f", "item_id": "item_u"},
        {
            "type": "conversation.item.added",
            "event_id": "event_g",
            "item": {
                "id": "item_u",
                "object": "realtime.item",
                "type": "message",
                "status": "completed",
                "role": "user",
                "content": [{"type": "input_audio", "transcript": "hello"}],
            },
        },
        {
            "type": "conversation.item.input_audio_transcription.completed",
            "event_id": "event_h0",
            "item_id": "item_u",
            "transcript": "hell",
            "status": "in_progress",
        },
        {
            "type": "conversation.item.input_audio_transcription.completed",
            "event_id": "event_h",
            "item_id": "item_u",
            "transcript": "hello",
            "status": "completed",
        },
        {
            "type": "response.created",
            "event_id": "event_i",
            "response": {
                "id": "resp_a",
                "object": "realtime.response",
                "status": "in_progress",
                "output": [],
            },
        },
        {
            "type": "response.output_item.added",
            "event_id": "event_j",
            "response_id": "resp_a",
            "output_index": 0,
            "item": _message("in_progress", []),
        },
        {"type": "response.output_audio.delta", "event_id": "event_k", **_IDS, "delta": SOUND},
        {"type": "response.output_audio.done", "event_id": "event_l", **_IDS},
        {
            "type": "response.output_item.done",
            "event_id": "event_m",
            "response_id": "resp_a",
            "output_index": 0,
            "item": _message("completed", [{"type": "audio", "transcript": "Hi."}]),
        },
        {
            "type": "response.done",
            "event_id": "event_n",
            "response": {
                "id": "resp_a",
                "object": "realtime.response",
                "status": "completed",
                "output": [],
                "usage": {},
            },
        },
    ),
    *_up("history", "image", "truncate", "delete"),
    *_down({"type": "conversation.item.deleted", "event_id": "event_o", "item_id": ""}),
    *_up("retrieve", "ask"),
]

_LOCALAI: Final[list[Line]] = [
    *_down(
        {
            "event_id": "event_TODO",
            "session": {
                "id": "sess_l",
                "type": "realtime",
                "object": "realtime.session",
                "model": "gpt-realtime",
                "audio": {"input": {"format": _PCM}, "output": {"format": _PCM, "voice": "amy"}},
            },
            "type": "session.created",
        }
    ),
    *_up("update"),
    *_down(
        {
            "event_id": "event_TODO",
            "session": {"id": "sess_l", "type": "realtime", "model": "gpt-realtime"},
            "type": "session.updated",
        }
    ),
    *_up("append", "clear", "truncate", "ask"),
    *_down(
        {"type": "input_audio_buffer.cleared"},
        {
            "response": {"id": "resp_a", "object": "realtime.response", "status": "in_progress"},
            "type": "response.created",
        },
        {
            "response_id": "resp_a",
            "output_index": 0,
            "item": _message("in_progress", []),
            "type": "response.output_item.added",
        },
        {**_IDS, "delta": SOUND, "type": "response.output_audio.delta"},
        {"type": "localai.classifier.result", "chosen": ""},
        {"error": {"type": "invalid_request_error", "code": "tts_error", "message": "no"}, "type": "error"},
        {
            "response": {"id": "resp_b", "object": "realtime.response", "status": "in_progress"},
            "type": "response.created",
        },
    ),
]

_HUGGINGFACE: Final[list[Line]] = [
    *_down(
        {
            "type": "session.created",
            "event_id": "event_a",
            "session": {"type": "realtime", "id": "conn_1", "output_modalities": ["audio"]},
        }
    ),
    *_up("update"),
    *_down(
        {
            "type": "session.updated",
            "event_id": "event_b",
            "session": {"type": "realtime", "id": "conn_1", "instructions": "Be brief."},
        }
    ),
    *_up("clear", "append"),
    *_down(
        {
            "type": "input_audio_buffer.speech_started",
            "event_id": "event_c",
            "audio_start_ms": 0,
            "item_id": "item_u",
        },
        {
            "type": "input_audio_buffer.speech_stopped",
            "event_id": "event_d",
            "audio_end_ms": 900,
            "item_id": "item_u",
        },
        {
            "type": "conversation.item.input_audio_transcription.completed",
            "event_id": "event_e",
            "item_id": "item_u",
            "content_index": 0,
            "transcript": "hello",
            "usage": {"type": "duration", "seconds": 0.9},
        },
        {
            "type": "response.created",
            "event_id": "event_f",
            "response": {
                "id": "resp_a",
                "object": "realtime.response",
                "status": "in_progress",
                "output": [],
            },
        },
        {
            "type": "response.output_item.added",
            "event_id": "event_g",
            "response_id": "resp_a",
            "output_index": 0,
            "item": _message("in_progress", []),
        },
        {"type": "response.output_audio.delta", "event_id": "event_h", **_IDS, "delta": SOUND},
        {
            "type": "response.output_item.done",
            "event_id": "event_i",
            "response_id": "resp_a",
            "output_index": 0,
            "item": _message("completed", [{"type": "output_audio", "transcript": "Hi."}]),
        },
        {
            "type": "response.done",
            "event_id": "event_j",
            "response": {
                "id": "resp_a",
                "object": "realtime.response",
                "status": "completed",
                "output": [],
                "usage": {"input_tokens": 4, "output_tokens": 2, "total_tokens": 6},
            },
        },
    ),
    *_up("history"),
    *_down(
        {
            "type": "conversation.item.created",
            "event_id": "event_k",
            "item": {
                "id": "a1",
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Good day."}],
            },
        }
    ),
    *_up("truncate", "delete", "retrieve"),
]

_VLLM: Final[list[Line]] = [
    *_down({"type": "session.created", "id": "sess_v", "created": 1}),
    *_up("update_transcription"),
    *_up("clear"),
    (
        "client",
        {"type": "input_audio_buffer.append", "audio": "AAAA" * 2400},
    ),
    *_down({"type": "transcription.delta", "delta": "hel"}),
    *_up("commit", "commit"),
    *_down(
        {"type": "transcription.delta", "delta": "lo"},
        {
            "type": "transcription.done",
            "text": "hello",
            "usage": {"prompt_tokens": 12, "completion_tokens": 2, "total_tokens": 14},
        },
        {"type": "error", "error": "Unknown event type: x", "code": "unknown_event"},
    ),
    *_up("ask", "retrieve"),
]

SAID: Final[dict[str, list[Line]]] = {
    "xai": _XAI,
    "localai": _LOCALAI,
    "speaches": _SPEACHES,
    "huggingface": _HUGGINGFACE,
    "vllm": _VLLM,
}
"""By dialect: who says what, in order. A client's events by their name in `ASKED`."""
