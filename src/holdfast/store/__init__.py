"""The product's one store: what outlives the process.

What lives here: the database file with its migrations, the journals of sessions, what was billed,
transcripts, what deletes a person's data. Every room's tables are in one file, written through `transact`.
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
    SpentElsewhere,
    charges_of,
    forget_customer,
    look_into,
    sums,
    unknown_models,
)
from holdfast.store.charges import MemoryCharges, SqliteCharges
from holdfast.store.consents import SqliteConsents
from holdfast.store.database import Database
from holdfast.store.errors import StoreError, StoreRefusedError, StoreUnavailableError
from holdfast.store.inheritance import take_over
from holdfast.store.memory import MemoryJournal
from holdfast.store.options import JournalOptions
from holdfast.store.sqlite import SqliteJournal
from holdfast.store.transcripts import SqliteTranscripts, TranscriptOptions
from holdfast.store.visit import RUN_AS_ITS_USER, Visit, sound_beside

__all__ = [
    "RUN_AS_ITS_USER",
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
    "SpentElsewhere",
    "SqliteCharges",
    "SqliteConsents",
    "SqliteJournal",
    "SqliteTranscripts",
    "StoreError",
    "StoreRefusedError",
    "StoreUnavailableError",
    "StoredSession",
    "TranscriptOptions",
    "Visit",
    "charges_of",
    "forget_customer",
    "look_into",
    "sound_beside",
    "sums",
    "take_over",
    "unknown_models",
]
