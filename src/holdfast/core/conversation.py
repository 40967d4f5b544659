"""The mirror of the conversation: what a fresh upstream, or a returning client, must be told.

What lives here: items in order with their text, what was heard of them, calls with their results; bounded.
What never will: audio.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["user", "assistant", "tool"]


@dataclass(slots=True)
class Item:
    id: str
    role: Role
    text: str = ""
    is_final: bool = False
    heard_chars: int | None = None
    """None: to the end, as far as known."""
    call_name: str = ""
    call_arguments: str = ""
    response_id: str = ""
    since: int = 0
    """Of a spoken turn: the input position where it begins."""
    until: int = 0
    """And where it ends."""
    place: int = 0
    """Where it stands; words may become whole in another order."""
    leaves: list[str] = field(default_factory=list)
    """Of an answer: what the user had said before its words were whole, and is owed another answer."""
    is_recorded: bool = False
    """Whether the journal has it as it is."""

    @property
    def heard_text(self) -> str:
        """The words that were heard: whole words only."""
        if self.heard_chars is None or self.heard_chars >= len(self.text):
            return self.text
        return self.text[: self.heard_chars].rpartition(" ")[0]

    def as_record(self) -> dict[str, Any]:
        """For the journal."""
        return {
            "id": self.id,
            "place": self.place,
            "since": self.since,
            "until": self.until,
            "role": self.role,
            "text": self.text,
            "final": self.is_final,
            "heard_chars": self.heard_chars,
            "name": self.call_name,
            "arguments": self.call_arguments,
            "leaves": self.leaves,
        }


@dataclass(slots=True)
class Conversation:
    items_max: int
    chars_max: int = 16_384
    items: dict[str, Item] = field(default_factory=dict)
    forgotten: int = 0
    places: int = 0
    last_reply: str = ""
    """The last thing the assistant said whole."""

    def item(self, item_id: str, role: Role) -> Item:
        """The item with this id, made when it is new; the oldest is forgotten when there are too many."""
        found = self.items.get(item_id)
        if found is None:
            if len(self.items) >= self.items_max:
                del self.items[next(iter(self.items))]
                self.forgotten += 1
            self.places += 1
            found = self.items[item_id] = Item(item_id, role, place=self.places)
        found.is_recorded = False
        return found

    def heard(self, item_id: str, heard: int, sent: int) -> None:
        """The item was cut after `heard` of `sent` samples: so much of its words was heard."""
        found = self.items.get(item_id)
        if found is not None:
            found.heard_chars = round(len(found.text) * heard / sent) if sent else 0
            found.is_recorded = False

    def said(self, item_id: str, text: str, *, role: Role, final: bool, response_id: str = "") -> None:
        """Text of an item: a part to be added, or (`final`) the whole."""
        item = self.item(item_id, role)
        item.text = (text if final else item.text + text)[: self.chars_max]
        item.is_final = final
        item.response_id = response_id
        if final and role == "assistant" and text:
            self.last_reply = item.text

    def heard_of(self, response_id: str) -> str:
        """The words of a response that were said so far."""
        parts = [item.heard_text for item in self.items.values() if item.response_id == response_id]
        return " ".join(part for part in parts if part).strip()

    def close(self, response_id: str) -> None:
        """Nothing more of this response will come: its words are whole as they stand."""
        for item in self.items.values():
            if item.response_id == response_id and not item.is_final:
                item.is_final, item.is_recorded = True, False

    def called(self, call_id: str, name: str, arguments: str) -> None:
        """A tool was called."""
        item = self.item(call_id, "tool")
        item.call_name, item.call_arguments = name[: self.chars_max], arguments[: self.chars_max]

    def returned(self, call_id: str, output: str) -> None:
        """Its result, to stand beside the call."""
        item = self.item(call_id, "tool")
        item.text, item.is_final = output[: self.chars_max], True

    def unrecorded(self) -> Iterator[Item]:
        """Items whose words are whole and that the journal does not have yet."""
        for item in self.items.values():
            if item.is_final and not item.is_recorded:
                item.is_recorded = True
                yield item

    def restore(self, record: dict[str, Any]) -> None:
        """An item as the journal had it."""
        item = self.item(record["id"], record["role"])
        item.text, item.is_final = record["text"], record["final"]
        item.heard_chars = record["heard_chars"]
        item.call_name, item.call_arguments = record["name"], record["arguments"]
        item.place, item.until = record["place"], record["until"]
        item.since = record.get("since", 0)  # an earlier version did not say, neither this
        item.leaves = record.get("leaves", [])
        self.places = max(self.places, item.place)
        item.is_recorded = True
        if item.role == "assistant" and item.text:
            self.last_reply = item.text

    def in_place(self) -> None:
        """Restored items stand where they stood."""
        self.items = dict(sorted(self.items.items(), key=lambda pair: pair[1].place))
