"""The link to whoever answers: dialling, open, created, live, backing off, ended.

What lives here: which upstream may speak, and how far its session has come. An open socket proves nothing;
`session.created` is proof of life; audio may flow from `session.updated` on (protocol reference, facts 3, 7).
What never will: sockets, sleeping, knowing why a link died (`faults`), what to do then (`recovery`).

Every dial has a generation. Whatever bears an older one is a voice from a dead link: it is counted and
dropped, never an error, because reader and writer of one socket both report its death.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from holdfast.core.faults import Fault


class UpstreamPhase(Enum):
    IDLE = auto()
    DIALING = auto()
    OPEN = auto()  # 101 seen, waiting for session.created
    CREATED = auto()  # our settings are sent, waiting for session.updated
    LIVE = auto()
    BACKING_OFF = auto()
    ENDED = auto()


class UpstreamSignal(Enum):
    DIALED = auto()
    OPENED = auto()
    CREATED = auto()
    CONFIGURED = auto()
    LOST = auto()
    ENDED = auto()


_P, _S = UpstreamPhase, UpstreamSignal

# The docs draw their diagram from this table. A pair that is absent is a breach by the upstream.
UPSTREAM_TRANSITIONS: Final = {
    (_P.IDLE, _S.DIALED): _P.DIALING,
    (_P.DIALING, _S.OPENED): _P.OPEN,
    (_P.DIALING, _S.LOST): _P.BACKING_OFF,
    (_P.OPEN, _S.CREATED): _P.CREATED,
    (_P.OPEN, _S.LOST): _P.BACKING_OFF,
    (_P.CREATED, _S.CONFIGURED): _P.LIVE,
    (_P.CREATED, _S.LOST): _P.BACKING_OFF,
    (_P.LIVE, _S.CONFIGURED): _P.LIVE,
    (_P.LIVE, _S.LOST): _P.BACKING_OFF,
    (_P.BACKING_OFF, _S.DIALED): _P.DIALING,
    **{(phase, _S.ENDED): _P.ENDED for phase in _P},
}

BREACH_WINDOW_S: Final = 60.0
_SILENT: Final = frozenset({_P.IDLE, _P.BACKING_OFF, _P.ENDED})


@dataclass(slots=True)
class UpstreamLink:
    phase: UpstreamPhase = UpstreamPhase.IDLE
    generation: int = 0
    session_id: str = ""
    model: str = ""
    attempts: int = 0
    """Dials since the link was last live."""
    stale_count: int = 0
    is_live: bool = False
    """Whether audio may flow: read a hundred times a second, so it is kept, not asked."""
    voice: int = -1
    """The generation that may speak; -1 for none."""
    _breaches: list[float] = field(default_factory=list)
    last_error: Fault | None = None
    """What an `error` event said before the link broke: it knows more than the close code."""

    @property
    def is_starting(self) -> bool:
        """Whether a dialled link is on its way to live."""
        return self.phase in {_P.DIALING, _P.OPEN, _P.CREATED}

    def may_speak(self, generation: int) -> bool:
        """Whether words bearing this generation still count."""
        if generation == self.voice:
            return True
        assert generation <= self.generation, "an upstream we have not dialled yet"
        self.stale_count += 1
        return False

    def breach(self, now: float) -> int:
        """Note a message that is no event; answers how many there were within a minute."""
        self._breaches = [*(at for at in self._breaches if now - at < BREACH_WINDOW_S), now]
        return len(self._breaches)

    def may(self, signal: UpstreamSignal) -> bool:
        """Whether `signal` is legal now."""
        return (self.phase, signal) in UPSTREAM_TRANSITIONS

    def move(self, signal: UpstreamSignal) -> None:
        """Follow the table. KeyError is a bug of ours: ask `may` about what an upstream sent."""
        self.phase = UPSTREAM_TRANSITIONS[self.phase, signal]
        if signal is UpstreamSignal.DIALED:
            self.generation += 1
            self.attempts += 1
            self.session_id = ""
            self.last_error = None
            self._breaches = []
        elif signal is UpstreamSignal.CONFIGURED:
            self.attempts = 0
        self.is_live = self.phase is UpstreamPhase.LIVE
        self.voice = -1 if self.phase in _SILENT else self.generation
