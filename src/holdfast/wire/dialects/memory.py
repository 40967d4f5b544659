"""What is remembered of one link to a server of another dialect, between one event and the next.

What lives here: which items and answers were told of, what was left out, what the gateway answers itself.
What never will: how an event is spelled (`upward`, `downward`).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from holdfast.wire.dialects.table import Dialect, Json
from holdfast.wire.upstream import PEEK_ERRORS, peek

ITEMS_KEPT: Final = 512
"""Of how many items it is known what was told of them."""

encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


def kind_of(raw: bytes) -> str | None:
    """The type of an event; None for what is none."""
    try:
        return peek(raw).type
    except PEEK_ERRORS:
        return None


def decode(raw: bytes) -> Json | None:
    """A whole event; None for what is none, which is for others to judge."""
    try:
        event = _decode(raw)
    except PEEK_ERRORS:
        return None
    return event if isinstance(event, dict) else None


def as_object(value: Any) -> Json:
    """What should be an object, or an empty one."""
    return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Own:
    """What this one server has, by its operator's settings."""

    model: str = ""
    transcription_model: str | None = None
    voice: str | None = None
    transcribes: bool = False
    """The link was opened for a transcription session."""


OWN: Final = Own()


class Link(Protocol):
    """What carries one link's events over."""

    back: list[bytes]

    def up(self, raw: bytes) -> Sequence[bytes]:
        """A client event as the server understands it."""
        ...

    def down(self, raw: bytes) -> Sequence[bytes]:
        """A server event in GA's words."""
        ...


class Memory:
    """Of one link."""

    def __init__(
        self,
        dialect: Dialect,
        own: Own,
        on_left_out: Callable[[Sequence[str]], None],
        ids: Callable[[str], str],
    ) -> None:
        self.dialect = dialect
        self.own = own
        self.ids = ids
        self.back: list[bytes] = []
        """What the gateway answers itself."""
        self.left_out: list[str] = []
        self.transcribes = own.transcribes
        self.has_greeted = False
        self.items: OrderedDict[str, str] = OrderedDict()
        self.calls: OrderedDict[str, str] = OrderedDict()
        self.last_item: str | None = None
        self.active: str | None = None
        """The answer that is being given."""
        self.open_items: dict[str, tuple[Json, Any]] = {}
        """Its items that have no end yet, each with its place."""
        self.beside: set[str] = set()
        """Answers outside of the conversation: their items are none of it."""
        self.silenced: set[str] = set()
        """Answers that have ended for the client and not for the server."""
        self.asked: deque[Any] = deque(maxlen=16)
        """Metadata of the answers that were asked for, where the server does not bring it back."""
        self.deleting: deque[str] = deque(maxlen=ITEMS_KEPT)
        """Items that were asked to be deleted: an answer may not say which."""
        self.sent_ms = 0.0
        """Of sound, where the server does not say when speech began."""
        self.bytes_per_ms = 48
        self._on_left_out = on_left_out

    def leave(self, left: Sequence[str]) -> None:
        """Name what was left out: to the operator now, to the client with the next `session.updated`."""
        if left:
            self.left_out += [path for path in left if path not in self.left_out]
            self._on_left_out(left)

    def say(self, event: Json) -> None:
        """Answer the client."""
        self.back.append(encode(self.with_id(event)))

    def with_id(self, event: Json) -> Json:
        """An event of the gateway's own."""
        return {"type": event.pop("type", None), "event_id": self.ids("event"), **event}

    def note_item(self, item_id: str, state: str) -> None:
        """It was told as `added` or `done`."""
        self.items[item_id] = state
        _bound(self.items)

    def note_call(self, item_id: str, name: str) -> None:
        """It calls this function."""
        self.calls[item_id] = name
        _bound(self.calls)

    def silence(self, status: str, reason: str) -> Iterator[Json]:
        """End the active answer for the client; what still comes of it is not told."""
        response_id = self.active
        if response_id is None:
            return
        self.active = None
        self.silenced.add(response_id)
        for item, index in self.open_items.values():
            ended = {**item, "status": "incomplete"}
            self.note_item(str(item.get("id", "")), "done")
            yield self.with_id({"type": "conversation.item.done", "item": ended})
            place = {"response_id": response_id, "output_index": index, "item": ended}
            yield self.with_id({"type": "response.output_item.done", **place})
        self.open_items.clear()
        details = {"type": status, "reason": reason}
        response = {"object": "realtime.response", "id": response_id, "status": status, "output": []}
        yield self.with_id(
            {"type": "response.done", "response": {**response, "status_details": details, "usage": None}}
        )


def _bound(kept: OrderedDict[str, str]) -> None:
    if len(kept) > ITEMS_KEPT:
        kept.popitem(last=False)
