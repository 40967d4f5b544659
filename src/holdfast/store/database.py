"""The product's one database file: opened, brought up to date, written to by one thread.

What lives here: opening with what durability needs, transactions, the judgement of what went wrong.
What never will: tables and queries of a room; trying again.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from holdfast.store import migrations as steps
from holdfast.store.errors import StoreUnavailableError, unavailable
from holdfast.store.ownership import FileLock, claim, damaged
from holdfast.store.schema import APPLICATION_ID
from holdfast.store.thread import WriterThread

log = structlog.get_logger()

BUSY_S: Final = 2.0
CLOSE_S: Final = 5.0
_CONNECTED: Final = (
    "pragma foreign_keys = on",
    "pragma secure_delete = on",  # what is deleted is overwritten
    "pragma synchronous = full",  # each commit is on the disk before it returns
    "pragma fullfsync = on",  # macOS: and not only in the disk's own memory
    "pragma temp_store = memory",
    "pragma trusted_schema = off",
)

T = TypeVar("T")


class Database:
    """One file, one connection, one thread. Whoever makes it closes it."""

    def __init__(self, path: Path, *, busy_s: float = BUSY_S, migrations: Path = steps.FOLDER) -> None:
        self.path = path.absolute()
        self._busy_s = busy_s
        self._migrations = migrations
        self._lock = FileLock(self.path)
        self._engine = self._make_engine()
        self._connection: Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._thread: WriterThread | None = None
        self._closed = False

    async def open(self) -> None:
        """Open the file, made and migrated as needed; nothing to do when it is open.

        Raises StoreRefusedError for what must be put right, StoreUnavailableError for what may pass.
        """
        await self._in_thread(self._ready)

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in a transaction of its own, in the database's thread; what it wrote is on the disk on
        return. Opens the file if it is not open. Raises as `open` does, and whatever `work` raises.
        """
        return await self._in_thread(lambda: self._transaction(work))

    async def checkpoint(self) -> bool:
        """Move everything from the write-ahead log into the file and empty the log. False: somebody reads,
        and the log is as it was. Raises as `open` does.
        """
        return await self._in_thread(self._checkpoint)

    async def close(self, within_s: float = CLOSE_S) -> None:
        """Close the file and let the next process in. Twice is harmless.

        A disk that does not answer within that time is left alone: the file is closed when the process ends.
        """
        if self._thread is None or self._closed:
            return
        self._closed = True
        try:
            await asyncio.wait_for(self._thread.run(self._close), within_s)
        except TimeoutError:
            log.warning("store.close_timeout", category="store", source="database", path=str(self.path))
        finally:
            self._thread.stop()

    async def _in_thread(self, job: Callable[[], T]) -> T:
        if self._closed:
            raise StoreUnavailableError("failing", "the database is closed")
        if self._thread is None:
            self._thread = WriterThread("store-writer")
        return await self._thread.run(job)

    # What follows runs in the thread.

    def _ready(self) -> Connection:
        if self._identity is not None and self._found() != self._identity:
            # What is written to a file without a name is lost with the process; a new file would begin
            # in the middle of every session.
            raise StoreUnavailableError("gone", f"{self.path} was removed or replaced while it was in use")
        if self._connection is None:
            claim(self.path, self._lock, self._busy_s)
            self._connection = self._opened()
            self._identity = self._found()
        return self._connection

    def _found(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _opened(self) -> Connection:
        with contextlib.ExitStack() as undo:
            try:
                connection = self._engine.connect()
                undo.callback(connection.close)
                with connection.begin():
                    self._migrate(connection)
                _pragma(connection, "journal_mode = wal")
            except (SQLAlchemyError, sqlite3.Error) as error:
                fault = unavailable(error)
                raise (damaged(self.path, fault.detail) if fault.cause == "damaged" else fault) from None
            undo.pop_all()
            return connection

    def _migrate(self, connection: Connection) -> None:
        if connection.execute(text("pragma application_id")).scalar_one() != APPLICATION_ID:
            connection.exec_driver_sql(f"pragma application_id = {APPLICATION_ID}")
        steps.upgrade(connection, self.path, self._migrations)

    def _transaction(self, work: Callable[[Connection], T]) -> T:
        connection = self._ready()
        try:
            with connection.begin():
                return work(connection)
        except SQLAlchemyError as error:
            raise self._broken(unavailable(error)) from None

    def _checkpoint(self) -> bool:
        try:
            connection = self._ready()
            _pragma(connection, "busy_timeout = 0")  # somebody reads: another time
            try:
                ((is_busy, _, _),) = _pragma(connection, "wal_checkpoint(truncate)")
            finally:
                _pragma(connection, f"busy_timeout = {self._busy_s * 1000:.0f}")
        except sqlite3.Error as error:
            raise self._broken(unavailable(error)) from None
        return not is_busy

    def _broken(self, fault: StoreUnavailableError) -> StoreUnavailableError:
        """A connection that met more than a lock is not trusted again."""
        if fault.cause != "locked":
            self._disconnect()
        return fault

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _close(self) -> None:
        self._disconnect()
        self._engine.dispose()
        self._lock.release()

    def _make_engine(self) -> Engine:
        engine = create_engine(
            URL.create("sqlite", database=str(self.path)),
            poolclass=NullPool,
            connect_args={"timeout": self._busy_s, "check_same_thread": False},
        )

        def connected(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
            assert isinstance(connection, sqlite3.Connection)
            for pragma in _CONNECTED:
                connection.execute(pragma)

        event.listen(engine, "connect", connected)
        # The driver alone begins before the first change of a row: no migration would be one transaction.
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("begin immediate"))
        return engine


def _pragma(connection: Connection, pragma: str) -> list[tuple[Any, ...]]:
    """One that SQLite allows outside a transaction only; what it answers."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw.execute(f"pragma {pragma}").fetchall()
