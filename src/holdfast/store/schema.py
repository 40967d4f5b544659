"""The tables of the store.

What lives here: the tables as the newest migration leaves them; a test compares the two.
What never will: queries; a table without a migration that makes it.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Float, ForeignKey, Integer, MetaData, Table, Text

APPLICATION_ID: Final = 0x48_46_53_31
"""SQLite's `application_id` of our files ("HFS1"): another program's file is never written to."""

METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)
"""Every constraint has a name, so that a later migration can change it."""

JOURNAL_SESSION: Final = Table(
    "journal_session",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("last_contact", Float, nullable=False),  # wall-clock seconds
)

JOURNAL_ENTRY: Final = Table(
    "journal_entry",
    METADATA,
    Column("session_id", Text, ForeignKey(JOURNAL_SESSION.c.id, ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("content", Text, nullable=False),  # JSON
)
