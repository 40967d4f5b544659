"""Something to say to an upstream: its own voice given back to it, else a sound that is loud like speech.

What lives here: PCM16, 24 kHz, mono, with the silence that ends a turn. What never will: recordings.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import Final

from holdfast.core.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ

SILENCE_S: Final = 0.9
"""Longer than the 500 ms after which a turn is over."""
_LEAST_S: Final = 0.4
_PITCH_HZ: Final = 120
_SYLLABLE_S: Final = 0.25
_LOUD: Final = 6_000


@dataclass(frozen=True, slots=True)
class Speech:
    """A turn. `source` says what it is, for the report; `seconds` are without the silence."""

    pcm: bytes
    seconds: float
    source: str

    @classmethod
    def of(cls, voice: bytes, seconds: float) -> Speech:
        """The first `seconds` of a voice; a made sound where there is too little of one."""
        wanted = int(seconds * SAMPLE_RATE_HZ)
        spoken = voice[: wanted * SAMPLE_BYTES]
        source = "its own speech"
        if len(spoken) < min(_LEAST_S, seconds) * SAMPLE_RATE_HZ * SAMPLE_BYTES:
            spoken, source = _humming(wanted), "a humming sound"
        silence = bytes(int(SILENCE_S * SAMPLE_RATE_HZ) * SAMPLE_BYTES)
        return cls(spoken + silence, len(spoken) / SAMPLE_BYTES / SAMPLE_RATE_HZ, source)


def _humming(samples: int) -> bytes:
    """A vowel-like sound in syllables."""
    turn = 2 * math.pi * _PITCH_HZ / SAMPLE_RATE_HZ
    beat = math.pi / (_SYLLABLE_S * SAMPLE_RATE_HZ)
    return array(
        "h",
        (
            int(_LOUD * abs(math.sin(n * beat)) * (0.6 * math.sin(n * turn) + 0.4 * math.sin(5 * n * turn)))
            for n in range(samples)
        ),
    ).tobytes()
