"""Speech and transcription by the embedded engine, for requests that are no conversation.

What lives here: a session with a worker for each request, spoken with and listened to in turn.
What never will: formats of files, HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from holdfast.core.faults import Fault
from holdfast.core.limits import Limits
from holdfast.core.models import VOICES
from holdfast.engine.pool import EnginePool
from holdfast.ports import UpstreamLine
from holdfast.ports.audio import AudioFailedError
from holdfast.providers.local import LOCAL_MODEL
from holdfast.providers.realtime_link import Address, dial
from holdfast.wire import plain_audio as words

_WAITING_MAX: Final = 64
"""Events that wait for whoever reads; with more the worker has to wait."""
_BREATH: Final = bytes(48 * 1_200)
"""Silence behind a recording: it ends an utterance that was cut with the file."""
_TICK: Final = bytes(48 * 100)
_COMPLETED: Final = "conversation.item.input_audio_transcription.completed"


class _Ear:
    """What a worker says, in order. Fills the port `UpstreamSink`."""

    def __init__(self) -> None:
        self.line: UpstreamLine | None = None
        self._heard: asyncio.Queue[bytes | Fault] = asyncio.Queue()
        self._may_send = asyncio.Event()
        self._may_send.set()

    def upstream_opened(self, generation: int, line: UpstreamLine) -> None:  # noqa: ARG002 - the port's form
        self.line = line

    def upstream_message(self, generation: int, raw: bytes) -> None:  # noqa: ARG002 - as above
        self._heard.put_nowait(raw)
        if self.line is not None and self._heard.qsize() == _WAITING_MAX:
            self.line.pause_reading(paused=True)

    def upstream_lost(self, generation: int, cause: Fault) -> None:  # noqa: ARG002 - as above
        self._heard.put_nowait(cause)
        self._may_send.set()

    def upstream_paused(self, *, paused: bool) -> None:
        if paused:
            self._may_send.clear()
        else:
            self._may_send.set()

    async def send(self, raw: bytes) -> None:
        """Send, and wait where the worker reads more slowly."""
        assert self.line is not None, "the worker was reached"
        self.line.send_text(raw)
        await self._may_send.wait()

    async def hear(self, wait_s: float) -> words.Heard:
        """The next event. Raises AudioFailedError for a loss, an error, or silence."""
        try:
            async with asyncio.timeout(wait_s):
                heard = await self._heard.get()
        except TimeoutError:
            raise AudioFailedError("engine_silent", f"The engine said nothing for {wait_s:g} s.") from None
        if self.line is not None and self._heard.qsize() == _WAITING_MAX // 2:
            self.line.pause_reading(paused=False)
        if isinstance(heard, Fault):
            raise AudioFailedError("engine_unavailable", " ".join((heard.row.message, *heard.evidence)))
        try:
            event = words.read(heard)
        except msgspec.MsgspecError as error:
            raise AudioFailedError("engine_failed", str(error)) from error
        if event.type == "error" and event.error is not None:
            raise AudioFailedError("engine_failed", event.error.message)
        return event


class LocalAudio:
    """The embedded engine's voice and ears. Fills the port `Speaker`."""

    model = LOCAL_MODEL

    def __init__(self, name: str, pool: EnginePool, voice: str, limits: Limits) -> None:
        self.name = name
        self._pool = pool
        self._voice = voice
        self._limits = limits

    def voice(self, wanted: str) -> str:
        """The wanted one, or the configured one."""
        return wanted if wanted in VOICES else self._voice

    async def speak(self, text: str, voice: str, speed: float) -> AsyncGenerator[bytes, None]:
        """Portion by portion, each as it is synthesised."""
        async with self._session("realtime") as ear:
            await ear.send(words.speaking(voice, speed))
            for portion in words.portions(text):
                await ear.send(words.say(portion))
                while (event := await ear.hear(self._limits.audio_request_s)).type != "response.done":
                    if event.type == "response.output_audio.delta":
                        yield event.pcm
                if event.failure:
                    raise AudioFailedError("speech_failed", event.failure)

    async def hear(self, pcm: bytes, prompt: str) -> AsyncGenerator[str, None]:
        """Utterance by utterance."""
        async with self._session("transcription") as ear:
            await ear.send(words.listening(LOCAL_MODEL, prompt))
            feeding = asyncio.get_running_loop().create_task(_feed(ear, pcm))
            try:
                while (event := await ear.hear(self._limits.audio_request_s)).item_id != words.MARK or (
                    event.type != _COMPLETED
                ):
                    if event.type == _COMPLETED and event.transcript:
                        yield event.transcript
            finally:
                feeding.cancel()

    @asynccontextmanager
    async def _session(self, intent: str) -> AsyncIterator[_Ear]:
        if not self._pool.ready:
            raise AudioFailedError("engine_unavailable", " ".join(self._pool.reasons) or "It is starting.")
        address = self._pool.address()
        ear = _Ear()
        query = "intent=transcription" if intent == "transcription" else f"model={LOCAL_MODEL}"
        await dial(Address(f"{address.url}?{query}", address.token, self._limits), 0, ear, {})
        try:
            while (await ear.hear(self._limits.created_s)).type != "session.created":
                pass
            yield ear
        finally:
            if ear.line is not None:
                ear.line.close()


async def _feed(ear: _Ear, pcm: bytes) -> None:
    for at in range(0, len(pcm), words.APPEND_BYTES):
        await ear.send(words.append(pcm[at : at + words.APPEND_BYTES]))
    await ear.send(words.append(_BREATH))
    await ear.send(words.mark(_TICK))
