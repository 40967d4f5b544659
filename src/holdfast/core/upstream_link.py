"""The link to whoever answers: dialling, open, created, live, backing off, ended.

What lives here: which upstream may speak, and how far its session has come. An open socket proves nothing;
`session.created` is proof of life; audio may flow from `session.updated` on (protocol reference, facts 3, 7).
What never will: sockets, sleeping, knowing why a link died (`faults`), what to do then (`endpoints`).

Every dial has a generation. Whatever bears an older one is a voice from a dead link: it is counted and
dropped, never an error, because reader and writer of one socket both report its death.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Final

from holdfast.core.effects import Manner
from holdfast.core.faults import Fault
from holdfast.core.limits import Limits


class UpstreamPhase(StrEnum):
    IDLE = auto()
    DIALING = auto()
    OPEN = auto()  # 101 seen, waiting for session.created
    CREATED = auto()  # our settings are sent, waiting for session.updated
    LIVE = auto()
    BACKING_OFF = auto()
    ENDED = auto()


class UpstreamSignal(StrEnum):
    DIALED = auto()
    OPENED = auto()
    CREATED = auto()
    CONFIGURED = auto()
    LOST = auto()
    RESTED = auto()  # left on purpose, to be dialled again when somebody is there
    ENDED = auto()


_P, _S = UpstreamPhase, UpstreamSignal

# The docs draw their diagram from this table. A pair that is absent is a breach by the upstream.
UPSTREAM_TRANSITIONS: Final[dict[tuple[UpstreamPhase, UpstreamSignal], UpstreamPhase]] = {
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
    **{(phase, _S.RESTED): _P.IDLE for phase in UpstreamPhase if phase is not _P.ENDED},
    **{(phase, _S.ENDED): _P.ENDED for phase in UpstreamPhase},
}

BREACH_WINDOW_S: Final = 60.0
_SILENT: Final = frozenset({_P.IDLE, _P.BACKING_OFF, _P.ENDED})


@dataclass(slots=True)
class UpstreamLink:
    phase: UpstreamPhase = UpstreamPhase.IDLE
    generation: int = 0
    session_id: str = ""
    model: str = ""
    stages: dict[str, str] = field(default_factory=dict)
    """Who does the work of which stage, where an engine has it done by others."""
    at_work_at: float = 0.0
    """When it last said so, which it does again and again while it waits for one of them."""
    endpoint: int = 0
    """Number of the upstream in the list."""
    manner: Manner = Manner.PLAIN
    lifetime_s: float | None = None
    created_at: float = 0.0
    """When its life began, as the upstream counts it; `session.updated` may come late."""
    left_out: tuple[str, ...] = ()
    """Our settings that it has no word for."""
    live_at: float = 0.0
    is_proving: bool = False
    """It was asked for a sign of life."""
    is_live: bool = False
    """Whether audio may flow: not while what was held goes up at a walking pace."""
    voice: int = -1
    """The generation that may speak; -1 for none."""
    hears: bool | None = None
    """Whether it hears the user: it has told of speech; it was found not to; None: nobody knows yet."""
    _breaches: list[float] = field(default_factory=list)
    _errors: list[float] = field(default_factory=list)
    last_error: Fault | None = None
    """What an `error` event said before the link broke: it knows more than the close code."""

    @property
    def is_dialed(self) -> bool:
        """Whether there is anything to hang up."""
        return self.phase not in _SILENT

    @property
    def is_starting(self) -> bool:
        """Whether a dialled link is on its way to live."""
        return self.phase in {_P.DIALING, _P.OPEN, _P.CREATED}

    def looks_in(self, limits: Limits, now: float) -> float:
        """Seconds until a moment to leave it is looked for. Who had to wait for its turn is not new then."""
        return max(0.0, self.created_at + self._life_s(limits) * limits.rotate_look - now)

    def life_left(self, limits: Limits, now: float) -> float:
        """Seconds until it must be left; none when it should have been."""
        return max(0.0, self.created_at + self._life_s(limits) * limits.rotate_force - now)

    def _life_s(self, limits: Limits) -> float:
        return self.lifetime_s or limits.upstream_life_s

    def may_speak(self, generation: int) -> bool:
        """Whether words bearing this generation still count."""
        return generation == self.voice

    def breach(self, now: float) -> int:
        """Note a message that is no event; answers how many there were within a minute."""
        self._breaches = [*(at for at in self._breaches if now - at < BREACH_WINDOW_S), now]
        return len(self._breaches)

    def server_error(self, now: float) -> int:
        """Note an error of the upstream's own; answers how many there were within a minute."""
        self._errors = [*(at for at in self._errors if now - at < BREACH_WINDOW_S), now]
        return len(self._errors)

    def dial(self, generation: int, endpoint: int, manner: Manner = Manner.PLAIN) -> None:
        """Begin anew, with a voice that no other link has."""
        self.generation = generation
        self.endpoint = endpoint
        self.manner = manner
        self.session_id = self.model = ""
        self.stages = {}
        self.lifetime_s = self.last_error = None
        self.is_proving = False
        self.hears = None
        self._breaches, self._errors = [], []
        self.move(UpstreamSignal.DIALED)

    def may(self, signal: UpstreamSignal) -> bool:
        """Whether `signal` is legal now."""
        return (self.phase, signal) in UPSTREAM_TRANSITIONS

    def move(self, signal: UpstreamSignal) -> None:
        """Follow the table. KeyError is a bug of ours: ask `may` about what an upstream sent."""
        self.phase = UPSTREAM_TRANSITIONS[self.phase, signal]
        self.is_live = self.phase is UpstreamPhase.LIVE
        self.voice = -1 if self.phase in _SILENT else self.generation
