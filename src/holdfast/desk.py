"""The operator's desk: the console's routes and stream, given what they stand on.

What lives here: putting them together from settings, what the doctor finds on this machine.
What never will: routes (`server.console`), pages, sessions.
"""

from __future__ import annotations

import time
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from holdfast.config import Settings
from holdfast.diagnosis import Question, offline, run
from holdfast.express import IS_BUILT
from holdfast.server.console import ConsoleOptions, Feed, Overview
from holdfast.server.console.bundle import Packing


class Desk:
    """The console of one gateway. `package` is where the built web client lies."""

    def __init__(self, settings: Settings, overview: Overview, package: Path) -> None:
        self._settings, self._package = settings, package
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
        """What the doctor asks of this machine."""
        return (await run(self._questions())).as_object()

    def _questions(self) -> list[Question]:
        settings = self._settings
        asked = [
            Question("home.python", "Python", offline.python),
            Question("home.libraries", "libraries", offline.libraries),
            Question("home.express", "compiled audio", partial(offline.compiled, is_built=IS_BUILT)),
            Question("home.web_client", "web client", partial(offline.web_client, self._package / "_web")),
            Question("home.open_files", "open files", offline.open_files),
            Question(
                "home.database", "demo database", partial(offline.writable, settings.portal.database.parent)
            ),
        ]
        if settings.journal.kind != "memory":
            folder = settings.journal.database.parent
            asked.append(Question("home.journal", "journal", partial(offline.writable, folder)))
        return asked + [
            Question(
                f"home.key.{one.name}",
                f"key of {one.name}",
                partial(offline.api_key, one.api_key_env, needed=not offline.is_loopback(one.base_url)),
            )
            for one in settings.upstream
            if one.kind != "local"
        ]
