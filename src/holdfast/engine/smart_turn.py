"""Whether somebody has finished speaking, by how it sounded: Smart Turn v3, where its file is at hand.

What lives here: the spectrum that the network wants (Whisper's: 80 mel bands, 8 s), the network on one
thread. What never will: what follows from a verdict (`endpointer`), where the file lies (`options`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast.engine.onnx import open_model
from holdfast.engine.stages import RATE, Samples

LISTENED_S: Final = 8
"""The network hears so much of the end of a turn."""
_WINDOW, _HOP, _BANDS = 400, 160, 80
_FRAMES: Final = LISTENED_S * RATE // _HOP
_FLOOR: Final = 1e-10
_RANGE: Final = 8.0
"""In powers of ten below the loudest; what is quieter is as good as silent."""

# Slaney's scale: even steps up to 1 kHz, which is 15, from there 27 steps for each factor of 6.4.
_KNEE_HZ, _KNEE = 1000.0, 15.0
_PER_E: Final = 27.0 / np.log(6.4)


def _mel(hertz: float) -> float:
    if hertz < _KNEE_HZ:
        return hertz * _KNEE / _KNEE_HZ
    return float(_KNEE + np.log(hertz / _KNEE_HZ) * _PER_E)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above: NDArray[np.float64] = _KNEE_HZ * np.exp((mel - _KNEE) / _PER_E)
    return np.where(mel < _KNEE, mel * _KNEE_HZ / _KNEE, above)


def _bands() -> Samples:
    """Triangles of equal area over the spectrum's lines: a row for each band."""
    edges = _hertz(np.linspace(0.0, _mel(RATE / 2), _BANDS + 2))
    lines = np.linspace(0.0, RATE / 2, _WINDOW // 2 + 1)
    rising = (lines - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - lines) / (edges[2:] - edges[1:-1])[:, None]
    area = 2.0 / (edges[2:] - edges[:-2])
    found: Samples = (np.maximum(0.0, np.minimum(rising, falling)) * area[:, None]).astype(np.float32)
    return found


_MEL: Final = _bands()
_HANN: Final = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)


def spectrum(samples: Samples) -> Samples:
    """The last 8 s as the network wants them: of mean 0 and deviation 1, in bands, in logarithms."""
    heard = np.zeros(LISTENED_S * RATE, dtype=np.float32)
    last = samples[-len(heard) :]
    heard[len(heard) - len(last) :] = last
    heard = (heard - heard.mean()) / np.sqrt(heard.var() + 1e-7)
    padded = np.pad(heard, _WINDOW // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:_FRAMES]
    power = np.square(np.abs(np.fft.rfft(windows * _HANN, axis=1))).astype(np.float32)
    levels = np.log10(np.maximum(_MEL @ power.T, _FLOOR))
    levels = np.maximum(levels, levels.max() - _RANGE)
    scaled: Samples = (levels + 4.0) / 4.0
    return scaled.astype(np.float32)


class SmartTurn:
    """The network, loaded once per process. One thread, apart from the event loop: a verdict takes 50 ms."""

    def __init__(self, path: Path) -> None:
        """Raises SpeechError."""
        self._session: Any = open_model(path, "Judging the end of a turn")
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="turn")

    def finished(self, samples: Samples) -> float:
        """How likely it is that who said this has said all."""
        (output,) = self._session.run(None, {"input_features": spectrum(samples)[np.newaxis]})
        return float(output.reshape(-1)[0])

    def ask(self, samples: Samples, then: Callable[[float], None]) -> None:
        """The same, told to `then` when the event loop comes round after it is known."""
        verdict = asyncio.get_running_loop().run_in_executor(self._thread, self.finished, samples)
        verdict.add_done_callback(lambda done: None if done.cancelled() else then(done.result()))

    def close(self) -> None:
        """No more verdicts."""
        self._thread.shutdown(wait=False, cancel_futures=True)
