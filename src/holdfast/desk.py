"""The operator's desk: the console's routes and stream, given what they stand on.

What lives here: putting them together from settings, what the doctor finds on this machine.
What never will: routes (`server.console`), pages, sessions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import metadata
from typing import Any, Final

import structlog

from holdfast.config import Settings
from holdfast.diagnosis import Report, run
from holdfast.examination import home
from holdfast.node import archive_of
from holdfast.ports.transcripts import Transcript
from holdfast.server.console import ConsoleOptions, Feed, Overview
from holdfast.server.console.bundle import Packing
from holdfast.store import StoreError

log = structlog.get_logger()

LEFT_OUT: Final = frozenset({"keys", "client_keys", "secret"})
"""Of the settings; the values of other secrets stand in none of their fields."""


class Desk:
    """The console of one gateway."""

    def __init__(self, settings: Settings, overview: Overview) -> None:
        self._settings = settings
        self._began = time.monotonic()
        self._version = metadata.version("holdfast")
        self.feed = Feed(overview, settings.limits, self._facts)
        self.options = ConsoleOptions(
            overview,
            self.feed,
            Packing(self._told_settings, settings.secrets),
            self._checks,
            self._version,
            words=self._words() if settings.console.show_words else None,
            may_act=settings.console.may_act,
            limits=settings.limits,
        )

    def _words(self) -> Callable[[str], Transcript | None]:
        """Reads transcripts; a file that cannot be read tells nothing."""
        archive = archive_of(self._settings)

        def read(session_id: str) -> Transcript | None:
            try:
                return archive.transcript(session_id)
            except StoreError as problem:
                log.warning("console.no_words", category="store", source="console", reason=str(problem))
                return None

        return read

    def _facts(self) -> dict[str, Any]:
        return {"version": self._version, "uptimeS": round(time.monotonic() - self._began)}

    def _told_settings(self) -> dict[str, Any]:
        """Settings without secrets, and without the hashes of keys."""
        told: dict[str, Any] = _bare(self._settings.model_dump(mode="json"))
        return told

    async def _checks(self) -> dict[str, Any]:
        """What the doctor asks of this machine, but for the port, which is ours."""
        asked = [one for one in home.questions(self._settings, None) if one.id != "home.port"]
        return Report(await run(asked)).as_object()


def _bare(told: Any) -> Any:
    """Without whatever is called by a name of `LEFT_OUT`, at any depth."""
    if isinstance(told, dict):
        return {name: _bare(one) for name, one in told.items() if name not in LEFT_OUT}
    return [_bare(one) for one in told] if isinstance(told, list) else told
