"""Server events on their way out: identifiers, encoding, and the shapes several events share.

What lives here: `Outlet`, the one door through which an event leaves the host, and builders of shared
parts (error, usage, items).
What never will: deciding that an event is due.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Final

import msgspec

from holdfast.wire.realtime.rules import Refused

Json = dict[str, Any]

SAMPLE_RATE_HZ: Final = 24_000
BYTES_PER_MS: Final = SAMPLE_RATE_HZ * 2 // 1000

_TOKEN_MS_IN: Final = 100
TOKEN_MS_OUT: Final = 50
TOKEN_CHARS: Final = 4


def new_id(prefix: str) -> str:
    """A fresh identifier such as `item_3f…`; 20 random hexadecimal digits."""
    return f"{prefix}_{secrets.token_hex(10)}"


class Outlet:
    """Gives every event its `event_id`, encodes it and hands it to the connection."""

    def __init__(self, emit: Callable[[bytes], None], ids: Callable[[str], str]) -> None:
        self._emit = emit
        self._encode = msgspec.json.Encoder().encode
        self.new_id = ids

    def send(self, kind: str, **fields: Any) -> None:
        """Emit one server event of type `kind`."""
        self._emit(self._encode({"type": kind, "event_id": self.new_id("event"), **fields}))

    def refuse(self, refusal: Refused, event_id: str | None) -> None:
        """Emit `error` for a client event; `event_id` is the client's own, when it gave one."""
        self.error(refusal.kind, refusal.code, refusal.message, param=refusal.param, event_id=event_id)

    def error(
        self,
        kind: str,
        code: str | None,
        message: str,
        *,
        param: str | None = None,
        event_id: str | None = None,
    ) -> None:
        """Emit an `error` event (section 9.1)."""
        shape = {"type": kind, "code": code, "message": message, "param": param, "event_id": event_id}
        self.send("error", error=shape)


def response_usage(*, spoken_ms: int, chars: int, heard_ms: int, read_chars: int) -> Json:
    """Token usage in the provider's rates: audio in 100 ms, audio out 50 ms a token, text about four
    characters. An estimate: there is no tokenizer here, and nobody is billed by it.
    """
    text_in, text_out = -(-read_chars // TOKEN_CHARS), -(-chars // TOKEN_CHARS)
    audio_in, audio_out = -(-heard_ms // _TOKEN_MS_IN), -(-spoken_ms // TOKEN_MS_OUT)
    return {
        "total_tokens": text_in + audio_in + text_out + audio_out,
        "input_tokens": text_in + audio_in,
        "output_tokens": text_out + audio_out,
        "input_token_details": {
            "text_tokens": text_in,
            "audio_tokens": audio_in,
            "image_tokens": 0,
            "cached_tokens": 0,
            "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
    }


def transcription_usage(model: str, seconds: float, transcript: str) -> Json:
    """Usage of one transcription; which of the two shapes depends on the model (section 3.2)."""
    if not model.startswith(("gpt-4o", "gpt-transcribe")):
        return {"type": "duration", "seconds": seconds}
    heard = -(-round(seconds * 1000) // _TOKEN_MS_IN)
    written = -(-len(transcript) // TOKEN_CHARS)
    return {
        "type": "tokens",
        "input_tokens": heard,
        "output_tokens": written,
        "total_tokens": heard + written,
        "input_token_details": {"audio_tokens": heard, "text_tokens": 0},
    }


def message_item(item_id: str, role: str, content: list[Json], status: str = "completed") -> Json:
    """A message item as it stands in the conversation."""
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "message",
        "status": status,
        "role": role,
        "content": content,
    }


def function_call_item(item_id: str, call_id: str, name: str, arguments: str, status: str) -> Json:
    """A function call as it stands in the conversation."""
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "function_call",
        "status": status,
        "name": name,
        "call_id": call_id,
        "arguments": arguments,
    }
