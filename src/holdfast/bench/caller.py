"""One session of the Python load: it sets itself up, sends frame after frame and checks what comes back.

What lives here: the faces as a client speaks them, and what all sessions of a measurement count together.
What never will: windows, processor time.
"""

from __future__ import annotations

import asyncio
import random
import time
from array import array
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from holdfast.bench import frames
from holdfast.bench.plans import IN_JSON, Face
from holdfast.bench.stream import Faults, Stream
from holdfast.sockets import MessageListener

ACK_MS: Final = 1_000
"""A client of the browser protocol says about once a second what it has, as the page does."""
_TROUBLES_KEPT: Final = 3
_BAD_NEWS: Final = frozenset({"error", "audio_lost", "session_ended", "response_done", "holdfast.audio_lost"})
_AUDIO: Final = "response.output_audio.delta"


@dataclass(slots=True)
class Tally(Faults):
    """What all sessions of one measurement count together."""

    sent: int = 0
    received: int = 0
    refused: int = 0
    rtt_s: array[float] = field(default_factory=lambda: array("d"))
    late_s: array[float] = field(default_factory=lambda: array("d"))
    troubles: list[str] = field(default_factory=list)

    def trouble(self, what: str) -> None:
        """Keep the first few."""
        if len(self.troubles) < _TROUBLES_KEPT:
            self.troubles.append(what[:300])


class Caller(MessageListener):
    """One session: sends frame after frame, expects the same sound back."""

    def __init__(self, face: Face, number: int, tally: Tally, frame_ms: int = frames.FRAME_MS) -> None:
        super().__init__()
        self.ready = asyncio.Event()
        self.answered = asyncio.Event()
        self.over = asyncio.Event()
        self._face = face
        self._in_json = face in IN_JSON
        self._is_positioned = face == "page"
        self._number = number
        self._tally = tally
        self._frame_s = frame_ms / 1000
        self._ack_every = ACK_MS // frame_ms
        self._loop = asyncio.get_running_loop()
        self._next_at = 0.0
        self._is_talking = False
        self._is_leaving = False
        self._count = -1
        """Of the last message that counts: of the browser protocol from `session_created` on."""
        self._acked = 0
        self._stream = Stream(number, frames.bytes_of(frame_ms), tally)
        self._sent_at: deque[float] = deque()

    def on_open(self) -> None:
        if not self._in_json:
            self.send_text(frames.CREATE_POSITIONED if self._is_positioned else frames.CREATE_SESSION)

    def on_text(self, payload: bytes) -> None:
        if self._is_leaving:
            return
        self._counted()
        if self._in_json and payload.startswith(frames.DELTA_HEAD):
            self._heard(frames.heard(payload))
            return
        kind = frames.kind_of(payload)
        if self._count < 0 and kind in {"session_created", "session.created"}:
            self._count = 0 if kind == "session_created" else 1
        if kind == _AUDIO:
            self._heard(frames.heard(payload))
        elif kind == "session.created":
            self.send_text(frames.SESSION_UPDATE)
        elif kind == ("response.created" if self._in_json else "session_ready"):
            self.ready.set()
        elif kind in _BAD_NEWS:
            self._tally.trouble(payload.decode())

    def on_binary(self, payload: bytes) -> None:
        if self._is_leaving:
            return
        self._counted()
        self._heard(frames.unplaced(payload, self._count) if self._is_positioned else payload)

    def on_closed(self, code: int, reason: str) -> None:
        self.over.set()
        if self._is_talking:
            self._tally.trouble(f"closed with {code} {reason}")

    def talk(self) -> None:
        """Begin, anywhere within the first frame's time, so that sessions do not beat together."""
        self._is_talking = True
        self.answered.clear()
        self._next_at = self._loop.time() + random.random() * self._frame_s  # noqa: S311 - a phase is no secret
        self._loop.call_at(self._next_at, self._speak)

    def leave(self) -> None:
        """Hang up. The browser protocol holds a session whose socket closes for its return, unless told."""
        self._is_leaving = True
        if not self._in_json:
            self.send_text(frames.END_SESSION)
        self.close()

    def hush(self) -> None:
        """Send no more; answers may still come."""
        self._is_talking = False
        if not self._stream.awaited:
            self.answered.set()

    def settled(self) -> int:
        """Nothing more is waited for; answers how many frames have not come back."""
        self._stream.end()
        return self._stream.unanswered

    def _counted(self) -> None:
        """One more message has come; now and then the gateway is told how many."""
        if self._count < 0:
            return
        self._count += 1
        if self._count - self._acked < self._ack_every:
            return
        self._acked = self._count
        if not self._in_json:
            self.send_text(b'{"type":"ack","offset":%d}' % self._count)
        elif self._face == "json-resume":
            self.send_text(b'{"type":"holdfast.ack","received":%d}' % self._count)

    def _speak(self) -> None:
        if not self._is_talking:
            return
        stream = self._stream
        pcm = frames.frame(self._number, stream.sent, stream.frame_bytes)
        now = self._loop.time()
        self._sent_at.append(time.perf_counter())
        if self._in_json:
            self.send_text(frames.append(pcm))
        else:
            self.send_binary(frames.placed(pcm, stream.sent) if self._is_positioned else pcm)
        stream.sent += 1
        self._tally.sent += 1
        self._tally.late_s.append(now - self._next_at)
        self._next_at += self._frame_s
        self._loop.call_at(self._next_at, self._speak)

    def _heard(self, pcm: bytes) -> None:
        stream, tally = self._stream, self._tally
        tally.received += 1
        if not pcm:
            tally.altered += 1
            return
        came = stream.due
        stream.take(pcm)
        now = time.perf_counter()
        for _ in range(stream.due - came):
            tally.rtt_s.append(now - self._sent_at.popleft())
        if not self._is_talking and not stream.awaited:
            self.answered.set()
