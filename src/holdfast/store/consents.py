"""Who agreed to be recorded.

What lives here: entering a consent. What never will: recording, deletion (`erasure`).
"""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict

from sqlalchemy import Connection, insert

from holdfast.ports.sound import Consent
from holdfast.store.database import Database
from holdfast.store.schema import CONSENT


class SqliteConsents:
    """A `ConsentBook` in the product's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def enter(self, consent: Consent) -> None:
        """See `ConsentBook`."""
        row = {"id": secrets.token_hex(8), "at": time.time_ns() // 1_000, **asdict(consent)}

        def write(connection: Connection) -> None:
            connection.execute(insert(CONSENT), row)

        await self._database.transact(write)
