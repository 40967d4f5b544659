"""One response, from its first word to its end: the engine's mouth in the dialect's terms.

What lives here: the order of words and sound, stopping at once, waiting while the socket is full.
What never will: deciding what to say.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import Protocol

from holdfast.engine.speaking import Manner, Mouth, new_resampler
from holdfast.engine.spoken import clauses
from holdfast.engine.stages import SpeechError
from holdfast.wire.realtime import ResponseWriter


class Outflow(Protocol):
    """The connection's way out, as far as a speaker must know it."""

    async def writable(self) -> None:
        """Returns when the socket takes more."""
        ...


@dataclass(slots=True)
class Answer:
    """A response that is being spoken."""

    writer: ResponseWriter
    stop: threading.Event
    task: asyncio.Task[None] | None = None

    def cease(self) -> None:
        """Not one sample more. The caller ends the writer."""
        self.stop.set()
        if self.task is not None:
            self.task.cancel()


async def speak(answer: Answer, text: str, manner: Manner, mouth: Mouth, outflow: Outflow) -> None:
    """Say `text` as one message and complete the response; a failing voice fails the response."""
    writer = answer.writer
    message = writer.message()
    resampler = new_resampler()
    try:
        for clause in clauses(text):
            message.transcript(clause.written)
            if not writer.is_spoken:
                continue
            async for pcm in mouth.speak(clause, manner, resampler, answer.stop):
                message.audio(pcm)
                await outflow.writable()
            if answer.stop.is_set():
                return
    except SpeechError as fault:
        writer.done("failed", error={"type": "server_error", "code": "speech_failed", "message": str(fault)})
        return
    message.done()
    writer.done()
