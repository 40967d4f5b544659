"""The turns of one session, and of what the silence after each was made.

What lives here: from "stopped speaking" to "first sound", in named parts; what a client reports of its end.
What never will: sums over sessions (`latency`).

What the gateway sees by itself begins when the upstream says that the user has stopped, and ends when the
first sound is on its way down. Whoever knows more (how long the upstream took to notice, what the line and
the player add) puts it before and behind: `refine`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from holdfast.core.audio import SAMPLE_RATE_HZ

ENDPOINTING: Final = "endpointing"
THINKING: Final = "thinking"
SPEAKING: Final = "speaking"
SEGMENTS: Final = (ENDPOINTING, THINKING, SPEAKING)
"""In the order in which they pass."""
RESPONSES_MAX: Final = 16
"""Answers within one turn that are remembered: tools make several."""


@dataclass(slots=True)
class Turn:
    """One turn of the user's. Times in seconds of the loop's clock; `end_sample` of the session's input."""

    n: int
    began: float
    ended: float | None = None
    begin_sample: int | None = None
    end_sample: int | None = None
    answered: float | None = None
    """When the first answer to it began."""
    sounded: float | None = None
    """When its first sound was on its way."""
    interrupted_after_ms: int | None = None
    cost_usd: float | None = None
    is_typed: bool = False
    response_ids: list[str] = field(default_factory=list)
    segments: tuple[tuple[str, float], ...] = ()
    """What the silence was made of, in order (ms); nothing before the first sound."""

    @property
    def waits(self) -> bool:
        """Whether it is over and nothing was heard in answer."""
        return self.ended is not None and self.sounded is None

    @property
    def speech_s(self) -> float | None:
        """How long the user spoke, by the count of samples."""
        if self.begin_sample is None or self.end_sample is None:
            return None
        return max(0.0, (self.end_sample - self.begin_sample) / SAMPLE_RATE_HZ)

    @property
    def endpointing_s(self) -> float:
        """How much later the upstream said so: what passed between its two words, beyond the speech."""
        if self.ended is None or self.speech_s is None:
            return 0.0
        return max(0.0, self.ended - self.began - self.speech_s)

    def sound(self, at: float) -> None:
        """The first sound of an answer to it is on its way: what the silence was made of is known."""
        self.sounded = at
        if self.ended is None:
            return
        answered = min(at, max(self.ended, self.answered or at))
        parts = (self.endpointing_s, answered - self.ended, at - answered)
        self.segments = tuple((name, round(s * 1000, 1)) for name, s in zip(SEGMENTS, parts, strict=True))

    @property
    def silence_ms(self) -> float | None:
        """What the user waited; None while it is not known."""
        return sum(ms for _, ms in self.segments) if self.segments else None

    def _spoke_until_ms(self, since: float) -> int:
        """The end of the user's speech: before the upstream said so."""
        assert self.ended is not None, "asked of turns that have ended"
        return round((self.ended - self.endpointing_s - since) * 1000)

    def as_object(self, since: float) -> dict[str, object]:
        """For the session's document; `since` is the session's beginning."""
        silence = self.silence_ms
        return {
            "n": self.n,
            "began_ms": round((self.began - since) * 1000),
            "endedMs": None if self.ended is None else self._spoke_until_ms(since),
            "silenceMs": None if silence is None else round(silence, 1),
            "segments": [{"name": name, "ms": ms} for name, ms in self.segments],
            "interruptedAfterMs": self.interrupted_after_ms,
            "cost_usd": self.cost_usd,
            "responseIds": list(self.response_ids),
            "isTyped": self.is_typed,
        }
