"""How much is measured: who, how many sessions, how often.

What lives here: the shapes of runs as data, one for each part of `holdfast bench`. Pure.
What never will: measuring.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from holdfast.bench.plans import Face

Who = tuple[str, Face]

_ITS_FACES: Final[tuple[Face, ...]] = ("json", "json-resume", "page", "binary")
GATEWAY: Final[tuple[Who, ...]] = tuple(("gateway", face) for face in _ITS_FACES)
UNJOINED: Final[tuple[Who, ...]] = tuple(("unjoined", face) for face in _ITS_FACES)
"""The gateway that joins no frames: as many messages up as it was given, so that the cost of one can be put
beside what one costs others."""
OURS: Final[tuple[Who, ...]] = (("gateway", "json"), ("gateway", "page"))
"""The two faces as they are used most."""
ALONE: Final[tuple[Who, ...]] = (("unjoined", "json"), ("unjoined", "page"))
"""The same, each frame on its own."""
NGINX: Final[Who] = ("nginx", "json")
BARE: Final[Who] = ("bare", "json")
BARE_BINARY: Final[Who] = ("bare", "binary")

HAPROXY: Final[Who] = ("haproxy", "json")
AIOHTTP: Final[Who] = ("aiohttp", "json")
LITELLM: Final[Who] = ("litellm", "json")
DIRECT: Final[Who] = ("direct", "json")
CHECKED: Final[tuple[Who, ...]] = (DIRECT, NGINX, *OURS, *ALONE)
"""Whose added latency is looked at with many sessions."""

EVERYBODY: Final = ("direct", "nginx", "haproxy", "bare", "gateway", "unjoined", "aiohttp", "litellm")
ALWAYS: Final = frozenset({"direct", "gateway", "unjoined"})
"""Without these there is nothing to tell."""
TLS_MOST: Final = 100
"""The upstream that speaks TLS is a Python one: with more sessions it would be what is measured."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What distinguishes talks that may be put side by side."""

    frame_ms: int = 20
    tls: bool = False

    def __str__(self) -> str:
        return f"{self.frame_ms} ms{', TLS upstream' if self.tls else ''}"


@dataclass(frozen=True, slots=True)
class Shape:
    """How much is measured."""

    parts: tuple[str, ...]
    names: tuple[str, ...] = EVERYBODY
    """Who shall take part, where it is here."""
    sessions: tuple[int, ...] = (50, 100, 300)
    rounds: int = 3
    seconds: float = 3.0
    warm_up_s: float = 1.0
    busy_warm_up_s: float = 4.0
    """The same where a core is nearly full: a gateway that joins frames looks for seconds before it does."""
    frames_ms: tuple[int, ...] = (20, 100)
    tls: bool = True
    """Also before an upstream that speaks TLS."""
    faces: tuple[Face, ...] = ("json", "page")
    """The gateway's."""
    unjoined_faces: tuple[Face, ...] = _ITS_FACES
    """Those of the gateway that joins no frames; none: it takes no part."""
    check_at: int = 400
    """At so many sessions the added latency is judged, and what joining frames gives; 0: nowhere."""
    most: int = 1600
    """The search for the most sessions goes no further."""
    setup_rounds: int = 3
    weight_rounds: int = 2
    idle: int = 500
    active: int = 50
    active_s: float = 20.0
    """For so long those talk whose memory is looked at; 0: nobody does."""

    def counts(self, kind: Kind) -> tuple[int, ...]:
        """Numbers of sessions for one kind of talk."""
        if kind.tls:
            return tuple(count for count in self.sessions if count <= TLS_MOST) or self.sessions[:1]
        check = (self.check_at,) if self.check_at and kind == Kind() else ()
        return tuple(dict.fromkeys((*self.sessions, *check)))

    def takes_part(self, one: Who, sessions: int) -> bool:
        """Where only the latency is judged, only those do whom it concerns."""
        return sessions in self.sessions or one in CHECKED


SHAPES: Final[dict[str, Shape]] = {
    "quick": Shape(
        ("relay", "setups"),
        sessions=(100,),
        seconds=2.0,
        warm_up_s=0.5,
        frames_ms=(20,),
        tls=False,
        faces=("json", "json-resume", "page"),
        unjoined_faces=(),
        check_at=0,
        setup_rounds=1,
    ),
    "relay": Shape(("relay",)),
    "capacity": Shape(("capacity",), unjoined_faces=("json", "page")),
    "setups": Shape(("setups",), setup_rounds=5),
    "memory": Shape(("memory",)),
    "all": Shape(("relay", "capacity", "setups", "memory")),
}
"""What each part of the command measures unless it is told otherwise."""
