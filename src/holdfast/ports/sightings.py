"""What can be seen of a session from outside: a small closed vocabulary, the same for both conductors.

What lives here: the sightings, whose they are, and the protocol of who watches (console, metrics,
transcripts, cost, traces).
What never will: deciding; audio; how a conductor came to it (`runtime.eyes`).

A sighting is told after the step in which it happened, when its effects are under way; nobody who watches may
wait, or change anything. `at` is the loop's monotonic time, in seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, get_args

from holdfast.core.faults import Fault


@dataclass(slots=True, eq=False)
class Watched:
    """The session that was seen: one object from its beginning to its end."""

    id: str
    source: Literal["browser", "realtime"]
    customer_id: str
    mode: Literal["conversation", "transcription"] = "conversation"


# the session


@dataclass(frozen=True, slots=True)
class Began:
    """The session exists: what is said from here on counts."""

    is_restored: bool = False
    """Taken up from the journal of an earlier process."""
    lasted_s: float = 0.0
    """How long ago it began, where that was there."""


@dataclass(frozen=True, slots=True)
class ClientAway:
    """The client's socket is over; the session may wait for it."""

    code: int


@dataclass(frozen=True, slots=True)
class ClientBack:
    """It came back; whether all could be made good."""

    recovered: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more will be seen of the session."""

    reason: str
    fault: Fault | None = None
    cut: Interrupted | None = None
    """The answer that was still to be heard; None where there is none, or where that is not known."""


# its upstreams


@dataclass(frozen=True, slots=True)
class UpstreamLive:
    """An upstream serves from here on: the first one, a rebuilt one, or one that took over in time."""

    generation: int
    name: str
    kind: str
    model: str
    provider_session: str
    how: Literal["first", "rebuilt", "rotated"] = "first"


@dataclass(frozen=True, slots=True)
class UpstreamLost:
    """The upstream that served, or was to serve, is gone."""

    generation: int
    fault: Fault
    was_live: bool


# the conversation


@dataclass(frozen=True, slots=True)
class TurnBegan:
    """The user began to speak, at this sample of the session's input (a relay: of the upstream's clock)."""

    item_id: str
    sample: int


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The user stopped speaking at this sample, says the upstream."""

    item_id: str
    sample: int
    received: int | None = None
    """Samples that had come when it said so; None where they are not counted."""


@dataclass(frozen=True, slots=True)
class WordsOfUser:
    """What the user said or wrote, whole. `usage`: what writing it down cost, in the provider's shape
    (protocol reference, 3.2).
    """

    item_id: str
    text: str
    usage: Mapping[str, Any] | None = field(default=None, hash=False)
    is_typed: bool = False
    written_by: str = ""
    """The model that wrote down what was spoken; empty where that is not known."""


@dataclass(frozen=True, slots=True)
class ResponseBegan:
    """An answer begins."""

    response_id: str


@dataclass(frozen=True, slots=True)
class FirstSound:
    """The first audio of an item of an answer is on its way to the client."""

    response_id: str
    item_id: str


@dataclass(frozen=True, slots=True)
class SilenceHeard:
    """How long the user waited, as their client measured it, in samples of the session's input: the last of
    their speech, what was recorded when the first sound of the answer arrived, and when it was heard.
    """

    item_id: str
    spoke_until: int
    received_at: int
    heard_at: int


@dataclass(frozen=True, slots=True)
class WordsOfAssistant:
    """What was said by the assistant, whole, as it was generated."""

    response_id: str
    item_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The answer was cut: how much of the item was heard, and how much had been sent (None: not known)."""

    response_id: str
    item_id: str
    heard_ms: int
    sent_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ResponseEnded:
    """The one end of an answer. `usage` in the provider's shape (protocol reference, 3.1)."""

    response_id: str
    status: str
    reason: str = ""
    usage: Mapping[str, Any] | None = field(default=None, hash=False)
    fault: Fault | None = None
    sent_ms: int | None = None
    """How much of its sound came (about, behind `/v1/realtime`); None where that is not known."""


@dataclass(frozen=True, slots=True)
class ToolBegan:
    """A tool runs."""

    call_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ToolEnded:
    """A tool is over."""

    call_id: str
    name: str
    status: str


# what went wrong, and everything else


@dataclass(frozen=True, slots=True)
class FaultMet:
    """A fault was met; `moment` is the log's name for when."""

    fault: Fault
    moment: str


@dataclass(frozen=True, slots=True)
class AudioWasLost:
    """Samples that could not be kept, by name."""

    direction: Literal["input", "output"]
    first: int
    last: int
    reason: str


@dataclass(frozen=True, slots=True)
class Noted:
    """A key moment of the log (`telemetry.MOMENTS`), with its facts."""

    moment: str
    level: str
    facts: Mapping[str, object] = field(hash=False)


Sighting = (
    Began
    | ClientAway
    | ClientBack
    | Ended
    | UpstreamLive
    | UpstreamLost
    | TurnBegan
    | TurnEnded
    | WordsOfUser
    | ResponseBegan
    | FirstSound
    | SilenceHeard
    | WordsOfAssistant
    | Interrupted
    | ResponseEnded
    | ToolBegan
    | ToolEnded
    | FaultMet
    | AudioWasLost
    | Noted
)


EVERYTHING: Final[frozenset[type]] = frozenset(get_args(Sighting))
"""For whoever sees all there is."""


class Watch(Protocol):
    """Who watches the sessions of a process."""

    @property
    def sees(self) -> Collection[type | str]:
        """The kinds of sightings that it makes anything of, always the same; a text: a moment of `Noted`."""
        ...

    def saw(self, session: Watched, sighting: Sighting, at: float) -> None:
        """Something was seen. Must not wait and must not raise; what it keeps is bounded."""
        ...
