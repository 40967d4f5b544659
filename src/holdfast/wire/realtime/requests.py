"""Requests for a response that nobody has begun to answer yet.

What lives here: which request a response answers, and those that were cancelled before their turn came.
What never will: answering.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from holdfast.wire.realtime.events import Json

WAITING_MAX: Final = 64
"""Whoever asks faster than is answered: the oldest are known by what they asked for alone."""


@dataclass(slots=True, eq=False)
class Request:
    """One `response.create`: its `response`, and the client's own id of it."""

    body: Mapping[str, Any]
    event_id: str | None = None
    is_cancelled: bool = False


class Requests:
    """Those that wait, in order."""

    def __init__(self) -> None:
        self._waiting: deque[Request] = deque(maxlen=WAITING_MAX)

    def made(self, body: Json, event_id: str | None) -> None:
        """The client asks."""
        self._waiting.append(Request(body, event_id))

    def take(self, body: Mapping[str, Any] | None) -> Request:
        """The request with this very body, which waits no more; None: the newest, or nobody's."""
        for request in reversed(self._waiting):
            if body is None or request.body is body:
                self._waiting.remove(request)
                return request
        return Request({} if body is None else body)

    def cancel(self) -> bool:
        """End those in the conversation as soon as they begin; False when none waits."""
        found = [
            one for one in self._waiting if not one.is_cancelled and one.body.get("conversation") != "none"
        ]
        for request in found:
            request.is_cancelled = True
        return bool(found)
