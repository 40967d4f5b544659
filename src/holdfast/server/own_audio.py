"""The engine's own answers to the audio routes: bodies read, files and events written.

What lives here: which formats are honestly made, their refusal by name, WAV and server-sent events.
What never will: synthesis and recognition (the engine), choosing among upstreams (`v1_audio`).
"""

from __future__ import annotations

import asyncio
import io
import json
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

import pybase64
from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from holdfast.client.recording import RecordingError, wav_of
from holdfast.core.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from holdfast.ports.audio import Speaker
from holdfast.server.v1 import RefusedV1Error

_SPEECH_FORMATS: Final = {"wav": "audio/wav", "pcm": "audio/pcm"}
_ALL_SPEECH_FORMATS: Final = frozenset({"mp3", "opus", "aac", "flac", *_SPEECH_FORMATS})
_TEXT_FORMATS: Final = ("json", "text")
_EVENTS: Final = "text/event-stream"
_SPEED: Final = (0.25, 1.5)
_ENDLESS: Final = 0xFFFFFFFF
"""The size of a WAV that is not known when it begins."""
_FIELD_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Own:
    """An answer that we make ourselves."""

    pieces: AsyncIterator[bytes]
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


Make = Callable[[Speaker, AsyncExitStack], Awaitable[Own]]


class SpeechWish(BaseModel):
    """The body of `POST /v1/audio/speech`, as far as anybody but a provider must know it."""

    model_config = ConfigDict(extra="allow")

    model: Annotated[str, Field(min_length=1, max_length=256)]
    input: Annotated[str, Field(min_length=1)]
    voice: str | dict[str, Any] = ""
    response_format: str | None = None
    speed: Annotated[float, Field(ge=0.25, le=4.0)] = 1.0
    stream_format: Literal["audio", "sse"] | None = None


@dataclass(frozen=True, slots=True)
class TranscriptionWish:
    """What is asked of a recording."""

    pcm: bytes
    prompt: str
    response_format: str
    is_streamed: bool


# speech


def speech_wish(body: bytes, chars_max: int) -> SpeechWish:
    """The wish in a body. Raises RefusedV1Error."""
    try:
        wish = SpeechWish.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise RefusedV1Error(400, "invalid_value", f"{place}: {first['msg']}", param=place or None) from None
    if len(wish.input) > chars_max:
        words = f"input has {len(wish.input)} characters; at most {chars_max} are spoken at once."
        raise RefusedV1Error(400, "string_above_max_length", words, param="input")
    return wish


async def speech(speaker: Speaker, wish: SpeechWish, held: AsyncExitStack) -> Own:
    """The text in the engine's voice; the answer begins with the first sound. Raises as `speak` does."""
    wanted = wish.response_format or "wav"
    if wanted not in _SPEECH_FORMATS:
        known = "is not made by the embedded engine" if wanted in _ALL_SPEECH_FORMATS else "is no format"
        words = f"{wanted!r} {known}. Ask for one of: {', '.join(_SPEECH_FORMATS)}."
        raise RefusedV1Error(400, "unsupported_format", words, param="response_format")
    if wish.speed > _SPEED[1]:
        words = f"The embedded engine speaks at {_SPEED[0]} to {_SPEED[1]} of its speed."
        raise RefusedV1Error(400, "invalid_value", words, param="speed")
    voice = speaker.voice(wish.voice if isinstance(wish.voice, str) else "")
    sound = await held.enter_async_context(aclosing(speaker.speak(wish.input, voice, wish.speed)))
    first = await anext(sound, b"")
    headers = {"holdfast-voice": voice, "holdfast-model": speaker.model}
    head = _wav_head() if wanted == "wav" else b""
    if wish.stream_format == "sse":
        return Own(_speech_events(head + first, sound, len(wish.input)), _EVENTS, headers)
    return Own(_joined(head + first, sound), _SPEECH_FORMATS[wanted], headers)


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


async def _speech_events(first: bytes, rest: AsyncIterator[bytes], chars: int) -> AsyncIterator[bytes]:
    async for piece in _joined(first, rest):
        yield _event({"type": "speech.audio.delta", "audio": pybase64.b64encode(piece).decode()})
    yield _event({"type": "speech.audio.done", "usage": _usage(chars)})


