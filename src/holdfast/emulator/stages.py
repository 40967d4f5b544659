"""The HTTP APIs that an engine's stages may be served by: transcriptions, chat completions, speech.

What lives here: one answer to one request, the same for the same request; its line in the books.
What never will: understanding. A recording "says" how long it is; the chat echoes, and calls a tool when it
is told `call NAME {ARGUMENTS}`; speech is a tone for every word.
"""

from __future__ import annotations

import io
import re
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from holdfast.emulator import door
from holdfast.emulator.front import Answer, Break, Decision, Request, Stream
from holdfast.emulator.options import EmulatorOptions
from holdfast.emulator.responder import say_of
from holdfast.emulator.voice import DELTA_MS, deltas, spoken
from holdfast.wire.realtime import SAMPLE_RATE_HZ, new_id

PATHS: Final = {
    "/v1/audio/transcriptions": "transcription",
    "/v1/chat/completions": "chat",
    "/v1/audio/speech": "speech",
}
_CALL: Final = re.compile(r"call (\w+) (\{.*\})", re.DOTALL)
_CUT_AFTER: Final = 4
_INPUT_CHARS_MAX: Final = 4096
"""Of a text that is to be spoken, as at OpenAI."""


@dataclass(slots=True)
class Work:
    """A request and what became of it. `asked` is its JSON, or its form without the recording."""

    stage: str
    at_s: float
    asked: dict[str, Any] = field(default_factory=dict)
    pieces: int = 0
    is_whole: bool | None = None
    """None while the answer goes out; False when its reader left before the end."""


def work(request: Request, done: Work, options: EmulatorOptions, told: str | None) -> Decision:
    """The answer to a stage's request; `told`: how it is to fail, if it is."""
    if told is not None and told.isdigit():
        return door.error(int(told), "told_so", f"The emulator was told to answer {told}.")
    if told in {"reset", "silence"}:
        return Break("reset" if told == "reset" else "silence")
    try:
        return _WORKS[done.stage](request, done, options, told == "cut")
    except (ValueError, KeyError, TypeError, wave.Error) as wrong:
        return door.error(400, "invalid_request", f"That is no request for {done.stage}: {wrong}")


def _transcribe(request: Request, done: Work, _options: EmulatorOptions, _is_cut: bool) -> Decision:  # noqa: FBT001 - one of three alike
    boundary = request.headers.get("content-type", "").partition("boundary=")[2].strip('"')
    recording = b""
    for part in request.body.split(b"--" + boundary.encode())[1:-1]:
        head, _, body = part.partition(b"\r\n\r\n")
        name = head.partition(b'name="')[2].partition(b'"')[0].decode()
        if name == "file":
            recording = body.removesuffix(b"\r\n")
        else:
            done.asked[name] = body.removesuffix(b"\r\n").decode()
    with wave.open(io.BytesIO(recording)) as wav:
        ms = wav.getnframes() * 1000 // wav.getframerate()
    done.asked["ms"] = ms
    done.is_whole = True
    text = f"{ms} ms of speech"
    return Answer(200, {"text": text, "usage": {"type": "duration", "seconds": ms / 1000}})


def _chat(request: Request, done: Work, options: EmulatorOptions, is_cut: bool) -> Decision:  # noqa: FBT001 - as above
    asked = request.document()
    done.asked = asked
    told = asked["messages"][-1]
    text = str(told.get("content") or "")
    called = None if told["role"] == "tool" else _CALL.search(text)
    if called is not None and asked.get("tools"):
        function = {"name": called[1], "arguments": called[2]}
        call = {"index": 0, "id": new_id("call"), "type": "function", "function": function}
        steps: list[dict[str, Any]] = [{"tool_calls": [call]}]
    else:
        words = say_of(text) if told["role"] == "tool" else f"You said: {text}. That is all."
        steps = [{"content": word} for word in re.findall(r"\S+\s*", words)]
    if not asked.get("stream"):
        done.is_whole = True
        whole = "".join(step.get("content", "") for step in steps)
        message = {"role": "assistant", "content": whole or None, "tool_calls": steps[0].get("tool_calls")}
        return Answer(200, {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    pieces = list(_events(steps, "tool_calls" if called else "stop"))
    return _streamed("text/event-stream", pieces, done, options, is_cut=is_cut)


def _events(steps: list[dict[str, Any]], reason: str) -> Iterator[bytes]:
    for step in steps:
        yield _event({"choices": [{"index": 0, "delta": step, "finish_reason": None}]})
    yield _event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    yield b"data: [DONE]\n\n"


def _event(body: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode({"object": "chat.completion.chunk", **body}) + b"\n\n"


def _speak(request: Request, done: Work, options: EmulatorOptions, is_cut: bool) -> Decision:  # noqa: FBT001 - as above
    done.asked = asked = request.document()
    text = str(asked["input"])
    if len(text) > _INPUT_CHARS_MAX:
        raise ValueError(f"'input' is longer than {_INPUT_CHARS_MAX} characters")
    pcm = spoken(text, char_ms=options.char_ms)
    if asked.get("response_format") == "wav":
        file = io.BytesIO()
        with wave.open(file, "wb") as wav:
            wav.setparams((1, 2, SAMPLE_RATE_HZ, 0, "NONE", ""))
            wav.writeframes(pcm)
        return _streamed("audio/wav", [file.getvalue()], done, options, is_cut=is_cut)
    return _streamed("audio/pcm", list(deltas(pcm)), done, options, is_cut=is_cut)


def _streamed(
    kind: str, pieces: list[bytes], done: Work, options: EmulatorOptions, *, is_cut: bool
) -> Stream:
    def ended(sent: int, is_whole: bool) -> None:  # noqa: FBT001 - a callback of one meaning
        done.pieces, done.is_whole = sent, is_whole and not is_cut

    every_s = DELTA_MS / 1000 / options.speed if options.speed else 0.0
    return Stream(kind, pieces[:_CUT_AFTER] if is_cut else pieces, every_s, ended, is_cut=is_cut)


_WORKS: Final = {"transcription": _transcribe, "chat": _chat, "speech": _speak}
