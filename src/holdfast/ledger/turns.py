"""The turns of one session, and of what the silence after each was made.

What lives here: from "stopped speaking" to "first sound", in named parts; what a client reports of its end.
What never will: sums over sessions (`latency`).

What the gateway sees by itself begins when the upstream says that the user has stopped, and ends when the
first sound is on its way down. A client that measures how long its user waited puts the rest before and
behind (`hear`): its count of recorded samples is the one clock of both, so that the parts add up to the
silence that was heard.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from holdfast.core.audio import SAMPLE_RATE_HZ
from holdfast.ports.sightings import SilenceHeard

ENDPOINTING: Final = "endpointing"
THINKING: Final = "thinking"
SPEAKING: Final = "speaking"
NETWORK: Final = "network"
"""Both ways, and what the machines' own buffers add: what no other part explains."""
PLAYBACK: Final = "playback"
SEGMENTS: Final = (ENDPOINTING, THINKING, SPEAKING)
"""In the order in which they pass."""
WAIT_MS_MAX: Final = 60_000
"""Nobody waits longer; a client that says so is not believed."""
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
    received: int | None = None
    """Samples that had come when the upstream said that the user had stopped."""
    answered: float | None = None
    """When the first answer to it began."""
    item_id: str = ""
    """Of the answer's first sound."""
    sounded: float | None = None
    """When its first sound was on its way."""
    interrupted_after_ms: int | None = None
    cost_usd: float | None = None
    is_typed: bool = False
    response_ids: list[str] = field(default_factory=list)
    segments: tuple[tuple[str, float], ...] = ()
    """What the silence was made of, in order (ms); nothing before the first sound."""
    is_heard: bool = False
    """Whether it was measured where it was heard."""

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

    def sound(self, item_id: str, at: float) -> None:
        """The first sound of an answer to it is on its way: what the silence was made of is known."""
        self.item_id, self.sounded = item_id, at
        if self.ended is None:
            return
        answered = min(at, max(self.ended, self.answered or at))
        parts = (self.endpointing_s, answered - self.ended, at - answered)
        self.segments = tuple((name, round(s * 1000, 1)) for name, s in zip(SEGMENTS, parts, strict=True))

    def hear(self, told: SilenceHeard) -> bool:
        """The client's measurement: whether it fits this turn, which then is made of what it says."""
        if self.ended is None or self.sounded is None or self.received is None or self.is_heard:
            return False
        whole = _ms(told.heard_at - told.spoke_until)
        if not 0 <= whole <= WAIT_MS_MAX or not 0 <= told.spoke_until <= self.received:
            return False
        answered = min(self.sounded, max(self.ended, self.answered or self.sounded))
        ours = (
            (ENDPOINTING, _ms(self.received - told.spoke_until)),
            (THINKING, (answered - self.ended) * 1000),
            (SPEAKING, (self.sounded - answered) * 1000),
        )
        playback = min(max(0.0, _ms(told.heard_at - told.received_at)), whole)
        line = whole - playback - sum(ms for _, ms in ours)
        (name, first), *rest = ours
        # Audio comes in frames: our parts may be longer than what was heard by less than one of them.
        first += min(0.0, line)
        if first < 0:
            return False
        parts = ((name, first), *rest, (NETWORK, max(0.0, line)), (PLAYBACK, playback))
        self.segments = tuple((name, round(ms, 1)) for name, ms in parts)
        self.is_heard = True
        return True

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


def _ms(samples: int) -> float:
    return samples * 1000 / SAMPLE_RATE_HZ
