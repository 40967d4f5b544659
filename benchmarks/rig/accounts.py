"""What one run cost and lost, from the books of both ends: the emulator's and the person's.

What lives here: times, attempts, samples, terminal events of one broken session.
What never will: breaking it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np

from benchmarks.rig.person import Person
from benchmarks.rig.voice import Heard, Range, find
from holdfast.emulator import SessionRecord

_LOSS: Final = "upstream.reconnecting"
_WAITS: Final = frozenset({"upstream.waiting", "upstream.reconnecting"})


@dataclass(frozen=True, slots=True)
class Account:
    """One run. Milliseconds; None where nothing came back."""

    outcome: str
    total_ms: float | None
    """From the loss to the new upstream's session.updated."""
    upstream_ms: float
    """Of that, time the new upstream took for its answers."""
    waited_ms: float
    """Of that, what the gateway waited on purpose, by its log."""
    attempts: int
    lost: int
    """Samples of the turn that no single upstream got, and that were not confessed."""
    doubled: int
    """Samples that one upstream got twice."""
    answers: int
    """Responses that were completed."""
    wrongs: tuple[str, ...] = ()

    @property
    def own_ms(self) -> float | None:
        """The gateway's own share."""
        if self.total_ms is None:
            return None
        return max(0.0, self.total_ms - self.upstream_ms - self.waited_ms)


def entry(record: SessionRecord, who: str, what: str) -> float | None:
    """When it first came or went."""
    return next((one.at_s for one in record.log if one.who == who and one.what == what), None)


def struck_at(record: SessionRecord) -> float | None:
    """When its fault struck a connection."""
    return next((one.at_s for one in record.log if one.who == "fault"), None)


def found_out_at(log: Sequence[dict[str, Any]]) -> float | None:
    """When the gateway noticed that its upstream was lost, by its log, in monotonic seconds."""
    to_monotonic = time.monotonic() - time.time()
    at = next((wall(str(line["timestamp"])) for line in log if line.get("event") == _LOSS), 0.0)
    return at + to_monotonic if at else None


def upstream_ms(record: SessionRecord) -> float:
    """How long a new upstream took to say session.created, and to confirm session.update."""
    created = entry(record, "emulator", "session.created")
    asked, updated = entry(record, "client", "session.update"), entry(record, "emulator", "session.updated")
    first = created - record.began_s if created is not None else 0.0
    second = updated - asked if updated is not None and asked is not None else 0.0
    return 1e3 * (first + max(0.0, second))


def told_at(books: dict[str, Any], what: str) -> float | None:
    """When an event whose name begins so first came or went, by the books of the control port."""
    began = float(books["began_at"])
    return next((began + one["ms"] / 1e3 for one in books["log"] if one["what"].startswith(what)), None)


def told_upstream_ms(books: dict[str, Any]) -> float:
    """`upstream_ms`, by the books of the control port."""
    created, asked, updated = (
        told_at(books, name) for name in ("session.created", "session.update", "session.updated")
    )
    first = created - float(books["began_at"]) if created is not None else 0.0
    second = updated - asked if updated is not None and asked is not None else 0.0
    return 1e3 * (first + max(0.0, second))


def waited_ms(log: Sequence[dict[str, Any]], session: str | None = None) -> float:
    """What the gateway says it waited on purpose, for one session or for all."""
    facts = [line.get("metadata") or {} for line in log if line.get("event") in _WAITS]
    mine = [one for one in facts if session is None or one.get("session") == session]
    return sum(float(one.get("retry_in_ms") or 0.0) for one in mine)


def owners(log: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Which upstream session is which of the gateway's sessions', by its log."""
    facts = [line.get("metadata") or {} for line in log]
    return {str(one["upstream_session"]): str(one["session"]) for one in facts if "upstream_session" in one}


def wall(text: str) -> float:
    """A log's time stamp as seconds of the epoch; 0 for none."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


def samples(records: Sequence[SessionRecord], person: Person) -> tuple[int, int]:
    """Of the turns: lost without a word, doubled within one upstream."""
    produced = person.voice.whole(person.frames)
    turns = person.voice.loud_ranges(person.frames)
    if not turns:
        return 0, 0
    books = [_heard(record, produced) for record in records]
    confessed = [(start, end) for direction, start, end in person.lost if direction == "input"]
    lost = min(
        (book.missing(_without(turns, confessed)) for book in books), default=sum(b - a for a, b in turns)
    )
    return lost, max((book.doubled for book in books), default=0)


def _heard(record: SessionRecord, produced: np.ndarray[Any, np.dtype[np.int16]]) -> Heard:
    parts = [find(one.pcm, produced) for one in record.items if one.pcm] + [find(bytes(record.pcm), produced)]
    return Heard([place for part in parts for place in part.ranges], sum(part.foreign for part in parts))


def _without(ranges: Sequence[Range], taken: Sequence[Range]) -> list[Range]:
    left = list(ranges)
    for start, end in taken:
        left = [
            piece for a, b in left for piece in ((a, min(b, start)), (max(a, end), b)) if piece[0] < piece[1]
        ]
    return left


def endings(person: Person) -> tuple[int, list[str]]:
    """How many answers were completed, and what is wrong with the ends of responses."""
    begun = Counter(
        str(one.body["responseId"]) for one in person.happenings if one.kind == "response_started"
    )
    done = Counter(str(one.body["responseId"]) for one in person.happenings if one.kind == "response_done")
    wrongs = [f"{name[:12]} began {times} times" for name, times in begun.items() if times > 1]
    wrongs += [f"{times} ends of one response" for times in done.values() if times > 1]
    wrongs += ["a response without an end" for name in begun if name not in done]
    completed = sum(
        one.kind == "response_done" and one.body.get("status") == "completed" for one in person.happenings
    )
    return completed, wrongs
