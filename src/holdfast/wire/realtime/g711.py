"""G.711 (µ-law and A-law, 8 kHz) to and from PCM16 at 24 kHz, as streams.

What lives here: the two companding laws (ITU-T G.711) as tables, and a three-fold resampler whose state
carries over from chunk to chunk, so that cutting a stream anywhere changes nothing.
What never will: deciding which format a session has.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Law = Literal["audio/pcmu", "audio/pcma"]
Samples = NDArray[np.float32]

RATIO: Final = 3
"""24 kHz over 8 kHz."""

PCM_GROWTH: Final = 2 * RATIO
"""Bytes of PCM for one byte of G.711."""

_TAPS: Final = 48
_CUTOFF_HZ: Final = 3600
_RATE_HZ: Final = 24_000


@cache
def _expansion(law: Law) -> NDArray[np.int16]:
    """The 256 values a byte can mean."""
    codes = np.arange(256, dtype=np.int32)
    if law == "audio/pcmu":
        codes = ~codes & 0xFF
        size = (((codes & 0x0F) << 3) + 0x84 << ((codes & 0x70) >> 4)) - 0x84
        values = np.where(codes & 0x80, -size, size)
    else:
        codes ^= 0x55
        exponent, mantissa = (codes & 0x70) >> 4, (codes & 0x0F) << 4
        size = np.where(exponent == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(exponent - 1, 0))
        values = np.where(codes & 0x80, size, -size)
    return values.astype(np.int16)


@cache
def _compression(law: Law) -> NDArray[np.uint8]:
    """For each of the 65 536 samples (as unsigned index) the byte whose meaning is nearest."""
    values = _expansion(law).astype(np.int32)
    order = np.argsort(values, kind="stable")
    borders = (values[order][1:] + values[order][:-1]) / 2
    samples = np.arange(65_536, dtype=np.uint16).view(np.int16)
    return order[np.searchsorted(borders, samples)].astype(np.uint8)


@cache
def _low_pass() -> Samples:
    """A windowed sinc that passes the telephone band and adds up to one."""
    place = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps = np.sinc(2 * _CUTOFF_HZ / _RATE_HZ * place) * np.blackman(_TAPS)
    return np.asarray(taps / taps.sum(), dtype=np.float32)


def _to_pcm(wave: Samples) -> bytes:
    return np.clip(np.rint(wave), -32768, 32767).astype("<i2").tobytes()


class Expander:
    """G.711 in, PCM16 24 kHz out; six bytes for each."""

    def __init__(self, law: Law) -> None:
        self._values = _expansion(law)
        self._tail = np.zeros(_TAPS - 1, dtype=np.float32)

    def feed(self, chunk: bytes) -> bytes:
        """The PCM of the next chunk."""
        if not chunk:
            return b""
        stuffed = np.zeros(len(chunk) * RATIO, dtype=np.float32)
        stuffed[::RATIO] = self._values[np.frombuffer(chunk, dtype=np.uint8)]
        wave = np.concatenate([self._tail, stuffed])
        self._tail = wave[-(_TAPS - 1) :]
        return _to_pcm(np.convolve(wave, _low_pass() * RATIO, "valid"))


class Compressor:
    """PCM16 24 kHz in, G.711 out; samples that make no whole one wait for the next chunk."""

    def __init__(self, law: Law) -> None:
        self._codes = _compression(law)
        self._tail = np.zeros(_TAPS - 1, dtype=np.float32)

    def feed(self, pcm: bytes) -> bytes:
        """The G.711 of the next chunk, of whole samples."""
        wave = np.concatenate([self._tail, np.frombuffer(pcm, dtype="<i2").astype(np.float32)])
        count = (len(wave) - _TAPS + 1) // RATIO
        if count <= 0:
            self._tail = wave
            return b""
        used = wave[: count * RATIO + _TAPS - 1]
        self._tail = wave[count * RATIO :]
        slow = np.convolve(used, _low_pass(), "valid")[::RATIO]
        samples = np.clip(np.rint(slow), -32768, 32767).astype(np.int16)
        return self._codes[samples.view(np.uint16)].tobytes()


def expander_for(audio_format: Mapping[str, object]) -> Expander | None:
    """What turns a session's input format into PCM16 24 kHz; None where it is that already."""
    law = audio_format["type"]
    return Expander(law) if law in ("audio/pcmu", "audio/pcma") else None


def compressor_for(audio_format: Mapping[str, object]) -> Compressor | None:
    """What turns PCM16 24 kHz into a response's output format; None where it is that already."""
    law = audio_format["type"]
    return Compressor(law) if law in ("audio/pcmu", "audio/pcma") else None
