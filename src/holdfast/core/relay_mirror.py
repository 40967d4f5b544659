"""The mirror of a relayed conversation: what a fresh upstream, or a returning client, must be told.

What lives here: items in order under the ids that the client knows, what was said of them and which news of
them the client has; bounded in number and bytes.
What never will: audio (`relay_input`), reading or writing a message (`wire.relayed`): an item's own JSON is
carried along unopened.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast.core.recent import Recent

RESTORABLE = frozenset({"message", "function_call", "function_call_output"})
"""Kinds of items that a client may put into a conversation."""


@dataclass(slots=True, eq=False)
class RelayItem:
    id: str
    kind: str
    role: str = ""
    body: bytes = b""
    """The item as JSON: the client's own where it holds what servers do not give back (audio, images)."""
    text: str = ""
    call_id: str = ""
    is_rich: bool = False
    """Whether `body` holds audio or images."""
    is_done: bool = False
    is_spoken: bool = True
    """Whether the assistant says it; else it is written."""
    told: set[str] = field(default_factory=set)
    """The types of the events by which the client knows of it."""
    generation: int = 0
    """Of the last upstream that knows it."""
    said_from: int = -1
    """The relay's count of audio when the assistant began this item; -1 where it did not."""
    said: int = -1
    """How much audio it has; -1 while it grows."""
    heard_share: float = 1.0
    """How much of it was heard, where it was cut."""

    @property
    def heard_text(self) -> str:
        """The words that were heard: whole words only."""
        if self.heard_share >= 1.0:
            return self.text
        return self.text[: round(len(self.text) * self.heard_share)].rpartition(" ")[0]

    def end_sound(self, said: int) -> None:
        """Its audio grows no more; `said` is the relay's count of audio."""
        if self.said_from >= 0 and self.said < 0:
            self.said = said - self.said_from

    def cut(self, heard: float, said: int) -> None:
        """So much of its audio was heard; `said` is the relay's count of audio."""
        whole = self.said if self.said >= 0 else said - self.said_from
        if self.said_from >= 0 and whole > 0:
            self.heard_share = min(self.heard_share, heard / whole)

    @property
    def size(self) -> int:
        """Bytes it takes."""
        return len(self.body) + len(self.text)

    @property
    def is_restorable(self) -> bool:
        """Whether a fresh upstream can be told of it; of a user's unwritten words, that there were some."""
        if self.kind not in RESTORABLE:
            return False
        if self.kind == "message":
            return self.role == "user" or bool(self.heard_text) or self.is_rich
        return self.is_done

    @property
    def has_words(self) -> bool:
        """Whether what it says is here."""
        return bool(self.text) or self.is_rich


@dataclass(slots=True)
class Mirror:
    items_max: int
    bytes_max: int
    chars_max: int
    items: dict[str, RelayItem] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    forgotten: Recent[str] = field(init=False)
    """Items that found no room and that the present upstream still has."""
    _bytes: int = 0

    def __post_init__(self) -> None:
        self.forgotten = Recent(self.items_max)

    def get(self, item_id: str) -> RelayItem | None:
        """The item the client knows by this id."""
        return self.items.get(item_id)

    def in_order(self) -> list[RelayItem]:
        """All items."""
        return [self.items[item_id] for item_id in self.order]

    def previous_of(self, item_id: str) -> str | None:
        """The id of the item before this one."""
        place = self.order.index(item_id)
        return self.order[place - 1] if place else None

    def put(self, item: RelayItem, previous_id: str | None = None, *, is_first: bool = False) -> RelayItem:
        """Enter an item, or what is new about one that stands here already."""
        known = self.items.get(item.id)
        if known is None:
            place = 0 if is_first else len(self.order)
            if previous_id in self.items:
                place = self.order.index(previous_id) + 1
            self.order.insert(place, item.id)
            self.items[item.id] = known = item
        else:
            self._bytes -= known.size
            self._renew(known, item)
        known.text = known.text[: self.chars_max]
        self._bytes += known.size
        self._shrink()
        return known

    @staticmethod
    def _renew(known: RelayItem, news: RelayItem) -> None:
        known.kind, known.role = news.kind or known.kind, news.role or known.role
        if news.body and (news.is_rich or not known.is_rich):
            known.body, known.is_rich = news.body, news.is_rich
        known.text = news.text or known.text
        known.call_id = news.call_id or known.call_id
        known.is_done = known.is_done or news.is_done
        known.generation = news.generation or known.generation

    def say(self, item_id: str, text: str, *, role: str, final: bool) -> RelayItem:
        """Words of an item: a part to be added, or (`final`) the whole."""
        item = self.items.get(item_id) or self.put(RelayItem(item_id, "message", role))
        whole = (text if final else item.text + text)[: self.chars_max]
        self._bytes += len(whole) - len(item.text)
        item.text = whole
        return item

    def remove(self, item_id: str) -> None:
        """It was deleted."""
        item = self.items.pop(item_id, None)
        if item is not None:
            self.order.remove(item_id)
            self._bytes -= item.size

    def _shrink(self) -> None:
        while len(self.order) > self.items_max or (self._bytes > self.bytes_max and len(self.order) > 1):
            self.forgotten.append(self.order[0])
            self.remove(self.order[0])
