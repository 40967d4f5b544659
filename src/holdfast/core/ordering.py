"""Events of an answer that overtook each other: held for a moment, put right, or counted as a breach.

What lives here: audio that comes before its response begins, and an end that comes before its audio does
(reliability reference, C, row "reordered").
What never will: playing, ending: what is released goes the ordinary way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from holdfast.core.events import OutputAudio, OutputTranscribed, ResponseEnded
from holdfast.core.recent import Recent

EARLY_MAX: Final = 200
ORDER_WAIT_S: Final = 2.0
"""How long an event may wait for one that it overtook."""
Early = OutputAudio | OutputTranscribed


@dataclass(slots=True)
class Ordering:
    early: Recent[Early] = field(default_factory=lambda: Recent(EARLY_MAX))
    """Of a response that has not begun."""
    end: ResponseEnded | None = None
    """Of a response whose audio has not ended."""
    open_item: str | None = None
    """The item whose audio has begun and not ended."""
    tells_ends: bool = False
    """Whether this upstream says where an item's audio ends; not all do."""

    def hold(self, event: Early) -> bool:
        """Keep it until its response begins; True when it is the first, so that somebody looks again."""
        self.early.append(event)
        return len(self.early) == 1

    def begun(self, response_id: str) -> list[Early]:
        """The response has begun: what came before it."""
        due = [event for event in self.early if event.response_id == response_id]
        self.early.clear()
        return due

    def audio_began(self, item_id: str) -> None:
        """An item sounds."""
        self.open_item = item_id

    def audio_ended(self, item_id: str) -> ResponseEnded | None:
        """The item's audio is whole; answers an end that waited for that."""
        self.tells_ends = True
        if self.open_item == item_id:
            self.open_item = None
        return self.release()

    def is_premature(self, event: ResponseEnded) -> bool:
        """Whether this end came before the audio's own; then it is kept."""
        if not self.tells_ends or self.open_item is None or event.status != "completed":
            return False
        self.end = event
        return True

    def release(self) -> ResponseEnded | None:
        """The end that waited, once."""
        held, self.end = self.end, None
        return held

    def clear(self) -> None:
        """The upstream is gone."""
        self.early.clear()
        self.end = self.open_item = None
        self.tells_ends = False
