"""The embedded engine, seen as one more upstream: its workers speak the Realtime dialect on loopback.

What lives here: the one door to `engine`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from holdfast.core.faults import fault
from holdfast.core.limits import DEFAULT, Limits
from holdfast.core.models import VOICES
from holdfast.engine.pool import EnginePool
from holdfast.ports import UpstreamSink, UpstreamTraits
from holdfast.providers.realtime_link import Address, dial

LOCAL_MODEL = "holdfast-local"


@dataclass(frozen=True, slots=True)
class LocalDialer:
    """Dials the least loaded engine worker."""

    name: str
    pool: EnginePool
    default_voice: str = "cedar"
    limits: Limits = DEFAULT

    @property
    def traits(self) -> UpstreamTraits:
        return UpstreamTraits(
            name=self.name,
            kind="local",
            model=LOCAL_MODEL,
            voices=VOICES,
            default_voice=self.default_voice,
            transcription_model=LOCAL_MODEL,
            knows_utterances=True,
        )

    async def dial(self, generation: int, sink: UpstreamSink, query: Mapping[str, str]) -> None:
        if not self.pool.ready:
            missing = any("make speech" in reason for reason in self.pool.reasons)
            code = "configuration.speech_files_missing" if missing else "gateway.engine_unavailable"
            sink.upstream_lost(generation, fault(code, self.pool.reasons))
            return
        address = self.pool.address()
        asked = {name: query[name] for name in ("intent",) if name in query}  # it has one model
        url = f"{address.url}?{urlencode({'model': LOCAL_MODEL, **asked})}"
        await dial(Address(url, address.token, self.limits), generation, sink, {})
