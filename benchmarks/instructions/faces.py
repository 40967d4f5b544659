"""The table of what is counted: each face, each direction, a turn's words.

What lives here: rows. A new way through the gateway is a new row.
What never will: how a row is carried (`rig`) or counted (`driver`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
from pybase64 import b64decode
from websockets.frames import Frame, Opcode

from benchmarks.instructions.rig import Side
from holdfast.bench import frames
from holdfast.express import IS_BUILT
from holdfast.wire.browser import DOWNLINK_HEADER

PAGE: Final = "/api/openai/realtime"
REALTIME: Final = "/v1/realtime?model=gpt-realtime"
_SESSION: Final = 1

Message = Callable[[int], Sequence[bytes]]
"""The messages of a row's n-th piece."""


@dataclass(frozen=True, slots=True)
class Face:
    """One row."""

    title: str
    path: str
    hello: tuple[bytes, ...]
    ready: str
    side: Side
    """Who sends."""
    said: Message
    audio: Callable[[Frame], bytes | None] | None
    """The audio of a message that came out, None for one that has none; no function where words are sent."""
    pieces: int = 480
    warm_up: int = 960
    """Pieces before counting begins: 19 seconds, when what a session keeps goes round."""
    rides: bool = False
    """Whether its audio takes the compiled way."""


def _pcm(number: int) -> bytes:
    return frames.frame(_SESSION, number)


def _delta(number: int) -> Sequence[bytes]:
    return (frames.delta(_pcm(number)),)


def _of_append(message: Frame) -> bytes | None:
    event = frames.parse(bytes(message.data))
    return b64decode(event.audio, validate=True) if event.type == "input_audio_buffer.append" else None


def _of_delta(message: Frame) -> bytes | None:
    event = frames.parse(bytes(message.data))
    return b64decode(event.delta, validate=True) if event.type == "response.output_audio.delta" else None


def _bare(message: Frame) -> bytes | None:
    return bytes(message.data) if message.opcode is Opcode.BINARY else None


def _positioned(message: Frame) -> bytes | None:
    pcm = _bare(message)
    return None if pcm is None else pcm[DOWNLINK_HEADER.size :]


def _turn(number: int) -> Sequence[bytes]:
    """What an upstream says of one turn, but its sound. Before the first, what was under way ends."""
    if number == 0:
        return _written(number, [{"type": "response.done", "response": _ended("resp_bench")}])
    heard = {"item_id": f"item_u{number}", "content_index": 0}
    response = f"resp_{number}"
    answer = {"response_id": response, "item_id": f"item_a{number}", "output_index": 0, "content_index": 0}
    item = {"id": answer["item_id"], "type": "message", "role": "assistant", "content": []}
    words = [f"word {word} " for word in range(4)]
    transcription = "conversation.item.input_audio_transcription.completed"
    said: list[dict[str, Any]] = [
        {"type": "input_audio_buffer.speech_started", **heard, "audio_start_ms": number * 10},
        {"type": "input_audio_buffer.speech_stopped", **heard, "audio_end_ms": number * 10 + 5},
        {"type": "input_audio_buffer.committed", **heard, "previous_item_id": None},
        {"type": transcription, **heard, "transcript": "What is my balance?"},
        {"type": "response.created", "response": {"id": response, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "response_id": response, "output_index": 0, "item": item},
        *({"type": "response.output_audio_transcript.delta", **answer, "delta": word} for word in words),
        {"type": "response.output_audio_transcript.done", **answer, "transcript": "".join(words)},
        {"type": "response.done", "response": _ended(response)},
    ]
    return _written(number, said)


def _ended(response_id: str) -> dict[str, Any]:
    return {"id": response_id, "status": "completed", "output": []}


def _written(number: int, events: Sequence[dict[str, Any]]) -> Sequence[bytes]:
    return [
        msgspec.json.encode({"event_id": f"event_{number}_{at}", **event}) for at, event in enumerate(events)
    ]


_AS_PAGE: Final = ((frames.CREATE_POSITIONED,), "session_ready")
_AS_BROWSER: Final = ((frames.CREATE_SESSION,), "session_ready")
_AS_CLIENT: Final = ((), "response.created")

_FACES: Final[dict[str, Face]] = {
    "page-up": Face(
        "page, microphone",
        PAGE,
        *_AS_PAGE,
        "client",
        lambda n: (frames.placed(_pcm(n), n),),
        _of_append,
    ),
    "page-down": Face("page, answer", PAGE, *_AS_PAGE, "upstream", _delta, _positioned),
    "binary-up": Face(
        "browser protocol, microphone", PAGE, *_AS_BROWSER, "client", lambda n: (_pcm(n),), _of_append
    ),
    "binary-down": Face("browser protocol, answer", PAGE, *_AS_BROWSER, "upstream", _delta, _bare),
    "realtime-up": Face(
        "/v1/realtime, microphone",
        REALTIME,
        *_AS_CLIENT,
        "client",
        lambda n: (frames.append(_pcm(n)),),
        _of_append,
    ),
    "realtime-down": Face("/v1/realtime, answer", REALTIME, *_AS_CLIENT, "upstream", _delta, _of_delta),
    "returning-down": Face(
        "/v1/realtime of one who may return, answer",
        f"{REALTIME}&holdfast_resume=1",
        *_AS_CLIENT,
        "upstream",
        _delta,
        _of_delta,
    ),
    "page-turn": Face(
        "page, words of a turn",
        PAGE,
        *_AS_PAGE,
        "upstream",
        _turn,
        None,
        pieces=20,
        warm_up=10,
    ),
    "realtime-turn": Face(
        "/v1/realtime, words of a turn",
        REALTIME,
        *_AS_CLIENT,
        "upstream",
        _turn,
        None,
        pieces=20,
        warm_up=10,
    ),
}

COMPILED: Final = "-express"
FACES: Final[dict[str, Face]] = _FACES | {
    f"{name}{COMPILED}": replace(face, title=f"{face.title}, compiled", rides=True)
    for name, face in _FACES.items()
    if face.audio is not None
}


def here() -> list[str]:
    """The rows that can be counted here: those of the compiled way only where that was built."""
    return [name for name, face in FACES.items() if IS_BUILT or not face.rides]
