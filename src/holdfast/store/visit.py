"""A look into a database file that somebody else may have open.

What lives here: a connection for one visit, to a file whose tables are the newest; reading transcripts,
deleting what is about a person. Blocking: for commands and threads.
What never will: the lock that says whose the file is, migrations: both are the gateway's.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, Connection, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from holdfast.ports.transcripts import Entry, Erased, Receipt, Transcript, Wanted
from holdfast.store import charge_rows, erasure, transcript_rows
from holdfast.store.errors import StoreRefusedError, StoreUnavailableError, unavailable
from holdfast.store.migrations import newest
from holdfast.store.ownership import FileLock
from holdfast.store.schema import APPLICATION_ID

BUSY_S: Final = 5.0
RUN_AS_ITS_USER: Final = "Run this as the user that the gateway runs as."


def sound_beside(database: Path) -> Path:
    """The folder of the sound that was recorded beside a database."""
    return database.with_name("sound")


def sound_of(database: Path, session_id: str) -> Path:
    """A session's file of sound, whether it is there or not."""
    return sound_beside(database) / f"{Path(session_id).name}.flac"


class Visit:
    """One file. Nothing is kept open between two questions.

    Raises StoreRefusedError for a file that is not ours, or not of this version; StoreUnavailableError for
    what may pass.
    """

    def __init__(self, path: Path, *, busy_s: float = BUSY_S) -> None:
        self.path = path.absolute()
        self._busy_s = busy_s

    def sessions(self, wanted: Wanted) -> Sequence[Transcript]:
        """See `Shelf`."""
        with self._connected("begin") as connection:
            return transcript_rows.sessions(connection, wanted)

    def entries(self, session_id: str) -> Sequence[Entry]:
        """See `Shelf`."""
        with self._connected("begin") as connection:
            return transcript_rows.entries(connection, session_id)

    def erase(self, customer_id: str, *, by: str, receipt: str, in_use: frozenset[str] | None) -> Erased:
        """See `Shelf`. No copy of what was deleted is left in the file or its log."""
        with self._connected("begin immediate") as connection:
            sound = erasure.recorded(connection, customer_id)
            journalled = erasure.journalled(connection, customer_id)
            kept = journalled if in_use is None else journalled & in_use
            running = erasure.unended(connection, customer_id) if in_use is None else frozenset()
            counts = erasure.erase(connection, customer_id, kept)
            counts["sound files"] = self._delete_sound(sound)
            erasure.audit(connection, receipt, "erased", by=by, counts=counts, at=time.time_ns() // 1_000)
        self._empty_log()
        return Erased(receipt, counts, len(kept | running))

    def sweep(self, *, before: int, at: int) -> int:
        """Delete transcripts whose last entry is older (microseconds); how many sessions went."""
        with self._connected("begin immediate") as connection:
            gone = erasure.sweep(connection, before, at)
        if gone:
            self._empty_log()
        return gone

    def sweep_charges(self, *, before: float) -> int:
        """Delete charges that are older (wall-clock seconds); how many went."""
        with self._connected("begin immediate") as connection:
            gone = charge_rows.sweep(connection, before)
        if gone:
            self._empty_log()
        return gone

    def book(self) -> list[Receipt]:
        """What was deleted, the newest first."""
        with self._connected("begin") as connection:
            return erasure.book(connection)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether no gateway uses the file; while inside, none can begin to."""
        lock = FileLock(self.path)
        try:
            lock.take(0)
        except StoreRefusedError:
            yield False
            return
        except OSError as error:
            what = f"{self.path} is not for this user ({error.strerror})."
            raise StoreRefusedError("unusable", what, RUN_AS_ITS_USER) from None
        try:
            yield True
        finally:
            lock.release()

    def _delete_sound(self, sessions: Iterable[str]) -> int:
        """Before their consents are forgotten for good: what cannot be deleted raises, and they stay."""
        files = [sound_of(self.path, session) for session in sessions]
        there = [file for file in files if file.exists()]
        for file in there:
            file.unlink(missing_ok=True)
        return len(there)

    def _empty_log(self) -> None:
        """What is gone stands in the write-ahead log until that is emptied. Raises where a reader is in the
        way for long: it is deleted then, and not gone.
        """
        with closing(sqlite3.connect(self.path, timeout=self._busy_s)) as raw:
            ((is_busy, _, _),) = raw.execute("pragma wal_checkpoint(truncate)").fetchall()
        if is_busy:
            words = "somebody reads the file, so its write-ahead log still has what was deleted"
            raise StoreUnavailableError("locked", words)

    @contextmanager
    def _connected(self, begin: str) -> Iterator[Connection]:
        engine = create_engine(
            URL.create("sqlite", database=str(self.path)),
            poolclass=NullPool,
            connect_args={"timeout": self._busy_s},
        )
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
        try:
            with engine.begin() as connection:
                self._check(connection)
                yield connection
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise unavailable(error) from None
        finally:
            engine.dispose()

    def _check(self, connection: Connection) -> None:
        if connection.execute(text("pragma application_id")).scalar_one() != APPLICATION_ID:
            raise StoreRefusedError(
                "foreign",
                f"{self.path} is no database of Holdfast.",
                "Name the right file in [journal] database.",
            )
        found = MigrationContext.configure(connection).get_current_heads()
        if set(found) != newest():
            raise StoreRefusedError(
                "newer",
                f"{self.path} is of another version of Holdfast (its tables are version {', '.join(found)}).",
                "Start the gateway of this version once: it brings the file up to date.",
            )


def _prepare(connection: Any, _entry: object) -> None:
    for pragma in ("foreign_keys = on", "secure_delete = on", "synchronous = full"):
        connection.execute(f"pragma {pragma}")
