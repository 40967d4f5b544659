"""Whether an upstream hears what is said: which part of the input is worth listening to, and when.

What lives here: one link's account of looks, for both conductors, and the event that comes of them.
What never will: audio, listening to it (`ports.ears`), when speech counts and what the client is told
(`unheard`, `relay_unheard`).

A part is listened to when the upstream was given it a look ago or longer and has told of nothing since: two
looks' worth of it, so that what is said across a look counts. A link that has once told of speech hears.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from holdfast.core.faults import Fault, fault
from holdfast.core.limits import Limits

MARKS: Final = 4
"""Where the input ended at the last looks: behind what is listened to there is one that was waited for."""
MARKS_LEAST: Final = 3
LISTENED_TO: Final = 3
"""How often one link's input is listened to: noise that is no speech is not listened to for ever."""
EVIDENCE: Final = "{speech_s:.1f} s of speech were given, and nothing was told of them within {after_s:g} s"
LEFT_MAX: Final = 2
"""How often a session leaves an upstream that does not listen: it is tried anew, then with a work-around."""


@dataclass(frozen=True, slots=True)
class Unheard:
    """An event: in what this link was given and told nothing of there is so much speech."""

    generation: int
    speech_s: float
    chance: float = 0.5


@dataclass(slots=True)
class Hearing:
    """Of one link at a time. Positions are the conductor's own: samples, or messages."""

    generation: int = -1
    due_at: float = 0.0
    left: int = LISTENED_TO
    _marks: tuple[int, ...] = ()

    def look(
        self, generation: int, kept: tuple[int, int], every_s: float, now: float, *, may_count: bool
    ) -> tuple[int, int] | None:
        """The part to listen to, if there is one. `kept`: where what is kept of the input begins and ends;
        `may_count`: whether what is given now counts. As long as it does not, each round is a look.
        """
        if generation != self.generation:
            self.generation, self.left, self._marks = generation, LISTENED_TO, (kept[0],)
        if not may_count:
            self._marks, self.due_at = (kept[1],), now
            return None
        self._marks, self.due_at = (*self._marks, kept[1])[-MARKS:], now + every_s
        if len(self._marks) < MARKS_LEAST or not self.left:
            return None
        first, last = self._marks[0], self._marks[-2]
        return (first, last) if first < last else None

    def listened(self) -> None:
        """It was, once more."""
        self.left -= 1


class Link(Protocol):
    """An upstream's, as both conductors have it."""

    generation: int
    session_id: str
    hears: bool | None
    """None: it has neither told of speech nor been found not to."""


class Line(Protocol):
    """A session's account of its links."""

    unheard: int


class Conductor(Protocol):
    """The state of either."""

    limits: Limits

    @property
    def upstream(self) -> Link:
        """The live link."""
        ...

    @property
    def line(self) -> Line:
        """What became of the links before."""
        ...

    def note(self, moment: str, level: str = "info", **facts: object) -> None:
        """Log a key moment."""
        ...


def named(s: Conductor, event: Unheard) -> Fault | None:
    """What is said of an upstream that told nothing; None when that is no news of this one."""
    link = s.upstream
    if event.generation != link.generation or link.hears is not None:
        return None
    words = EVIDENCE.format(speech_s=event.speech_s, after_s=s.limits.unheard_s)
    cause = fault("provider.not_listening", [words])
    link.hears = False
    s.note("upstream.unheard", "warning", upstream_session=link.session_id, **cause.facts)
    return cause


def is_left(line: Line) -> bool:
    """Whether it is left for a fresh one: where that has not helped, it is only named."""
    if line.unheard >= LEFT_MAX:
        return False
    line.unheard += 1
    return True
