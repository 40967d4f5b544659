"""Somebody on either face who speaks and listens on cue, and hears every gap in what comes back.

What lives here: speaking in step with the clock, a loudspeaker's queue, answers with their bytes and words.
What never will: when to do what (`benchmarks.rotation`), the gateway's and the upstream's books.

The loudspeaker plays what it has and waits for nothing: an answer begins to sound with its first piece, and a
piece that comes after the one before has been played is a gap, as long as it is late.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from benchmarks.rig.voice import FRAME_MS, RATE_HZ, CuedVoice
from holdfast.client import Line, SessionWish, dial, dialect_for
from holdfast.client import happenings as hp

AT_ONCE_S: Final = 0.1
"""Two clocks and a log's milliseconds lie between what the gateway did and what its client saw."""
_BYTES_PER_S: Final = 2 * RATE_HZ


@dataclass(slots=True)
class Reply:
    """One response as it came. Times are monotonic."""

    id: str
    began_at: float
    status: str = ""
    ended_at: float | None = None
    sounded_at: float | None = None
    pcm: bytearray = field(default_factory=bytearray)
    words: str = ""

    def is_under_way(self, at: float) -> bool:
        """Whether it was being given then; an end in the same moment is its own, unless it was cut."""
        until = float("inf") if self.ended_at is None else self.ended_at
        return self.began_at < at and until > at - (AT_ONCE_S if self.status != "completed" else -AT_ONCE_S)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an answer that had begun to sound."""

    at: float
    pause_ms: float
    """Since the piece before."""
    gap_ms: float
    """How long the loudspeaker had had nothing to play."""


@dataclass(slots=True)
class Caller:
    """One session. `live` runs until it is cancelled."""

    voice: CuedVoice
    url: str
    replies: list[Reply] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    sounds: list[tuple[float, float]] = field(default_factory=list)
    """When the loudspeaker played: from, to. The last one may go on."""
    speeches: list[tuple[float, float]] = field(default_factory=list)
    """When the caller spoke: from, to."""
    wrongs: list[str] = field(default_factory=list)
    frames: int = 0
    is_ready: bool = False
    spoken_until: int = 0
    """The frame up to which is spoken."""
    _ids: set[str] = field(default_factory=set)
    _goes_on: bool = False
    _piece_at: float = 0.0

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Be there until the block ends. Raises DialError."""
        line = await dial(self.url, dialect_for(self.url, SessionWish()))
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(self._speak(line)), loop.create_task(self._listen(line))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await line.end()

    # cues

    def say(self, seconds: float) -> None:
        """Speak for so long, from the next frame on."""
        self.spoken_until = max(self.spoken_until, self.frames) + round(seconds * 1000 / FRAME_MS)

    def hush(self, seconds: float) -> None:
        """Come to an end with what is being said."""
        self.spoken_until = min(self.spoken_until, self.frames + round(seconds * 1000 / FRAME_MS))

    @property
    def is_speaking(self) -> bool:
        """Whether something is being said."""
        return self.frames < self.spoken_until

    def is_answered(self, questions: int) -> bool:
        """Whether so many answers came to their end and nothing is being said by anybody."""
        whole = sum(reply.status == "completed" for reply in self.replies)
        return whole >= questions and not self.is_speaking and not self.is_answering

    @property
    def is_answering(self) -> bool:
        """Whether a response is under way."""
        return any(reply.ended_at is None for reply in self.replies)

    def state_at(self, at: float) -> str:
        """What went on then: speaking, answering (a response was under way, or cut), listening (what had come
        whole was still played), idle.
        """
        if any(start <= at < end for start, end in self.speeches):
            return "speaking"
        if any(reply.is_under_way(at) for reply in self.replies):
            return "answering"
        return "listening" if any(start <= at < end for start, end in self.sounds) else "idle"

    # the socket

    async def _speak(self, line: Line) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while line.is_open:
            if self.is_ready:
                self._frame(line)
            due += FRAME_MS / 1000
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _frame(self, line: Line) -> None:
        if self.is_speaking:
            now = time.monotonic()
            goes_on = self.frames - 1 in self.voice.loud
            began = self.speeches.pop()[0] if goes_on else now
            self.speeches.append((began, now + FRAME_MS / 1000))
            self.voice.loud.add(self.frames)
        line.send_audio(self.voice.frame(self.frames))
        self.frames += 1

    async def _listen(self, line: Line) -> None:
        while True:
            at, happening = await line.heard.get()
            self.hear(at, happening)

    def hear(self, at: float, happening: hp.Happening) -> None:
        """Something came."""
        match happening:
            case hp.Ready():
                self.is_ready = True
            case hp.ResponseStarted(response_id):
                if response_id in self._ids:
                    self.wrongs.append(f"{response_id} began twice")
                self._ids.add(response_id)
                self.replies.append(Reply(response_id, at))
            case hp.ResponseDone(response_id, status):
                self._ended(response_id, status, at)
            case hp.AssistantSaid(_, text, final) if self.replies:
                self.replies[-1].words = text if final else self.replies[-1].words + text
            case hp.Sound(pcm):
                self._sound(at, pcm)
            case hp.Trouble(code, message) | hp.Closed(code, message):
                self.wrongs.append(f"{code}: {message}")
            case hp.Ended(reason):
                self.wrongs.append(f"ended: {reason}")

    def _ended(self, response_id: str, status: str, at: float) -> None:
        reply = next((one for one in self.replies if one.id == response_id), None)
        if reply is None or reply.ended_at is not None:
            self.wrongs.append(f"an end of {response_id}, which did not run")
            return
        reply.status, reply.ended_at = status, at
        self._goes_on = status != "completed"  # what follows is the rest of the same answer

    def _sound(self, at: float, pcm: bytes) -> None:
        if not self.is_answering:
            self.wrongs.append("sound outside of any response")
            return
        reply = self.replies[-1]
        if reply.sounded_at is None and not self._goes_on:
            begin = max(at, self.sounds[-1][1] if self.sounds else at)
            self.sounds.append((begin, begin))
        reply.sounded_at = reply.sounded_at or at
        reply.pcm += pcm
        start, end = self.sounds[-1]
        if end > start:
            self.pieces.append(Piece(at, 1e3 * (at - self._piece_at), 1e3 * max(0.0, at - end)))
        self._piece_at = at
        self.sounds[-1] = (start, max(at, end) + len(pcm) / _BYTES_PER_S)
