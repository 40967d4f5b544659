"""Who does a stage's work: a server that the settings name, or what is built in.

What lives here: one stage's switch: to the built-in one at the first failure, back after a wait that doubles
with each failure and is only forgotten when the server has worked several times in a row.
What never will: the work, clocks (`now` is an argument), sockets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

BUILTIN: Final = "built in"
WAIT_S: Final = 5.0
WAIT_CAP_S: Final = 120.0
FORGIVEN_AFTER: Final = 3
"""So many pieces of work in a row, and the next failure is a first one again."""

Stage = Literal["transcription", "chat", "speech"]


class StageError(Exception):
    """A server did not do a stage's work. `code` is of the fault table; the text says what happened."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code


@dataclass(frozen=True, slots=True)
class StageNews:
    """Somebody else does the work of `stage` from here on. `code` and `why` are empty where all is well."""

    stage: Stage
    served_by: str
    code: str = ""
    why: str = ""


class StageSwitch:
    """One stage of one process. `tell` hears of each change, once its owner has set it."""

    def __init__(self, stage: Stage, server: str) -> None:
        self.stage: Stage = stage
        self.server = server
        self.tell: Callable[[StageNews], None] = lambda _news: None
        self._is_on = True
        self._is_tried = False
        self._tried_at = 0.0
        self._wait_s = WAIT_S
        self._in_a_row = FORGIVEN_AFTER

    @property
    def served_by(self) -> str:
        """Who does the work now."""
        return self.server if self._is_on else BUILTIN

    @property
    def is_on(self) -> bool:
        """Whether the server is in charge."""
        return self._is_on

    def may_try(self, now: float) -> bool:
        """Whether the next piece of work goes to the server; while it is not in charge, one in a while."""
        if self._is_on:
            return True
        if now < self._tried_at + self._wait_s:
            return False
        self._tried_at = now
        self._is_tried = True
        return True

    @property
    def _listens(self) -> bool:
        """Whether it matters how a piece of work went: what was begun before the last switch does not."""
        return self._is_on or self._is_tried

    def worked(self) -> None:
        """The server has done a piece of work."""
        if not self._listens:
            return
        self._in_a_row += 1
        if not self._is_on:
            self._is_on, self._is_tried = True, False
            self.tell(StageNews(self.stage, self.server))

    def failed(self, error: StageError, now: float) -> None:
        """The server has not: what is built in does the work, for a while."""
        if not self._listens:
            return
        is_first = self._in_a_row >= FORGIVEN_AFTER
        self._wait_s = WAIT_S if is_first else min(WAIT_CAP_S, 2 * self._wait_s)
        self._in_a_row = 0
        self._is_tried = False
        self._tried_at = now
        if self._is_on:
            self._is_on = False
            self.tell(StageNews(self.stage, BUILTIN, error.code, str(error)))