def _usage(chars: int) -> dict[str, int]:
    """The engine has no tokens: about four characters of text are one."""
    tokens = chars // 4 + 1
    return {"input_tokens": tokens, "output_tokens": 0, "total_tokens": tokens}


def _wav_head() -> bytes:
    """The head of a WAV that is sent while it is made."""
    rate = SAMPLE_RATE_HZ
    form = struct.pack("<HHIIHH", 1, 1, rate, rate * SAMPLE_BYTES, SAMPLE_BYTES, 8 * SAMPLE_BYTES)
    riff = b"RIFF" + struct.pack("<I", _ENDLESS) + b"WAVE"
    return riff + b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", _ENDLESS)


def _event(document: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(document)}\n\n".encode()


# transcription


class InMemoryForm(MultiPartParser):
    """No recording is ever written to a disk, not for a moment."""

    spool_max_size = 2**31


async def transcription_wish(request: Request, pieces: AsyncGenerator[bytes, None]) -> TranscriptionWish:
    """The form's fields and its recording. Raises RefusedV1Error."""
    parser = InMemoryForm(request.headers, pieces, max_files=1, max_fields=32, max_part_size=_FIELD_BYTES)
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        words = "Send the recording as multipart/form-data, in a part named file."
        raise RefusedV1Error(400, "unsupported_content_type", words)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        raise RefusedV1Error(400, "invalid_form", f"The form can't be read: {error}.") from None
    try:
        return await _transcription_wish(form)
    finally:
        await form.close()


async def _transcription_wish(form: FormData) -> TranscriptionWish:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise RefusedV1Error(400, "missing_required_parameter", "There is no part named file.", param="file")
    asked = {name: value for name, value in form.items() if isinstance(value, str)}
    wanted = asked.get("response_format", "json")
    if wanted not in _TEXT_FORMATS:
        words = f"{wanted!r} is not made by the embedded engine. Ask for one of: {', '.join(_TEXT_FORMATS)}."
        raise RefusedV1Error(400, "unsupported_format", words, param="response_format")
    language = asked.get("language", "en").lower()
    if language.partition("-")[0] != "en":
        words = f"The embedded engine hears English, not {language!r}."
        raise RefusedV1Error(400, "unsupported_language", words, param="language")
    try:
        recording = await asyncio.to_thread(_read, file.filename or "file", await file.read())
    except RecordingError as error:
        raise RefusedV1Error(
            400, "invalid_file", f"{error.what} {error.why} {error.fix}", param="file"
        ) from None
    is_streamed = asked.get("stream", "false").lower() in {"true", "1"}
    return TranscriptionWish(recording, asked.get("prompt", ""), wanted, is_streamed)


def _read(name: str, content: bytes) -> bytes:
    return wav_of(name[:64], io.BytesIO(content)).pcm


async def transcription(speaker: Speaker, wish: TranscriptionWish, held: AsyncExitStack) -> Own:
    """What was said. Raises as `hear` does."""
    headers = {"holdfast-model": speaker.model}
    heard = await held.enter_async_context(aclosing(speaker.hear(wish.pcm, wish.prompt)))
    if wish.is_streamed:
        first = await anext(heard, "")
        return Own(_text_events(first, heard, len(wish.pcm)), _EVENTS, headers)
    text = " ".join([part async for part in heard])
    if wish.response_format == "text":
        return Own(_once(f"{text}\n".encode()), "text/plain; charset=utf-8", headers)
    told = {"text": text, "usage": _duration(len(wish.pcm))}
    return Own(_once(json.dumps(told).encode()), "application/json", headers)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _text_events(first: str, rest: AsyncIterator[str], size: int) -> AsyncIterator[bytes]:
    said = [first] if first else []
    if first:
        yield _event({"type": "transcript.text.delta", "delta": first})
    async for part in rest:
        yield _event({"type": "transcript.text.delta", "delta": f" {part}" if said else part})
        said.append(part)
    yield _event({"type": "transcript.text.done", "text": " ".join(said), "usage": _duration(size)})


def _duration(size: int) -> dict[str, Any]:
    return {"type": "duration", "seconds": round(size / SAMPLE_BYTES / SAMPLE_RATE_HZ, 1)}
