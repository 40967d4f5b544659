"""The upstreams of this process, in the order of preference, and what is known of their health.

What lives here: the pair of the two, and what a session is told of each.
What never will: choosing (`core.endpoints`), dialling (`providers`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.core.effects import Manner
from holdfast.core.endpoints import Endpoints
from holdfast.core.limits import Limits
from holdfast.core.links import UpstreamFacts
from holdfast.ports import UpstreamDialer


@dataclass(frozen=True, slots=True)
class Upstreams:
    """`endpoints` counts them as they stand in `dialers`. Shared by all sessions."""

    dialers: tuple[UpstreamDialer, ...]
    endpoints: Endpoints
    facts: tuple[UpstreamFacts, ...]

    @classmethod
    def of(
        cls,
        dialers: Sequence[UpstreamDialer],
        limits: Limits,
        workarounds: Sequence[tuple[Manner, ...]] | None = None,
    ) -> Upstreams:
        """The upstreams behind these dialers."""
        manners = workarounds or [()] * len(dialers)
        facts = tuple(
            UpstreamFacts(t.name, t.kind, t.model, t.voices, t.default_voice, manner, t.transcription_model)
            for t, manner in zip((dialer.traits for dialer in dialers), manners, strict=True)
        )
        return cls(tuple(dialers), Endpoints([one.name for one in facts], limits), facts)

    def is_outage(self) -> bool:
        """Whether none can be reached, and that for a while."""
        return self.endpoints.is_outage(time.monotonic())
