"""The journal in SQL.

What lives here: the statements, each inside a transaction of the caller's.
What never will: when they run.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert

from holdfast.ports.journal import Entry, StoredSession
from holdfast.store.schema import JOURNAL_ENTRY, JOURNAL_SESSION
from holdfast.store.spool import Batch

_DELETE = delete(JOURNAL_SESSION).where(JOURNAL_SESSION.c.id == bindparam("gone"))
_NEW_SESSION = insert(JOURNAL_SESSION)
_CONTACT = _NEW_SESSION.on_conflict_do_update(
    index_elements=[JOURNAL_SESSION.c.id],
    set_={"last_contact": _NEW_SESSION.excluded.last_contact},
)
_LINE = insert(JOURNAL_ENTRY).on_conflict_do_nothing(
    index_elements=[JOURNAL_ENTRY.c.session_id, JOURNAL_ENTRY.c.number]
)
_LINES = (
    select(JOURNAL_ENTRY, JOURNAL_SESSION.c.last_contact)
    .join(JOURNAL_SESSION)
    .where(JOURNAL_SESSION.c.last_contact >= bindparam("since"))
    .order_by(JOURNAL_ENTRY.c.session_id, JOURNAL_ENTRY.c.number)
)


def apply(connection: Connection, batch: Batch) -> None:
    """Write a batch. Written twice, it is as if written once."""
    if batch.gone:
        connection.execute(_DELETE, [{"gone": session.id} for session in batch.gone])
    if batch.contacts:
        connection.execute(_CONTACT, [{"id": name, "last_contact": at} for name, at in batch.contacts])
    if batch.lines:
        connection.execute(
            _LINE,
            [
                {
                    "session_id": session.id,
                    "number": line.number,
                    "kind": line.kind,
                    "content": line.content,
                }
                for session, line in batch.lines
            ],
        )


def unfinished(connection: Connection, since: float) -> list[StoredSession]:
    """Every whole session with a contact not before `since`. One with a hole or a broken line is left out."""
    lines = connection.execute(_LINES, {"since": since})
    sessions = (_session(list(rows)) for _, rows in groupby(lines, key=lambda row: row.session_id))
    return [session for session in sessions if session is not None]


def _session(rows: Sequence[Row[Any]]) -> StoredSession | None:
    entries = _entries(rows)
    return StoredSession(rows[0].session_id, entries, rows[0].last_contact) if entries else None


def _entries(rows: Sequence[Row[Any]]) -> tuple[Entry, ...]:
    """The lines of one session; none when they are not whole."""
    entries = []
    for expected, row in enumerate(rows, start=1):
        try:
            content = json.loads(row.content)
        except ValueError:
            return ()
        if row.number != expected or not isinstance(content, dict):
            return ()
        entries.append(Entry(expected, row.kind, content))
    return tuple(entries)


def sweep(connection: Connection, before: float, keep: frozenset[str]) -> int:
    """Delete what nobody owns and had its last contact before that time; how many sessions went."""
    old = connection.scalars(select(JOURNAL_SESSION.c.id).where(JOURNAL_SESSION.c.last_contact < before))
    gone = [{"gone": name} for name in old if name not in keep]
    if gone:
        connection.execute(_DELETE, gone)
    return len(gone)
