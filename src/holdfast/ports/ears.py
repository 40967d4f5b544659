"""What is asked of whoever can tell speech from other sounds.

What lives here: the protocol. What never will: an implementation; keeping what was heard.
"""

from __future__ import annotations

from typing import Protocol


class Ears(Protocol):
    """Listens to a few seconds of sound, once."""

    def speech_s(self, pcm: bytes) -> float:
        """How many seconds of speech there are in mono PCM16 at 24 kHz. It computes for a while and is called
        on a thread, one call at a time; it may raise what reading its files raises.
        """
        ...
