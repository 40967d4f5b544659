"""The newest few of something.

What lives here: a list that lets the oldest go.
What never will: what is remembered, and for what.

A list and no deque: an empty deque is 600 bytes, and a session that nobody speaks in has none of what these
are for (decision 38). They are short, so that what follows the oldest is moved quickly.
"""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


class Recent(list[T]):
    """At most `most`, in the order in which they came."""

    __slots__ = ("most",)

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def append(self, one: T) -> None:
        """Remember one more; the oldest goes where there is no room."""
        if len(self) >= self.most:
            del self[0]
        super().append(one)
