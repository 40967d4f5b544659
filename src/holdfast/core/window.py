"""What the client may have missed: the messages it has not acknowledged, bounded in
seconds, bytes and number.

What lives here: a window of numbered messages for a client that comes back (reliability reference, B2, B11).
What never will: deciding whether it may come back, sending.

Full: the oldest *audio* goes first and its absence is named at the return; text goes only beyond its number,
and then a return is honestly "not recovered".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from heapq import merge
from operator import itemgetter

from holdfast.core.audio import SAMPLE_BYTES
from holdfast.core.effects import Play, Tell
from holdfast.core.recent import Recent

FALLEN_MAX = 64


@dataclass(slots=True, eq=False)
class Run:
    """Audio messages of one stream with one offset after the other."""

    offset: int
    """Of the first."""
    stream: int
    start: int
    """Index in the stream of the first sample."""
    pcm: bytes
    sizes: list[int]
    """Of the messages, in bytes; 0: this number is a text message's."""
    gone: int = 0
    """So many bytes at the beginning of `pcm` are kept no more."""

    @property
    def last_offset(self) -> int:
        """Of the last."""
        return self.offset + len(self.sizes) - 1

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.pcm) - self.gone

    def drop_first(self) -> tuple[int, int, int, int]:
        """Forget one message; answers its offset, stream, first and last sample."""
        size = self.sizes.pop(0)
        first = self.offset, self.stream, self.start, self.start + size // SAMPLE_BYTES
        self.offset, self.start, self.gone = self.offset + 1, first[3], self.gone + size
        return first

    def messages(self) -> Iterator[Play]:
        """One by one."""
        start, at = self.start, self.gone
        for offset, size in enumerate(self.sizes, self.offset):
            if size:
                yield Play(offset, self.stream, start, self.pcm[at : at + size])
            start += size // SAMPLE_BYTES
            at += size


@dataclass(slots=True)
class ReplayWindow:
    audio_bytes_max: int
    messages_max: int
    audio: list[Run] = field(default_factory=list)
    audio_bytes: int = 0
    forgotten: int = 0
    """No text message up to here is kept any more."""
    fallen: Recent[tuple[int, int, int, int]] = field(default_factory=lambda: Recent(FALLEN_MAX))
    """Audio that fell out: highest offset, stream, first, last. Who has that offset missed nothing."""
    heard_by: Callable[[int, int, bytes], None] | None = None
    """Who else hears it, where a recording was agreed to: stream, first sample, sound."""
    is_replayed: bool = False
    """What is kept is being told: nothing of it may fall out meanwhile."""
    _texts: list[tuple[int, Tell]] = field(default_factory=list)
    """A list, as `audio` is: see `Recent`."""

    @property
    def texts(self) -> int:
        """Text messages that are kept."""
        return len(self._texts)

    def newest(self, texts: int) -> ReplayWindow:
        """This window as if only so many text messages were kept."""
        gone = len(self._texts) - texts
        if gone <= 0:
            return self
        told = {one.name: getattr(self, one.name) for one in fields(ReplayWindow)}
        told |= {"forgotten": self._texts[gone - 1][0], "_texts": self._texts[gone:]}
        return ReplayWindow(**told)

    def tell(self, offset: int, message: Tell) -> None:
        """Keep a text message."""
        self._texts.append((offset, message))
        if len(self._texts) > self.messages_max and not self.is_replayed:
            self.forgotten, _ = self._texts.pop(0)

    def play(self, offset: int, stream: int, start: int, pcm: bytes, sizes: list[int]) -> None:
        """Keep audio: messages from `offset` on, samples from `start` on. The list is the window's now."""
        if self.heard_by is not None:
            self.heard_by(stream, start, pcm)
        run = Run(offset, stream, start, pcm, sizes)
        self.audio.append(run)
        self.audio_bytes += run.size
        if self.audio_bytes > self.audio_bytes_max:
            self.shrink(self.audio_bytes_max)

    def shrink(self, audio_bytes: int) -> int:
        """Keep no more audio than that: the oldest falls out. Answers how many bytes did."""
        before = self.audio_bytes
        while self.audio_bytes > audio_bytes:
            offset, stream, first, last = self._drop_first()
            if self.fallen and self.fallen[-1][1] == stream and self.fallen[-1][3] == first:
                first = self.fallen.pop()[2]
            self.fallen.append((offset, stream, first, last))
        return before - self.audio_bytes

    def missed_from(self, stream: int, offset: int) -> int | None:
        """The first sample of a stream that who has everything up to `offset` missed; None for none."""
        for last_offset, its, first, _ in self.fallen:
            if its == stream and last_offset > offset:
                return first
        return next((run.start for run in self.audio if run.stream == stream), None)

    def _drop_first(self) -> tuple[int, int, int, int]:
        gone = self.audio[0].drop_first()
        self.audio_bytes -= (gone[3] - gone[2]) * SAMPLE_BYTES
        if not self.audio[0].sizes:
            del self.audio[0]
        return gone

    def acknowledge(self, offset: int) -> None:
        """The client has everything up to `offset`: who comes back to an earlier place has lost its own."""
        self.forgotten = max(self.forgotten, offset)
        del self._texts[: bisect_right(self._texts, offset, key=itemgetter(0))]
        while self.audio and self.audio[0].last_offset <= offset:
            self.audio_bytes -= self.audio.pop(0).size
        while self.audio and self.audio[0].offset <= offset:
            self._drop_first()

    def holds(self, offset: int) -> bool:
        """Whether every text message after `offset` is still here."""
        return offset >= self.forgotten

    def drop_audio(self) -> list[tuple[int, int, int]]:
        """Forget all audio; answers (stream, first, last) of what is gone."""
        gone: list[tuple[int, int, int]] = []
        for run in self.audio:
            last = run.start + run.size // SAMPLE_BYTES
            if gone and gone[-1][0] == run.stream and gone[-1][2] == run.start:
                gone[-1] = (run.stream, gone[-1][1], last)
            else:
                gone.append((run.stream, run.start, last))
        self.audio.clear()
        self.audio_bytes = 0
        return gone

    def after(self, offset: int) -> list[Tell | Play]:
        """Everything after `offset`, in the order of the offsets and without a hole: audio that is not here
        any more comes as an empty message under its number.
        """
        texts: Iterator[tuple[int, Tell | Play]] = (kept for kept in self._texts if kept[0] > offset)
        plays = (play for run in self.audio for play in run.messages())
        sounds = ((play.offset, play) for play in plays if play.offset > offset)
        told: list[Tell | Play] = []
        for number, message in merge(texts, sounds, key=itemgetter(0)):
            told += [Play(missing, 0, 0, b"") for missing in range(offset + 1, number)]
            told.append(message)
            offset = number
        return told
