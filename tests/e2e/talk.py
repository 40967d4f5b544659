"""One conversation as a scripted gateway keeps it: it outlives its sockets.

What lives here: what was heard and said, by position and by number; which part a returning client has missed.
What never will: sockets.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Json = dict[str, Any]
Samples = np.ndarray[tuple[int], np.dtype[np.int16]]


@dataclass
class Talk:
    """Input by sample position, output by offset."""

    number: int
    tokens: list[str]
    epoch: str = "epoch-1"
    pieces: list[tuple[int, bytes]] = field(default_factory=list)
    arrivals: list[tuple[float, int]] = field(default_factory=list)
    received: int = 0
    durable: int = 0
    doubled: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)
    log: list[tuple[int, str | bytes]] = field(default_factory=list)
    offset: int = 0
    played: list[tuple[str, int]] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The session's name on the wire."""
        return f"sess_{self.number}"

    def knows(self, token: str) -> bool:
        """A new token ends the older ones when it is used, not when it is given."""
        if token not in self.tokens:
            return False
        self.tokens = self.tokens[self.tokens.index(token) :]
        return True

    def hear(self, first: int, pcm: bytes) -> tuple[int, int] | None:
        """Take a piece; what was there already is trimmed, what is missing is answered as a gap."""
        end = first + len(pcm) // 2
        gap = (self.received, first) if first > self.received else None
        if gap is not None:
            self.gaps.append(gap)
        known = max(0, self.received - first)
        self.doubled += min(known, len(pcm) // 2)
        self.pieces.append((first + known, pcm[2 * known :]))
        self.received = max(self.received, end)
        self.arrivals.append((time.monotonic(), self.received))
        return gap

    def forget_input(self, received: int) -> None:
        """What a killed gateway had only in memory is gone."""
        kept = [(first, pcm) for first, pcm in self.pieces if first < received]
        self.pieces = [(first, pcm[: 2 * (received - first)]) for first, pcm in kept]
        self.received = received

    def part(self, first: int, end: int) -> Samples:
        """What was heard between two positions."""
        kept = [pcm for at, pcm in self.pieces if first <= at < end]
        return np.frombuffer(b"".join(kept), dtype="<i2")

    @property
    def samples(self) -> Samples:
        """Everything heard, in order, without the gaps."""
        return np.frombuffer(b"".join(pcm for _, pcm in self.pieces), dtype="<i2")

    def numbered(self, kind: str, fields: Json) -> str:
        """A text message with the next number; it is kept for those who miss it."""
        self.offset += 1
        text = message(kind, {**fields, "offset": self.offset})
        self.log.append((self.offset, text))
        return text

    def numbered_audio(self, header: Any, stream: int, first: int, pcm: bytes) -> bytes:
        """As above, for audio."""
        self.offset += 1
        payload: bytes = header.pack(self.offset, stream, 0, first) + pcm
        self.log.append((self.offset, payload))
        return payload

    def after(self, offset: int) -> list[str | bytes]:
        """What a client misses that has everything up to `offset`."""
        return [payload for number, payload in self.log if number > offset]


def message(kind: str, fields: Json) -> str:
    """A text message as the gateway writes it."""
    return json.dumps({"type": kind, "timestamp": "2026-11-20T12:00:00Z", **fields})
