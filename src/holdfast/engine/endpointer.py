"""Where a turn begins and ends: `server_vad` as a small machine over speech probabilities.

What lives here: thresholds, hangover, positions. Pure: tested with numbers alone.
What never will: audio, a detector, or what happens at the end of a turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from holdfast.engine.stages import FRAME, RATE

_PER_MS: Final = RATE // 1000
_HYSTERESIS: Final = 0.15
"""Speech goes on until the probability is this much below the threshold (Silero's own habit)."""
_HALF_FRAME_MS: Final = FRAME // _PER_MS // 2
LONGEST_TURN_MS: Final = 60_000
_SURE_MS: Final = 64
"""So much silence is a pause and no stop consonant."""
_LEAD_MS: Final = 192
"""So long before the end of the turn a pause is told, where the hangover has room: an answer can begin."""
_SECOND_LOOK_MS: Final = 400
"""Where a pause is judged: so long after it began it is told again, then each time that it has doubled."""
_EAGERNESS_MS: Final = {"low": 900, "medium": 500, "auto": 500, "high": 300}
_JUDGED: Final[Mapping[str, tuple[int, int, float]]] = {
    "low": (500, 8_000, 0.7),
    "medium": (300, 4_000, 0.5),
    "auto": (300, 4_000, 0.5),
    "high": (200, 2_000, 0.3),
}
"""The shortest and the longest silence that ends a turn, and how sure the judge must be of the shortest. The
longest ones are the dialect's.
"""
_LONGER_MS: Final = 2_000
"""So much longer than it asks for a session with `server_vad` waits for who has not finished."""


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """What `turn_detection` of a session asks for. Times in milliseconds."""

    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    longest_silence_ms: int = 0
    """Where pauses are judged: so much silence ends a turn whatever the judge says. 0: nobody judges."""
    sure_from: float = 0.5
    """From which likelihood on somebody has finished."""

    @staticmethod
    def of(turn_detection: Mapping[str, Any], *, is_judged: bool = False) -> TurnSettings:
        """From a session's `server_vad` or `semantic_vad`. The latter is a hangover by eagerness where nobody
        judges pauses.
        """
        if turn_detection.get("type") == "semantic_vad":
            eagerness = str(turn_detection.get("eagerness", "auto"))
            if not is_judged:
                return TurnSettings(silence_duration_ms=_EAGERNESS_MS.get(eagerness, 500))
            shortest, longest, sure_from = _JUDGED.get(eagerness, _JUDGED["auto"])
            return TurnSettings(silence_duration_ms=shortest, longest_silence_ms=longest, sure_from=sure_from)
        silence_ms = int(turn_detection.get("silence_duration_ms", 500))
        return TurnSettings(
            threshold=float(turn_detection.get("threshold", 0.5)),
            prefix_padding_ms=int(turn_detection.get("prefix_padding_ms", 300)),
            silence_duration_ms=silence_ms,
            longest_silence_ms=silence_ms + _LONGER_MS if is_judged else 0,
        )


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Speech began; `at_ms` counts from the session's first sample and includes the prefix padding."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """Speech ended; `at_ms` includes the silence that proved it, as the dialect defines."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """Nobody has spoken for a moment: the turn may be over soon, or go on. Once in each pause; where pauses
    are judged, again as they grow.
    """

    at_ms: int
    since: int
    """Which pause: where speech ended, in samples."""


TurnEvent = SpeechStarted | SpeechPaused | SpeechStopped


class Endpointer:
    """One stream's turns. `push` once per frame of `FRAME` samples."""

    def __init__(self, settings: TurnSettings, position: int = 0) -> None:
        """`position`: samples of the stream that went by before this machine was made."""
        self.settings = settings
        self.is_speaking = False
        self._look_ms: int | None = None
        self._has_finished = False
        self._position = position
        self._started_at = 0
        self._last_speech = 0
        self._ended_ms = 0

    def push(self, probability: float) -> TurnEvent | None:
        """The next frame's speech probability; says whether a turn begins, pauses or ends with it."""
        begins = self._position
        self._position += FRAME
        if not self.is_speaking:
            if probability < self.settings.threshold:
                return None
            self.is_speaking = True
            self._started_at = begins
            self._speaks()
            return SpeechStarted(max(self._ended_ms, begins // _PER_MS - self.settings.prefix_padding_ms))
        if probability >= max(self.settings.threshold - _HYSTERESIS, 0.01):
            self._speaks()
        turn_ms = (self._position - self._started_at) // _PER_MS
        if self.silence_ms < self._wanted_ms() and turn_ms < LONGEST_TURN_MS:
            return self._pause()
        self.is_speaking = False
        self._ended_ms = self._position // _PER_MS
        return SpeechStopped(self._ended_ms)

    @property
    def silence_ms(self) -> int:
        """How long nobody has spoken in this turn, or had not when it ended."""
        return (self._position - self._last_speech) // _PER_MS

    def finished(self, since: int) -> None:
        """Who paused there has finished, it is judged. No news when they speak again."""
        self._has_finished = self._has_finished or since == self._last_speech

    def _speaks(self) -> None:
        self._last_speech = self._position
        self._look_ms, self._has_finished = None, False

    def _shortest_ms(self) -> int:
        # Rounded to the nearest frame: never late by a whole one.
        return max(self.settings.silence_duration_ms - _HALF_FRAME_MS, 1)

    def _wanted_ms(self) -> int:
        """So much silence ends the turn."""
        longest_ms = 0 if self._has_finished else self.settings.longest_silence_ms - _HALF_FRAME_MS
        return max(self._shortest_ms(), longest_ms)

    def _pause(self) -> SpeechPaused | None:
        if self._look_ms is None:
            self._look_ms = max(_SURE_MS, self._shortest_ms() - _LEAD_MS)
        if self.silence_ms < self._look_ms:
            return None
        is_judged = self.settings.longest_silence_ms and not self._has_finished
        self._look_ms = max(_SECOND_LOOK_MS, 2 * self.silence_ms) if is_judged else LONGEST_TURN_MS
        return SpeechPaused(self._position // _PER_MS, self._last_speech)

    def skip(self, samples: int) -> None:
        """So much of the stream was thrown away unheard; the next turn begins after it."""
        self._position += samples
        self._ended_ms = self._position // _PER_MS

    def abandon(self) -> None:
        """The turn was ended from outside (commit or clear); the next one begins after it."""
        self.is_speaking = False
        self._ended_ms = self._position // _PER_MS
