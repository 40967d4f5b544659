"""The link to whoever speaks to us: connected, greeted, away for a while, gone.

What lives here: whether a client may be told anything, whether it has a session, whether it is expected back.
What never will: sockets, tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Final


class ClientPhase(StrEnum):
    CONNECTED = auto()  # the socket is open, create_session has not come
    ATTACHED = auto()  # it has a session
    AWAY = auto()  # its socket broke; the session waits for it
    GONE = auto()


class ClientSignal(StrEnum):
    ASKED = auto()
    LEFT = auto()  # the socket is over
    RETURNED = auto()
    ENDED = auto()


# The docs draw their diagram from this table. A pair that is absent is refused to the client, or a bug.
CLIENT_TRANSITIONS: Final = {
    (ClientPhase.CONNECTED, ClientSignal.ASKED): ClientPhase.ATTACHED,
    (ClientPhase.CONNECTED, ClientSignal.LEFT): ClientPhase.GONE,
    (ClientPhase.ATTACHED, ClientSignal.LEFT): ClientPhase.AWAY,
    (ClientPhase.ATTACHED, ClientSignal.RETURNED): ClientPhase.ATTACHED,
    (ClientPhase.AWAY, ClientSignal.RETURNED): ClientPhase.ATTACHED,
    **{(phase, ClientSignal.ENDED): ClientPhase.GONE for phase in ClientPhase},
}


@dataclass(slots=True)
class ClientLink:
    phase: ClientPhase = ClientPhase.CONNECTED

    is_attached: bool = False
    """Whether a client is there and has a session; read for each message, so it is kept, not asked."""
    is_listening: bool = True
    """Whether anybody listens."""

    def may(self, signal: ClientSignal) -> bool:
        """Whether `signal` is legal now."""
        return (self.phase, signal) in CLIENT_TRANSITIONS

    def move(self, signal: ClientSignal) -> None:
        """Follow the table. KeyError is a bug of ours: ask `may` about what a client sent."""
        self.phase = CLIENT_TRANSITIONS[self.phase, signal]
        self.is_attached = self.phase is ClientPhase.ATTACHED
        self.is_listening = self.phase in {ClientPhase.CONNECTED, ClientPhase.ATTACHED}

    @property
    def is_away(self) -> bool:
        """Whether the client is expected back."""
        return self.phase is ClientPhase.AWAY
