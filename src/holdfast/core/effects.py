"""What to do: everything a session can ask for, in the imperative.

What lives here: the closed union `Effect`. The runtime carries each out with one call and decides nothing.
What never will: an effect that needs a conversation with the world; its end comes back as an event.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from holdfast.core.notices import Notice


class Manner(StrEnum):
    """How an upstream in trouble is treated (brief, A19)."""

    PLAIN = "plain"
    MINIMAL_AUDIO = "minimal_audio"  # audio only after proof of life
    OTHER_MODEL = "other_model"  # the next model of the same provider
    PACED_AUDIO = "paced_audio"  # what was held is given at a walking pace


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
    """Begin a link to the upstream with this number in the list."""

    generation: int
    endpoint: int = 0
    manner: Manner = Manner.PLAIN


@dataclass(frozen=True, slots=True)
class Adopt:
    """From here on this link is the one that everything goes to."""

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
    """An item with words: the user's, or on a fresh upstream anybody's. It bears the id the client knows."""

    text: str
    item_id: str
    role: Literal["user", "assistant"] = "user"


@dataclass(frozen=True, slots=True)
class AddSpeech:
    """A spoken turn as an item, for an upstream that did not hear it."""

    pcm: bytes
    item_id: str


@dataclass(frozen=True, slots=True)
class AddCall:
    """A tool call that another upstream made: its result means nothing without it."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class AddToolResult:
    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class ProveLife:
    """Ask a fresh link for any answer at all, without consequence."""

    generation: int


@dataclass(frozen=True, slots=True)
class Respond:
    """Ask for a response; `say` asks for exactly these words, `carry_on` for the rest of an answer that was
    heard up to there. Without `tools` none may be called.
    """

    say: str | None = None
    tools: bool = True
    carry_on: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether any answer to what stands in the conversation will do."""
        return self.say is None and self.carry_on is None


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
class Record:
    """Write a line of the session's journal; `Recorded` comes back when it is durable."""

    number: int
    kind: str
    content: dict[str, Any] = field(hash=False)


@dataclass(frozen=True, slots=True)
class ForgetRecords:
    """Nobody will come back to this session: its journal goes."""


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
    | Adopt
    | HangUp
    | Configure
    | Append
    | CommitInput
    | ClearInput
    | AddText
    | AddSpeech
    | AddCall
    | AddToolResult
    | ProveLife
    | Respond
    | CancelResponse
    | Truncate
    | RunTool
    | Record
    | ForgetRecords
    | StartTimer
    | StopTimer
    | Note
    | Finish
)
