"""What the clients' person says: a recording of one, or a voice of the engine where there is none.

What lives here: one file of PCM16, 24 kHz, with quiet before and after the words.
What never will: what is heard in it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from benchmarks.engine.speech import in_a_room, recorded, synthesised
from benchmarks.rig.house import PROJECT

_RECORDING: Final = "ps_goforward.wav"
_WORDS: Final = "What do I still owe you?"
_BEFORE_MS, _AFTER_MS = 300, 1500


def speech_file(folder: Path) -> Path:
    """The file, made in `folder`."""
    beside = Path(os.environ.get("HOLDFAST_REFERENCE", PROJECT.parent / "shared")) / "speech" / _RECORDING
    spoken = recorded(beside) if beside.is_file() else synthesised(_WORDS, "cedar")
    path = folder / "speech.pcm"
    path.write_bytes(in_a_room(spoken, before_ms=_BEFORE_MS, after_ms=_AFTER_MS))
    return path
