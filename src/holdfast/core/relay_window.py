"""What a client of `/v1/realtime` may have missed: the originals it has not acknowledged, bounded.

What lives here: counting messages, a window of them (reliability reference, B11).
What never will: deciding whether somebody may come back, sending.

A client counts the messages it receives; so do we. There is nothing else to agree on, and
no message bears a number.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class RelayWindow:
    bytes_max: int
    messages_max: int
    sent: int = 0
    """Messages since the session began: the count of a client that has them all."""
    size: int = 0
    _kept: deque[bytes] = field(default_factory=deque)

    def keep(self, raw: bytes) -> None:
        """One more message."""
        self.sent += 1
        self._kept.append(raw)
        self.size += len(raw)
        if len(self._kept) > self.messages_max:
            self.size -= len(self._kept.popleft())
        self.shrink(self.bytes_max)

    def shrink(self, size: int) -> int:
        """Keep no more bytes than that: the oldest messages fall out. Answers how many bytes did."""
        before = self.size
        while self.size > size:
            self.size -= len(self._kept.popleft())
        return before - self.size

    def acknowledge(self, count: int) -> None:
        """The client has the first `count`."""
        while self._kept and self.sent - len(self._kept) < count:
            self.size -= len(self._kept.popleft())

    def holds(self, count: int) -> bool:
        """Whether everything after the first `count` is still here."""
        return self.sent - len(self._kept) <= count <= self.sent

    def after(self, count: int) -> list[bytes]:
        """Everything after the first `count`, in order."""
        skip = count - (self.sent - len(self._kept))
        return list(self._kept)[skip:]
