"""The journal: sessions and their lines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "journal_session",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("last_contact", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journal_session"),
    )
    op.create_table(
        "journal_entry",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", "number", name="pk_journal_entry"),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["journal_session.id"],
            name="fk_journal_entry_session_id",
            ondelete="CASCADE",
        ),
    )
