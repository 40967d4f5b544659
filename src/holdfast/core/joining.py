"""How much of a client's audio is joined into one append: none while there is time, more the busier we are.

What lives here: the steps and when one is taken, as a table.
What never will: measuring how busy the process is, audio.

Most of what a frame costs is the system's, for each message and not for each byte: three frames in one append
cost little more than one. What it takes from the conversation is their time, so it is done only where the
alternative is that everybody waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

STEPS_MS: Final = (0, 40, 60, 100)
"""Audio in one append, at the least. 0: each frame as it comes."""
ENTER: Final = 0.65
"""Above this share of the processor the next step is taken: before newcomers are refused (`overload`)."""
LEAVE: Final = 0.35
"""Below it the one before: joining itself brings the share down, by less than a half."""
SAMPLES: Final = 4
"""So many samples in a row are needed: a second."""


@dataclass(slots=True)
class Joining:
    """One for the process."""

    most_ms: int
    step: int = 0
    _above: int = 0
    _below: int = 0

    @property
    def ms(self) -> int:
        """How much audio an append holds at the least."""
        return min(STEPS_MS[self.step], self.most_ms)

    def sample(self, busy: float) -> int:
        """One more look at how busy we are (0 to 1); answers `ms`."""
        self._above = self._above + 1 if busy > ENTER else 0
        self._below = self._below + 1 if busy < LEAVE else 0
        if self._above >= SAMPLES and self.step < len(STEPS_MS) - 1:
            self.step, self._above = self.step + 1, 0
        elif self._below >= SAMPLES and self.step:
            self.step, self._below = self.step - 1, 0
        return self.ms
