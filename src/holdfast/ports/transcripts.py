"""What is kept of a conversation, and what is asked of whoever keeps it.

What lives here: a line on its way into a transcript, an entry that was kept, the protocols of the store
that takes lines and of the shelf that they are read from.
What never will: an implementation; how a line comes about (`transcripts.watch`); audio.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

LineKind = Literal["began", "upstream", "user", "assistant", "cut", "tool", "fault", "loss", "gap", "ended"]
"""The session began; who answers from here on; words; an answer was cut where it was heard; a tool's
beginning or end; a fault; samples that were lost; lines that could not be kept; the end.
"""

Fact = str | int | bool
"""What a line may say beside its words: names, statuses, counts."""


@dataclass(slots=True, eq=False)
class Talk:
    """The session that lines belong to: one object for all of them."""

    id: str
    customer_id: str
    source: str
    mode: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `at` is wall-clock microseconds, and no two lines of a session have the same.

    `text` is what was said, before anything was taken out of it. `heard` is the share of it that was heard,
    where an answer was cut; None: all of it, as far as known.
    """

    talk: Talk
    at: int
    kind: LineKind
    item_id: str = ""
    text: str = ""
    heard: float | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict, hash=False)

    @property
    def size(self) -> int:
        """Bytes it is counted with while it waits."""
        return 4 * len(self.text) + 200


@dataclass(frozen=True, slots=True)
class TranscriptCounts:
    """For metrics. `lost` counts lines that were not taken, each named in its transcript by a `gap`;
    `taken_out` what was redacted, by kind.
    """

    waiting: int = 0
    waiting_bytes: int = 0
    written: int = 0
    lost: int = 0
    batches: int = 0
    is_failing: bool = False
    """Whether nothing is written at the moment."""
    taken_out: Mapping[str, int] = field(default_factory=dict, hash=False)


class TranscriptStore(Protocol):
    """Takes lines and makes them durable, behind the conversation."""

    def put(self, line: Line) -> None:
        """Take one line: synchronous, microseconds, never raises; call it on the event loop.

        A line counts as committed when it can be read: before that nobody is shown it. Where there is no room
        it is not taken, and a `gap` of that session says how many, once there is room again.
        """
        ...

    @property
    def counts(self) -> TranscriptCounts:
        """Figures so far."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it was kept. `at` is wall-clock microseconds; `heard` the words of a cut answer that were
    heard, None where nobody knows.
    """

    at: int
    kind: str
    item_id: str = ""
    text: str = ""
    heard: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Transcript:
    """A session, and what is kept of it; `entries` is empty where only the list of sessions was asked for.
    `began` and `last` are wall-clock microseconds, `ended` the reason, None while it runs.
    """

    session_id: str
    customer_id: str
    source: str
    mode: str
    began: int
    last: int
    ended: str | None
    count: int
    entries: Sequence[Entry] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sessions; of too many the newest. Times are wall-clock microseconds; None and empty: all."""

    session_id: str = ""
    customer_id: str = ""
    since: int | None = None
    until: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Erased:
    """What was deleted of a person's, rows by kind, and the number under which the book has it. `kept`:
    sessions that are in use, or were cut off; what their journals hold goes when they end.
    """

    receipt: str
    counts: Mapping[str, int] = field(hash=False)
    kept: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """An entry of the book of deletions: when (microseconds), what, by whom, rows by kind; nobody's name."""

    number: str
    at: int
    what: str
    by: str
    counts: Mapping[str, int] = field(hash=False)


class Shelf(Protocol):
    """Where transcripts are read from, and what is about a person is deleted. Blocking."""

    def sessions(self, wanted: Wanted) -> Sequence[Transcript]:
        """Sessions without their entries, the newest first."""
        ...

    def entries(self, session_id: str) -> Sequence[Entry]:
        """What was kept of a session, in order."""
        ...

    def book(self) -> Sequence[Receipt]:
        """What was deleted, the newest first."""
        ...

    def erase(self, customer_id: str, *, by: str, receipt: str, in_use: frozenset[str] | None) -> Erased:
        """Delete what is about a customer and enter it in the book, under this number.

        `in_use`: sessions whose journal is being written to. None: not known, so no journal is touched.
        """
        ...
