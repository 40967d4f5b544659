"""Where the engine's files lie and how much it may take on; what is missing, told in words.

What lives here: paths, bounds, the check before the first worker starts. What never will: loading.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

SPEECH_FOLDER: Final = Path(__file__).resolve().parent.parent / "_speech"
FLITE: Final = "flite.wasm"
SILERO: Final = "silero_vad_16k_op15.onnx"
_MOST_WORKERS: Final = 4


def one_for_each_processor() -> int:
    """As many workers as processors may be used, within reason: each takes 100 MB and a second to start."""
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(_MOST_WORKERS, mine)


@dataclass(frozen=True, slots=True)
class RemoteStage:
    """A server of an OpenAI-compatible HTTP API that does a stage's work."""

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    voice: str = ""
    """Of a speech server; empty: the session's."""
    audio_format: Literal["pcm", "wav"] = "pcm"
    rate: int = 24_000
    """Samples per second of its `pcm`; a WAV file says its own."""
    first_s: float = 10.0
    """How long it may be silent."""
    total_s: float = 60.0
    """How long one piece of work may take."""

    @property
    def title(self) -> str:
        """Who it is, for people."""
        return f"{self.model} at {urlsplit(self.base_url).netloc.rpartition('@')[2]}"


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What a pool and its workers need to know."""

    workers: int = field(default_factory=one_for_each_processor)
    sessions_per_worker: int = 32
    session_s: float = 3600.0
    """A session's longest life, announced as its `expires_at`: as with the service this dialect is from."""
    speech_folder: Path = SPEECH_FOLDER
    model_folder: Path | None = None
    """Folder of another pocketsphinx model, laid out like the package's own (`en-us/`, dictionary, LM)."""
    vad_model: Path | None = None
    """Another Silero file for 16 kHz, instead of the one in `speech_folder`."""
    turn: Literal["silence", "smart"] = "silence"
    """What ends a turn: silence alone, or how it sounded, too."""
    turn_model: Path | None = None
    """The Smart Turn file, instead of the one inside an installed `pipecat-ai`."""
    may_use_libflite: bool = True
    """Whether the system's libflite speaks where it is installed; it streams inside a clause."""
    transcription: RemoteStage | None = None
    """Who writes down the user's turns, and so on; None: what is built in."""
    chat: RemoteStage | None = None
    speech: RemoteStage | None = None
    answers_ahead: bool = True
    """Whether an answer is begun while the user's turn may still go on. Only with the stages built in."""
    ready_s: float = 30.0
    silent_s: float = 30.0
    """A worker that says nothing for so long stands still, and is replaced."""
    restarts: int = 5
    restart_window_s: float = 60.0


def missing(options: EngineOptions) -> list[str]:
    """What is not there, each as what, why, fix; empty when the engine can start."""
    reasons = []
    needed = (FLITE, SILERO) if options.vad_model is None else (FLITE,)
    lacking = [name for name in needed if not (options.speech_folder / name).is_file()]
    if lacking:
        reasons.append(
            f"The speech files are missing: {options.speech_folder} lacks {' and '.join(lacking)}. "
            "They are fetched when the project is built. Run `make speech`."
        )
    if options.model_folder is not None and not options.model_folder.is_dir():
        reasons.append(
            f"The recogniser's model is missing: {options.model_folder} does not exist. "
            "Correct `asr_model` of `[engine]`, or leave it out to use the model that is installed."
        )
    if options.turn == "smart" and turn_file(options) is None:
        reasons.append(
            "Smart turns need a network that is not installed. It comes inside the package `pipecat-ai`. "
            "Run `pip install --no-deps pipecat-ai`, name its file as `turn_model` of `[engine]`, or leave "
            "`turn` out."
        )
    return reasons


def turn_file(options: EngineOptions) -> Path | None:
    """Where the Smart Turn network lies: as the options say, or inside the installed package `pipecat-ai`
    (BSD-2-Clause), of which nothing is imported.
    """
    if options.turn_model is not None:
        return options.turn_model
    package = find_spec("pipecat")
    places = package.submodule_search_locations if package is not None else None
    for place in places or ():
        files = sorted(Path(place, "audio", "turn", "smart_turn", "data").glob("smart-turn-v3*-cpu.onnx"))
        if files:
            return files[-1]
    return None
