"""Voice activity: Silero on onnxruntime, or plain energy where onnxruntime is missing.

What lives here: the one typed door to onnxruntime, one shared model, explicit state per stream.
What never will: thresholds and hangover (`endpointer`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import numpy as np

from holdfast.engine.stages import FRAME, RATE, Samples, SpeechError

# onnxruntime reports its use to its maker, under an id that it keeps in the home folder, unless this is set
# before it is loaded. A gateway that is hosted by its owner tells nobody.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
try:
    import onnxruntime as _onnx
except ImportError:  # the energy gate takes over
    _onnx = None

_CONTEXT: Final = 64
"""Samples of the previous frame that the model wants before each frame."""
_STATE_SHAPE: Final = (2, 1, 128)


def has_onnx() -> bool:
    """Whether onnxruntime is installed."""
    return _onnx is not None


class SileroModel:
    """The model, loaded once per process, on one thread that never spins."""

    def __init__(self, path: Path) -> None:
        if _onnx is None:
            raise SpeechError(
                "Silero needs `onnxruntime`, which is not installed. Run `pip install onnxruntime`."
            )
        if not path.is_file():
            raise SpeechError(
                f"Voice activity detection is missing: {path} does not exist. Run `make speech`."
            )
        options = _onnx.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        try:
            self._session: Any = _onnx.InferenceSession(
                str(path), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises a class of its own per cause
            raise SpeechError(
                f"Voice activity detection is broken: {path} is no model ({error}). Run `make speech`."
            ) from error
        self._rate = np.array(RATE, dtype=np.int64)

    def run(self, samples: Samples, state: Samples) -> tuple[float, Samples]:
        """Probability for context plus frame, and the state after it."""
        output, after = self._session.run(None, {"input": samples, "state": state, "sr": self._rate})
        return float(output[0, 0]), after


class SileroVad:
    """One stream through the shared model: 64 samples of context and 1 KiB of state."""

    def __init__(self, model: SileroModel) -> None:
        self._model = model
        self.reset()

    def reset(self) -> None:
        self._state = np.zeros(_STATE_SHAPE, dtype=np.float32)
        self._input = np.zeros((1, _CONTEXT + FRAME), dtype=np.float32)

    def probability(self, frame: Samples) -> float:
        self._input[0, :_CONTEXT] = self._input[0, -_CONTEXT:]
        self._input[0, _CONTEXT:] = frame
        speech, self._state = self._model.run(self._input, self._state)
        return speech


class EnergyVad:
    """Speech is what is clearly louder than the quietest of late. Far worse than Silero; better than none."""

    _RISE: Final = 1.02
    _FLOOR: Final = 1e-4
    _FULL: Final = 12.0

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._quiet = 0.01

    def probability(self, frame: Samples) -> float:
        level = float(np.sqrt(np.mean(np.square(frame)))) + self._FLOOR
        self._quiet = min(level, self._quiet * self._RISE)
        return min(1.0, level / (self._quiet * self._FULL))
