"""A microphone made of recordings: real time, never pausing, silent between recordings.

What lives here: pacing by sample position. What never will: deciding when to speak.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from holdfast.client.line import Line
from holdfast.client.recording import Recording
from holdfast.core.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ

FRAME_MS: Final = 20
FRAME_BYTES: Final = SAMPLE_RATE_HZ * FRAME_MS // 1000 * SAMPLE_BYTES
_SILENCE: Final = bytes(FRAME_BYTES)
_SEND_BUFFER_MAX: Final = 1024 * 1024
RECORDINGS_MAX: Final = 1000


@dataclass(slots=True)
class _Utterance:
    pcm: bytes
    speech_end_bytes: int
    ended: asyncio.Future[float] = field(repr=False)
    sent: int = 0


class Microphone:
    """Sends 20 ms of audio every 20 ms (`speed` times faster when asked) from `start` to `stop`."""

    def __init__(self, line: Line, *, speed: float = 1.0) -> None:
        self._line = line
        self._period_s = FRAME_MS / 1000 / speed
        self._waiting: deque[_Utterance] = deque(maxlen=RECORDINGS_MAX)
        self._task: asyncio.Task[None] | None = None
        self.samples_sent = 0

    def start(self) -> None:
        """Open the microphone. Twice is harmless."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="microphone")

    async def stop(self) -> None:
        """Close it. Twice is harmless."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    def speak(self, recording: Recording) -> asyncio.Future[float]:
        """Speak a recording after those that wait. The result is the loop time at which its last sample of
        speech (not of the recording) had been handed to the socket.
        """
        ended: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Utterance(recording.pcm, recording.speech_end * SAMPLE_BYTES, ended))
        self.start()
        return ended

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while self._line.is_open:
            if self._line.send_buffer_bytes < _SEND_BUFFER_MAX:
                self._send_frame(loop.time())
            due += self._period_s
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _send_frame(self, now: float) -> None:
        frame = self._next_frame(now)
        self._line.send_audio(frame)
        self.samples_sent += len(frame) // SAMPLE_BYTES

    def _next_frame(self, now: float) -> bytes:
        if not self._waiting:
            return _SILENCE
        speaking = self._waiting[0]
        frame = speaking.pcm[speaking.sent : speaking.sent + FRAME_BYTES]
        speaking.sent += len(frame)
        if speaking.sent >= speaking.speech_end_bytes and not speaking.ended.done():
            speaking.ended.set_result(now)
        if speaking.sent >= len(speaking.pcm):
            self._waiting.popleft()
        return frame.ljust(FRAME_BYTES, b"\0")
