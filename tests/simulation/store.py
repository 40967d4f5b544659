"""The journal as a model: durable after a while, stumbling, lost in parts when the process dies.

What lives here: which lines are durable, and who is told when.
What never will: what a line says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from holdfast.core.effects import Record
from holdfast.core.journal_line import Durability
from tests.simulation.clock import Clock

Line = tuple[str, Mapping[str, Any]]


class Store:
    """The journals of all sessions of a world."""

    def __init__(self, clock: Clock, chance: Random, durability: Durability) -> None:
        self.clock, self.chance, self.durability = clock, chance, durability
        self.delay_s = chance.choice((0.002, 0.01, 0.03))
        self.is_down = False
        self.lines: dict[str, list[Line]] = {}
        """What would be there after a kill -9."""
        self._waiting: list[tuple[str, int, Line, Callable[[int], None]]] = []
        self._life = 0

    def write(
        self, session_id: str, effect: Record, content: dict[str, Any], written: Callable[[int], None]
    ) -> None:
        """One line."""
        self._waiting.append((session_id, effect.number, (effect.kind, content), written))
        self.clock.after(self.delay_s * (0.5 + self.chance.random()), self._settle, self._life)

    def _settle(self, life: int) -> None:
        if self.is_down or life != self._life:
            return
        waiting, self._waiting = self._waiting, []
        last: dict[str, tuple[int, Callable[[int], None]]] = {}
        for session_id, number, line, written in waiting:
            self.lines.setdefault(session_id, []).append(line)
            last[session_id] = (number, written)
        for number, written in last.values():
            written(number)

    def flush(self, session_id: str) -> None:
        """The process stops in order: this session's lines are written before it does."""
        if self.is_down:
            return
        for line in self.waits(session_id):
            self.lines.setdefault(session_id, []).append(line)
        self._waiting = [one for one in self._waiting if one[0] != session_id]

    def waits(self, session_id: str) -> list[Line]:
        """Lines of this session that a kill -9 would lose."""
        return [line for one, _, line, _ in self._waiting if one == session_id]

    @property
    def has_unwritten(self) -> bool:
        """Whether anything waits."""
        return bool(self._waiting)

    def closes(self) -> None:
        """The process ends: what it could not write is gone."""
        self._waiting.clear()
        self._life += 1

    def breaks(self) -> None:
        """It stumbles."""
        self.is_down = True

    def recovers(self) -> None:
        """It is well again, and writes what it kept."""
        self.is_down = False
        self._settle(self._life)

    def forget(self, session_id: str) -> None:
        """Nobody will come back."""
        self.lines.pop(session_id, None)
        self._waiting = [one for one in self._waiting if one[0] != session_id]

    def kill(self) -> None:
        """The process dies: what was not durable is gone."""
        self._waiting.clear()
        self._life += 1
        self.is_down = False
        if self.durability == "none":
            self.lines.clear()

    def unfinished(self, session_id: str) -> list[Line] | None:
        """What another process left of a session."""
        if self.durability == "none":
            return None
        lines = self.lines.get(session_id)
        return lines if lines and lines[0][0] == "opened" else None
