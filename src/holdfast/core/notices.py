"""What a client of the browser protocol is told: one frozen dataclass per message (contract.md).

What lives here: the messages' fields, in our spelling. `wire.browser` gives them theirs.
What never will: JSON, offsets, time stamps (the conductor numbers, the codec stamps).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from holdfast.core.faults import Fault


@dataclass(frozen=True, slots=True)
class SessionCreated:
    session_id: str
    resume_token: str
    epoch: str
    received: int
    upstream: dict[str, Any]
    audio: dict[str, Any]
    limits: dict[str, Any]
    durability: Literal["none", "local", "shared"]
    voice: str | None  # None where nobody speaks
    mode: Literal["conversation", "transcription"]
    notes: tuple[str, ...] = ()  # what was mapped or left out, for a person
    duplicate: bool | None = None


ContextRestored = Literal["full", "text_only", "summary", "none"]


@dataclass(frozen=True, slots=True)
class SessionResumed:
    """Stands outside the order: the next message bears `offset` + 1."""

    recovered: bool
    epoch: str
    offset: int
    received: int
    durable: int
    resume_token: str
    context_restored: ContextRestored
    durability: Literal["none", "local", "shared"]
    state: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    items: tuple[dict[str, Any], ...]
    state: str


@dataclass(frozen=True, slots=True)
class SessionReady:
    upstream: dict[str, Any]
    notes: tuple[str, ...] = ()  # what was left out for this upstream, for a person


@dataclass(frozen=True, slots=True)
class Status:
    state: Literal["connecting", "live", "recovering", "degraded", "draining"]
    fault: Fault | None = None
    retry_in_ms: int | None = None
    upstream: dict[str, Any] | None = None  # who answers from here on, when that has changed
    notes: tuple[str, ...] = ()  # what the new one cannot do, for a person


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    item_id: str
    sample: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    item_id: str
    sample: int


@dataclass(frozen=True, slots=True)
class UserTranscript:
    item_id: str
    text: str
    final: bool
    usage: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    response_id: str


@dataclass(frozen=True, slots=True)
class AudioStarted:
    """The binary messages that follow belong to this item; `stream` is its number in their headers."""

    response_id: str
    item_id: str
    stream: int


@dataclass(frozen=True, slots=True)
class AssistantTranscript:
    response_id: str
    item_id: str
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class Interrupted:
    response_id: str
    item_id: str
    played_ms: int


@dataclass(frozen=True, slots=True)
class ResponseDone:
    response_id: str
    status: Literal["completed", "cancelled", "failed", "incomplete"]
    usage: dict[str, Any] | None = None
    fault: Fault | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ToolStarted:
    call_id: str
    name: str
    status: str = "running"


@dataclass(frozen=True, slots=True)
class ToolDone:
    call_id: str
    name: str
    status: str


@dataclass(frozen=True, slots=True)
class ClientAction:
    action: str
    target: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pong:
    ping: Any


@dataclass(frozen=True, slots=True)
class AudioReceived:
    received: int
    durable: int


@dataclass(frozen=True, slots=True)
class AudioLost:
    direction: Literal["input", "output"]
    from_sample: int
    to_sample: int
    reason: str
    stream: int | None = None  # of output: which item


@dataclass(frozen=True, slots=True)
class Accepted:
    """Answer to a command that bore an `eventId` and has no other answer."""

    event_id: str
    duplicate: bool | None = None


@dataclass(frozen=True, slots=True)
class Error:
    code: str
    message: str
    retryable: bool
    fault: Fault | None = None
    retry_after_ms: int | None = None
    suppressed: int | None = None
    field: str | None = None
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class SessionEnded:
    reason: str
    fault: Fault | None = None
    retry_after_ms: int | None = None
    lost: dict[str, tuple[int, int]] | None = None  # direction: first and last sample


Notice = (
    SessionCreated
    | SessionResumed
    | Snapshot
    | SessionReady
    | Status
    | SpeechStarted
    | SpeechStopped
    | UserTranscript
    | ResponseStarted
    | AudioStarted
    | AssistantTranscript
    | Interrupted
    | ResponseDone
    | ToolStarted
    | ToolDone
    | ClientAction
    | Pong
    | AudioReceived
    | AudioLost
    | Accepted
    | Error
    | SessionEnded
)
