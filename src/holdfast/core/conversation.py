"""The mirror of the conversation: what a fresh upstream, or a returning client, must be told.

What lives here: items in order with their text, what was heard of them, calls with their results; bounded.
What never will: audio.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(slots=True)
class Item:
    id: str
    role: Literal["user", "assistant", "tool"]
    text: str = ""
    is_final: bool = False
    heard_ms: int | None = None
    """None: to the end, as far as known."""
    call_name: str = ""
    call_arguments: str = ""


@dataclass(slots=True)
class Conversation:
    items_max: int
    chars_max: int = 16_384
    items: dict[str, Item] = field(default_factory=dict)
    forgotten: int = 0
    last_reply: str = ""
    """The last thing the assistant said whole."""

    def item(self, item_id: str, role: Literal["user", "assistant", "tool"]) -> Item:
        """The item with this id, made when it is new; the oldest is forgotten when there are too many."""
        found = self.items.get(item_id)
        if found is None:
            if len(self.items) >= self.items_max:
                del self.items[next(iter(self.items))]
                self.forgotten += 1
            found = self.items[item_id] = Item(item_id, role)
        return found

    def heard(self, item_id: str, ms: int) -> None:
        """The item was cut after `ms`."""
        found = self.items.get(item_id)
        if found is not None:
            found.heard_ms = ms

    def said(self, item_id: str, text: str, *, role: Literal["user", "assistant"], final: bool) -> None:
        """Text of an item: a part to be added, or (`final`) the whole."""
        item = self.item(item_id, role)
        item.text = (text if final else item.text + text)[: self.chars_max]
        item.is_final = final
        if final and role == "assistant" and text:
            self.last_reply = item.text

    def called(self, call_id: str, name: str, arguments: str) -> None:
        """A tool was called."""
        item = self.item(call_id, "tool")
        item.call_name, item.call_arguments = name[: self.chars_max], arguments[: self.chars_max]

    def returned(self, call_id: str, output: str) -> None:
        """Its result, to stand beside the call."""
        item = self.item(call_id, "tool")
        item.text, item.is_final = output[: self.chars_max], True
