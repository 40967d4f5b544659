"""Whether an upstream speaks the protocol: what it says twice, too early, or in no shape at all.

What lives here: a few rules over its events, bounded, each breach kept as one short fact. What never will:
what a breach does to a session (`core.lifecycle`), all the rules of the dialect (`conformance`).
"""

from __future__ import annotations

from collections import deque
from typing import Final

from holdfast.wire.upstream import ServerEvent

FACTS_MAX: Final = 8
EVENTS_MAX: Final = 4_096
"""Ids that are remembered: more than a visit has."""


class Conduct:
    """What one upstream did in one visit. `breaches` are against the protocol, `repeats` are harmless."""

    def __init__(self) -> None:
        self.breaches: list[str] = []
        self.repeats: list[str] = []
        self.strange: list[str] = []
        """Types of events that nobody here knows: a provider may add some."""
        self._events: set[str] = set()
        self._order: deque[str] = deque()
        self._begun: set[str] = set()
        self._ended: set[str] = set()
        self._items: set[str] = set()

    def broken(self, reason: str) -> None:
        """A message that is no event, or has fields of the wrong type."""
        self._note(self.breaches, reason)

    def heard(self, event: ServerEvent) -> None:
        """One more event."""
        if self._is_repeated(event):
            self._note(self.repeats, f"{event.type} came twice")
            return
        if event.type.partition(".")[0] not in _FAMILIES:
            self._note(self.strange, event.type)
        if not event.type.startswith("response."):
            return
        if event.response is not None:
            self._frame(event.type, event.response.id or "")
        elif event.response_id:
            self._within(event, event.response_id)

    def _frame(self, kind: str, response_id: str) -> None:
        if kind == "response.created":
            self._begun.add(response_id)
        elif kind == "response.done":
            if response_id in self._ended:
                self._note(self.repeats, "response.done came twice")
            if response_id not in self._begun:
                self._note(self.breaches, "response.done of a response that never began")
            self._ended.add(response_id)

    def _within(self, event: ServerEvent, response_id: str) -> None:
        if response_id not in self._begun:
            self._note(self.breaches, f"{event.type} of a response that never began")
        elif response_id in self._ended:
            self._note(self.breaches, f"{event.type} after the end of its response")
        elif event.type == "response.output_item.added" and event.item is not None:
            self._items.add(event.item.id or "")
        elif event.item_id and event.item_id not in self._items:
            self._note(self.breaches, f"{event.type} before its item")
            self._items.add(event.item_id)

    def _is_repeated(self, event: ServerEvent) -> bool:
        if not event.event_id:
            return False
        if event.event_id in self._events:
            return True
        self._events.add(event.event_id)
        self._order.append(event.event_id)
        if len(self._order) > EVENTS_MAX:
            self._events.discard(self._order.popleft())
        return False

    @staticmethod
    def _note(facts: list[str], fact: str) -> None:
        if fact not in facts and len(facts) < FACTS_MAX:
            facts.append(fact)


_FAMILIES: Final = frozenset(
    {
        "session",
        "error",
        "rate_limits",
        "conversation",
        "input_audio_buffer",
        "output_audio_buffer",
        "response",
        "mcp_list_tools",
        "holdfast",
        "transcription_session",
    }
)
"""How the types of the protocol begin (protocol reference, 5)."""
