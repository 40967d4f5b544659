"""What one connection received and sent: the books by which a test proves that nothing was lost.

What lives here: counting. Everything is bounded; what does not fit is counted still.
What never will: secrets. Of the credential only its kind is kept.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from holdfast.wire.realtime import BYTES_PER_MS

EVENTS_KEPT: Final = 2_000
TYPES_KEPT: Final = 20_000
AUDIO_BYTES_KEPT: Final = 64 * 1024 * 1024
ENTRY_BYTES_KEPT: Final = 64 * 1024
"""Of one event, item or transcript. Of a larger event or item only its names and its size stay."""
NAME_KEPT: Final = 512

Json = dict[str, Any]
Who = Literal["client", "emulator", "fault"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log: when (monotonic seconds), who, what. Of a client event its own id, too."""

    at_s: float
    who: Who
    what: str
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One knock at the door: when, with what kind of credential, and what became of it: `101`, `HTTP 503`,
    the name of a fault. `is_redirected`: it came where a 3xx answer of ours pointed.
    """

    number: int
    at_s: float
    at: float
    credential: str
    outcome: str
    is_redirected: bool = False

    def as_object(self) -> Json:
        """For the control port."""
        return {
            "number": self.number,
            "at": self.at,
            "credential": self.credential,
            "outcome": self.outcome,
            "redirected": self.is_redirected,
        }


@dataclass(frozen=True, slots=True)
class CreatedItem:
    """An item that the client created, its audio decoded to PCM16 24 kHz. `pcm` is empty where audio is
    not kept; its length and checksum are true all the same.
    """

    item: Json
    at_s: float
    audio_bytes: int
    audio_sha256: str
    pcm: bytes

    def as_object(self) -> Json:
        """For the control port."""
        return {"item": self.item, "audio_bytes": self.audio_bytes, "audio_sha256": self.audio_sha256}


@dataclass(slots=True)
class SessionRecord:
    """The books of one connection. `events` are the client's, audio replaced by its length in base64, those
    that are large without it by their size, and `event_times_s` when each came (monotonic); `log` is all that
    came and went, with times.
    """

    id: str
    number: int
    path: str
    model: str
    intent: str
    credential: str
    faults: list[str]
    keep_audio: bool = False
    state: str = ""
    began_at: float = field(default_factory=time.time)
    began_s: float = field(default_factory=time.monotonic)
    message_count: int = 0
    message_bytes: int = 0
    audio_bytes: int = 0
    pcm: bytearray = field(default_factory=bytearray)
    events: deque[Json] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    event_times_s: deque[float] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    log: deque[Entry] = field(default_factory=lambda: deque(maxlen=TYPES_KEPT))
    items: deque[CreatedItem] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    received_types: deque[str] = field(default_factory=lambda: deque(maxlen=TYPES_KEPT))
    sent_types: deque[str] = field(default_factory=lambda: deque(maxlen=TYPES_KEPT))
    received_counts: Counter[str] = field(default_factory=Counter)
    sent_counts: Counter[str] = field(default_factory=Counter)
    responses: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    transcripts: deque[str] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    forgotten: int = 0
    """Lines of the log, and what belonged to them, that had to make room for other sessions' lines."""
    on_line: Callable[[], None] = lambda: None
    """Called when the log has grown."""
    close_code: int | None = None
    close_reason: str = ""
    closed_by: str | None = None
    _digest: Any = field(default_factory=hashlib.sha256)
    _item_audio_kept: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the connection still stands."""
        return self.close_code is None

    @property
    def audio_sha256(self) -> str:
        """SHA-256 of all input PCM, decoded, in order of arrival."""
        return str(self._digest.hexdigest())

    @property
    def response_creates(self) -> int:
        """How often the client asked for a response."""
        return self.received_counts["response.create"]

    def audio(self, pcm: bytes) -> None:
        """Input PCM that was accepted."""
        self.audio_bytes += len(pcm)
        self._digest.update(pcm)
        if self.keep_audio and len(self.pcm) < AUDIO_BYTES_KEPT:
            self.pcm += pcm

    def item(self, item: Json, pcm: bytes) -> None:
        """An item that the client created, and the audio in it."""
        keeps = self.keep_audio and self._item_audio_kept + len(pcm) <= AUDIO_BYTES_KEPT
        self._item_audio_kept += len(pcm) if keeps else 0
        digest = hashlib.sha256(pcm).hexdigest()
        size = len(msgspec.json.encode(item))
        kept = item if size <= ENTRY_BYTES_KEPT else _names(item, size)
        self.items.append(CreatedItem(kept, time.monotonic(), len(pcm), digest, pcm if keeps else b""))

    def understood(self, words: str) -> None:
        """What the user was heard to say, or wrote."""
        self.transcripts.append(words[:ENTRY_BYTES_KEPT])

    def received(self, event: Json | None, size: int = 0) -> None:
        """One client message of `size` bytes; None when it was not JSON."""
        self.message_count += 1
        self.message_bytes += size
        kind = str((event or {}).get("type", "(unreadable)"))[:128]
        self.received_types.append(kind)
        self.received_counts[kind] += 1
        given = (event or {}).get("event_id")
        self._line("client", kind, given[:NAME_KEPT] if isinstance(given, str) else None)
        if event is None:
            return
        self.events.append(_kept(event, size))
        self.event_times_s.append(time.monotonic())

    def sent(self, kind: str) -> None:
        """One server event that went out."""
        self.sent_types.append(kind)
        self.sent_counts[kind] += 1
        self._line("emulator", kind)

    def ended_response(self, status: str) -> None:
        """A response that went out with its end."""
        self.responses[status] += 1

    def broke(self, fault: str) -> None:
        """A fault that was carried out."""
        if len(self.broken) < EVENTS_KEPT:
            self.broken.append(fault)
        self._line("fault", fault)

    def ended(self, code: int, reason: str, by: str) -> None:
        """The connection is over; `by` is `client` or `emulator`."""
        self.close_code, self.close_reason, self.closed_by = code, reason, by
        self._line("client" if by == "client" else "emulator", f"(closed {code})")

    def forget(self, share: float) -> int:
        """Drop the older lines of the log and of the other lists, this share of each; gives how many lines.
        What is counted and hashed stays.
        """
        before = len(self.log)
        lists: tuple[deque[Any], ...] = (
            self.log,
            self.events,
            self.event_times_s,
            self.items,
            self.received_types,
            self.sent_types,
            self.transcripts,
        )
        for one in lists:
            for _ in range(math.ceil(share * len(one))):
                one.popleft()
        dropped = before - len(self.log)
        self.forgotten += dropped
        return dropped

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
            "broken": self.broken,
            "open": self.is_open,
            "state": self.state,
            "began_at": self.began_at,
            "messages": self.message_count,
            "message_bytes": self.message_bytes,
            "audio_bytes": self.audio_bytes,
            "audio_ms": self.audio_bytes // BYTES_PER_MS,
            "audio_sha256": self.audio_sha256,
            "response_creates": self.response_creates,
            "responses": dict(self.responses),
            "received": dict(self.received_counts),
            "sent": dict(self.sent_counts),
            "forgotten": self.forgotten,
            "close": None
            if self.close_code is None
            else {"code": self.close_code, "reason": self.close_reason, "by": self.closed_by},
        }

    def full(self) -> Json:
        """The books with the lists. Milliseconds count from the beginning of the connection."""
        return {
            **self.summary(),
            "transcripts": list(self.transcripts),
            "events": list(self.events),
            "event_ms": [round((at_s - self.began_s) * 1000, 3) for at_s in self.event_times_s],
            "items": [one.as_object() for one in self.items],
            "received_types": list(self.received_types),
            "sent_types": list(self.sent_types),
            "log": [
                {
                    "ms": round((entry.at_s - self.began_s) * 1000, 3),
                    "who": entry.who,
                    "what": entry.what,
                    "event_id": entry.event_id,
                }
                for entry in self.log
            ],
        }

    def _line(self, who: Who, what: str, event_id: str | None = None) -> None:
        grows = len(self.log) < TYPES_KEPT
        self.log.append(Entry(time.monotonic(), who, what, event_id))
        if grows:
            self.on_line()


def _kept(event: Json, size: int) -> Json:
    """An event of `size` bytes as it is kept."""
    kept, sound = _without_sound(event)
    item = event.get("item")
    if isinstance(item, dict) and isinstance(item.get("content"), list):
        parts = [_without_sound(part) if isinstance(part, dict) else (part, 0) for part in item["content"]]
        kept = {**kept, "item": {**item, "content": [part for part, _ in parts]}}
        sound += sum(bytes_ for _, bytes_ in parts)
    return kept if size - sound <= ENTRY_BYTES_KEPT else _names(event, size)


def _without_sound(thing: Json) -> tuple[Json, int]:
    """With its audio replaced by the length, which comes, too."""
    sound = thing.get("audio")
    return ({**thing, "audio": len(sound)}, len(sound)) if isinstance(sound, str) else (thing, 0)


def _names(thing: Json, size: int) -> Json:
    """Of a large thing what it is called, and how large it is."""
    named = {key: thing[key] for key in ("type", "event_id", "id", "role") if key in thing}
    short: Json = {
        key: name for key, name in named.items() if isinstance(name, str) and len(name) <= NAME_KEPT
    }
    return {**short, "bytes": size}
