"""The emulator's ear and mouth: speech by loudness, and a tone for every word.

What lives here: sums over samples, the same result for the same samples, however they were cut.
What never will: a clock. Time is counted in samples.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import numpy as np

from holdfast.wire.realtime import BYTES_PER_MS, SAMPLE_RATE_HZ

WINDOW_MS: Final = 20
WINDOW_BYTES: Final = WINDOW_MS * BYTES_PER_MS
LOUD_DBFS: Final = -45.0
ONSET_MS: Final = 60
"""So much loud audio in a row begins a turn; a click does not."""

_LOUD_POWER: Final = (32768.0 * 10 ** (LOUD_DBFS / 20)) ** 2

DELTA_MS: Final = 100
_AMPLITUDE: Final = 6000
_FADE_MS: Final = 8
_TONE_CHARS: Final = 64
_TONES_KEPT: Final = 256
"""The same words are said again and again, and to make the sound of one takes as long as ten messages."""


@dataclass(frozen=True, slots=True)
class SpeechEdge:
    """Where speech began or ended, in milliseconds of the session's audio."""

    kind: Literal["started", "stopped"]
    ms: int


class Ear:
    """Server voice activity detection by loudness, in windows of 20 ms."""

    def __init__(self) -> None:
        self._rest = b""
        self._past_bytes = 0
        self._loud_ms = 0
        self._quiet_ms = 0
        self._speaking = False

    @property
    def is_speaking(self) -> bool:
        """Whether a turn is going on."""
        return self._speaking

    def feed(self, pcm: bytes, *, prefix_ms: int, silence_ms: int) -> Iterator[SpeechEdge]:
        """Take PCM16 of any length; yields the edges found in it, in order."""
        joined = self._rest + pcm
        whole = len(joined) - len(joined) % WINDOW_BYTES
        self._rest = joined[whole:]
        if not whole:
            return
        windows = np.frombuffer(joined[:whole], dtype="<i2").astype(np.float32).reshape(-1, WINDOW_BYTES // 2)
        loud = np.square(windows).mean(axis=1) > _LOUD_POWER
        for is_loud in loud.tolist():
            edge = self._window(is_loud=is_loud, prefix_ms=prefix_ms, silence_ms=silence_ms)
            if edge is not None:
                yield edge

    def pass_over(self, pcm: bytes) -> None:
        """Audio that nobody listens to: what comes later stands behind it all the same."""
        self._past_bytes += len(self._rest) + len(pcm)
        self._rest = b""

    def forget_turn(self) -> None:
        """The audio was cleared or committed by the client: whatever was going on is over."""
        self._speaking = False
        self._loud_ms = self._quiet_ms = 0

    def _window(self, *, is_loud: bool, prefix_ms: int, silence_ms: int) -> SpeechEdge | None:
        self._past_bytes += WINDOW_BYTES
        now_ms = self._past_bytes // BYTES_PER_MS
        if is_loud:
            self._loud_ms += WINDOW_MS
            self._quiet_ms = 0
        else:
            self._quiet_ms += WINDOW_MS
            self._loud_ms = 0
        if not self._speaking and self._loud_ms >= ONSET_MS:
            self._speaking = True
            return SpeechEdge("started", max(0, now_ms - self._loud_ms - prefix_ms))
        if self._speaking and self._quiet_ms >= silence_ms and self._quiet_ms:
            self._speaking = False
            return SpeechEdge("stopped", now_ms)
        return None


def spoken(text: str, *, char_ms: int) -> bytes:
    """PCM16 24 kHz for a text: `char_ms` for each character, a tone for each word. The same text
    always gives the same bytes, so that a listener can check what it got.
    """
    words = (piece for word in text.split(" ") for piece in _breaths(word))
    return b"".join(_tone(word, max(1, len(word)) * char_ms) for word in words)


def _breaths(word: str) -> list[str]:
    """A word in pieces that a tone is made for at once, and kept."""
    return [word[start : start + _TONE_CHARS] for start in range(0, len(word), _TONE_CHARS)] or [""]


def deltas(pcm: bytes) -> Iterator[bytes]:
    """Cut into pieces of 100 ms."""
    step = DELTA_MS * BYTES_PER_MS
    for start in range(0, len(pcm), step):
        yield pcm[start : start + step]


@lru_cache(_TONES_KEPT)
def _tone(word: str, ms: int) -> bytes:
    pitch_hz = 120 + zlib.crc32(word.encode()) % 180
    count = ms * SAMPLE_RATE_HZ // 1000
    time_s = np.arange(count, dtype=np.float64) / SAMPLE_RATE_HZ
    wave = np.sin(2 * math.pi * pitch_hz * time_s) + 0.4 * np.sin(4 * math.pi * pitch_hz * time_s)
    fade = min(_FADE_MS * SAMPLE_RATE_HZ // 1000, count // 2)
    if fade:
        ramp = np.linspace(0.0, 1.0, fade)
        wave[:fade] *= ramp
        wave[-fade:] *= ramp[::-1]
    return np.rint(wave * _AMPLITUDE).astype("<i2").tobytes()
