"""Whether one more session may take what a process has only so many of: file descriptors.

What lives here: the reserve that is kept for those who were admitted, and what fresh ones have yet to take.
What never will: counting descriptors.

A session that was let in needs more later: its upstream's socket in a moment, a second one while it changes
upstreams, the journal's files. Who is refused early is told so; a socket that cannot be had breaks a call.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from holdfast.core.faults import Fault, fault

COMING_S: Final = 2.0
"""A session that was admitted has its upstream's socket after this long, and is in the count then."""
RETRY_AFTER_S: Final = 5.0


@dataclass(slots=True)
class Reserve:
    """Ask `refusal` for each new session; `is_spent` for each new connection, whatever it wants."""

    kept: int
    _coming: deque[float] = field(default_factory=deque)

    def refusal(self, left: int, now: float) -> Fault | None:
        """Why one more session may not begin now; None when it may. Tell `admitted` when it does."""
        if self.has_room(left, now):
            return None
        evidence = [f"{left} file descriptors are left, {self.kept} are kept for running sessions"]
        return fault("gateway.overloaded", evidence, retry_after_s=RETRY_AFTER_S)

    def admitted(self, now: float) -> None:
        """A session begins: it has yet to take what it needs."""
        self._coming.append(now)

    def has_room(self, left: int, now: float) -> bool:
        """Whether one more session may begin."""
        while self._coming and now - self._coming[0] >= COMING_S:
            self._coming.popleft()
        return left - len(self._coming) > self.kept

    def is_spent(self, left: int) -> bool:
        """Whether not even a page can be served: the second half is for admitted sessions alone."""
        return left * 2 <= self.kept
