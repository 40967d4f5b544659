"""How full buffers are, over all sessions, by the name of their bound.

What lives here: sums and the fullest. What never will: looking into a buffer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from holdfast.core.limits import Limits
from holdfast.telemetry.metrics import Reading


@dataclass(slots=True)
class Use:
    """How full the buffers of one name are."""

    used: float = 0.0
    fullest: float = 0.0

    def add(self, used: float, limit: float) -> None:
        """One more of them."""
        self.used += used
        if limit > 0:
            self.fullest = max(self.fullest, used / limit)


class Uses:
    """Of all buffers, by the name of their bound."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._uses: dict[str, Use] = {}

    def add(self, buffer: str, used: float, limit: float | None = None) -> None:
        """`limit` where it is not the one that `[limits]` has."""
        bound = getattr(self._limits, buffer) if limit is None else limit
        self._uses.setdefault(buffer, Use()).add(used, bound)

    def readings(self) -> Iterator[Reading]:
        """Used, bound, and how full the fullest is."""
        for buffer, use in self._uses.items():
            yield Reading("holdfast_buffer_used", use.used, (buffer,))
            yield Reading("holdfast_buffer_limit", getattr(self._limits, buffer), (buffer,))
            yield Reading("holdfast_buffer_fullest_ratio", use.fullest, (buffer,))


Room = Callable[[Uses], Iterable[Reading]]
"""Reads one room. What it keeps in buffers it enters in the uses."""
