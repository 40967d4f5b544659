"""The one audio format of the house, and arithmetic on it.

PCM16 little endian, mono, 24 kHz, as the Realtime protocol's `audio/pcm` (protocol reference, 2.3).
Positions are counted in samples; milliseconds appear only where a protocol wants them.
"""

from __future__ import annotations

from typing import Final

SAMPLE_RATE_HZ: Final = 24_000
SAMPLE_BYTES: Final = 2
SAMPLES_PER_MS: Final = SAMPLE_RATE_HZ // 1_000


def samples_of_bytes(size: int) -> int:
    """Whole samples in `size` bytes."""
    return size // SAMPLE_BYTES


def samples_of_seconds(seconds: float) -> int:
    """Samples in `seconds`, rounded to the nearest."""
    return round(seconds * SAMPLE_RATE_HZ)


def samples_of_ms(ms: int) -> int:
    """Samples in `ms` milliseconds."""
    return ms * SAMPLES_PER_MS


def ms_of_samples(samples: int) -> int:
    """Whole milliseconds in `samples`, rounded down."""
    return samples // SAMPLES_PER_MS


def seconds_of_samples(samples: int) -> float:
    """Seconds in `samples`."""
    return samples / SAMPLE_RATE_HZ
