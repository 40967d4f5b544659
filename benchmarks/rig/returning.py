"""Clients of the browser protocol that are cut and come back at once.

What lives here: beginning, cutting, coming back; how many found their session as they left it.
What never will: audio.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import picows

from holdfast.sockets import MessageListener

WAIT_S: Final = 20.0


class Returning(MessageListener):
    """One socket: what it says first, and what it is told."""

    def __init__(self, first: dict[str, Any]) -> None:
        super().__init__()
        self._first = first
        self._told: dict[str, dict[str, Any]] = {}
        self._offset = 0
        self._news = asyncio.Event()

    @classmethod
    async def connect(cls, url: str, **first: Any) -> Returning:
        """A socket that has said it. Raises what picows raises."""
        _, one = await picows.ws_connect(lambda: cls(first), url)
        assert isinstance(one, Returning)
        return one

    def on_open(self) -> None:
        self.send_text(json.dumps(self._first).encode())

    def on_text(self, payload: bytes) -> None:
        message = json.loads(payload)
        self._told[message["type"]] = message
        if message["type"] != "session_resumed":
            self._offset = max(self._offset, int(message.get("offset", 0)))
        self._news.set()

    def on_closed(self, code: int, reason: str) -> None:
        self._told.setdefault("closed", {"code": code, "reason": reason})
        self._news.set()

    async def until(self, *kinds: str) -> dict[str, Any]:
        """The first of these that it is told. Raises TimeoutError."""
        async with asyncio.timeout(WAIT_S):
            while True:
                for kind in kinds:
                    if kind in self._told:
                        return self._told[kind]
                self._news.clear()
                await self._news.wait()

    @property
    def wish(self) -> dict[str, Any]:
        """What it needs to come back."""
        created = self._told["session_created"]
        kept = {name: created[name] for name in ("sessionId", "resumeToken", "epoch")}
        return {"type": "resume_session", **kept, "offset": self._offset}


async def come_back(url: str, clients: int) -> int:
    """All begin, all are cut, all come back in the other order; answers how many lost nothing."""
    begun = [await Returning.connect(url, type="create_session") for _ in range(clients)]
    for one in begun:
        await one.until("session_ready")
    for one in begun:
        one.abort()
    returned = [await Returning.connect(url, **one.wish) for one in reversed(begun)]
    answers = [await one.until("session_resumed", "error", "closed") for one in returned]
    for one in returned:
        one.send_text(b'{"type":"end_session"}')
        await one.until("closed")
    return sum(bool(answer.get("recovered")) for answer in answers)
