"""A session's lines on their way to the journal.

What lives here: who a line belongs to, and the hash of the tokens that may resume it: never a token.
What never will: what a line says (`core.journal_side`), writing (`store`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from holdfast.core.effects import Record
from holdfast.core.faults import Fault, fault
from holdfast.core.recent import Recent
from holdfast.ports import Principal
from holdfast.ports.journal import Entry, Journal
from holdfast.runtime.resumption import Tokens

UNWRITTEN_MAX = 1_000
WITH_TOKENS = frozenset({"opened", "attached"})


@dataclass(slots=True)
class SessionRecord:
    """One session's door to the journal."""

    journal: Journal
    tokens: Tokens
    principal: Principal
    session_id: str = ""
    began: float = field(default_factory=time.time)
    """Wall-clock seconds: a session that is taken up again goes on lasting."""
    _unwritten: Recent[Entry] = field(default_factory=lambda: Recent(UNWRITTEN_MAX))
    """Lines that are not durable yet: a store that was full takes them when it is well again."""
    _is_torn: bool = False
    """Whether lines are missing for good: a call must not wait for one to become durable."""

    def write(self, line: Record, written: Callable[[int], None]) -> None:
        """Write one line; `written` is called when it is durable, and tells `is_written`."""
        if self._is_torn:
            return
        content = line.content
        if line.kind in WITH_TOKENS:
            tokens, principal = self.tokens.hashes(), self.principal.as_record()
            content = {**content, "tokens": tokens, "principal": principal, "began": self.began}
        entry = Entry(line.number, line.kind, content)
        self._unwritten.append(entry)
        self.journal.write(self.session_id, entry, written)

    def is_written(self, number: int) -> None:
        """Lines up to this one are durable."""
        while self._unwritten and self._unwritten[0].number <= number:
            self._unwritten.pop(0)

    def write_again(self, written: Callable[[int], None]) -> Fault | None:
        """The store is well again: give it what it did not take. A fault where that was more than is
        remembered here: half a session is none, so nothing more is kept of this one.
        """
        if not self.session_id:
            return None
        first = self.journal.next_number(self.session_id)
        missed = [one for one in self._unwritten if one.number >= first]
        if not self._is_torn and missed and missed[0].number > first:
            self._is_torn = True
            self._unwritten.clear()
            self.journal.forget(self.session_id)
        if self._is_torn:
            return fault("store.journal_unavailable", ["too much was said while nothing could be written"])
        for entry in missed:
            self.journal.write(self.session_id, entry, written)
        return None

    def contact(self) -> None:
        """The client is there."""
        if self.session_id:
            self.journal.contact(self.session_id)

    def forget(self) -> None:
        """Nobody will come back: the lines go."""
        if self.session_id:
            self.journal.forget(self.session_id)
