"""Books kept of a test's gateway, in a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from holdfast.accounts import Books, Caps, PriceTable, own_prices
from holdfast.store import Database, SqliteCharges
from tests.server.gateway import TestGateway

NO_CAPS = Caps()


@asynccontextmanager
async def counted(gw: TestGateway, path: Path, caps: Caps = NO_CAPS) -> AsyncIterator[Books]:
    """From here on every conversation is counted; afterwards all is written."""
    database = Database(path)
    charges = SqliteCharges(database, 1_000, keep_days=30)
    charges.start()
    books = Books(
        PriceTable(own_prices()), charges, caps=caps, end=gw.directory.budget_spent, customers_max=1_000
    )
    await books.open()
    gw.directory.watches.add(books)
    gw.directory.purse = books
    try:
        yield books
    finally:
        books.close()
        await charges.close()
        await database.close()
