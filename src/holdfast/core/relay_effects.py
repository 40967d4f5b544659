"""What a relayed conversation asks for: originals to pass on, and the few messages of our own.

What lives here: the closed union `RelayEffect`. Links, timers, log and end are the effects of every session.
What never will: the shape of a message (`wire.relayed`), deciding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from holdfast.core.effects import (
    Adopt,
    CloseClient,
    Dial,
    Finish,
    HangUp,
    Note,
    StartTimer,
    StopTimer,
)
from holdfast.core.faults import Fault, Party
from holdfast.core.relay_mirror import RelayItem

OWN_PREFIX = "holdfast_"
"""Our own messages to an upstream bear an `event_id` that begins like this."""
BUDGETS = frozenset(f"configuration.{whose}_budget" for whose in ("session", "customer", "total"))
"""Faults of money."""


# originals


@dataclass(slots=True, eq=False)
class SendUp:
    """Pass the client's original on."""

    raw: bytes


@dataclass(slots=True, eq=False)
class SendSettings:
    """Pass the client's `session.update` on without its model: the upstream answers under another name."""

    raw: bytes


@dataclass(slots=True, eq=False)
class SendDown:
    """Pass the upstream's original on. After a rebuild its clock is late by `late_ms`, and where an upstream
    only counts its events, `mark` keeps their ids apart from an earlier one's.
    """

    raw: bytes
    late_ms: int = 0
    mark: str = ""


@dataclass(slots=True, eq=False)
class SendGreeting:
    """The upstream's `session.created` with the session of its `session.updated`: the client finds it
    configured.
    """

    created: bytes
    updated: bytes


@dataclass(slots=True, eq=False)
class SendAgain:
    """A message that the client may have missed: it was counted when it was first sent."""

    raw: bytes


# our own words to the client


def error_type(cause: Fault) -> str:
    """What the dialect calls an error of that kind: the client's own, or not; money has a kind of its own."""
    if cause.code in BUDGETS:
        return "insufficient_quota"
    return "invalid_request_error" if cause.row.party is Party.APPLICATION else "server_error"


@dataclass(frozen=True, slots=True)
class SendError:
    """An `error` event of our own. `event_id` names the client's event that caused it."""

    fault: Fault
    code: str
    message: str
    event_id: str | None = None
    retry_after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class SendTerminal:
    """`response.done` for a response whose upstream is gone, after the end of the items it was still at."""

    response_id: str
    status: Literal["incomplete", "cancelled"]
    reason: str
    fault: Fault | None
    output: tuple[RelayItem, ...] = ()
    unended: frozenset[str] = frozenset()
    """Those of its items whose end the client was not told."""
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """Of these, the ends that their parts are owed, by item."""
    body: bytes = b""
    """The response as JSON, as the client was told when it began."""
    is_beside: bool = False
    """Its items are none of the conversation's."""


@dataclass(frozen=True, slots=True)
class SendCommitted:
    """`input_audio_buffer.committed` for a turn whose upstream was gone before it could say so."""

    item_id: str
    previous_id: str | None


@dataclass(frozen=True, slots=True)
class SendDeleted:
    """`conversation.item.deleted` for an item that no fresh upstream can be told of."""

    item_id: str


@dataclass(frozen=True, slots=True)
class SendTruncated:
    """`conversation.item.truncated` for an item that the present upstream knows as text only."""

    item_id: str
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class SendNews:
    """An event of our own dialect, for a client that asked for them: `holdfast.<name>`."""

    name: Literal["session", "resumed", "status", "audio_lost"]
    facts: Mapping[str, Any] = field(hash=False)
    items: tuple[RelayItem, ...] | None = None
    """A snapshot of the conversation."""


# our own words to an upstream


@dataclass(frozen=True, slots=True)
class Configure:
    """`session.update` with what the client has set, as far as this upstream knows it."""

    generation: int
    endpoint: int
    event_id: str
    settings: Mapping[str, Any] = field(hash=False)
    is_foreign: bool
    """Another kind of upstream than the one the client was promised."""
    is_essential: bool = False
    """Only what a conversation cannot do without: the rest was refused."""


@dataclass(frozen=True, slots=True)
class AddItem:
    """An item that an earlier upstream knew, under the same id."""

    item: RelayItem
    event_id: str
    after: str | None = None
    """None: at the end."""


@dataclass(frozen=True, slots=True)
class RemoveItem:
    item_id: str
    event_id: str


@dataclass(frozen=True, slots=True)
class PadAudio:
    """One byte in the place of the half sample that an earlier upstream took with it."""


@dataclass(frozen=True, slots=True)
class AddSpeech:
    """A spoken turn that nobody has answered, made of the client's own messages: `size` bytes of audio,
    from `skip` on.
    """

    item_id: str
    event_id: str
    appends: tuple[bytes, ...]
    skip: int
    size: int


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for a response: as the client did, or for the rest of one, or for any."""

    event_id: str
    original: bytes | None = None
    carry_on: str | None = None


RelayEffect = (
    SendUp
    | SendSettings
    | SendDown
    | SendGreeting
    | SendAgain
    | SendError
    | SendTerminal
    | SendCommitted
    | SendDeleted
    | SendTruncated
    | SendNews
    | Configure
    | AddItem
    | RemoveItem
    | PadAudio
    | AddSpeech
    | Ask
    | Adopt
    | Dial
    | HangUp
    | StartTimer
    | StopTimer
    | CloseClient
    | Note
    | Finish
)
