"""What the client was given: one total order of messages, and for each audio item the samples sent and heard.

What lives here: offsets (the first message after `session_created` is 1, no holes), streams, positions.
What never will: the messages themselves (`window`).
"""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.audio import SAMPLE_RATE_HZ, samples_of_ms


@dataclass(slots=True)
class ItemAudio:
    """The audio of one assistant item."""

    response_id: str
    item_id: str
    stream: int
    started_at: float
    generation: int = 0
    """Which upstream made it: no other can be told to cut it."""
    sent: int = 0
    played: int | None = None
    """As the client reported; None from a client that reports nothing."""
    is_cut: bool = False
    ended_at: float = 0.0
    """When it was cut."""
    tail: bytes = b""
    """Half a sample that an upstream cut in two."""

    def whole(self, pcm: bytes) -> bytes:
        """`pcm` with what was left over before, without what is left over now."""
        joined = self.tail + pcm
        size = len(joined) & ~1
        self.tail = joined[size:]
        return joined[:size]

    def heard(self, now: float) -> int:
        """Samples that were heard by `now`: the client's report, else what real time allows."""
        if self.played is not None:
            return min(self.played, self.sent)
        return min(self.sent, int((now - self.started_at) * SAMPLE_RATE_HZ))

    def unheard_s(self, now: float) -> float:
        """How long what was sent goes on sounding."""
        return (self.sent - self.heard(now)) / SAMPLE_RATE_HZ


@dataclass(slots=True)
class Output:
    epoch: str = ""
    offset: int = 0
    is_numbered: bool = False
    current: ItemAudio | None = None
    _streams: int = 0
    _sounded_before: int = 0
    """Samples of the items before the present one."""

    @property
    def sounded(self) -> int:
        """Samples that were sent, of all items."""
        return self._sounded_before + (0 if self.current is None else self.current.sent)

    def start(self, epoch: str) -> None:
        """From here on every message bears an offset."""
        self.epoch = epoch
        self.is_numbered = True

    def number(self) -> int | None:
        """The offset of the next message."""
        if not self.is_numbered:
            return None
        self.offset += 1
        return self.offset

    def begin(self, response_id: str, item_id: str, generation: int, now: float) -> ItemAudio:
        """A new item begins to sound."""
        self._streams += 1
        started_at = max(now, self._end_of_current())
        self._sounded_before = self.sounded
        self.current = ItemAudio(response_id, item_id, self._streams, started_at, generation)
        return self.current

    def _end_of_current(self) -> float:
        item = self.current
        if item is None:
            return 0.0
        return item.ended_at if item.is_cut else item.started_at + item.sent / SAMPLE_RATE_HZ

    def add(self, item: ItemAudio, samples: int) -> int:
        """Count audio of `item`; answers the index of its first sample."""
        start = item.sent
        item.sent = start + samples
        return start

    def report(self, item_id: str, ms: int) -> bool:
        """The client's word on what was heard; False for an item that is not the current one."""
        item = self.current
        if item is None or item.item_id != item_id:
            return False
        item.played = max(item.played or 0, min(samples_of_ms(ms), item.sent))
        return True

    def unheard_s(self, now: float) -> float:
        """How long what was sent goes on sounding."""
        return 0.0 if self.current is None or self.current.is_cut else self.current.unheard_s(now)

    def cut(self, now: float, *, reached: int | None = None) -> tuple[ItemAudio, int] | None:
        """Barge-in: stop the current item. Answers it with the samples heard, None if nothing sounds.

        `reached`: how much of it the client has at all, when that is less than what was sent.
        """
        item = self.current
        if item is None or item.is_cut:
            return None
        heard = item.heard(now) if reached is None else min(reached, item.heard(now))
        if heard >= item.sent:
            return None
        item.is_cut = True
        item.ended_at = now
        return item, heard
