"""One response, from its first word to its end: the engine's mouth in the dialect's terms.

What lives here: the order of words and sound, stopping at once, waiting while the socket is full.
What never will: deciding what to say.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from holdfast.engine.agenda import Errand
from holdfast.engine.chatting import Reply
from holdfast.engine.kit import Stages
from holdfast.engine.remote import UNAVAILABLE, Chat
from holdfast.engine.speaking import Manner, Pace, new_resampler
from holdfast.engine.spoken import Clause, clauses
from holdfast.engine.stages import SpeechError
from holdfast.engine.switch import StageError
from holdfast.wire.realtime import MessageWriter, ResponseWriter


class Outflow(Protocol):
    """The connection's way out, as far as a speaker must know it."""

    async def writable(self) -> None:
        """Returns when the socket takes more."""
        ...


class Connection(Outflow, Protocol):
    """What the pipeline needs of its socket."""

    def pause_reading(self, *, paused: bool) -> None:
        """Stop or go on taking audio from the client."""
        ...


@dataclass(slots=True)
class Answer:
    """A response that is being spoken."""

    writer: ResponseWriter
    stop: threading.Event
    task: asyncio.Task[None] | None = None
    errand: Errand | None = None
    """What it is about, where a chat server answers what stands in the conversation."""

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it in a task of its own."""
        self.task = asyncio.get_running_loop().create_task(self._brought_to_an_end(work))

    async def _brought_to_an_end(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - whatever breaks, nobody waits for the end of this response
            context = {"message": "an answer could not be given", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
            if not self.writer.is_done:
                told = {"type": "server_error", "code": "engine_failed", "message": "The answer broke off."}
                self.writer.done("failed", error=told)

    def cease(self) -> None:
        """Not one sample more. The caller ends the writer."""
        self.stop.set()
        if self.task is not None:
            self.task.cancel()


async def speak(answer: Answer, text: str, manner: Manner, stages: Stages, outflow: Outflow) -> None:
    """Say `text` as one message and complete the response; a failing voice fails the response."""
    voice = Telling(answer, manner, stages, outflow)
    if await voice.say(text):
        voice.done()


class Telling:
    """One message of a response, said piece by piece as its words come."""

    def __init__(self, answer: Answer, manner: Manner, stages: Stages, outflow: Outflow) -> None:
        self._answer = answer
        self._manner = manner
        self._mouth = stages.mouth
        self._ahead = stages.ahead
        self._outflow = outflow
        self._resampler = new_resampler()
        self._pace = Pace()
        self._message: MessageWriter | None = None

    @property
    def has_begun(self) -> bool:
        """Whether anything of it was said."""
        return self._message is not None

    async def say(self, text: str) -> bool:
        """The next words. False when there is no more to be said: it was stopped, or the voice failed, which
        has ended the response.
        """
        writer = self._answer.writer
        message, is_first = self._message or writer.message(), self._message is None
        self._message = message
        try:
            for clause, sound in self._parts(text, may_be_ready=is_first and writer.is_spoken):
                message.transcript(clause.written)
                if not writer.is_spoken:
                    continue
                async for pcm in sound:
                    message.audio(pcm)
                    await self._outflow.writable()
                if self._answer.stop.is_set():
                    return False
        except SpeechError as fault:
            error = {"type": "server_error", "code": "speech_failed", "message": str(fault)}
            writer.done("failed", error=error)
            return False
        return True

    def _parts(self, text: str, *, may_be_ready: bool) -> Iterator[tuple[Clause, AsyncIterator[bytes]]]:
        """The clauses of `text` with their sound, the first perhaps as it was made before."""
        if self._ahead is not None and may_be_ready:
            begun = self._ahead.beginning_of(text, self._manner)
            if begun is not None:
                yield begun.clause, self._paced(begun.pieces())
                text = text[len(begun.clause.written) :]
        for clause in clauses(text):
            stop = self._answer.stop
            yield clause, self._mouth.speak(clause, self._manner, self._resampler, stop, self._pace)

    async def _paced(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """What was made before counts as soon as it is said."""
        async for piece in pieces:
            self._pace.add(len(piece))
            yield piece

    def done(self) -> None:
        """It was said; so is the response."""
        if self._message is not None:
            self._message.done()
        self._answer.writer.done()


async def relate(chat: Chat, asked: Mapping[str, Any], told: Telling, writer: ResponseWriter) -> bool:
    """Say what a chat server answers, sentence by sentence as it comes, make its calls, and complete the
    response. False when that was stopped on the way. Raises StageError, for an answer of nothing, too.
    """
    reply = Reply()
    async with aclosing(chat.deltas(asked)) as deltas:
        async for delta in deltas:
            for sentence in reply.take(delta):
                if not await told.say(sentence):
                    return False
    if (rest := reply.rest()) and not await told.say(rest):
        return False
    calls = reply.calls()
    if not calls and not told.has_begun:
        error = StageError(UNAVAILABLE, "the answer is empty")
        chat.server.switch.failed(error, asyncio.get_running_loop().time())
        raise error
    for call in calls:
        writer.function_call(call.name, call.arguments)
    told.done()
    return True
