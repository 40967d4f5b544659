"""All who watch the sessions of this process.

What lives here: passing a sighting on to each who sees its kind; one that fails harms nobody.
What never will: what they make of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from holdfast.ports.sightings import Noted, Sighting, Watch, Watched


class Who(dict[type | str, Sequence[Watch]]):
    """Who is told, by kind of sighting or by moment. Found out once; as large as there are kinds of both."""

    def __init__(self, watches: Sequence[Watch]) -> None:
        super().__init__()
        self._watches = watches

    def __missing__(self, what: type | str) -> Sequence[Watch]:
        kinds = {what, Noted} if isinstance(what, str) else {what}
        found = self[what] = [one for one in self._watches if not kinds.isdisjoint(one.sees)]
        return found


@dataclass(slots=True)
class Watches:
    """A watch of watches."""

    all: list[Watch] = field(default_factory=list)
    """See `add`."""
    failed: int = 0
    """How often one of them raised: a bug of ours, which costs a sighting and no conversation."""
    who: Who = field(init=False)

    def __post_init__(self) -> None:
        self.who = Who(self.all)

    def add(self, *watches: Watch) -> None:
        """From here on these are told, too, after those before them."""
        self.all += watches
        self.who.clear()

    def saw(self, session: Watched, sighting: Sighting, at: float) -> None:
        """See `Watch`."""
        for watch in self.who[sighting.moment if type(sighting) is Noted else type(sighting)]:
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
