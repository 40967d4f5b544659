"""All who watch the sessions of this process.

What lives here: passing a sighting on to each of them; one that fails harms nobody.
What never will: what they make of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog

from holdfast.ports.sightings import Sighting, Watch, Watched


@dataclass(slots=True)
class Watches:
    """A watch of watches."""

    all: list[Watch] = field(default_factory=list)
    failed: int = 0
    """How often one of them raised: a bug of ours, which costs a sighting and no conversation."""

    def saw(self, session: Watched, sighting: Sighting, at: float) -> None:
        """See `Watch`."""
        for watch in self.all:
            try:
                watch.saw(session, sighting, at)
            except Exception as error:  # noqa: BLE001 - who watches must never end a conversation
                self._stumbled(watch, error)

    def _stumbled(self, watch: Watch, error: Exception) -> None:
        self.failed += 1
        if self.failed == 1:
            log = structlog.get_logger()
            log.error(
                "watch.failed",
                category="server",
                source="watches",
                watch=type(watch).__name__,
                exc_info=error,
            )
