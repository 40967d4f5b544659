"""What the runtime asks of a journal.

What lives here: the shapes of the journal port. The contract suite in `tests/store` is written from these
docstrings and runs on every adapter.
What never will: an implementation; what a line means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Cause = Literal["slow", "locked", "disk_full", "read_only", "gone", "damaged", "failing"]
"""Why nothing is written at the moment: it takes too long; another program holds the file; no space; no
permission to write; the file was removed or replaced; it is broken; anything else the system reports."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a session's journal.

    `number` counts from 1 without holes, per session. `kind` is free text to the store (opened, attached,
    item, call, result, progress, ended). `content` is JSON with text as keys: never audio, and no secret in
    clear. A resume token is kept as its hash; that is the caller's duty, the store writes what it is given.
    """

    number: int
    kind: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session that an earlier process did not finish. `last_contact` is wall-clock seconds."""

    id: str
    entries: tuple[Entry, ...]
    last_contact: float


@dataclass(frozen=True, slots=True)
class Healthy:
    """What is written becomes durable."""


@dataclass(frozen=True, slots=True)
class Degraded:
    """Lines wait in memory. `refusing`: that memory is full, new lines are not taken."""

    cause: Cause
    refusing: bool = False


JournalState = Healthy | Degraded


@dataclass(frozen=True, slots=True)
class JournalCounts:
    """For metrics. `refused` counts lines that were not taken, `batches` the transactions."""

    waiting: int
    waiting_bytes: int
    written: int
    refused: int
    batches: int


class Journal(Protocol):
    """A log for each session, written behind the conversation.

    Everything but `start`, `unfinished` and `close` is synchronous, takes microseconds, does no IO and never
    raises; call it on the event loop only. Callbacks come on the event loop, later, never inside a call.
    """

    @property
    def durability(self) -> Literal["none", "local"]:
        """`local`: a written line survives kill -9 and a power cut of this machine. `none`: nothing survives;
        then "written" means no more than "taken".
        """
        ...

    @property
    def state(self) -> JournalState:
        """Whether lines become durable now."""
        ...

    @property
    def counts(self) -> JournalCounts:
        """Figures so far."""
        ...

    async def start(self, watch: Callable[[JournalState], None]) -> None:
        """Begin. `watch` hears each change of `state`, at most a second after the write that met it.

        Raises StoreRefusedError for what waiting does not cure (another program's file, a newer version's,
        one in use); for what may pass it starts degraded and goes on trying. The first state is Healthy:
        `watch` hears of it only when it is not so.
        """
        ...

    async def unfinished(self, *, not_older_than_s: float) -> Sequence[StoredSession]:
        """At start: the sessions to bring back, each complete from line 1. Never raises: what cannot be read
        is not brought back, and `state` says why.

        From then on these sessions are the caller's: it writes on at `next_number`, or forgets them.
        """
        ...

    def write(self, session_id: str, entry: Entry, written: Callable[[int], None]) -> None:
        """Take one line. `written(number)` is called once when every line of this session up to `number` is
        durable, in the order of the lines.

        A number that was taken before is harmless: the first content stays, `written` is called all the same.
        A line is *not* taken, counted and never reported when the memory for waiting lines is full, when its
        content is no JSON, and when it would leave a hole: a session whose line 7 was not taken gets nothing
        above 6 until somebody writes a line 7. `next_number` says where; it may be the same line or another
        one, such as a summary of what was left out.
        """
        ...

    def next_number(self, session_id: str) -> int:
        """The number that the next line of this session must bear: 1 for an unknown one."""
        ...

    def contact(self, session_id: str) -> None:
        """The client of this session is there. Each `write` says so too; without either, a session is given
        back after a restart only while its last line is young enough. Costs one write in a few seconds.
        """
        ...

    def forget(self, session_id: str) -> None:
        """The session is over: its lines go, those that still wait as well. They hold what people said.

        No `written` comes for what still waited. The caller owes one `forget` for each session it wrote to;
        what nobody owns is swept when its last contact is older than the window.
        """
        ...

    async def close(self) -> None:
        """Write what waits, for a bounded time, then stop taking lines. Twice is harmless."""
        ...
