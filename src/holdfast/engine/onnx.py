"""The one typed door to onnxruntime, for networks that we do not compute ourselves.

What lives here: loading the library where it is needed, a model on one thread of it that never spins.
What never will: what goes in or comes out.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from holdfast.engine.stages import SpeechError


def open_model(path: Path, work: str) -> Any:
    """A session of the model in that file; `work` names what it is for. Raises SpeechError."""
    library = _library(work)
    options = library.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    try:
        return library.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a class of its own per cause
        raise SpeechError(f"{work} is broken: {path} is no model ({error}). Run `make speech`.") from error


def _library(work: str) -> Any:
    """Loaded only where it is needed: it is larger than all that we compute ourselves."""
    # It reports its use to its maker, under an id that it keeps in the home folder, unless this is set before
    # it is loaded. A gateway that is hosted by its owner tells nobody.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime  # noqa: PLC0415 - see above
    except ImportError as error:
        raise SpeechError(
            f"{work} needs `onnxruntime`, which is not installed. Run `pip install onnxruntime`."
        ) from error
    return onnxruntime
