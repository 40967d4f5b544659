"""Lines on their way into a journal.

What lives here: the numbering of every session, the lines that wait, their bounds, what the next transaction
shall hold and what is told after it. One order per session; between sessions there is none.
What never will: files, threads, clocks, callbacks called.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import islice
from typing import Final

from holdfast.ports.journal import Entry, JournalCounts

Written = Callable[[int], None]

_JSON: Final = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_GONE_MAX: Final = 10_000  # forgotten sessions whose deletion waits; beyond, the sweeper finds them by age


class Verdict(Enum):
    """What became of a line."""

    TAKEN = auto()
    REPEATED = auto()  # it waits already; its writer hears of it with the first one
    DURABLE = auto()  # it was written before
    GAP = auto()  # a line below it is missing
    FULL = auto()
    UNFIT = auto()  # no JSON


@dataclass(slots=True)
class Line:
    """One line that waits. `content` is JSON text."""

    number: int
    kind: str
    content: str
    written: list[Written]

    @property
    def size(self) -> int:
        """Bytes it is counted with."""
        return len(self.content) + len(self.kind)  # JSON text is ASCII here


@dataclass(slots=True, eq=False)
class SpooledSession:
    """One session's place in the journal: `durable` <= `taken`, and what lies between waits."""

    id: str
    taken: int = 0
    durable: int = 0
    contact: float = 0.0
    contact_told: float = float("-inf")
    waiting: list[Line] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Batch:
    """One transaction: first the forgotten sessions go, then contacts move, then lines come.

    Until it is settled the next batch holds the same and more: nothing need be done about one that failed.
    """

    gone: tuple[SpooledSession, ...] = ()
    contacts: tuple[tuple[str, float], ...] = ()
    lines: tuple[tuple[SpooledSession, Line], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gone or self.contacts or self.lines)


