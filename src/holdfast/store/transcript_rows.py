"""Transcripts in SQL.

What lives here: the statements, each inside a transaction of the caller's; rows as entries and back.
What never will: when they run; words that were not cleaned.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select
from sqlalchemy.dialects.sqlite import insert

from holdfast.ports.transcripts import Entry, Line, Transcript, Wanted
from holdfast.store.schema import TRANSCRIPT_ENTRY, TRANSCRIPT_SESSION

_NEW_SESSION = insert(TRANSCRIPT_SESSION)
_SEEN = _NEW_SESSION.on_conflict_do_update(
    index_elements=[TRANSCRIPT_SESSION.c.id],
    set_={
        "last": func.max(TRANSCRIPT_SESSION.c.last, _NEW_SESSION.excluded.last),
        "ended": _NEW_SESSION.excluded.ended,  # a session that was taken up again runs again
    },
)
_ENTRY = insert(TRANSCRIPT_ENTRY).on_conflict_do_nothing(
    index_elements=[TRANSCRIPT_ENTRY.c.session_id, TRANSCRIPT_ENTRY.c.at]
)


@dataclass(frozen=True, slots=True)
class Clean:
    """A line as it may be written."""

    line: Line
    text: str
    heard: str | None


def write(connection: Connection, batch: Sequence[Clean]) -> None:
    """Write a batch. Written twice, it is as if written once."""
    connection.execute(_SEEN, list(_sessions(batch)))
    connection.execute(_ENTRY, [_entry(one) for one in batch])


def _sessions(batch: Sequence[Clean]) -> Iterator[dict[str, Any]]:
    newest: dict[str, Line] = {}
    oldest: dict[str, Line] = {}
    for one in batch:
        newest[one.line.talk.id] = one.line
        oldest.setdefault(one.line.talk.id, one.line)
    for name, last in newest.items():
        yield {
            "id": name,
            "customer_id": _whole(last.talk.customer_id),
            "source": last.talk.source,
            "mode": last.talk.mode,
            "began": oldest[name].at,
            "last": last.at,
            "ended": str(last.facts.get("reason", "")) if last.kind == "ended" else None,
        }


def _entry(one: Clean) -> dict[str, Any]:
    line = one.line
    return {
        "session_id": line.talk.id,
        "at": line.at,
        "kind": line.kind,
        "item_id": _whole(line.item_id),
        "text": _whole(one.text),
        "heard": None if one.heard is None else _whole(one.heard),
        "facts": json.dumps(dict(line.facts)),
    }


def _whole(text: str) -> str:
    """Half a character cannot be stored."""
    return text.encode(errors="replace").decode()


def sessions(connection: Connection, wanted: Wanted) -> list[Transcript]:
    """Sessions, the newest first, each with the number of its entries."""
    return [
        Transcript(row.id, row.customer_id, row.source, row.mode, row.began, row.last, row.ended, row.lines)
        for row in connection.execute(_asked(wanted))
    ]


def _asked(wanted: Wanted) -> Select[Any]:
    table = TRANSCRIPT_SESSION.c
    count = (
        select(func.count())
        .select_from(TRANSCRIPT_ENTRY)
        .where(TRANSCRIPT_ENTRY.c.session_id == table.id)
        .scalar_subquery()
    )
    asked = select(TRANSCRIPT_SESSION, count.label("lines"))
    if wanted.session_id:
        asked = asked.where(table.id == wanted.session_id)
    if wanted.customer_id:
        asked = asked.where(table.customer_id == wanted.customer_id)
    if wanted.since is not None:
        asked = asked.where(table.last >= wanted.since)
    if wanted.until is not None:
        asked = asked.where(table.began < wanted.until)
    return asked.order_by(table.began.desc(), table.id).limit(wanted.limit)


def entries(connection: Connection, session_id: str) -> list[Entry]:
    """The entries of a session, in order."""
    table = TRANSCRIPT_ENTRY.c
    asked = select(TRANSCRIPT_ENTRY).where(table.session_id == session_id).order_by(table.at)
    return [
        Entry(row.at, row.kind, row.item_id, row.text, row.heard, json.loads(row.facts))
        for row in connection.execute(asked)
    ]
