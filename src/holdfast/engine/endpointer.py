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
_EAGERNESS_MS: Final = {"low": 900, "medium": 500, "auto": 500, "high": 300}


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """What `turn_detection` of a session asks for. Times in milliseconds."""

    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500

    @staticmethod
    def of(turn_detection: Mapping[str, Any]) -> TurnSettings:
        """From a session's `server_vad` or `semantic_vad`; the latter is a hangover by eagerness here."""
        if turn_detection.get("type") == "semantic_vad":
            eagerness = str(turn_detection.get("eagerness", "auto"))
            return TurnSettings(silence_duration_ms=_EAGERNESS_MS.get(eagerness, 500))
        return TurnSettings(
            threshold=float(turn_detection.get("threshold", 0.5)),
            prefix_padding_ms=int(turn_detection.get("prefix_padding_ms", 300)),
            silence_duration_ms=int(turn_detection.get("silence_duration_ms", 500)),
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
    """Nobody has spoken for a moment: the turn may be over soon, or go on. Once in each pause."""

    at_ms: int


TurnEvent = SpeechStarted | SpeechPaused | SpeechStopped


class Endpointer:
    """One stream's turns. `push` once per frame of `FRAME` samples."""

    def __init__(self, settings: TurnSettings, position: int = 0) -> None:
        """`position`: samples of the stream that went by before this machine was made."""
        self.settings = settings
        self.is_speaking = False
        self._is_paused = False
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
            self.is_speaking, self._is_paused = True, False
            self._started_at = begins
            self._last_speech = self._position
            return SpeechStarted(max(self._ended_ms, begins // _PER_MS - self.settings.prefix_padding_ms))
        if probability >= max(self.settings.threshold - _HYSTERESIS, 0.01):
            self._last_speech, self._is_paused = self._position, False
        silence_ms = (self._position - self._last_speech) // _PER_MS
        turn_ms = (self._position - self._started_at) // _PER_MS
        # Rounded to the nearest frame: never late by a whole one.
        wanted_ms = max(self.settings.silence_duration_ms - _HALF_FRAME_MS, 1)
        if silence_ms < wanted_ms and turn_ms < LONGEST_TURN_MS:
            if self._is_paused or silence_ms < max(_SURE_MS, wanted_ms - _LEAD_MS):
                return None
            self._is_paused = True
            return SpeechPaused(self._position // _PER_MS)
        self.is_speaking = False
        self._ended_ms = self._position // _PER_MS
        return SpeechStopped(self._ended_ms)

    def skip(self, samples: int) -> None:
        """So much of the stream was thrown away unheard; the next turn begins after it."""
        self._position += samples
        self._ended_ms = self._position // _PER_MS

    def abandon(self) -> None:
        """The turn was ended from outside (commit or clear); the next one begins after it."""
        self.is_speaking = False
        self._ended_ms = self._position // _PER_MS
