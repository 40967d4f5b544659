"""The product's one store: what outlives the process.

What lives here: the database file with its migrations, the journals of sessions, what was billed. Tables of
later rooms join the same file through `Database.transact`.
What never will: audio; secrets in clear; what a line means.
"""

from holdfast.ports.journal import (
    Degraded,
    Entry,
    Healthy,
    Journal,
    JournalCounts,
    JournalState,
    StoredSession,
)
from holdfast.store.charge_rows import (
    charges_of,
    forget_customer,
    look_into,
    spent_elsewhere,
    sums,
    unknown_models,
)
from holdfast.store.charges import MemoryCharges, SqliteCharges
from holdfast.store.database import Database
from holdfast.store.errors import StoreError, StoreRefusedError, StoreUnavailableError
from holdfast.store.inheritance import take_over
from holdfast.store.memory import MemoryJournal
from holdfast.store.options import JournalOptions
from holdfast.store.sqlite import SqliteJournal

__all__ = [
    "Database",
    "Degraded",
    "Entry",
    "Healthy",
    "Journal",
    "JournalCounts",
    "JournalOptions",
    "JournalState",
    "MemoryCharges",
    "MemoryJournal",
    "SqliteCharges",
    "SqliteJournal",
    "StoreError",
    "StoreRefusedError",
    "StoreUnavailableError",
    "StoredSession",
    "charges_of",
    "forget_customer",
    "look_into",
    "spent_elsewhere",
    "sums",
    "take_over",
    "unknown_models",
]
