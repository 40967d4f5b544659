"""What Alembic runs: the steps, on the connection and inside the transaction that `upgrade` brings."""

from __future__ import annotations

from alembic import context

from holdfast.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite alters a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
