"""The doctor's questions about the engine's stages that others serve: a small piece of work for each.

What lives here: what is asked of them. What never will: the doctor's other questions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from holdfast.config import Settings
from holdfast.diagnosis.checks import Answer, Question
from holdfast.engine.options import RemoteStage
from holdfast.engine.remote import Chat, Speech, StageServer, Transcriber
from holdfast.engine.switch import Stage, StageError
from holdfast.providers.local import engine_options

_SECOND: Final = bytes(48_000)
_HELLO: Final = "Hello."
_WORDS_MAX: Final = 16


def questions(settings: Settings) -> list[Question]:
    """One for each stage that the settings give to a server."""
    options = engine_options(settings.engine)
    asked: dict[Stage, RemoteStage | None] = {
        "transcription": options.transcription,
        "chat": options.chat,
        "speech": options.speech,
    }
    return [
        Question(f"engine.{stage}", f"engine: {stage}", partial(_answer, stage, one))
        for stage, one in asked.items()
        if one is not None
    ]


async def _answer(stage: Stage, options: RemoteStage) -> Answer:
    server = StageServer(stage, options)
    now = asyncio.get_running_loop().time
    began = now()
    try:
        told = await _WORKS[stage](server)
    except StageError as error:
        return Answer.failed(error.code, f"{options.title}: {error}")
    finally:
        await server.close()
    return Answer.ok(f"{options.title}: {told} after {(now() - began) * 1000:.0f} ms")


async def _write(server: StageServer) -> str:
    text = await Transcriber(server).write(_SECOND)
    return f"of a second of silence {text!r}" if text else "a second of silence has no words"


async def _chat(server: StageServer) -> str:
    asked = {"messages": [{"role": "user", "content": _HELLO}], "max_tokens": _WORDS_MAX}
    words = [delta.content or "" async for delta in Chat(server).deltas(asked)]
    return f"{len(''.join(words))} characters"


async def _speak(server: StageServer) -> str:
    sound = [piece async for piece in Speech(server).speak(_HELLO, "marin", 1.0)]
    return f"{sum(map(len, sound)) // 48} ms of speech"


_WORKS: Final[Mapping[Stage, Callable[[StageServer], Awaitable[str]]]] = {
    "transcription": _write,
    "chat": _chat,
    "speech": _speak,
}
