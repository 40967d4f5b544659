"""What the client may have missed: the messages it has not acknowledged, bounded in
seconds, bytes and number.

What lives here: a window of numbered messages for a client that comes back (reliability reference, B2, B11).
What never will: deciding whether it may come back, sending.

Full: the oldest *audio* goes first and its absence is named at the return; text goes only beyond its number,
and then a return is honestly "not recovered".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import merge
from operator import itemgetter

from holdfast.core.audio import SAMPLE_BYTES
from holdfast.core.effects import Play, Tell

FALLEN_MAX = 64
Sound = tuple[int, int, int, bytes]
"""offset, stream, index of the first sample in the stream, PCM"""


@dataclass(slots=True)
class ReplayWindow:
    audio_bytes_max: int
    messages_max: int
    audio: deque[Sound] = field(default_factory=deque)
    audio_bytes: int = 0
    forgotten: int = 0
    """No text message up to here is kept any more."""
    fallen: deque[tuple[int, int, int, int]] = field(default_factory=lambda: deque(maxlen=FALLEN_MAX))
    """Audio that fell out: highest offset, stream, first, last. Who has that offset missed nothing."""
    is_replayed: bool = False
    """What is kept is being told: nothing of it may fall out meanwhile."""
    _texts: deque[tuple[int, Tell]] = field(default_factory=deque)

    def tell(self, offset: int, message: Tell) -> None:
        """Keep a text message."""
        self._texts.append((offset, message))
        if len(self._texts) > self.messages_max and not self.is_replayed:
            self.forgotten, _ = self._texts.popleft()

    def play(self, offset: int, stream: int, start: int, pcm: bytes) -> None:
        """Keep audio."""
        self.audio.append((offset, stream, start, pcm))
        self.audio_bytes += len(pcm)
        if self.audio_bytes > self.audio_bytes_max:
            self._shrink()

    def _shrink(self) -> None:
        while self.audio_bytes > self.audio_bytes_max:
            offset, stream, start, pcm = self.audio.popleft()
            self.audio_bytes -= len(pcm)
            first, last = start, start + len(pcm) // SAMPLE_BYTES
            if self.fallen and self.fallen[-1][1] == stream and self.fallen[-1][3] == start:
                first = self.fallen.pop()[2]
            self.fallen.append((offset, stream, first, last))

    def acknowledge(self, offset: int) -> None:
        """The client has everything up to `offset`: who comes back to an earlier place has lost its own."""
        self.forgotten = max(self.forgotten, offset)
        while self._texts and self._texts[0][0] <= offset:
            self._texts.popleft()
        while self.audio and self.audio[0][0] <= offset:
            self.audio_bytes -= len(self.audio.popleft()[3])

    def holds(self, offset: int) -> bool:
        """Whether every text message after `offset` is still here."""
        return offset >= self.forgotten

    def drop_audio(self) -> list[tuple[int, int, int]]:
        """Forget all audio; answers (stream, first, last) of what is gone."""
        gone: list[tuple[int, int, int]] = []
        for _, stream, start, pcm in self.audio:
            last = start + len(pcm) // SAMPLE_BYTES
            if gone and gone[-1][0] == stream and gone[-1][2] == start:
                gone[-1] = (stream, gone[-1][1], last)
            else:
                gone.append((stream, start, last))
        self.audio.clear()
        self.audio_bytes = 0
        return gone

    def after(self, offset: int) -> list[Tell | Play]:
        """Everything after `offset`, in the order of the offsets and without a hole: audio that is not here
        any more comes as an empty message under its number.
        """
        texts: Iterator[tuple[int, Tell | Play]] = (kept for kept in self._texts if kept[0] > offset)
        sounds = ((sound[0], Play(*sound)) for sound in self.audio if sound[0] > offset)
        told: list[Tell | Play] = []
        for number, message in merge(texts, sounds, key=itemgetter(0)):
            told += [Play(missing, 0, 0, b"") for missing in range(offset + 1, number)]
            told.append(message)
            offset = number
        return told
