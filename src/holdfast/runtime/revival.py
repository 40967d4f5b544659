"""Sessions that another process left in the journal: taken up when their client comes back.

What lives here: the stored sessions of the start, and how one becomes a running one again.
What never will: what a line means (`core.restart`).
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import structlog

from holdfast.core.limits import Limits
from holdfast.express import Express
from holdfast.ports import ClientLine, Principal
from holdfast.ports.journal import Journal, StoredSession
from holdfast.runtime.assistant import Assistant
from holdfast.runtime.directory import Directory
from holdfast.runtime.record import WITH_TOKENS
from holdfast.runtime.session_runner import SessionRunner
from holdfast.runtime.upstreams import Upstreams


@dataclass(slots=True)
class Revival:
    """What is left of another process, until its clients have come back or the window is over."""

    directory: Directory
    upstreams: Upstreams
    assistant: Assistant
    limits: Limits
    journal: Journal
    _stored: dict[str, StoredSession] = field(default_factory=dict)

    async def load(self) -> None:
        """Read what an earlier process did not finish, and be asked for it."""
        window_s = self.limits.resume_window_s
        for stored in await self.journal.unfinished(not_older_than_s=window_s):
            self._stored[stored.id] = stored
        if self._stored:
            structlog.get_logger().info(
                "sessions.left_behind", category="session", source="revival", sessions=len(self._stored)
            )
            asyncio.get_running_loop().call_later(window_s, self._give_up)
        self.directory.revive = self.revive

    @property
    def left_behind(self) -> tuple[str, ...]:
        """The sessions that nobody has come back to yet."""
        return tuple(self._stored)

    def _give_up(self) -> None:
        for session_id in self._stored:
            self.journal.forget(session_id)
        self._stored.clear()

    def revive(self, session_id: str) -> SessionRunner | None:
        """Run this session again, its client away; None when it is not known or cannot be read."""
        stored = self._stored.pop(session_id, None)
        if stored is None:
            return None
        try:
            return self._taken_up(stored)
        except Exception as error:  # noqa: BLE001 - lines of another version, or a bug of ours: nobody's session
            why = type(error).__name__
            structlog.get_logger().error(
                "session.unreadable", category="session", source="revival", session=session_id, reason=why
            )
            self.journal.forget(session_id)
            return None

    def _taken_up(self, stored: StoredSession) -> SessionRunner:
        """Raises whatever odd lines lead to; nothing runs then."""
        lines = [(entry.kind, entry.content) for entry in stored.entries]
        if lines[0][0] != "opened":
            raise ValueError("it has no beginning")
        last = next(content for kind, content in reversed(lines) if kind in WITH_TOKENS)
        principal = Principal(**last["principal"])
        began = float(last.get("began", time.time()))  # an earlier version did not say
        runner = SessionRunner(
            _NobodyYet(),
            self.upstreams,
            self.directory,
            assistant=self.assistant,
            principal=principal,
            limits=self.limits.narrowed(principal.limits),
            journal=self.journal,
            peer="",
        )
        runner.tokens.accepted = tuple(last["tokens"])
        self.directory.enter(runner, "", principal.customer_id)
        try:
            runner.restart(stored.id, lines, began)
        except BaseException:
            runner.finish()
            raise
        return runner


class _NobodyYet(ClientLine):
    """The client of a session whose client is away."""

    leg = None
    round_trip_ms = None

    def ride(self, express: Express) -> None: ...

    def send_text(self, payload: bytes) -> None: ...
    def send_binary(self, payload: bytes) -> None: ...
    def close(self, code: int = 1000, reason: str = "") -> None: ...
    def abort(self) -> None: ...
    def pause_reading(self, *, paused: bool) -> None: ...
    def make_room(self, size: int) -> None: ...
    def hand_to(self, conversation: object) -> None: ...
