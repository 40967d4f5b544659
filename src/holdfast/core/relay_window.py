"""What a client of `/v1/realtime` may have missed: the originals it has not acknowledged, bounded.

What lives here: counting messages, a window of them (reliability reference, B11).
What never will: deciding whether somebody may come back, sending.

A client counts the messages it receives; so do we. There is nothing else to agree on, and
no message bears a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from holdfast.core.lanes import Tape
from holdfast.core.relay_input import FRESH_BYTES, FRESH_MAX


@dataclass(slots=True)
class _Run:
    """Messages behind each other in one piece of memory, which is free when the last of them is forgotten."""

    raw: bytes
    sizes: list[int]
    gone: int = 0
    """So many of them are forgotten."""
    at: int = 0
    """Where the first of the others begins."""

    @property
    def size(self) -> int:
        return len(self.raw) - self.at

    def __len__(self) -> int:
        return len(self.sizes) - self.gone

    def __iter__(self) -> Iterator[bytes]:
        at = self.at
        for size in self.sizes[self.gone :]:
            yield self.raw[at : at + size]
            at += size

    def forget_one(self) -> int:
        """The oldest; answers its size."""
        size = self.sizes[self.gone]
        self.gone += 1
        self.at += size
        return size

    def compact(self) -> None:
        """Hold no memory for what is forgotten."""
        self.raw, self.sizes, self.gone, self.at = self.raw[self.at :], self.sizes[self.gone :], 0, 0


@dataclass(slots=True)
class RelayWindow:
    bytes_max: int
    messages_max: int
    fresh: Tape = field(default_factory=Tape)
    """What was sent and is not booked: it is all that the short way touches."""
    _sent: int = 0
    _size: int = 0
    _count: int = 0
    _runs: list[_Run] = field(default_factory=list)
    """A list: see `Recent`. Of the first, what is forgotten may hold memory for a while: up to `FRESH_MAX`
    messages.
    """

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
        return self._count + len(self.fresh)

    @property
    def kept(self) -> tuple[bytes, ...]:
        """The messages that are here, in order; the last is number `sent`."""
        self.book()
        return tuple(chain.from_iterable(self._runs))

    def stand(self, sent: int, kept: Iterable[bytes]) -> None:
        """As it stood when somebody wrote it down: so many messages were sent, and these are here."""
        here = list(kept)
        self.fresh.take()
        self._runs.clear()
        self._count = self._size = 0
        self._sent = sent - len(here)
        self._enter(b"".join(here), [len(one) for one in here])

    def keep(self, raw: bytes) -> None:
        """One more message."""
        self.fresh.add(raw)
        if len(self.fresh) >= FRESH_MAX or len(raw) > FRESH_BYTES:
            self.book()

    def book(self) -> None:
        """Enter what passed, and forget what is too much."""
        if self.fresh:
            self._enter(*self.fresh.take())
            if self._count > self.messages_max or self._size > self.bytes_max:
                self._forget(self.bytes_max, self._count - self.messages_max)

    def _enter(self, raw: bytes, sizes: list[int]) -> None:
        self._runs.append(_Run(raw, sizes))
        self._sent += len(sizes)
        self._count += len(sizes)
        self._size += len(raw)

    def _forget(self, size: int, least: int = 0) -> None:
        """Keep no more bytes than that, and not the `least` oldest messages."""
        whole = 0
        for run in self._runs:
            if len(run) > least and self._size - run.size < size:
                break
            least -= len(run)
            self._count -= len(run)
            self._size -= run.size
            whole += 1
        del self._runs[:whole]
        while self._runs and (self._size > size or least > 0):
            self._size -= self._runs[0].forget_one()
            self._count -= 1
            least -= 1

    def shrink(self, size: int) -> int:
        """Keep no more bytes than that: the oldest messages fall out. Answers how many bytes did."""
        self.book()
        before = self._size
        self._forget(size)
        for run in self._runs[:1]:
            run.compact()
        return before - self._size

    def acknowledge(self, count: int) -> None:
        """The client has the first `count`."""
        self.book()
        self._forget(self._size, min(self._count, count - (self._sent - self._count)))

    def holds(self, count: int) -> bool:
        """Whether everything after the first `count` is still here."""
        self.book()
        return self._sent - self._count <= count <= self._sent

    def after(self, count: int) -> list[bytes]:
        """Everything after the first `count`, in order."""
        return list(self.kept[count - (self._sent - self._count) :])
