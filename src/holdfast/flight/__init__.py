"""The flight recorder: a session's last steps without its payloads, as a file, and walked again.

What lives here: recording (`recorder`, `tap`, `forms`), files (`recording`, `shelf`), walking them through
the core (`replay`), reading them (`reading`).
What never will: audio, words, names, secrets; a decision.
"""

from holdfast.flight.reading import FaultSeen, ProviderSession, faults, provider_sessions
from holdfast.flight.recorder import ASKED, Counts, Recorder, Trouble
from holdfast.flight.recording import (
    SUFFIX,
    Frozen,
    NoRecordingError,
    Recording,
    Step,
    read,
    read_file,
    write,
)
from holdfast.flight.replay import Replay, Walked, replay, replay_file
from holdfast.flight.shelf import Shelf

__all__ = [
    "ASKED",
    "SUFFIX",
    "Counts",
    "FaultSeen",
    "Frozen",
    "NoRecordingError",
    "ProviderSession",
    "Recorder",
    "Recording",
    "Replay",
    "Shelf",
    "Step",
    "Trouble",
    "Walked",
    "faults",
    "provider_sessions",
    "read",
    "read_file",
    "replay",
    "replay_file",
    "write",
]
