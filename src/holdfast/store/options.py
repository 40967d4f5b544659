"""The journal's own bounds and times.

What lives here: numbers with their units in the name. What the settings may change comes from `core.limits`.
What never will: the code that keeps them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from holdfast.store.spool import Spool


@dataclass(frozen=True, slots=True)
class JournalOptions:
    """How a journal waits, retries and gives up."""

    window_s: float = 120.0  # after its last contact; older sessions are swept, so ask for no older ones
    gather_s: float = 0.015  # how long a line waits for company in its transaction
    batch_lines_max: int = 500
    spool_lines_max: int = 20_000  # 50 s at 400 lines a second
    spool_bytes_max: int = 32 * 1024 * 1024
    slow_s: float = 0.5  # a transaction that takes longer is told: half of the second we promise
    retry_base_s: float = 0.1
    retry_cap_s: float = 2.0
    contact_every_s: float = 5.0
    sweep_every_s: float = 30.0
    close_s: float = 5.0

    def spool(self) -> Spool:
        """An empty spool with these bounds."""
        return Spool(
            lines_max=self.spool_lines_max,
            bytes_max=self.spool_bytes_max,
            contact_every_s=self.contact_every_s,
        )


DEFAULT: Final = JournalOptions()
