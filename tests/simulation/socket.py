"""A caller's connection: messages under way, a close, a death that each side notices in its time.

What lives here: what arrives, and when.
What never will: what a message means.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.effects import Play, Tell
from holdfast.core.events import ResumeAsked

if TYPE_CHECKING:
    from tests.simulation.caller import Caller
    from tests.simulation.gateway import Runner


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection is over, as the caller sees it."""

    code: int


Arrival = tuple[float, Tell | Play | Closed, bool]
"""When, what, and whether it belongs to a tail that is caught up with."""


class Socket:
    """One connection."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.clock = caller.clock
        self.lag_s = caller.script.lag_s
        self.runner: Runner | None = None
        self.inbox: deque[Arrival] = deque()
        self.is_dead = False
        """Nothing passes any more, in either direction."""
        self.is_closed = False
        """The gateway has said goodbye: what was sent before still arrives."""

    def send(self, message: Tell | Play) -> None:
        """The gateway says something."""
        if not self.is_dead and not self.is_closed:
            is_tail = isinstance(self.caller.world.event, ResumeAsked)
            self.inbox.append((self.clock.now + self.lag_s, message, is_tail))

    def closes(self, code: int) -> None:
        """The gateway closes; its own side is over at once."""
        if not self.is_dead and not self.is_closed:
            self.is_closed = True
            self.inbox.append((self.clock.now + self.lag_s, Closed(code), False))

    def breaks(self, notices_s: float = 0.0, gateway_notices_s: float = 0.0) -> None:
        """The connection is dead: what is under way never arrives."""
        if self.is_dead or self.is_closed:
            return
        self.is_dead = True
        self.inbox.clear()
        self.inbox.append((self.clock.now + notices_s, Closed(1006), False))
        self.clock.after(gateway_notices_s, self._gateway_notices, 1006)

    def hangs_up(self, code: int) -> None:
        """The caller closes."""
        self.is_dead = True
        self.inbox.clear()
        self.clock.after(self.lag_s, self._gateway_notices, code)

    def _gateway_notices(self, code: int) -> None:
        if self.runner is not None:
            self.runner.client_gone(self, code)
