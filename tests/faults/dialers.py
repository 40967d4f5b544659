"""Faults that are the gateway's own: what dials fails, and no upstream has any part in it."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from pathlib import Path

from holdfast.ports import UpstreamSink
from holdfast.providers.classify import of_exception
from holdfast.providers.openai import OpenAIDialer
from tests.faults.seen import Seen
from tests.faults.upstreams import LIMITS, NOBODY, conversed


class RaisingDialer(OpenAIDialer):
    """An adapter with a bug: what it raises is no failure of a network."""

    async def dial(self, generation: int, sink: UpstreamSink, query: Mapping[str, str]) -> None:
        sink.upstream_lost(generation, of_exception(ValueError("a bug")))


async def internal(seen: Seen, _: Path) -> None:
    dialer = RaisingDialer("openai", NOBODY, "sk-test", "gpt-realtime-2.1", LIMITS)
    await conversed(dialer, "gateway.internal", seen)


class StarvedDialer(OpenAIDialer):
    """Dials while the process may open nothing more."""

    async def dial(self, generation: int, sink: UpstreamSink, query: Mapping[str, str]) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (1, hard))
        try:
            await super().dial(generation, sink, query)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def out_of_resources(seen: Seen, _: Path) -> None:
    dialer = StarvedDialer("openai", NOBODY, "sk-test", "gpt-realtime-2.1", LIMITS)
    await conversed(dialer, "gateway.out_of_resources", seen)
