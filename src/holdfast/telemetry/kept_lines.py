"""The newest lines of the log, kept in memory: what an operator takes along of a session that went wrong.

What lives here: a ring of lines that have passed redaction.
What never will: writing them anywhere.

One ring for the process, as there is one log: `configure` and everybody who asks mean the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from holdfast.core.limits import DEFAULT


class _Ring:
    """Lines, oldest first. Written from any thread."""

    def __init__(self) -> None:
        self.most = DEFAULT.console_log_lines
        self.lines: deque[dict[str, Any]] = deque()

    def add(self, line: dict[str, Any]) -> None:
        self.lines.append(line)
        while len(self.lines) > self.most:
            self.lines.popleft()


_RING: Final = _Ring()


def keep(line: Mapping[str, Any]) -> None:
    """One more line; the oldest goes where there is no room."""
    _RING.add(dict(line))


def of(session_id: str) -> list[dict[str, Any]]:
    """Those of a session, oldest first."""
    return [line for line in list(_RING.lines) if line["metadata"].get("session") == session_id]


def count() -> int:
    """How many are kept."""
    return len(_RING.lines)


def begin(most: int | None = None) -> None:
    """Forget all lines: the log begins anew. From here on at most so many."""
    _RING.lines.clear()
    if most is not None:
        _RING.most = most
