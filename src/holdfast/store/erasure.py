"""What is deleted, and the book that says so.

What lives here: for each kind of data about a person what deletes it; deletion by age; the audit.
What never will: who may ask for it.

The book says when, by whom and how many rows of what; nothing in it leads back to the person. Whoever asked
gets the receipt's number.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from sqlalchemy import Connection, CursorResult, Delete, case, delete, func, insert, select

from holdfast.ports.transcripts import Receipt
from holdfast.store import charge_rows
from holdfast.store.schema import (
    AUDIT,
    CONSENT,
    JOURNAL_ENTRY,
    JOURNAL_SESSION,
    TRANSCRIPT_ENTRY,
    TRANSCRIPT_SESSION,
)

Erase = Callable[[Connection, str, frozenset[str]], int]
"""Deletes what is about this customer, but nothing of these sessions, which are in use; how many rows."""


def _done(connection: Connection, statement: Delete) -> int:
    return cast("CursorResult[Any]", connection.execute(statement)).rowcount


def _transcripts(connection: Connection, customer_id: str, _: frozenset[str]) -> int:
    """Their entries; those of a running session too: it goes on without them."""
    whose = TRANSCRIPT_SESSION.c.customer_id == customer_id
    ids = select(TRANSCRIPT_SESSION.c.id).where(whose)
    went = _done(connection, delete(TRANSCRIPT_ENTRY).where(TRANSCRIPT_ENTRY.c.session_id.in_(ids)))
    _done(connection, delete(TRANSCRIPT_SESSION).where(whose))
    return went


def _journal(connection: Connection, customer_id: str, in_use: frozenset[str]) -> int:
    ids = journalled(connection, customer_id) - in_use
    return _done(connection, delete(JOURNAL_SESSION).where(JOURNAL_SESSION.c.id.in_(ids))) if ids else 0


def journalled(connection: Connection, customer_id: str) -> frozenset[str]:
    """Sessions of this customer that the journal has: running ones, and those whose client may come back."""
    content = JOURNAL_ENTRY.c.content  # a line that is broken must not keep the others from being found
    whose = case((func.json_valid(content) == 1, func.json_extract(content, "$.principal.customer_id")))
    asked = select(JOURNAL_ENTRY.c.session_id).where(whose == customer_id).distinct()
    return frozenset(connection.scalars(asked))


def unended(connection: Connection, customer_id: str) -> frozenset[str]:
    """Sessions of this customer whose transcript has no end: running ones, and those that were cut off."""
    table = TRANSCRIPT_SESSION.c
    asked = select(table.id).where(table.customer_id == customer_id, table.ended.is_(None))
    return frozenset(connection.scalars(asked))


def recorded(connection: Connection, customer_id: str) -> list[str]:
    """Sessions of this customer that may have been recorded."""
    whose = CONSENT.c.customer_id == customer_id
    return list(connection.scalars(select(CONSENT.c.session_id).where(whose).distinct()))


def _consents(connection: Connection, customer_id: str, _: frozenset[str]) -> int:
    return _done(connection, delete(CONSENT).where(CONSENT.c.customer_id == customer_id))


def _costs(connection: Connection, customer_id: str, _: frozenset[str]) -> int:
    """The amounts stay, for nobody."""
    return charge_rows.forget_customer(connection, customer_id)


OF_A_CUSTOMER: Final[Mapping[str, Erase]] = {
    "transcripts": _transcripts,
    "journal": _journal,
    "consents": _consents,
    "costs": _costs,
}
"""Every room of the store that has data about a person, by name. A new one stands here or a test fails."""


def erase(connection: Connection, customer_id: str, in_use: frozenset[str] = frozenset()) -> dict[str, int]:
    """Delete what is known of a customer; rows by kind."""
    return {name: work(connection, customer_id, in_use) for name, work in OF_A_CUSTOMER.items()}


def sweep(connection: Connection, before: int, at: int) -> int:
    """Delete transcripts whose last entry is older (microseconds); how many sessions went."""
    gone = _done(connection, delete(TRANSCRIPT_SESSION).where(TRANSCRIPT_SESSION.c.last < before))
    if gone:
        audit(connection, secrets.token_hex(8), "swept", by="age", counts={"sessions": gone}, at=at)
    return gone


def audit(
    connection: Connection, receipt: str, what: str, *, by: str, counts: Mapping[str, int], at: int
) -> None:
    """Enter it in the book."""
    row = {"id": receipt, "at": at, "what": what, "by": by, "counts": json.dumps(dict(counts))}
    connection.execute(insert(AUDIT), row)


def book(connection: Connection) -> list[Receipt]:
    """The audit, the newest first."""
    rows = connection.execute(select(AUDIT).order_by(AUDIT.c.at.desc(), AUDIT.c.id))
    return [Receipt(row.id, row.at, row.what, row.by, json.loads(row.counts)) for row in rows]
