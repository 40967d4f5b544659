"""What is to be measured, and what it gave: the words between the rounds and the generators.

What lives here: plans and samples as data; both generators, the compiled one and the Python one, speak them.
What never will: measuring.

One message is one event relayed one way, as the load sees it. A gateway that joins frames sends fewer
messages up than it was given: that is why the upstream's own counts are told, and processor time for a second
of audio.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

Face = Literal["json", "json-resume", "binary", "page"]
"""The Realtime dialect; the same with a client that may come back and says what it has; the browser protocol
with bare PCM; with positions, as the page speaks it."""

Generator = Literal["compiled", "python"]

IN_JSON: Final[frozenset[Face]] = frozenset({"json", "json-resume"})
"""Faces on which audio is base64 within JSON."""


CROWDED: Final = 0.85
"""A share of a core from which on its owner's waiting shows in the figures."""
LATE: Final = 0.25
"""So much of a frame's time may the load be late with one frame in a hundred."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Sessions that talk. `pids`: all processes of the candidate; `upstream_pid` shares the load's cores."""

    face: Face
    url: str
    sessions: int
    seconds: float
    warm_up_s: float
    pids: tuple[int, ...]
    upstream_pid: int
    turns: int = 1
    """The window is cut in so many. Sessions begin each at other moments: how they fall together counts."""
    frame_ms: int = 20
    counts: str = ""
    """The file of the upstream's counts (`Upstream.counts`), when it serves nobody else meanwhile."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one measurement gave. Times in seconds unless the name says otherwise; shares of one core."""

    messages: int
    """Sent and received by the load within the windows."""
    cpu_us: float
    """Processor time of the candidate for one message, user and system."""
    candidate_share: float
    load_share: float
    upstream_share: float
    rtt_p50_ms: float
    rtt_p99_ms: float
    late_p99_ms: float
    """How late the load itself was with its frames."""
    lost: int
    altered: int
    troubles: tuple[str, ...] = ()
    doubled: int = 0
    swapped: int = 0
    """Frames that came after their successors."""
    rtt_p95_ms: float = 0.0
    frame_ms: int = 20
    audio_s: float = 0.0
    """Seconds of speech that were sent within the windows, of all sessions together."""
    cpu_ms_per_audio_s: float = 0.0
    """Processor time of the candidate for one session's second of speech, up and down."""
    upstream_received: int = 0
    """Messages that the upstream got and gave within the windows; 0 without `Plan.counts`."""
    upstream_sent: int = 0
    memory_before: int = 0
    """Memory that the candidate has written itself, bytes: before any session, and after the last window."""
    memory_after: int = 0
    generator: Generator = "python"
    load_cores: int = 1
    """Cores that the load and the upstream had together."""

    @property
    def is_crowded(self) -> bool:
        """Whether load or upstream were near the end of their means: then round trips are theirs."""
        share = self.load_share + self.upstream_share
        busiest = max(self.load_share, self.upstream_share, share / self.load_cores)
        return busiest > CROWDED or self.late_p99_ms > LATE * self.frame_ms

    @property
    def faulty(self) -> int:
        """Frames that did not come back once, whole and in order."""
        return self.lost + self.altered + self.doubled + self.swapped

    @classmethod
    def of(cls, told: dict[str, Any]) -> Sample:
        """From JSON."""
        return cls(**{**told, "troubles": tuple(told["troubles"])})


@dataclass(frozen=True, slots=True)
class SetupPlan:
    """Set-ups, one after the other on each of `at_once` places: connect, shake hands, be ready, close."""

    face: Face
    url: str
    at_once: int
    seconds: float
    pids: tuple[int, ...]
    upstream_pid: int
    warm_up_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Setups:
    """What set-ups cost."""

    setups: int
    """How many sessions became ready and were closed again within the window."""
    per_s: float
    cpu_us: float
    """Processor time of the candidate for one of them."""
    candidate_share: float
    load_share: float
    upstream_share: float
    ready_p50_ms: float
    """From the first SYN until the session was ready."""
    ready_p99_ms: float
    failed: int
    """Sessions that ended before they were ready."""
    refused: int = 0
    """Times a place was told to come again (503), and did half a second later: the candidate sheds load."""
    troubles: tuple[str, ...] = ()
    generator: Generator = "python"

    @classmethod
    def of(cls, told: dict[str, Any]) -> Setups:
        """From JSON."""
        return cls(**{**told, "troubles": tuple(told["troubles"])})


@dataclass(frozen=True, slots=True)
class IdlePlan:
    """Sessions that are open, ready and quiet."""

    face: Face
    url: str
    sessions: int
    pids: tuple[int, ...]
    settle_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Idle:
    """What they weigh: memory that the candidate has written itself, bytes."""

    sessions: int
    memory_before: int
    memory_open: int

    @property
    def bytes_per_session(self) -> float:
        """How much one takes."""
        return (self.memory_open - self.memory_before) / self.sessions
