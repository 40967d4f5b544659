"""The product's one store: what outlives the process.

What lives here: the database file with its migrations, and the journals of sessions. Later rooms' tables
(transcripts, cost) join the same file through `Database.transact`.
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
    "MemoryJournal",
    "SqliteJournal",
    "StoreError",
    "StoreRefusedError",
    "StoreUnavailableError",
    "StoredSession",
    "take_over",
]
