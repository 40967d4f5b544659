"""What each stage of the embedded engine promises, as protocols.

What lives here: the shapes between voice activity, recognition, understanding and speech, so that a
better one can be plugged in alone. What never will: an implementation, or a library's type.

Audio between the stages is mono at 16 kHz: `float32` in [-1, 1) into the detectors, PCM16 bytes where
a library wants bytes. Positions are in samples of the session's own stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

RATE: Final = 16_000
"""Samples per second inside the engine."""

FRAME: Final = 512
"""Samples per decision of the voice activity detector (32 ms)."""

Samples = NDArray[np.float32]


Judged = Callable[[Sequence[float]], None]
"""Takes how likely each of some frames holds speech, 0 to 1."""


class Vad(Protocol):
    """Voice activity of one stream."""

    def judge(self, frames: Samples, then: Judged) -> None:
        """The next frames, a row of `FRAME` samples each. `then` is called with as many probabilities: now,
        or when the event loop comes round; give no more frames before.
        """
        ...


class TurnJudge(Protocol):
    """Whether somebody who paused has finished, by how it sounded."""

    def ask(self, samples: Samples, then: Callable[[float], None]) -> None:
        """How likely it is after these samples, 0 to 1, told to `then` on the event loop, not at once."""
        ...

    def close(self) -> None:
        """No more verdicts."""
        ...


class Recogniser(Protocol):
    """Speech to words for one session. Calls come in order: start, feed..., finish."""

    def start(self) -> None:
        """Begin an utterance; one that is open is thrown away."""
        ...

    def feed(self, pcm: bytes) -> None:
        """The next PCM16 samples at 16 kHz."""
        ...

    def partial(self) -> str:
        """The words so far; later calls may revise them."""
        ...

    def finish(self) -> str:
        """End the utterance and say what was heard, lower case, possibly empty."""
        ...

    def teach(self, knowledge: Teachable) -> None:
        """Take over another vocabulary; only between utterances."""
        ...


class Teachable(Protocol):
    """Where a recogniser finds the vocabulary and the language model of a session."""

    @property
    def dictionary_path(self) -> str:
        """File of words and their phones."""
        ...

    @property
    def model_path(self) -> str:
        """File of the trigram model in ARPA form."""
        ...


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an utterance may mean: the best intent, how sure, and the runner-up.

    `score` is a cosine, 0 to 1, after deductions for words the intent does not know.
    """

    intent: str | None
    score: float
    runner_up: str | None = None
    runner_up_score: float = 0.0
    unknown: float = 0.0
    """Share of what was said, by weight, that no example of the intent says."""
    unfamiliar: float = 0.0
    """Share of the pairs of neighbouring words that no example of the intent has."""

    @property
    def margin(self) -> float:
        """How far the best intent is ahead."""
        return self.score - self.runner_up_score


class Understanding(Protocol):
    """Words to meaning. Pure: the same words mean the same."""

    def meaning(self, text: str) -> Meaning:
        """Judge an utterance; never raises."""
        ...


Cancelled = Callable[[], bool]
"""Asked between chunks: shall speech stop?"""


class Voice(Protocol):
    """Text to speech. Blocking; runs in the speaking thread."""

    def speak(self, clause: str, voice: str, speed: float, cancelled: Cancelled) -> Iterator[Samples]:
        """PCM at 16 kHz of one clause in chunks, as early as the synthesiser gives them.

        `voice` is one of `voices()`. Stops early when `cancelled()` turns true. Raises SpeechError. Several
        clauses may be under way at once; chunks are asked for one at a time.
        """
        ...

    def voices(self) -> tuple[str, ...]:
        """Names the synthesiser knows."""
        ...


class SpeechError(Exception):
    """A stage cannot work: one sentence each for what, why and fix."""
