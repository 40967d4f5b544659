"""The operator's desk: the console's routes and stream, given what they stand on.

What lives here: putting them together from settings, what the doctor finds on this machine.
What never will: routes (`server.console`), pages, sessions.
"""

from __future__ import annotations

import time
from importlib import metadata
from typing import Any

from holdfast.config import Settings
from holdfast.diagnosis import Report, run
from holdfast.examination import home
from holdfast.server.console import ConsoleOptions, Feed, Overview
from holdfast.server.console.bundle import Packing


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
            limits=settings.limits,
        )

    def _facts(self) -> dict[str, Any]:
        return {"version": self._version, "uptimeS": round(time.monotonic() - self._began)}

    def _told_settings(self) -> dict[str, Any]:
        """Settings without secrets: those that are left by their shape are hashes and names."""
        told = self._settings.model_dump(mode="json", exclude={"auth": {"secret", "client_keys"}})
        told["console"].pop("keys", None)
        return told

    async def _checks(self) -> dict[str, Any]:
        """What the doctor asks of this machine, but for the port, which is ours."""
        asked = [one for one in home.questions(self._settings, None) if one.id != "home.port"]
        return Report(await run(asked)).as_object()
