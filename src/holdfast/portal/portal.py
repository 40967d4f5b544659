"""The demo portal as one thing: its customers, its tools, its words.

What lives here: `Portal`, which the composition root opens and closes.
What never will: HTTP, sockets, admission.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from holdfast.core.limits import DEFAULT, Limits
from holdfast.portal.records import Customer
from holdfast.portal.store import PortalStore, open_store
from holdfast.portal.tools import portal_tools
from holdfast.tools import FunctionToolbox


def local_today() -> date:
    """Today where this machine stands."""
    return datetime.now().astimezone().date()


class Portal:
    """Opened by `Portal.open`. `customers` are the demo's, the first being the one signed in by default."""

    def __init__(self, store: PortalStore, *, limits: Limits, today: Callable[[], date]) -> None:
        self.customers = tuple(store.customers)
        self.toolbox = FunctionToolbox(portal_tools(store, today), limits=limits)
        self._store = store

    @classmethod
    async def open(
        cls, path: Path, *, limits: Limits = DEFAULT, today: Callable[[], date] = local_today
    ) -> Portal:
        """The portal at `path`, made at the first run. Raises PortalError, which names file and remedy."""
        return cls(await asyncio.to_thread(open_store, path), limits=limits, today=today)

    def customer(self, customer_id: str) -> Customer | None:
        """A customer of the demo by id."""
        return next((customer for customer in self.customers if customer.id == customer_id), None)

    def close(self) -> None:
        """Give the database back. Twice is harmless."""
        self._store.close()
