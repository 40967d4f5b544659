"""The tables of the store.

What lives here: the tables as the newest migration leaves them; a test compares the two.
What never will: queries; a table without a migration that makes it.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, MetaData, Table, Text

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

_COUNTS: Final = (
    "text_in",
    "text_cached",
    "audio_in",
    "audio_cached",
    "image_in",
    "image_cached",
    "text_out",
    "audio_out",
    "billed_ms",
    "heard_ms",
)

CHARGE: Final = Table(
    "charge",
    METADATA,
    Column("session_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("thing_id", Text, primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("at", Float, nullable=False),  # wall-clock seconds
    Column("upstream", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("status", Text, nullable=False),
    *(Column(name, Integer, nullable=False) for name in _COUNTS),
    Column("is_estimated", Boolean, nullable=False),
    Column("priced", Text, nullable=False),
    Column("cost", Integer),  # nano-dollars, as all that follow; none where no price is known
    Column("assumed", Integer, nullable=False),
    Column("rebuild", Integer, nullable=False),
    Column("wasted", Integer, nullable=False),
    Index("ix_charge_at", "at"),
)

TRANSCRIPT_SESSION: Final = Table(
    "transcript_session",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("customer_id", Text, nullable=False, index=True),
    Column("source", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("began", Integer, nullable=False),  # wall-clock microseconds, as all times of transcripts
    Column("last", Integer, nullable=False),
    Column("ended", Text),  # the reason; null while it runs
)

TRANSCRIPT_ENTRY: Final = Table(
    "transcript_entry",
    METADATA,
    Column("session_id", Text, ForeignKey(TRANSCRIPT_SESSION.c.id, ondelete="CASCADE"), primary_key=True),
    Column("at", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("text", Text, nullable=False),  # after redaction
    Column("heard", Text),
    Column("facts", Text, nullable=False),  # JSON
)

AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("what", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("counts", Text, nullable=False),  # JSON; nothing of a person
)

CONSENT: Final = Table(
    "consent",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False, index=True),
    Column("words", Text, nullable=False),  # what the person agreed to, as it was shown
    Column("given_by", Text, nullable=False),
)
