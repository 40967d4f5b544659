"""Both sides of a conversation on one time line. Pure.

What lives here: where a piece of sound belongs, in samples since the recording began; the user left, the
assistant right, as it was heard: an answer that is cut ends where its listener stopped hearing it.
What never will: clocks, files.

The user's sound comes as it is spoken; the assistant's comes faster and is played one piece after the other.
What came late was heard late. So that a cut can still take back what was not heard, the last seconds are not
given away.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from holdfast.core.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ

JITTER: Final = SAMPLE_RATE_HZ * 3 // 4
"""Samples by which a piece may come late and still belong behind the one before."""


@dataclass(slots=True)
class Side:
    """One speaker. `end` is where the last piece ends; pieces do not overlap and stand in order."""

    end: int = 0
    pieces: deque[tuple[int, bytes]] = field(default_factory=deque)
    size: int = 0

    def add(self, pcm: bytes, now: int, given: int, *, lasts_until_now: bool) -> int:
        """Put a piece behind the last, or where it was heard when there was a pause, and never where all was
        given away. Where it begins.
        """
        count = len(pcm) // SAMPLE_BYTES
        heard_at = now - count if lasts_until_now else now
        start = max(given, self.end if heard_at - self.end <= JITTER else heard_at)
        self.pieces.append((start, pcm))
        self.end, self.size = start + count, self.size + len(pcm)
        return start

    def cut(self, at: int) -> None:
        """Nothing from there on was heard."""
        while self.pieces and self.pieces[-1][0] + len(self.pieces[-1][1]) // SAMPLE_BYTES > at:
            start, pcm = self.pieces.pop()
            self.size -= len(pcm)
            if start < at:
                self._append(start, pcm[: (at - start) * SAMPLE_BYTES])
        self.end = min(self.end, at)

    def _append(self, start: int, pcm: bytes) -> None:
        self.pieces.append((start, pcm))
        self.size += len(pcm)

    def take(self, until: int) -> list[tuple[int, bytes]]:
        """What lies before `until`; it is given away."""
        taken: list[tuple[int, bytes]] = []
        while self.pieces and self.pieces[0][0] < until:
            start, pcm = self.pieces.popleft()
            self.size -= len(pcm)
            whole = (until - start) * SAMPLE_BYTES
            taken.append((start, pcm[:whole]))
            if len(pcm) > whole:
                self.pieces.appendleft((until, pcm[whole:]))
                self.size += len(pcm) - whole
        return taken


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of the time line, ready to be written."""

    first: int
    last: int
    user: list[tuple[int, bytes]]
    assistant: list[tuple[int, bytes]]


@dataclass(slots=True)
class Sheet:
    """A session's. `now` is samples since it began; at most `bytes_max` wait in it."""

    bytes_max: int
    user: Side = field(default_factory=Side)
    assistant: Side = field(default_factory=Side)
    given: int = 0
    """Everything before it was given away."""
    lost: int = 0
    """Bytes that there was no room for: silence stands in their place."""
    _position: int = -1
    _stream: int = -1
    _runs: list[tuple[int, int]] = field(default_factory=list)
    """Of the last stream: which of its samples was heard when, anew after each pause in it."""

    def heard(self, pcm: bytes, position: int, now: int) -> None:
        """The user. What is told a second time is left out."""
        known = max(0, self._position - position) * SAMPLE_BYTES
        if known < len(pcm) and self._has_room(len(pcm) - known):
            self.user.add(pcm[known:], now, self.given, lasts_until_now=True)
        self._position = max(self._position, position + len(pcm) // SAMPLE_BYTES)

    def said(self, stream: int, start: int, pcm: bytes, now: int) -> None:
        """The assistant."""
        if not self._has_room(len(pcm)):
            return
        began = self.assistant.add(pcm, now, self.given, lasts_until_now=False)
        if stream != self._stream:
            self._stream = stream
            self._runs.clear()
        if not self._runs or began - start != self._runs[-1][1] - self._runs[-1][0]:
            self._runs.append((start, began))

    def cut(self, heard: int) -> None:
        """Of the last stream so many samples were heard, and the pauses between them. What was given away
        cannot be taken back.
        """
        began = next((began for _, began in self._runs), 0)
        ends = [began + heard - start for start, began in self._runs if start < heard]
        self.assistant.cut(max(self.given, ends[-1] if ends else began))

    def _has_room(self, size: int) -> bool:
        if self.user.size + self.assistant.size + size <= self.bytes_max:
            return True
        self.lost += size
        return False

    def page(self, until: int) -> Page:
        """Everything before `until`, given away."""
        first, self.given = self.given, max(self.given, until)
        return Page(first, self.given, self.user.take(self.given), self.assistant.take(self.given))
