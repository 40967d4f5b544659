"""What a client of `/v1/realtime` may have missed: the originals it has not acknowledged, bounded.

What lives here: counting messages, a window of them (reliability reference, B11).
What never will: deciding whether somebody may come back, sending.

A client counts the messages it receives; so do we. There is nothing else to agree on, and
no message bears a number.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class RelayWindow:
    bytes_max: int
    messages_max: int
    fresh: list[bytes] = field(default_factory=list)
    """What passed on the short way and is not booked: a list is all that it touches."""
    _sent: int = 0
    _size: int = 0
    _kept: list[bytes] = field(default_factory=list)
    """A list: see `Recent`."""

    @property
    def sent(self) -> int:
        """Messages since the session began: the count of a client that has them all."""
        return self._sent + len(self.fresh)

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        self.book()
        return self._size

    @property
    def messages(self) -> int:
        """Messages that are kept."""
        return len(self._kept) + len(self.fresh)

    @property
    def kept(self) -> tuple[bytes, ...]:
        """The messages that are here, in order; the last is number `sent`."""
        self.book()
        return tuple(self._kept)

    def stand(self, sent: int, kept: Iterable[bytes]) -> None:
        """As it stood when somebody wrote it down: so many messages were sent, and these are here."""
        self.fresh.clear()
        self._kept = list(kept)
        self._sent, self._size = sent, sum(map(len, self._kept))

    def keep(self, raw: bytes) -> None:
        """One more message."""
        self.fresh.append(raw)
        self.book()

    def book(self) -> None:
        """Enter what passed, and forget what is too much."""
        if not self.fresh:
            return
        self._sent += len(self.fresh)
        self._kept += self.fresh
        self._size += sum(map(len, self.fresh))
        self.fresh.clear()
        if len(self._kept) > self.messages_max or self._size > self.bytes_max:
            self._forget(self.bytes_max, len(self._kept) - self.messages_max)

    def _forget(self, size: int, least: int = 0) -> None:
        """Keep no more bytes than that, and not the `least` oldest messages."""
        count = 0
        for raw in self._kept:
            if self._size <= size and count >= least:
                break
            self._size -= len(raw)
            count += 1
        del self._kept[:count]

    def shrink(self, size: int) -> int:
        """Keep no more bytes than that: the oldest messages fall out. Answers how many bytes did."""
        self.book()
        before = self._size
        self._forget(size)
        return before - self._size

    def acknowledge(self, count: int) -> None:
        """The client has the first `count`."""
        self.book()
        self._forget(self._size, min(len(self._kept), count - (self._sent - len(self._kept))))

    def holds(self, count: int) -> bool:
        """Whether everything after the first `count` is still here."""
        self.book()
        return self._sent - len(self._kept) <= count <= self._sent

    def after(self, count: int) -> list[bytes]:
        """Everything after the first `count`, in order."""
        self.book()
        return self._kept[count - (self._sent - len(self._kept)) :]