class Spool:
    """Bounded in lines and bytes. At most one batch is under way at a time."""

    def __init__(self, *, lines_max: int, bytes_max: int, contact_every_s: float) -> None:
        self._lines_max = lines_max
        self._bytes_max = bytes_max
        self._contact_every_s = contact_every_s
        self._sessions: dict[str, SpooledSession] = {}
        self._dirty: dict[str, SpooledSession] = {}
        self._touched: dict[str, SpooledSession] = {}
        self._gone: dict[str, SpooledSession] = {}
        self._lines = self._bytes = self._written = self._refused = self._batches = 0

    @property
    def counts(self) -> JournalCounts:
        """Figures so far."""
        return JournalCounts(self._lines, self._bytes, self._written, self._refused, self._batches)

    @property
    def owned(self) -> frozenset[str]:
        """Sessions that are written to and were not forgotten."""
        return frozenset(self._sessions)

    @property
    def waiting(self) -> int:
        """Lines that are not durable yet."""
        return self._lines

    @property
    def idle(self) -> bool:
        """Whether no line and no deletion waits."""
        return not self._dirty and not self._gone

    @property
    def eased(self) -> bool:
        """Whether there is room again, not just for one line."""
        return self._lines <= self._lines_max // 2 and self._bytes <= self._bytes_max // 2

    def add(self, session_id: str, entry: Entry, written: Written, now: float) -> Verdict:
        """Take a line, or say why not."""
        verdict = self._add(session_id, entry, written, now)
        self._refused += verdict in (Verdict.GAP, Verdict.FULL, Verdict.UNFIT)
        return verdict

    def _add(self, session_id: str, entry: Entry, written: Written, now: float) -> Verdict:
        session = self._sessions.get(session_id)
        taken = session.taken if session else 0
        if session and 0 < entry.number <= taken:
            self.contact(session_id, now)
            return _repeated(session, entry.number, written)
        if entry.number != taken + 1:
            return Verdict.GAP
        try:
            line = Line(entry.number, _text(entry.kind), _JSON.encode(dict(entry.content)), [written])
            session = session or SpooledSession(_text(session_id))
        except (TypeError, ValueError, RecursionError):
            return Verdict.UNFIT
        if self._lines >= self._lines_max or self._bytes + line.size > self._bytes_max:
            return Verdict.FULL
        self._sessions[session_id] = self._dirty[session_id] = session
        session.taken = line.number
        session.contact = now
        session.waiting.append(line)
        self._lines += 1
        self._bytes += line.size
        return Verdict.TAKEN

    def next_number(self, session_id: str) -> int:
        """What the next line must bear."""
        session = self._sessions.get(session_id)
        return session.taken + 1 if session else 1

    def contact(self, session_id: str, now: float) -> None:
        """A session's client is there. Told to the file once in `contact_every_s`."""
        session = self._sessions.get(session_id)
        if session is not None:
            session.contact = now
            if self._due(session):
                self._touched[session_id] = session

    def _due(self, session: SpooledSession) -> bool:
        """Whether the file's word about a session's last contact is too old, or from the future."""
        return abs(session.contact - session.contact_told) >= self._contact_every_s

    def adopt(self, session_id: str, last_number: int, last_contact: float) -> None:
        """A session of an earlier process is ours from now on."""
        self._sessions[session_id] = SpooledSession(
            session_id, last_number, last_number, last_contact, last_contact
        )

    def forget(self, session_id: str) -> None:
        """Drop what waits of a session and have the rest deleted."""
        session = self._sessions.pop(session_id, None)
        self._dirty.pop(session_id, None)
        self._touched.pop(session_id, None)
        if session is not None:
            self._lines -= len(session.waiting)
            self._bytes -= sum(line.size for line in session.waiting)
            if len(self._gone) < _GONE_MAX:
                self._gone[session_id] = session

    def batch(self, lines_max: int) -> Batch:
        """What the next transaction shall hold: at most `lines_max` lines."""
        lines: list[tuple[SpooledSession, Line]] = []
        for session in self._dirty.values():
            room = lines_max - len(lines)
            if room <= 0:
                break
            lines.extend((session, line) for line in islice(session.waiting, room))
        touched = {session.id: session for session, _ in lines if not session.durable or self._due(session)}
        touched.update((name, session) for name, session in self._touched.items() if session.durable)
        return Batch(
            tuple(self._gone.values()),
            tuple((name, session.contact) for name, session in touched.items()),
            tuple(lines),
        )

    def settle(self, batch: Batch) -> list[tuple[Written, int]]:
        """The batch is on the disk: who is to be told which number, in order."""
        self._batches += 1
        told: list[tuple[Written, int]] = []
        for session, line in batch.lines:
            if self._sessions.get(session.id) is session:
                del session.waiting[0]
                session.durable = line.number
                self._lines -= 1
                self._bytes -= line.size
                self._written += 1
                told.extend((written, line.number) for written in line.written)
        for session in {session.id: session for session, _ in batch.lines}.values():
            # A busy session goes to the end and lets the others pass.
            if self._dirty.get(session.id) is session:
                del self._dirty[session.id]
                if session.waiting:
                    self._dirty[session.id] = session
        for session in batch.gone:
            if self._gone.get(session.id) is session:
                del self._gone[session.id]
        self._settle_contacts(batch.contacts)
        return told

    def _settle_contacts(self, contacts: tuple[tuple[str, float], ...]) -> None:
        for name, contact in contacts:
            session = self._sessions.get(name)
            if session is not None:
                session.contact_told = contact
                self._touched.pop(name, None)


def _repeated(session: SpooledSession, number: int, written: Written) -> Verdict:
    if number <= session.durable:
        return Verdict.DURABLE
    session.waiting[number - session.durable - 1].written.append(written)
    return Verdict.REPEATED


def _text(text: str) -> str:
    """Half a character cannot be stored: it is refused here rather than failing in the database for ever."""
    text.encode()
    return text
