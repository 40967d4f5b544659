"""One process' figures: what it counted, and what it holds.

What lives here: putting them together. What never will: what a room holds (`conversations`, `rooms`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from holdfast.core.limits import Limits
from holdfast.core.overload import LoadSample
from holdfast.readings.conversations import Conversations
from holdfast.readings.rooms import of_log, of_process, version
from holdfast.readings.uses import Room, Uses
from holdfast.runtime.directory import Directory
from holdfast.telemetry.metrics import Family, Metrics
from holdfast.telemetry.sighted import MetricsWatch


class Figures:
    """One process' figures: what it counted, and what it holds when it is asked."""

    def __init__(
        self,
        directory: Directory,
        limits: Limits,
        told: Mapping[str, Collection[str]],
        *,
        is_watching: bool = True,
    ) -> None:
        """`told`: the upstreams' names and the tools', which labels may bear. `is_watching`: whether what is
        seen of conversations is counted.
        """
        self.metrics = Metrics({"version": [version()], **told})
        self.rooms: list[Room] = [lambda _: of_log(), lambda _: of_process(directory, self._sample)]
        """What else is read; who builds a room adds it."""
        self._limits = limits
        self._conversations = Conversations(directory)
        self._sample: LoadSample | None = None
        directory.parting = self._conversations.ended
        if is_watching:
            directory.watches.add(MetricsWatch(self.metrics))

    def heard(self, sample: LoadSample) -> None:
        """How busy the process is, four times a second."""
        self._sample = sample
        self.metrics.observe("holdfast_event_loop_lag_seconds", max(0.0, sample.lag_s))

    async def families(self) -> list[Family]:
        """All of it, now; in pieces, between which others have their turn."""
        uses = Uses(self._limits)
        readings = await self._conversations.read(uses)
        for room in self.rooms:
            await asyncio.sleep(0)
            readings += room(uses)
        await asyncio.sleep(0)
        return self.metrics.families([*readings, *uses.readings()])
