"""Telling speech from noise and music in a few seconds of sound: Silero, without an engine.

What lives here: the network behind the port `ears.Ears`. What never will: where the sound is from.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from holdfast.engine.options import SILERO, EngineOptions
from holdfast.engine.resample import down, to_samples
from holdfast.engine.silero import Carry
from holdfast.engine.stages import FRAME, RATE
from holdfast.engine.vad import Network, load

SURE: Final = 0.7
"""How likely a frame holds speech that counts. Turns begin at less: somebody is to be blamed here."""


class Ears:
    """Fills the port. The network is read when it is first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._network: Network | None = None

    @classmethod
    def of(cls, options: EngineOptions) -> Ears:
        """With the network that the engine would listen with."""
        return cls(options.vad_model or options.speech_folder / SILERO)

    def speech_s(self, pcm: bytes) -> float:
        """See `ears.Ears`. Raises SpeechError, OSError."""
        if self._network is None:
            self._network, _ = load(self._path)
        samples = down().feed(to_samples(pcm[: len(pcm) & ~1]), last=True)
        carry, sure = Carry(), 0
        for frame in samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME):
            carry.take(frame)
            sure += bool(self._network.judge([carry])[0] >= SURE)
            time.sleep(0)  # lets the loop's thread have the interpreter: it must not wait for a switch
        return sure * FRAME / RATE
