"""What the caller hears: audio plays in real time, one item after the other.

What lives here: how much of each item has sounded.
What never will: deciding what is cut.
"""

from __future__ import annotations

from collections import deque

from holdfast.core.audio import SAMPLE_RATE_HZ, ms_of_samples


class Loudspeaker:
    """A queue of items with the samples that wait to be played."""

    def __init__(self) -> None:
        self.queue: deque[list[object]] = deque()
        self.heard: dict[str, int] = {}
        self.last: str | None = None

    def takes(self, item_id: str, samples: int) -> None:
        """Audio has come."""
        if self.queue and self.queue[-1][0] == item_id:
            self.queue[-1][1] += samples  # type: ignore[operator] # the second of each is a number
        else:
            self.queue.append([item_id, samples])

    def plays(self, seconds: float) -> None:
        """Time passes."""
        left = round(seconds * SAMPLE_RATE_HZ)
        while left and self.queue:
            item_id, waiting = self.queue[0]
            assert isinstance(item_id, str)
            assert isinstance(waiting, int)
            count = min(left, waiting)
            left -= count
            self.heard[item_id] = self.heard.get(item_id, 0) + count
            self.last = item_id
            if count == waiting:
                self.queue.popleft()
            else:
                self.queue[0][1] = waiting - count

    def playing(self) -> tuple[str, int] | None:
        """What is reported: the item that sounds, and how many milliseconds of it did."""
        return None if self.last is None else (self.last, ms_of_samples(self.heard[self.last]))

    @property
    def is_sounding(self) -> bool:
        """Whether something is left to play."""
        return bool(self.queue)

    def flush(self) -> None:
        """Barge-in, or the page is gone."""
        self.queue.clear()
