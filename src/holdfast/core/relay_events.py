"""What happens to a relayed conversation: originals with the few fields that are looked at.

What lives here: the union `RelayEvent`. Most audio is not in it: it takes the short way (`relay_runner`).
What never will: reading a message (`wire.relayed`). Opening, losing, timers and the client's end are the
events of every session (`events`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from holdfast.core.events import (
    BudgetSpent,
    ClientGone,
    ClientTooSlow,
    DrainBegan,
    MemoryRanShort,
    TimerFired,
    UpstreamBreached,
    UpstreamLost,
    UpstreamOpened,
)
from holdfast.core.faults import Fault
from holdfast.core.hearing import Unheard
from holdfast.core.relay_input import Asked
from holdfast.core.relay_mirror import RelayItem

# the client


@dataclass(frozen=True, slots=True)
class Begun:
    """The client's socket is open. The identifiers are chance, so they are inputs; so is jitter."""

    session_id: str
    epoch: str
    resume_token: str | None = None
    """For a client that asked to be able to come back."""
    on_loss: Literal["continue", "stop"] | None = None
    """What becomes of an answer that was cut off; None: as the session's turn detection suggests."""
    chance: float = 0.5
    settings: Mapping[str, object] = field(default_factory=dict, hash=False)
    """What the client's credential is bound to: its session begins with them."""
    refusal: Fault | None = None
    """Why none may begin: the budget is spent."""


@dataclass(slots=True, eq=False)
class ClientAudioSent:
    """An audio message that could not take the short way."""

    raw: bytes


@dataclass(slots=True, eq=False)
class ClientAsked:
    """Any other message of the client."""

    asked: Asked
    cancels: str | None = None
    """The response that `response.cancel` names; empty for the one in the conversation."""


@dataclass(frozen=True, slots=True)
class ClientAcknowledged:
    received: int


@dataclass(frozen=True, slots=True)
class ClientReturned:
    """A client is back on another socket. That it may is decided."""

    epoch: str
    received: int
    resume_token: str


@dataclass(frozen=True, slots=True)
class ClientFlooded:
    """The client sent what is no event for too long."""


# the upstream

TELEPHONE_BYTES_PER_MS = 8


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What of a session object decides how its losses are mended."""

    kind: str = "realtime"
    hears_turns: bool = True
    """It finds the ends of turns by itself."""
    answers_turns: bool = True
    """And answers them unasked."""
    interrupts: bool = True
    input_bytes_per_ms: int = 48
    output_bytes_per_ms: int = 48

    @property
    def input_sample_bytes(self) -> int:
        """PCM16 has two; what a telephone sends, one."""
        return 2 if self.input_bytes_per_ms > TELEPHONE_BYTES_PER_MS else 1


@dataclass(slots=True, eq=False)
class Original:
    """One message of an upstream's."""

    generation: int
    raw: bytes


@dataclass(slots=True, eq=False)
class Passed(Original):
    """One that needs no look."""


@dataclass(slots=True, eq=False)
class OwnPassed(Original):
    """One that no dialect has: for clients that asked for such."""


@dataclass(slots=True, eq=False)
class AtWork(Original):
    """It waits for a server of its own, however long that takes: it is not dead."""


@dataclass(slots=True, eq=False)
class AudioPassed(Original):
    """Audio that could not take the short way."""


@dataclass(slots=True, eq=False)
class SessionCreated(Original):
    session_id: str
    model: str
    lifetime_s: float | None
    event_id: str
    facts: SessionFacts


@dataclass(slots=True, eq=False)
class SessionUpdated(Original):
    facts: SessionFacts


@dataclass(slots=True, eq=False)
class Erred(Original):
    fault: Fault
    code: str
    message: str
    event_id: str | None
    chance: float = 0.5
    param: str = ""
    """The field that it is about."""
    is_race: bool = False
    """Two sides acted at once: nobody's fault."""


@dataclass(slots=True, eq=False)
class ConversationBegan(Original):
    """Servers of the older shape say so beside `session.created`."""

    conversation_id: str


@dataclass(slots=True, eq=False)
class ResponseBegan(Original):
    response_id: str
    is_beside: bool | None
    """Outside of the conversation; None where the server does not say."""
    conversation_id: str = ""
    body: bytes = b""
    """The response as JSON."""


@dataclass(slots=True, eq=False)
class ResponseEnded(Original):
    response_id: str
    status: str
    fault: Fault | None


@dataclass(slots=True, eq=False)
class OutputItemBegan(Original):
    response_id: str
    item_id: str
    kind: str
    call_id: str


@dataclass(slots=True, eq=False)
class PartBegan(Original):
    response_id: str
    item_id: str
    is_spoken: bool = True


@dataclass(slots=True, eq=False)
class PartNews(Original):
    """A part of an answer, or its sound, is whole: `type` says which."""

    type: str
    item_id: str
    response_id: str = ""


@dataclass(slots=True, eq=False)
class ItemTold(Original):
    """`conversation.item.added`, `.created`, `.done` or `response.output_item.done`: an item as it stands."""

    type: str
    previous_id: str | None
    item: RelayItem
    response_id: str = ""


@dataclass(slots=True, eq=False)
class ItemCut(Original):
    item_id: str
    audio_end_ms: int


@dataclass(slots=True, eq=False)
class ItemDeleted(Original):
    item_id: str


@dataclass(slots=True, eq=False)
class ItemRetrieved(Original):
    item_id: str


@dataclass(slots=True, eq=False)
class Said(Original):
    """Words of an answer: a part, or (`final`) the whole."""

    response_id: str
    item_id: str
    text: str
    final: bool


@dataclass(slots=True, eq=False)
class Heard(Original):
    """Words of the user's: `type` says whether a part, the whole, or that it failed."""

    type: Literal["delta", "completed", "failed", "segment"]
    item_id: str
    text: str


@dataclass(slots=True, eq=False)
class SpeechBegan(Original):
    item_id: str
    audio_ms: int


@dataclass(slots=True, eq=False)
class SpeechEnded(Original):
    item_id: str
    audio_ms: int


@dataclass(slots=True, eq=False)
class TurnTimedOut(Original):
    """Nobody spoke for so long that the upstream makes a turn of the silence."""

    item_id: str


@dataclass(slots=True, eq=False)
class InputCommitted(Original):
    item_id: str


@dataclass(slots=True, eq=False)
class InputCleared(Original):
    pass


@dataclass(slots=True, eq=False)
class ToolAtWork(Original):
    """The upstream's own tool is called, or has returned: its silence means nothing meanwhile."""

    is_running: bool


RelayEvent = (
    Begun
    | ClientAudioSent
    | ClientAsked
    | ClientAcknowledged
    | ClientReturned
    | ClientFlooded
    | ClientGone
    | ClientTooSlow
    | DrainBegan
    | BudgetSpent
    | MemoryRanShort
    | Unheard
    | TimerFired
    | UpstreamOpened
    | UpstreamLost
    | UpstreamBreached
    | Original
    | Passed
    | OwnPassed
    | AtWork
    | AudioPassed
    | SessionCreated
    | SessionUpdated
    | Erred
    | ConversationBegan
    | ResponseBegan
    | ResponseEnded
    | OutputItemBegan
    | PartBegan
    | PartNews
    | ItemTold
    | ItemCut
    | ItemDeleted
    | ItemRetrieved
    | Said
    | Heard
    | SpeechBegan
    | SpeechEnded
    | TurnTimedOut
    | InputCommitted
    | InputCleared
    | ToolAtWork
)
