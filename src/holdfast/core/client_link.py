"""The link to whoever speaks to us: connected, greeted, gone.

What lives here: whether a client may be told anything, and whether it has asked for a session yet.
What never will: sockets. Coming back to a session (`detached`, with a grace) gets its rows here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


class ClientPhase(Enum):
    CONNECTED = auto()  # the socket is open, create_session has not come
    ATTACHED = auto()  # it has a session
    GONE = auto()


class ClientSignal(Enum):
    ASKED = auto()
    LEFT = auto()


# The docs draw their diagram from this table. A pair that is absent is refused to the client, or a bug.
CLIENT_TRANSITIONS: Final = {
    (ClientPhase.CONNECTED, ClientSignal.ASKED): ClientPhase.ATTACHED,
    (ClientPhase.CONNECTED, ClientSignal.LEFT): ClientPhase.GONE,
    (ClientPhase.ATTACHED, ClientSignal.LEFT): ClientPhase.GONE,
    (ClientPhase.GONE, ClientSignal.LEFT): ClientPhase.GONE,
}


@dataclass(slots=True)
class ClientLink:
    phase: ClientPhase = ClientPhase.CONNECTED

    is_attached: bool = False
    """Whether a session exists for this client; read for each message, so it is kept, not asked."""
    is_gone: bool = False
    """Whether nobody listens any more."""

    def may(self, signal: ClientSignal) -> bool:
        """Whether `signal` is legal now."""
        return (self.phase, signal) in CLIENT_TRANSITIONS

    def move(self, signal: ClientSignal) -> None:
        """Follow the table. KeyError is a bug of ours: ask `may` about what a client sent."""
        self.phase = CLIENT_TRANSITIONS[self.phase, signal]
        self.is_attached = self.phase is ClientPhase.ATTACHED
        self.is_gone = self.phase is ClientPhase.GONE
