"""What happened: everything that can reach a session, in the past tense.

What lives here: the closed union `Event`. Client events bear the connection, upstream events the generation
they belong to, so that the dead cannot speak.
What never will: bytes of a protocol (that is `wire`), except audio and the originals that are relayed.

`ClientAudio` and `OutputAudio` happen a hundred times a second and session, so they are plain slotted
dataclasses; the others are frozen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from holdfast.core.faults import Fault
from holdfast.core.hearing import Unheard
from holdfast.core.observed import Reported, SilenceHeard

# the client


@dataclass(slots=True, eq=False)
class ClientAudio:
    """Input audio. `start` is the index of its first sample when the client counts positions."""

    pcm: bytes
    start: int | None = None


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What `create_session` asks for. Names as in contract.md."""

    voice: str | None = None
    model: str | None = None
    instructions: str | None = None
    customer_id: str | None = None
    customer_name: str | None = None
    mode: Literal["conversation", "transcription"] = "conversation"
    turn_detection: Literal["auto", "manual"] = "auto"
    framing: Literal["raw", "positioned"] = "raw"
    greet: bool = False
    on_loss: Literal["continue", "stop"] = "continue"
    on_return: Literal["continue", "skip_to_live", "truncate"] | None = None
    """None: by the length of the absence."""
    language: str | None = None
    """The language that is spoken (ISO 639-1), for whoever writes it down."""
    prompt: str | None = None  # words that whoever writes it down should expect
    consent: str | None = None  # the words under which the speaker agreed to be recorded

    def as_record(self) -> dict[str, Any]:
        """As it stands in the journal: by name. The standard library's way copies each value deeply."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class SessionAsked:
    """`create_session`. The identifiers are chance, so they are inputs, and so is the jitter of a refusal.
    `model` is resolved by the edge.
    """

    options: SessionOptions
    session_id: str
    resume_token: str
    epoch: str
    event_id: str | None = None
    chance: float = 0.5
    refusal: Fault | None = None
    """Why none may begin for this customer: the budget is spent."""


@dataclass(frozen=True, slots=True)
class ResumeAsked:
    """`resume_session` on a new socket. That it may is decided: token and customer fit."""

    epoch: str
    offset: int
    resume_token: str
    """The new token."""


@dataclass(frozen=True, slots=True)
class TextGiven:
    text: str
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class CommitAsked:
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class ClearAsked:
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class CancelAsked:
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class EndAsked:
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class Played:
    item_id: str
    ms: int


@dataclass(frozen=True, slots=True)
class Acknowledged:
    offset: int


@dataclass(frozen=True, slots=True)
class AudioDue:
    """Time to tell the client how much of its audio is here, before a message of audio has to."""


@dataclass(frozen=True, slots=True)
class Pinged:
    payload: Any


@dataclass(frozen=True, slots=True)
class MessageRefused:
    """The codec could not accept a message. `field` names where, `error` is the browser protocol's code."""

    error: str
    message: str
    field: str | None = None
    event_id: str | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class ClientGone:
    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ClientTooSlow:
    """More is waiting to be sent to the client than `client_outbox_bytes` allows."""

    waiting_bytes: int


# the upstream


@dataclass(frozen=True, slots=True)
class UpstreamOpened:
    """The socket is open. This proves nothing yet (protocol reference, fact 3)."""

    generation: int


@dataclass(frozen=True, slots=True)
class UpstreamCreated:
    """`session.created`: proof of life."""

    generation: int
    session_id: str
    model: str = ""
    lifetime_s: float | None = None
    """Until the announced end; None when none is announced."""


@dataclass(frozen=True, slots=True)
class UpstreamConfigured:
    """`session.updated`: our settings hold, audio may flow."""

    generation: int
    left_out: tuple[str, ...] = ()
    """Those that it has no word for."""


@dataclass(frozen=True, slots=True)
class LifeProved:
    """The answer to `ProveLife`."""

    generation: int


