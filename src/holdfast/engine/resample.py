"""The one typed door to soxr: streaming conversion between the wire's 24 kHz and the engine's 16 kHz.

What lives here: PCM16 bytes to samples and back. What never will: files, or other rates.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import soxr

from holdfast.engine.stages import RATE, Samples

WIRE_RATE: Final = 24_000
_QUALITY: Final = "LQ"
"""soxr's low quality holds back 2.5 to 12.5 ms, the better ones up to 37 ms."""


def to_samples(pcm: bytes) -> Samples:
    """PCM16 little endian to float32 in [-1, 1)."""
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(32768.0)


def to_pcm(samples: Samples) -> bytes:
    """Float32 to PCM16 little endian, clipped."""
    scaled = np.clip(samples * np.float32(32768.0), -32768.0, 32767.0)
    return bytes(scaled.astype("<i2").tobytes())


class Resampler:
    """One direction of one stream."""

    def __init__(self, source: int, target: int) -> None:
        self._stream: Any = soxr.ResampleStream(source, target, 1, dtype="float32", quality=_QUALITY)

    def feed(self, samples: Samples, *, last: bool = False) -> Samples:
        """The next samples; fewer come back than expected until the filter is full. `last` drains it."""
        converted: Samples = self._stream.resample_chunk(samples, last=last)
        return converted

    def reset(self) -> None:
        """Forget the stream so far."""
        self._stream.clear()


def down() -> Resampler:
    """From the wire to the engine."""
    return Resampler(WIRE_RATE, RATE)


def up() -> Resampler:
    """From the engine to the wire."""
    return Resampler(RATE, WIRE_RATE)
