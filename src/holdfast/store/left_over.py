"""Databases of workers that are no more: what grows old in them goes as well.

What lives here: one visit to each; what one of them does not give is said.
What never will: which there are (`node`), taking a journal over (`inheritance`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import structlog

from holdfast.store.errors import StoreError
from holdfast.store.visit import Visit

log = structlog.get_logger()


async def sweep_each(paths: Iterable[Path], sweep: Callable[[Visit], Awaitable[int]]) -> int:
    """How much went, of all of them. One that cannot be read keeps none of the others from growing old."""
    gone = 0
    for path in paths:
        try:
            gone += await sweep(Visit(path))
        except StoreError as error:
            facts = {"file": path.name, "reason": str(error)}
            log.warning("store.not_swept", category="store", source="left_over", **facts)
    return gone
