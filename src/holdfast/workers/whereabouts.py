"""Which worker has which session, also while that worker is dead and its successor is not there yet.

What lives here: the table and its few transitions.
What never will: processes, clocks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Whereabouts:
    """Session id -> the worker's number. Its journal belongs to the number, not to the process."""

    _running: dict[str, int] = field(default_factory=dict)
    _left_behind: dict[str, int] = field(default_factory=dict)
    _turns: Counter[int] = field(default_factory=Counter)
    """By worker: how often what was left behind there became another thing."""

    def __len__(self) -> int:
        return len(self._running) + len(self._left_behind)

    def find(self, session_id: str) -> int | None:
        """Who has it, or will find it in its journal; None for nobody."""
        found = self._running.get(session_id)
        return found if found is not None else self._left_behind.get(session_id)

    def named(self, session_id: str, worker: int) -> None:
        """It runs there."""
        self._left_behind.pop(session_id, None)
        self._running[session_id] = worker

    def ended(self, session_id: str) -> None:
        """It is over."""
        self._running.pop(session_id, None)

    def died(self, worker: int) -> None:
        """Its process is gone: what ran there is looked for in the journal by the next."""
        self._turns[worker] += 1
        for session_id in [one for one, at in self._running.items() if at == worker]:
            del self._running[session_id]
            self._left_behind[session_id] = worker

    def began(self, worker: int, left_behind: Iterable[str]) -> int:
        """A process has begun in that place, and these it can bring back; what else was there is lost.
        Answers what `given_up` is to be told when their time is over.
        """
        self._turns[worker] += 1
        self._forget(worker)
        self._left_behind |= dict.fromkeys(left_behind, worker)
        return self._turns[worker]

    def given_up(self, worker: int, turn: int) -> None:
        """Nobody came back in time to what that process found. Where it has died meanwhile, what is left
        behind now is another's, and has its own time.
        """
        if self._turns[worker] == turn:
            self._forget(worker)

    def _forget(self, worker: int) -> None:
        for session_id in [one for one, at in self._left_behind.items() if at == worker]:
            del self._left_behind[session_id]