@dataclass(frozen=True, slots=True)
class UpstreamLost:
    """The link is over. `chance` in [0, 1) is the jitter of a retry."""

    generation: int
    fault: Fault
    chance: float = 0.5


@dataclass(frozen=True, slots=True)
class UpstreamErred:
    """An `error` event; `benign` ones are races, to be noted only. `chance` in [0, 1): a retry's jitter."""

    generation: int
    fault: Fault
    code: str
    message: str
    event_id: str | None = None
    benign: bool = False
    chance: float = 0.5


@dataclass(frozen=True, slots=True)
class UpstreamBreached:
    """A message that is no event at all."""

    generation: int
    reason: str
    chance: float = 0.5


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    generation: int
    item_id: str
    audio_start_ms: int


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    generation: int
    item_id: str
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class InputCommitted:
    generation: int
    item_id: str


@dataclass(frozen=True, slots=True)
class UserTranscribed:
    generation: int
    item_id: str
    text: str
    final: bool
    usage: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class UpstreamStages:
    """Who does the work of which stage of the upstream, where several do."""

    generation: int
    stages: dict[str, str]


@dataclass(frozen=True, slots=True)
class TranscriptionFailed:
    generation: int
    item_id: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class ResponseBegan:
    generation: int
    response_id: str


@dataclass(slots=True, eq=False)
class OutputAudio:
    generation: int
    response_id: str
    item_id: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class OutputAudioEnded:
    """`response.output_audio.done`: the item's audio is whole."""

    generation: int
    response_id: str
    item_id: str


@dataclass(frozen=True, slots=True)
class OutputTranscribed:
    generation: int
    response_id: str
    item_id: str
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class ToolCalled:
    generation: int
    response_id: str
    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ResponseEnded:
    generation: int
    response_id: str
    status: Literal["completed", "cancelled", "failed", "incomplete"]
    reason: str = ""
    usage: dict[str, Any] | None = field(default=None, hash=False)
    fault: Fault | None = None


# tools, time, the process


@dataclass(frozen=True, slots=True)
class ToolReturned:
    call_id: str
    output: str
    status: Literal["ok", "failed", "timeout", "refused", "outcome_unknown"]
    action: tuple[str, str, dict[str, Any]] | None = field(default=None, hash=False)
    end_session: bool = False
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A deadline has come. `chance` in [0, 1) is the jitter of what follows."""

    name: str
    chance: float = 0.5


@dataclass(frozen=True, slots=True)
class Recorded:
    """The journal has everything up to this number for good."""

    number: int


@dataclass(frozen=True, slots=True)
class JournalChanged:
    """The journal stumbles (`cause`), or is well again (None)."""

    cause: Fault | None


@dataclass(frozen=True, slots=True)
class DrainBegan:
    """The process was told to stop; twice means now."""

    at_once: bool = False


@dataclass(frozen=True, slots=True)
class BudgetSpent:
    """Nothing more may be spent on this session; the fault says by which cap."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class MemoryRanShort:
    """The process needs what can be had again: a parked session keeps less of what its client missed."""


Event = (
    ClientAudio
    | SessionAsked
    | ResumeAsked
    | TextGiven
    | CommitAsked
    | ClearAsked
    | CancelAsked
    | EndAsked
    | Played
    | SilenceHeard
    | Acknowledged
    | AudioDue
    | Pinged
    | Reported
    | MessageRefused
    | ClientGone
    | ClientTooSlow
    | UpstreamOpened
    | UpstreamCreated
    | UpstreamConfigured
    | LifeProved
    | UpstreamLost
    | UpstreamErred
    | UpstreamBreached
    | SpeechBegan
    | SpeechEnded
    | InputCommitted
    | UserTranscribed
    | TranscriptionFailed
    | UpstreamStages
    | ResponseBegan
    | OutputAudio
    | OutputAudioEnded
    | OutputTranscribed
    | ToolCalled
    | ResponseEnded
    | ToolReturned
    | TimerFired
    | Recorded
    | JournalChanged
    | DrainBegan
    | BudgetSpent
    | Unheard
    | MemoryRanShort
)
