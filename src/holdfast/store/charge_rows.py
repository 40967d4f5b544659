"""Charges in SQL.

What lives here: the statements, each inside a transaction of the caller's; reading a file that a running
gateway writes to.
What never will: when they run, what they mean.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Connection,
    String,
    bindparam,
    case,
    create_engine,
    delete,
    func,
    literal,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from holdfast.ports.charges import ENDLESS, Charge, Grouping, Sum, Tokens
from holdfast.store.errors import StoreUnavailableError, unavailable
from holdfast.store.schema import CHARGE

_NEW = insert(CHARGE)
_KEY: Final = ("session_id", "kind", "thing_id")
_PUT: Final = _NEW.on_conflict_do_update(
    index_elements=_KEY,
    set_={column.name: _NEW.excluded[column.name] for column in CHARGE.c if column.name not in _KEY},
)
_SPENT: Final = (
    select(CHARGE.c.customer_id, func.sum(CHARGE.c.assumed))
    .where(CHARGE.c.at >= bindparam("since"), CHARGE.c.at < bindparam("before"))
    .group_by(CHARGE.c.customer_id)
)
_NAMES: Final = {
    "session": CHARGE.c.session_id,
    "customer": CHARGE.c.customer_id,
    "model": case((CHARGE.c.model == "", literal("(not told)")), else_=CHARGE.c.model),
    "day": func.date(CHARGE.c.at, "unixepoch"),
}


def put(connection: Connection, charges: Sequence[Charge]) -> None:
    """Write them. Written twice, it is as if written once; the later one counts."""
    connection.execute(_PUT, [_row(charge) for charge in charges])


def _row(charge: Charge) -> dict[str, Any]:
    row = {field.name: getattr(charge, field.name) for field in fields(charge) if field.name != "tokens"}
    return row | asdict(charge.tokens)


def spent(connection: Connection, since: float, before: float = ENDLESS) -> dict[str, int]:
    """Nano-dollars that budgets count, by customer."""
    asked = {"since": since, "before": before}
    return {row[0]: int(row[1]) for row in connection.execute(_SPENT, asked)}


def spent_on(connection: Connection, session_id: str, before: float = ENDLESS) -> int:
    """The same of one session."""
    its = (CHARGE.c.session_id == session_id, CHARGE.c.at < before)
    return int(
        connection.execute(select(func.coalesce(func.sum(CHARGE.c.assumed), 0)).where(*its)).scalar_one()
    )


def sums(connection: Connection, since: float, by: Grouping | None) -> list[Sum]:
    """Sums of charges from `since` on, dearest first; days in order; without a grouping the one of all."""
    name = literal_column("''", String) if by is None else _NAMES[by]
    charge = CHARGE.c
    counted = (
        func.sum(case((charge.kind == "response", 1), else_=0)),
        func.sum(case((charge.kind == "transcription", 1), else_=0)),
        func.sum(charge.text_in + charge.audio_in + charge.image_in),
        func.sum(charge.text_cached + charge.audio_cached + charge.image_cached),
        func.sum(charge.text_out + charge.audio_out),
        func.coalesce(func.sum(charge.cost), 0),
        func.sum(charge.rebuild),
        func.sum(charge.wasted),
        func.sum(case((charge.is_estimated, 1), else_=0)),
        func.sum(case((charge.cost.is_(None), 1), else_=0)),
    )
    asked = select(name, *counted).where(charge.at >= since).group_by(name)
    asked = asked.order_by(name) if by == "day" else asked.order_by(counted[5].desc(), name)
    return [Sum(*row) for row in connection.execute(asked)]


def charges_of(connection: Connection, session_id: str) -> list[Charge]:
    """Every charge of a session, in order."""
    asked = select(CHARGE).where(CHARGE.c.session_id == session_id).order_by(CHARGE.c.at, CHARGE.c.thing_id)
    return [_charge(dict(row)) for row in connection.execute(asked).mappings()]


def _charge(row: dict[str, Any]) -> Charge:
    tokens = Tokens(**{field.name: row.pop(field.name) for field in fields(Tokens)})
    return Charge(**row, tokens=tokens)


def unknown_models(connection: Connection, since: float) -> list[str]:
    """Models whose price nobody knew."""
    asked = select(_NAMES["model"]).where(CHARGE.c.at >= since, CHARGE.c.cost.is_(None)).distinct()
    return sorted(connection.scalars(asked))


def sweep(connection: Connection, before: float) -> int:
    """Delete what is older; how many went."""
    return connection.execute(delete(CHARGE).where(CHARGE.c.at < before)).rowcount


def forget_customer(connection: Connection, customer_id: str) -> int:
    """Take a person out of the books: the amounts of past days stay, for nobody. How many there were."""
    whose = CHARGE.c.customer_id == customer_id
    nobody = literal("forgotten-").concat(func.hex(func.randomblob(12)))
    gone = update(CHARGE).where(whose).values(customer_id="", session_id=nobody, thing_id=nobody)
    return connection.execute(gone).rowcount


def look_into(path: Path, busy_s: float = 1.0) -> Connection:
    """A connection that reads a file which a running gateway may be writing to. Whoever asks closes it.

    Raises StoreUnavailableError for a file that cannot be read, or has no such tables yet.
    """
    address = f"{path.absolute().as_uri()}?mode=ro"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(address, uri=True, timeout=busy_s)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    with ExitStack() as undo:
        try:
            connection = engine.connect()
            undo.callback(connection.close)
            connection.execute(text("select 1 from charge limit 1"))
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise unavailable(error) from None
        undo.pop_all()
        return connection


class SpentElsewhere:
    """What other processes have spent, by customer: from their files. One that is being made has nothing in
    it yet; one that cannot be read at the moment has spent what it had when it could.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._since = 0.0
        self._known: dict[Path, Mapping[str, int]] = {}

    def __call__(self, since: float) -> Mapping[str, int]:
        """From that moment on. Blocking."""
        if since != self._since:
            self._since, self._known = since, {}
        for path in self._paths:
            if path.is_file():
                with suppress(StoreUnavailableError, SQLAlchemyError), look_into(path) as connection:
                    self._known[path] = spent(connection, since)
        found: Counter[str] = Counter()
        for one in self._known.values():
            found.update(one)
        return found


def spent_on_there(paths: Sequence[Path], session_id: str) -> int:
    """What one session has cost in other places, as far as their files can be read."""
    found = 0
    for path in paths:
        with suppress(StoreUnavailableError, SQLAlchemyError), look_into(path) as connection:
            found += spent_on(connection, session_id)
    return found
