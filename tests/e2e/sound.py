"""Sound for the tests: made here, never stored; and how alike two recordings are.

What lives here: band-limited noise, WAV files in the shape Chromium's fake microphone needs, alignment to a part of
a sample. What never will: browsers.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

RATE = 24_000
Floats = np.ndarray[tuple[int], np.dtype[np.float64]]


def noise(seconds: float, *, seed: int = 7, rate: int = 48_000) -> Floats:
    """Noise between 150 and 6,000 Hz whose loudness moves like speech; peak 0.5."""
    count = int(seconds * rate)
    generator = np.random.default_rng(seed)
    spectrum = np.fft.rfft(generator.standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / rate)
    spectrum[(frequency < 150) | (frequency > 6_000)] = 0
    sound = np.fft.irfft(spectrum, count)
    time = np.arange(count) / rate
    sound *= 0.6 + 0.4 * np.sin(2 * np.pi * 3.1 * time)
    return np.asarray(0.5 * sound / np.abs(sound).max(), dtype=np.float64)


def write_microphone(path: Path, sound: Floats, rate: int = 48_000, *, lead_s: float = 0.3, tail_s: float = 1.5) -> Path:
    """A WAV for the fake microphone: it swallows the first 30 ms and repeats the last 10 ms for ever."""
    lead, tail = np.zeros(int(lead_s * rate)), np.zeros(int(tail_s * rate))
    pcm = np.round(np.concatenate([lead, sound, tail]) * 32_767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm.tobytes())
    return path


def resampled(sound: Floats, from_rate: int, to_rate: int = RATE) -> Floats:
    """Ideal conversion (by spectrum) for a sound that begins and ends in silence."""
    count = round(len(sound) * to_rate / from_rate)
    spectrum = np.fft.rfft(sound)
    kept = np.zeros(count // 2 + 1, dtype=complex)
    shared = min(len(kept), len(spectrum))
    kept[:shared] = spectrum[:shared]
    return np.asarray(np.fft.irfft(kept, count) * count / len(sound), dtype=np.float64)


def likeness(heard: Floats, spoken: Floats) -> float:
    """Correlation of the whole of `spoken` with where it lies in `heard`, aligned to a hundredth of a sample."""
    lag = _lag(heard, spoken)
    best = 0.0
    for part in np.arange(-1, 1.001, 0.01):
        moved = _shifted(heard[lag : lag + len(spoken)], part)
        best = max(best, float(np.corrcoef(moved, spoken[: len(moved)])[0, 1]))
    return best


def window_likeness(heard: Floats, spoken: Floats, window_s: float = 0.2) -> list[tuple[int, float]]:
    """(lag in samples, correlation) for each window of `spoken`: constant lags mean that nothing is missing."""
    size = int(window_s * RATE)
    lag = _lag(heard, spoken)
    found = []
    for at in range(0, len(spoken) - size, size):
        piece = spoken[at : at + size]
        near = heard[max(0, lag + at - 480) : lag + at + size + 480]
        local = _lag(near, piece)
        found.append((local + max(0, lag + at - 480) - at, likeness(near, piece)))
    return found


def _lag(heard: Floats, spoken: Floats) -> int:
    size = 1 << int(np.ceil(np.log2(len(heard) + len(spoken))))
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(spoken, size)), size)
    return int(np.argmax(product[: max(1, len(heard) - len(spoken) + 1)]))


def _shifted(sound: Floats, part: float) -> Floats:
    """The same sound, a part of a sample earlier."""
    frequency = np.fft.rfftfreq(len(sound))
    return np.asarray(
        np.fft.irfft(np.fft.rfft(sound) * np.exp(2j * np.pi * frequency * part), len(sound)), dtype=np.float64
    )
