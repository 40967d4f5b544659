"""All that is kept, wherever it lies: each process behind the port has a file of its own.

What lives here: asking every shelf and putting the answers together; deleting everywhere under one number.
What never will: SQL; who may ask. Blocking: a server asks in a thread.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from holdfast.ports.transcripts import Erased, Receipt, Shelf, Transcript, Wanted


class Archive:
    """Several shelves as one."""

    def __init__(self, shelves: Sequence[Shelf]) -> None:
        self._shelves = shelves

    def sessions(self, wanted: Wanted) -> list[Transcript]:
        """Sessions without their entries, the newest first. One that went on in another process is one."""
        found: dict[str, Transcript] = {}
        for shelf in self._shelves:
            for one in shelf.sessions(wanted):
                other = found.get(one.session_id)
                found[one.session_id] = one if other is None else _together(one, other)
        newest = sorted(found.values(), key=lambda one: (-one.began, one.session_id))
        return newest[: wanted.limit]

    def transcript(self, session_id: str) -> Transcript | None:
        """One session with all its entries; None when nothing is kept of it."""
        found = self.sessions(Wanted(session_id=session_id))
        return self._whole(found[0]) if found else None

    def transcripts(self, wanted: Wanted) -> Iterator[Transcript]:
        """Sessions with their entries, the oldest first; one is in memory at a time."""
        for one in reversed(self.sessions(wanted)):
            yield self._whole(one)

    def book(self) -> list[Receipt]:
        """What was deleted, the newest first."""
        return sorted((one for shelf in self._shelves for one in shelf.book()), key=lambda one: -one.at)

    def erase(self, customer_id: str, *, by: str, in_use: frozenset[str] | None) -> Erased:
        """Delete what is about a customer, everywhere. A file that cannot be had raises; run it again."""
        receipt, counts, kept = secrets.token_hex(8), Counter[str](), 0
        for shelf in self._shelves:
            erased = shelf.erase(customer_id, by=by, receipt=receipt, in_use=in_use)
            counts.update(erased.counts)
            kept += erased.kept
        return Erased(receipt, counts, kept)

    def _whole(self, one: Transcript) -> Transcript:
        entries = [entry for shelf in self._shelves for entry in shelf.entries(one.session_id)]
        return replace(one, entries=sorted(entries, key=lambda entry: entry.at))


def _together(one: Transcript, other: Transcript) -> Transcript:
    late = max(one, other, key=lambda part: part.last)
    return replace(late, began=min(one.began, other.began), count=one.count + other.count)
