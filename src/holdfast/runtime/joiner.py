"""Tells what reads the sockets how much of a client's audio to join, as the process gets busier.

What lives here: a listener of the load's samples. What never will: when (`core.joining`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from holdfast.core.joining import Joining
from holdfast.core.overload import LoadSample

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Joiner:
    """`join` is told each time that the milliseconds change."""

    joining: Joining
    join: Callable[[int], None]

    def heard(self, sample: LoadSample) -> None:
        """One more sample of the load."""
        before = self.joining.ms
        if (ms := self.joining.sample(sample.busy)) != before:
            self.join(ms)
            log.info("load.joining", category="server", source="load", ms=ms, busy=round(sample.busy, 2))
