"""What to do: everything a session can ask for, in the imperative.

What lives here: the closed union `Effect`. The runtime carries each out with one call and decides nothing.
What never will: an effect that needs a conversation with the world; its end comes back as an event.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from holdfast.core.notices import Notice

# to the client


@dataclass(frozen=True, slots=True)
class Tell:
    """Send a text message. `offset` is None before `session_created`."""

    notice: Notice
    offset: int | None


@dataclass(slots=True, eq=False)
class Play:
    """Send audio: message number, number of the item's stream, index of its first sample in the item."""

    offset: int
    stream: int
    start: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class CloseClient:
    code: int
    reason: str = ""


# to the upstream


@dataclass(frozen=True, slots=True)
class Dial:
    generation: int


@dataclass(frozen=True, slots=True)
class HangUp:
    generation: int


@dataclass(frozen=True, slots=True)
class Configure:
    """Send our own complete session settings, always the first message of a link."""

    generation: int


@dataclass(slots=True, eq=False)
class Append:
    """Give audio; `start` is the session position of its first sample."""

    pcm: bytes
    start: int


@dataclass(frozen=True, slots=True)
class CommitInput:
    pass


@dataclass(frozen=True, slots=True)
class ClearInput:
    pass


@dataclass(frozen=True, slots=True)
class AddText:
    text: str


@dataclass(frozen=True, slots=True)
class AddToolResult:
    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class Respond:
    """Ask for a response; `say` asks for exactly these words. Without `tools` none may be called."""

    say: str | None = None
    tools: bool = True


@dataclass(frozen=True, slots=True)
class CancelResponse:
    response_id: str


@dataclass(frozen=True, slots=True)
class Truncate:
    """Cut the assistant's item to what was heard (protocol reference, 8.5)."""

    item_id: str
    audio_end_ms: int


# the rest of the world


@dataclass(frozen=True, slots=True)
class RunTool:
    call_id: str
    name: str
    arguments: str
    last_reply: str


@dataclass(frozen=True, slots=True)
class StartTimer:
    """One timer per name; starting it again moves it."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StopTimer:
    name: str


@dataclass(frozen=True, slots=True)
class Note:
    """A key moment for the log: never audio, never a transcript."""

    moment: str
    level: Literal["debug", "info", "warning", "error"] = "info"
    facts: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Finish:
    """The session is over: release everything."""


Effect = (
    Tell
    | Play
    | CloseClient
    | Dial
    | HangUp
    | Configure
    | Append
    | CommitInput
    | ClearInput
    | AddText
    | AddToolResult
    | Respond
    | CancelResponse
    | Truncate
    | RunTool
    | StartTimer
    | StopTimer
    | Note
    | Finish
)
