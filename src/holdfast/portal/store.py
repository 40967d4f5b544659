"""The SQLite file of the demo portal.

What lives here: opening it, filling it at the first run, reading one customer's file. Reads only after that:
a file that has become read-only still serves.
What never will: sentences, figures, who the customer is.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Final, TypeVar

import structlog
from sqlalchemy import URL, Connection, Engine, event, select, text
from sqlalchemy import create_engine as sql_engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from holdfast.portal import records
from holdfast.portal.loan import Terms
from holdfast.portal.schema import APPLICATION_ID, VERSION, ContractRow, CustomerRow, Row
from holdfast.portal.seed import rows
from holdfast.tools import ToolFaultError

log = structlog.get_logger()

_BUSY_S: Final = 2.0
_CONNECTIONS: Final = 4
_POOL_WAIT_S: Final = 3.0

T = TypeVar("T")


class PortalError(Exception):
    """The portal's database cannot be used. `message` names the file, `remedy` says what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy


class PortalStore:
    """Read access to the portal. Open it with `open_store`. `customers` are in the order of the demo."""

    def __init__(self, path: Path, engine: Engine, customers: Sequence[records.Customer]) -> None:
        self.path = path
        self.customers = customers
        self._engine = engine

    async def file(self, customer_id: str, today: date) -> records.CustomerFile | None:
        """One customer's file as of `today`; None for somebody the portal does not know.

        Raises ToolFaultError("store.unavailable") when the file is locked, gone or damaged.
        """
        return await asyncio.to_thread(self._guarded, lambda session: _file(session, customer_id, today))

    def close(self) -> None:
        """Give the connections back. Twice is harmless."""
        self._engine.dispose()

    def _guarded(self, read: Callable[[Session], T]) -> T:
        try:
            with Session(self._engine) as session:
                return read(session)
        except SQLAlchemyError as error:
            log.warning(
                "store.unavailable",
                category="store",
                source="portal",
                path=str(self.path),
                reason=_reason(error),
            )
            raise ToolFaultError("store.unavailable") from None


def open_store(path: Path) -> PortalStore:
    """The portal at `path`, made and filled when there is none. Blocks; raises PortalError."""
    remedy = f"Let this user write to {path.parent}, or name another file in [portal] database."
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PortalError(
            f"The folder of the portal's database, {path.parent}, can't be made ({error.strerror}).", remedy
        ) from None
    engine = _engine(path)
    try:
        _fill(engine, path)
        with Session(engine) as session:
            customers = _customers(session)
    except SQLAlchemyError as error:
        engine.dispose()
        raise _start_error(path, error, remedy) from None
    except PortalError:
        engine.dispose()
        raise
    return PortalStore(path, engine, customers)


def _engine(path: Path) -> Engine:
    engine = sql_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=QueuePool,
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_timeout=_POOL_WAIT_S,
        connect_args={"timeout": _BUSY_S, "check_same_thread": False},
    )

    def connected(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        assert isinstance(connection, sqlite3.Connection)
        connection.execute("pragma foreign_keys = on")

    event.listen(engine, "connect", connected)
    return engine


def _fill(engine: Engine, path: Path) -> None:
    """Make tables and demo rows unless they are there. Two processes may start at the same time."""
    with engine.connect() as connection:
        if _is_current(connection, path):
            return
    with engine.connect() as connection:
        connection.exec_driver_sql("begin immediate")
        if _is_current(connection, path):
            return
        Row.metadata.drop_all(connection)
        Row.metadata.create_all(connection)
        with Session(connection) as session:
            session.add_all(rows())
            session.flush()
            connection.exec_driver_sql(f"pragma application_id = {APPLICATION_ID}")
            connection.exec_driver_sql(f"pragma user_version = {VERSION}")
            session.commit()
        connection.commit()
    with suppress(OSError):
        path.chmod(0o600)


def _is_current(connection: Connection, path: Path) -> bool:
    """Whether the file is ours and of this version. Raises PortalError when it is somebody else's."""
    owner = connection.execute(text("pragma application_id")).scalar_one()
    version = connection.execute(text("pragma user_version")).scalar_one()
    tables = connection.execute(text("select count(*) from sqlite_master")).scalar_one()
    if owner != APPLICATION_ID and tables:
        raise PortalError(
            f"{path} is a database of another program.",
            "Name another file in [portal] database; a new one is made there.",
        )
    return bool(owner == APPLICATION_ID and version == VERSION)


def _start_error(path: Path, error: SQLAlchemyError, remedy: str) -> PortalError:
    reason = _reason(error)
    if any(words in reason for words in ("not a database", "malformed", "no such")):
        return PortalError(
            f"The portal's database {path} is damaged ({reason}).",
            "Move the file away: a new one with the demo's customers is made at the next start.",
        )
    if "locked" in reason:
        return PortalError(
            f"The portal's database {path} is locked by another program.",
            "Close the program that holds it (such as a database browser) and start again.",
        )
    return PortalError(f"The portal's database {path} can't be opened ({reason}).", remedy)


def _reason(error: SQLAlchemyError) -> str:
    """The driver's words, without the statement and its parameters."""
    return str(error.orig) if isinstance(error, DBAPIError) else type(error).__name__


def _customers(session: Session) -> list[records.Customer]:
    found = session.scalars(select(CustomerRow).order_by(CustomerRow.position)).unique()
    return [records.Customer(row.id, row.name) for row in found]


def _file(session: Session, customer_id: str, today: date) -> records.CustomerFile | None:
    row = session.get(CustomerRow, customer_id)
    if row is None:
        return None
    contract = _contract(row.contract, today)
    payments = tuple(
        records.Payment(
            payment.instalment,
            payment.amount_cents,
            payment.method,
            payment.outcome == "returned",
            contract.booked(payment.instalment, payment.days_late),
        )
        for payment in row.contract.payments
    )
    documents = tuple(records.Document(document.title, document.state) for document in row.documents)
    return records.CustomerFile(records.Customer(row.id, row.name), contract, payments, documents)


def _contract(row: ContractRow, today: date) -> records.Contract:
    return records.Contract(
        id=row.id,
        product=row.product,
        state=records.State(row.state),
        terms=Terms(row.principal_cents, row.rate_bp, row.months),
        due_day=row.due_day,
        paid=row.paid,
        overdue=row.overdue,
        applied=today - timedelta(days=row.applied_days_ago),
        today=today,
    )
