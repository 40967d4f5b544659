"""Speaking and listening outside of a conversation, in the Realtime dialect: for the embedded engine.

What lives here: what is sent to have a text spoken or a recording heard, the few fields that are read.
What never will: IO, the order of things.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pybase64

APPEND_BYTES: Final = 48_000
SAY_CHARS: Final = 500
"""As much text as one request may bear (`metadata`: 512 characters a value)."""
MARK: Final = "item_holdfast_end"

_encode: Final = msgspec.json.encode


class _Item(msgspec.Struct, gc=False):
    id: str | None = None


class _Error(msgspec.Struct, gc=False):
    code: str | None = None
    message: str = ""


class _Details(msgspec.Struct, gc=False):
    error: _Error | None = None


class _Response(msgspec.Struct, gc=False):
    status: str = ""
    status_details: _Details | None = None


class Heard(msgspec.Struct, gc=False):
    """One event of the engine."""

    type: str
    delta: str = ""
    transcript: str = ""
    item_id: str = ""
    item: _Item | None = None
    error: _Error | None = None
    response: _Response | None = None

    @property
    def pcm(self) -> bytes:
        """The audio of an audio event."""
        return pybase64.b64decode(self.delta)

    @property
    def failure(self) -> str:
        """Why a response did not end well; empty when it did."""
        if self.response is None or self.response.status == "completed":
            return ""
        details = self.response.status_details
        error = None if details is None else details.error
        return error.message if error is not None else self.response.status


read: Final = msgspec.json.Decoder(Heard).decode


def speaking(voice: str, speed: float) -> bytes:
    """A session that only speaks, in one manner."""
    output = {"voice": voice, "speed": speed}
    return _update({"type": "realtime", "audio": {"input": {"turn_detection": None}, "output": output}})


def say(text: str) -> bytes:
    """Exactly this, and outside of the conversation."""
    response = {"conversation": "none", "metadata": {"holdfast_say": text}}
    return _encode({"type": "response.create", "response": response})


def listening(model: str, prompt: str) -> bytes:
    """A session that only listens."""
    asked: dict[str, Any] = {"model": model, **({"prompt": prompt} if prompt else {})}
    return _update({"type": "transcription", "audio": {"input": {"transcription": asked}}})


def append(pcm: bytes) -> bytes:
    """The next piece of a recording."""
    return b'{"type":"input_audio_buffer.append","audio":"' + pybase64.b64encode(pcm) + b'"}'


def mark(silence: bytes) -> bytes:
    """An item behind the recording: what is heard of it comes when everything before was heard."""
    part = {"type": "input_audio", "audio": pybase64.b64encode(silence).decode()}
    item = {"id": MARK, "type": "message", "role": "user", "content": [part]}
    return _encode({"type": "conversation.item.create", "item": item})


def _update(session: dict[str, Any]) -> bytes:
    return _encode({"type": "session.update", "session": session})


def portions(text: str) -> list[str]:
    """The text in pieces of at most `SAY_CHARS`, cut at the ends of sentences, else between words."""
    rest, out = " ".join(text.split()), []
    while len(rest) > SAY_CHARS:
        head = rest[:SAY_CHARS]
        cut = max((head.rfind(end) + 1 for end in (". ", "! ", "? ", "; ")), default=0)
        cut = cut or head.rfind(" ") or SAY_CHARS
        cut = cut if cut > 0 else SAY_CHARS
        out.append(rest[:cut].strip())
        rest = rest[cut:].strip()
    return [*out, rest] if rest else out
