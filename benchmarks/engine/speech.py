"""Spoken test utterances: synthesised by the voices the engine itself speaks with, as wire audio.

What lives here: synthesis, level, noise, recordings from files. What never will: scores.
"""

from __future__ import annotations

import threading
import wave
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import soxr

from holdfast.engine import flite_wasm
from holdfast.engine.options import FLITE, SPEECH_FOLDER
from holdfast.engine.resample import WIRE_RATE, to_pcm, to_samples
from holdfast.engine.stages import RATE, Samples

_ROOM_LEVEL: Final = 3e-4
"""A quiet room: about -70 dBFS of noise under everything, for no microphone gives digital silence."""

_one_at_a_time: Final = threading.Lock()


@cache
def _flite() -> flite_wasm.FliteWasm:
    return flite_wasm.FliteWasm(flite_wasm.load(SPEECH_FOLDER / FLITE, flite_wasm.cache_folder()))


def synthesised(text: str, voice: str) -> Samples:
    """A sentence at the wire's rate, without the silence around it."""
    with _one_at_a_time:
        samples = np.concatenate(list(_flite().speak(text, voice, 1.0, lambda: False)))
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    return resampled(samples[loud[0] : loud[-1] + 1] if len(loud) else samples, RATE)


def recorded(path: Path) -> Samples:
    """A mono 16-bit WAV file at the wire's rate."""
    with wave.open(str(path)) as file:
        samples = to_samples(file.readframes(file.getnframes()))
        return resampled(samples, file.getframerate())


def resampled(samples: Samples, rate: int) -> Samples:
    """Any rate to the wire's."""
    converted: Samples = soxr.resample(samples, rate, WIRE_RATE).astype(np.float32)
    return converted


def in_a_room(samples: Samples, *, before_ms: int, after_ms: int, seed: int = 0) -> bytes:
    """The utterance with quiet before and after it, as PCM16 24 kHz."""
    quiet = [np.zeros(WIRE_RATE * ms // 1000, dtype=np.float32) for ms in (before_ms, after_ms)]
    whole = np.concatenate((quiet[0], samples, quiet[1]))
    noise = np.random.default_rng(seed).normal(0, _ROOM_LEVEL, len(whole)).astype(np.float32)
    return to_pcm(whole + noise)
