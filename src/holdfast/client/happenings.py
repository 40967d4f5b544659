"""What a client of either dialect can hear: one closed union.

What lives here: frozen dataclasses in the past tense. What never will: how a dialect spells them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Created:
    """The other side lives and has accepted the session. `upstream` says who answers, where it is told."""

    session_id: str
    upstream: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ready:
    """The session is configured. `provider_session_id` is the provider's own id, where it is told."""

    upstream: dict[str, Any] = field(default_factory=dict)
    provider_session_id: str = ""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The other side hears speech."""


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The other side judged that the turn ended."""


@dataclass(frozen=True, slots=True)
class UserSaid:
    """What the other side understood. With `final`, `text` is the whole."""

    item_id: str
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class AssistantSaid:
    """The reply in words. With `final`, `text` is the whole of `item_id`."""

    item_id: str
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class Sound:
    """Audio of the reply: PCM16, 24 kHz, mono."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    """An answer begins."""

    response_id: str


@dataclass(frozen=True, slots=True)
class ResponseDone:
    """An answer is over. `status` as in the Realtime protocol."""

    response_id: str
    status: str


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """The server runs a tool for us."""

    call_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ToolDone:
    """The tool is over."""

    call_id: str
    name: str
    status: str


@dataclass(frozen=True, slots=True)
class ActionAsked:
    """The page is asked to do something, such as to open a form."""

    action: str
    target: str


@dataclass(frozen=True, slots=True)
class Status:
    """How the session goes on; `fault` is the other side's own object for what keeps it from going on."""

    state: str
    fault: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """The other side refuses or reports something. `fault` is the contract's object, where it is told."""

    code: str
    message: str
    fault: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Refused(Trouble):
    """What the session was to be like is refused: it does not get ready."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over by word of the other side."""

    reason: str
    fault: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """The socket is over."""

    code: int
    reason: str


Happening = (
    Created
    | Ready
    | SpeechStarted
    | SpeechStopped
    | UserSaid
    | AssistantSaid
    | Sound
    | ResponseStarted
    | ResponseDone
    | ToolStarted
    | ToolDone
    | ActionAsked
    | Status
    | Trouble
    | Refused
    | Ended
    | Closed
)
