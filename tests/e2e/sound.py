"""Sound for the tests: made here, never stored; and how alike two recordings are.

What lives here: band-limited noise, WAV files in the shape Chromium's fake microphone needs, alignment to a
part of a sample. What never will: browsers.
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


def write_microphone(
    path: Path, sound: Floats, rate: int = 48_000, *, lead_s: float = 0.3, tail_s: float = 1.5
) -> Path:
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
    """How well what was heard is what was spoken: the correlation of the median window of 0.2 s."""
    return float(np.median([correlation for _, correlation in _windows(heard, spoken)]))


def assert_whole(played: Floats, spoken: Floats) -> None:
    """Everything that was spoken lies in what a loudspeaker played, in order.

    A busy machine's device sometimes puts 10 ms of silence between two of its blocks. That is told apart
    from a loss by its direction: what follows comes later, never earlier. One such slip is let pass.
    """
    windows = _windows(played, spoken)
    lags = [lag for lag, _ in windows]
    slips = np.diff(lags)
    alike = [correlation for _, correlation in windows]
    assert not (slips < -1).any(), f"something is missing: lags {lags}"
    assert (slips > 1).sum() <= 1, f"too many slips: lags {lags}"
    blurred = sum(each < 0.99 for each in alike)
    # A slip inside the first window has no window before it to differ from.
    slipped = max((slips > 1).sum(), int(alike[0] < 0.99))
    assert blurred <= slipped, f"unlike: {[round(each, 3) for each in alike]}"


def _windows(heard: Floats, spoken: Floats, window_s: float = 0.2) -> list[tuple[int, float]]:
    """(lag in samples, correlation) for each window of `spoken`, looked for near where the last one was."""
    size, reach = int(window_s * RATE), int(0.05 * RATE)
    lag = best_lag(heard, spoken[: 5 * size])
    found = []
    for at in range(0, len(spoken) - size + 1, size):
        piece = spoken[at : at + size]
        begin = max(0, lag + at - reach)
        near = heard[begin : lag + at + size + reach]
        lag = begin + best_lag(near, piece) - at
        found.append((lag, _likeness(heard[begin:], piece, lag + at - begin)))
    return found


def _likeness(heard: Floats, piece: Floats, lag: int) -> float:
    """Correlation at `lag`, aligned to a hundredth of a sample; margins take up what a shift wraps around."""
    margin = 48
    begin = max(0, lag - margin)
    wide = heard[begin : lag + len(piece) + margin]
    best = 0.0
    for part in np.arange(-1, 1.001, 0.01):
        moved = _shifted(wide, part)[lag - begin : lag - begin + len(piece)]
        best = max(best, float(np.corrcoef(moved, piece[: len(moved)])[0, 1]))
    return best


def best_lag(heard: Floats, spoken: Floats) -> int:
    """Where in `heard` the whole of `spoken` lies."""
    size = 1 << int(np.ceil(np.log2(len(heard) + len(spoken))))
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(spoken, size)), size)
    return int(np.argmax(product[: max(1, len(heard) - len(spoken) + 1)]))


def _shifted(sound: Floats, part: float) -> Floats:
    """The same sound, a part of a sample earlier."""
    frequency = np.fft.rfftfreq(len(sound))
    return np.asarray(
        np.fft.irfft(np.fft.rfft(sound) * np.exp(2j * np.pi * frequency * part), len(sound)), dtype=np.float64
    )
