"""Recordings in and out: WAV of any usual shape to the one format of the house, and back.

What lives here: reading, converting (and saying so), writing, where the speech in a recording ends.
What never will: a socket.
"""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import soxr
from numpy.typing import NDArray

from holdfast.core.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ

SECONDS_MAX: Final = 600
RATES: Final = range(4_000, 384_001)
WIDTHS: Final = range(1, 5)
"""Bytes of a sample."""
_SPEECH_BELOW_PEAK_DB: Final = 30.0
_SILENT_BELOW: Final = 16
"""-66 dB: below it the page, too, takes a microphone for one that gives nothing."""
_WINDOW_SAMPLES: Final = SAMPLE_RATE_HZ // 100


class RecordingError(Exception):
    """A recording that cannot be used: `what` is wrong, `why`, and the `fix`."""

    def __init__(self, what: str, why: str, fix: str) -> None:
        super().__init__(f"{what} {why}")
        self.what, self.why, self.fix = what, why, fix


@dataclass(frozen=True, slots=True)
class Recording:
    """Speech as PCM16, 24 kHz, mono. `note` says what was converted, empty when nothing was."""

    name: str
    pcm: bytes
    note: str = ""

    @property
    def samples(self) -> int:
        """Length in samples."""
        return len(self.pcm) // SAMPLE_BYTES

    @property
    def speech_end(self) -> int:
        """The sample after the last 10 ms that are less than 30 dB below the loudest."""
        pcm = np.frombuffer(self.pcm, dtype="<i2").astype(np.float64)
        windows = pcm[: len(pcm) // _WINDOW_SAMPLES * _WINDOW_SAMPLES].reshape(-1, _WINDOW_SAMPLES)
        if not windows.size:
            return len(pcm)
        energy = np.sqrt((windows**2).mean(axis=1))
        loud = np.flatnonzero(energy >= energy.max() * 10 ** (-_SPEECH_BELOW_PEAK_DB / 20))
        return int(loud[-1] + 1) * _WINDOW_SAMPLES if energy.max() > 0 else len(pcm)


def read_wav(path: Path) -> Recording:
    """Read a PCM WAV of any rate, width and number of channels, to be spoken. Raises RecordingError."""
    recording = wav_of(path.name, str(path), str(path))
    peak = int(np.abs(np.frombuffer(recording.pcm, dtype="<i2").astype(np.int32)).max(initial=0))
    if peak < _SILENT_BELOW:
        why = f"Its loudest sample is {peak} of 32768: nobody could hear a word, or be blamed for that."
        raise RecordingError(f"{path} is silent.", why, "Record it again, or raise its level.")
    return recording


def wav_of(name: str, source: str | BinaryIO, path: str = "") -> Recording:
    """As `read_wav`, from a path or from what was read of one. Raises RecordingError."""
    path = path or name
    try:
        with wave.open(source, "rb") as wav:
            channels, width, rate = wav.getnchannels(), wav.getsampwidth(), wav.getframerate()
            promised = wav.getnframes()
            frames = wav.readframes(min(promised, SECONDS_MAX * rate + 1))
    except FileNotFoundError:
        raise RecordingError(f"{path} does not exist.", "There is no such file.", "Check the path.") from None
    except (OSError, EOFError, wave.Error) as error:
        why = str(error) or "The file ends before its header does."
        fix = "Give a PCM WAV file, such as `sox input.mp3 -b 16 output.wav` writes."
        raise RecordingError(f"{path} is no usable WAV file.", why, fix) from error
    if rate not in RATES or width not in WIDTHS:
        why = f"Its header says {8 * width} bit and {rate} samples a second."
        fix = f"Give 8 to 32 bit, and {RATES[0]} to {RATES[-1]} samples a second."
        raise RecordingError(f"{path} is no usable WAV file.", why, fix)
    samples = len(frames) // (channels * width)
    frames = frames[: samples * channels * width]  # a file that was cut may end within a sample
    if not samples:
        raise RecordingError(f"{path} is empty.", "It holds no samples.", "Record it again.")
    if samples > SECONDS_MAX * rate:
        why = f"It is longer than {SECONDS_MAX} s."
        raise RecordingError(f"{path} is too long.", why, "Cut it into shorter recordings.")
    mono = _decode(frames, width).reshape(-1, channels).mean(axis=1)
    if rate != SAMPLE_RATE_HZ:
        mono = soxr.resample(mono, rate, SAMPLE_RATE_HZ)
    pcm = (np.clip(mono, -1.0, 32767 / 32768) * 32768).round().astype("<i2").tobytes()
    # Who wrote it as it came did not know how long it would be, and said as much as fits.
    missing_s = (promised - samples) / rate if promised <= SECONDS_MAX * rate else 0.0
    return Recording(name, pcm, _note(rate, width, channels, missing_s))


def _decode(frames: bytes, width: int) -> NDArray[np.float64]:
    """Samples in [-1, 1)."""
    if width == 1:  # the only unsigned width of WAV
        return (np.frombuffer(frames, dtype=np.uint8).astype(np.float64) - 128) / 128
    if width == 3:
        bytes_ = np.frombuffer(frames, dtype=np.uint8).reshape(-1, 3)
        wide = np.zeros((len(bytes_), 4), dtype=np.uint8)
        wide[:, 1:] = bytes_
        return wide.view("<i4").reshape(-1).astype(np.float64) / 2**31
    return np.frombuffer(frames, dtype=f"<i{width}").astype(np.float64) / float(2 ** (8 * width - 1))


def _note(rate: int, width: int, channels: int, missing_s: float) -> str:
    changes = [
        change
        for wrong, change in (
            (rate != SAMPLE_RATE_HZ, f"{rate} Hz to {SAMPLE_RATE_HZ} Hz"),
            (channels != 1, f"{channels} channels to one"),
            (width != SAMPLE_BYTES, f"{8 * width} bit to 16 bit"),
        )
        if wrong
    ]
    notes = [f"converted {', '.join(changes)}"] if changes else []
    if missing_s > 0:
        notes.append(f"cut off {missing_s:.2g} s before the end that its header names")
    return "; ".join(notes)


def write_wav(path: Path, pcm: bytes) -> None:
    """Write PCM16, 24 kHz, mono. Raises RecordingError."""
    try:
        # Opened here: what `wave` could not open it complains of once more, when it is forgotten.
        with path.open("wb") as file, wave.open(file, "wb") as wav:
            wav.setnchannels(1)
            wav.setsampwidth(SAMPLE_BYTES)
            wav.setframerate(SAMPLE_RATE_HZ)
            wav.writeframes(pcm)
    except OSError as error:
        why = error.strerror or str(error)
        raise RecordingError(f"{path} cannot be written.", why, "Choose another --out.") from error
