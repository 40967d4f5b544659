"""What one connection received and sent: the books by which a test proves that nothing was lost.

What lives here: counting. Everything is bounded; what does not fit is counted still.
What never will: secrets. Of the credential only its kind is kept.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Final

from holdfast.wire.realtime import BYTES_PER_MS

EVENTS_KEPT: Final = 2_000
TYPES_KEPT: Final = 20_000
AUDIO_BYTES_KEPT: Final = 64 * 1024 * 1024

Json = dict[str, Any]


@dataclass(slots=True)
class SessionRecord:
    """The books of one connection. `events` are the client's, audio replaced by its length in base64."""

    id: str
    number: int
    path: str
    model: str
    intent: str
    credential: str
    faults: list[str]
    keep_audio: bool = False
    message_count: int = 0
    audio_bytes: int = 0
    pcm: bytearray = field(default_factory=bytearray)
    events: deque[Json] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    received_types: deque[str] = field(default_factory=lambda: deque(maxlen=TYPES_KEPT))
    sent_types: deque[str] = field(default_factory=lambda: deque(maxlen=TYPES_KEPT))
    received_counts: Counter[str] = field(default_factory=Counter)
    sent_counts: Counter[str] = field(default_factory=Counter)
    transcripts: deque[str] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    close_code: int | None = None
    close_reason: str = ""
    closed_by: str | None = None
    _digest: Any = field(default_factory=hashlib.sha256)

    @property
    def is_open(self) -> bool:
        """Whether the connection still stands."""
        return self.close_code is None

    @property
    def audio_sha256(self) -> str:
        """SHA-256 of all input PCM, decoded, in order of arrival."""
        return str(self._digest.hexdigest())

    def audio(self, pcm: bytes) -> None:
        """Input PCM that was accepted."""
        self.audio_bytes += len(pcm)
        self._digest.update(pcm)
        if self.keep_audio and len(self.pcm) < AUDIO_BYTES_KEPT:
            self.pcm += pcm

    def received(self, event: Json | None) -> None:
        """One client message; None when it was not JSON."""
        self.message_count += 1
        kind = str((event or {}).get("type", "(unreadable)"))[:128]
        self.received_types.append(kind)
        self.received_counts[kind] += 1
        if event is not None and kind != "input_audio_buffer.append":
            self.events.append(event)
        elif event is not None:
            self.events.append({**event, "audio": len(str(event.get("audio", "")))})

    def sent(self, kind: str) -> None:
        """One server event that went out."""
        self.sent_types.append(kind)
        self.sent_counts[kind] += 1

    def ended(self, code: int, reason: str, by: str) -> None:
        """The connection is over; `by` is `client` or `emulator`."""
        self.close_code, self.close_reason, self.closed_by = code, reason, by

    def summary(self) -> Json:
        """The books without the lists."""
        return {
            "id": self.id,
            "number": self.number,
            "path": self.path,
            "model": self.model,
            "intent": self.intent,
            "credential": self.credential,
            "faults": self.faults,
            "open": self.is_open,
            "messages": self.message_count,
            "audio_bytes": self.audio_bytes,
            "audio_ms": self.audio_bytes // BYTES_PER_MS,
            "audio_sha256": self.audio_sha256,
            "received": dict(self.received_counts),
            "sent": dict(self.sent_counts),
            "close": None
            if self.close_code is None
            else {"code": self.close_code, "reason": self.close_reason, "by": self.closed_by},
        }

    def full(self) -> Json:
        """The books with the lists."""
        return {
            **self.summary(),
            "transcripts": list(self.transcripts),
            "events": list(self.events),
            "received_types": list(self.received_types),
            "sent_types": list(self.sent_types),
        }
