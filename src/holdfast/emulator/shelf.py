"""The books of all sessions together: how much is kept, and what goes when that is too much.

What lives here: two bounds and the order in which lines are forgotten.
What never will: what stands in a book (`record`).

The books of a long run with many sessions would otherwise grow by several megabytes for each session. Counts,
hashes and the summary of a session stay; its lines go: first those of the sessions that ended, the oldest
before the others, then the older half of the longest log.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from holdfast.emulator.session import EmulatedSession

SESSIONS_KEPT: Final = 1_000
"""Sessions whose books are kept; the oldest go first."""
LINES_KEPT: Final = 400_000
"""Lines of all logs together; with what belongs to them, some 200 MB."""
ROOM: Final = 0.1
"""The share that is made free at once, so that not every line has to make room for itself."""


class Shelf:
    """The sessions whose books are kept, oldest first."""

    def __init__(self, sessions_max: int = SESSIONS_KEPT, lines_max: int = LINES_KEPT) -> None:
        self.sessions: deque[EmulatedSession] = deque()
        self.lines = 0
        self.forgotten = 0
        self._sessions_max, self._lines_max = sessions_max, lines_max

    def add(self, session: EmulatedSession) -> None:
        """One more session."""
        if len(self.sessions) == self._sessions_max:
            gone = self.sessions.popleft().record
            gone.on_line = lambda: None
            self.lines -= len(gone.log)
        session.record.on_line = self._grown
        self.lines += len(session.record.log)
        self.sessions.append(session)

    def facts(self) -> dict[str, Any]:
        """For the control port."""
        return {
            "lines": self.lines,
            "lines_max": self._lines_max,
            "lines_forgotten": self.forgotten,
            "sessions_max": self._sessions_max,
        }

    def _grown(self) -> None:
        self.lines += 1
        if self.lines > self._lines_max:
            self._make_room()

    def _make_room(self) -> None:
        records = [session.record for session in self.sessions]
        for record in records:
            if self.lines <= (1 - ROOM) * self._lines_max:
                return
            if not record.is_open:
                self._forget(record.forget(1.0))
        while self.lines > (1 - ROOM) * self._lines_max:
            longest = max(records, key=lambda record: len(record.log))
            self._forget(longest.forget(0.5))

    def _forget(self, lines: int) -> None:
        self.lines -= lines
        self.forgotten += lines
