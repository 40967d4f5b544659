"""Two clocks of one voice: the samples an upstream was given, and their positions in the session's input.

What lives here: the mapping, in segments; a gap (lost samples, another upstream) begins a new one.
What never will: audio.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from holdfast.core.recent import Recent

SEGMENTS_MAX = 256
MARKS_MAX = 256
"""One each 480 ms of audio: more than a client may send in the time that a ping hides."""


@dataclass(slots=True)
class Timeline:
    """What the present upstream heard. Empty for a new one."""

    given: int = 0
    """Samples given to this upstream so far: its own clock."""
    expected: int = -1
    """The session position that continues the last segment."""
    _upstream: list[int] = field(default_factory=list)
    _session: list[int] = field(default_factory=list)
    _marks: Recent[tuple[float, int]] = field(default_factory=lambda: Recent(MARKS_MAX))
    """Moments, and up to where the input had been given by then."""

    @property
    def first(self) -> int:
        """The session position of the first sample that this upstream was given."""
        return self._session[0] if self._session else self.expected

    def mark(self, now: float, position: int | None = None) -> None:
        """Remember how far the input has come by now, or had come then."""
        self._marks.append((now, self.expected if position is None else position))

    def given_by(self, moment: float) -> int:
        """Up to which session position this upstream had been given the input at `moment`, at least."""
        return next((position for at, position in reversed(self._marks) if at <= moment), self.first)

    def advance(self, start: int, samples: int) -> None:
        """`samples` from session position `start` were given. The common case, no gap, is one comparison."""
        if start != self.expected:
            self._upstream.append(self.given)
            self._session.append(start)
            if len(self._upstream) > SEGMENTS_MAX:
                del self._upstream[0], self._session[0]
        self.given += samples
        self.expected = start + samples

    def position(self, upstream_sample: int) -> int:
        """The session position of a sample that the upstream counts as `upstream_sample`."""
        at = bisect_right(self._upstream, upstream_sample) - 1
        if at < 0:
            return upstream_sample
        return self._session[at] + upstream_sample - self._upstream[at]
