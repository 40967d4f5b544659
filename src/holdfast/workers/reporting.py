"""A worker's directory: what happens in it is told to the front, which counts for all workers.

What lives here: conversation -> ticket, and the memos of its life.
What never will: limits over all workers (`counting`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from holdfast.core.limits import Limits
from holdfast.runtime.directory import Directory, Running
from holdfast.runtime.resumption import Resumable
from holdfast.workers import memos


class ReportingDirectory(Directory):
    """`tell` sends a memo to the front."""

    def __init__(self, limits: Limits, tell: Callable[[memos.FromWorker], object]) -> None:
        super().__init__(limits)
        self._tell = tell
        self._tickets: dict[Running, int] = {}
        self._by_ticket: dict[int, Running] = {}
        self._away: set[int] = set()
        self._arriving: int | None = None
        self._taken_up = 0

    @contextlib.contextmanager
    def arriving(self, ticket: int) -> Iterator[None]:
        """The socket of this ticket is taken in: the conversation that begins is its. None may begin."""
        self._arriving = ticket
        try:
            yield
        finally:
            if self._arriving is not None:
                self._arriving = None
                self._tell(memos.Left(ticket))

    def of(self, ticket: int) -> Running | None:
        """The conversation of this ticket, while it runs."""
        return self._by_ticket.get(ticket)

    def enter(self, one: Running, peer: str, user: str) -> None:
        super().enter(one, peer, user)
        ticket, self._arriving = self._arriving, None
        if ticket is None:
            self._taken_up += 1
            ticket = -self._taken_up
            self._tell(memos.Entered(ticket, peer, user))
        self._tickets[one] = ticket
        self._by_ticket[ticket] = one

    def name(self, one: Running, session_id: str, resumable: Resumable) -> None:
        super().name(one, session_id, resumable)
        self._tell(memos.Named(self._tickets[one], session_id))
        self.noticed(one)

    def noticed(self, one: Running) -> None:
        ticket = self._tickets.get(one)
        if ticket is None or one.is_parked is (ticket in self._away):
            return
        self._away ^= {ticket}
        self._tell(memos.Parked(ticket, one.is_parked))

    def leave(self, one: Running) -> None:
        super().leave(one)
        ticket = self._tickets.pop(one, None)
        if ticket is not None:
            self._by_ticket.pop(ticket)
            self._away.discard(ticket)
            self._tell(memos.Left(ticket))
