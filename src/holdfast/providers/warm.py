"""Links dialled before they are needed, so that a session is ready a round trip earlier.

What lives here: a bounded pool of links whose `session.created` has come, for one upstream, one key and one
model; filled again after each one taken, slowly where dialling fails.
What never will: retrying for a session. An empty pool is no fault: the session dials for itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from holdfast.core.faults import Fault
from holdfast.ports import UpstreamDialer, UpstreamLine, UpstreamSink, UpstreamTraits

SHED_S: Final = 10.0
"""How long after memory ran short no link is kept waiting."""
KEEP_S: Final = 240.0
"""Shorter than any idle time-out on the way that we know of."""
RETRY_FIRST_S: Final = 1.0
RETRY_CAP_S: Final = 60.0

log = structlog.get_logger()


class WarmLink:
    """A link that waits, and afterwards passes on what its upstream says to the session that took it."""

    def __init__(self) -> None:
        self.line: UpstreamLine | None = None
        self.heard: list[bytes] = []
        self.is_dead = False
        self.ready = asyncio.Event()
        self._taker: tuple[UpstreamSink, int] | None = None

    def upstream_opened(self, generation: int, line: UpstreamLine) -> None:  # noqa: ARG002 - ours is of no interest
        """The socket is open."""
        self.line = line

    def upstream_message(self, generation: int, raw: bytes) -> None:  # noqa: ARG002 - as above
        """`session.created`, and whatever else it says unasked."""
        if self._taker is not None:
            self._taker[0].upstream_message(self._taker[1], raw)
            return
        self.heard.append(raw)
        self.ready.set()

    def upstream_lost(self, generation: int, cause: Fault) -> None:  # noqa: ARG002 - as above
        """It broke."""
        self.is_dead = True
        self.ready.set()
        if self._taker is not None:
            self._taker[0].upstream_lost(self._taker[1], cause)

    def upstream_paused(self, *, paused: bool) -> None:
        """Its buffer is full, or not any more."""
        if self._taker is not None:
            self._taker[0].upstream_paused(paused=paused)

    def give_to(self, sink: UpstreamSink, generation: int) -> None:
        """From here on it is this session's, as if it had just been dialled."""
        assert self.line is not None
        self._taker = (sink, generation)
        sink.upstream_opened(generation, self.line)
        heard, self.heard = self.heard, []
        for raw in heard:
            sink.upstream_message(generation, raw)


@dataclass(slots=True)
class WarmDialer:
    """Dials `inner`, or hands out a waiting link. Only for sessions that ask for the upstream's own model."""

    inner: UpstreamDialer
    size: int
    _waiting: deque[tuple[WarmLink, float]] = field(default_factory=deque)
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    taken: int = 0
    _shed_until: float = 0.0

    @property
    def traits(self) -> UpstreamTraits:
        """What the upstream is."""
        return self.inner.traits

    @property
    def waiting(self) -> int:
        """Links that wait."""
        return len(self._waiting)

    async def dial(self, generation: int, sink: UpstreamSink, query: Mapping[str, str]) -> None:
        """See `UpstreamDialer`."""
        is_usual = query.get("model", self.traits.model) == self.traits.model and "intent" not in query
        link = self._take() if is_usual else None
        if link is None:
            await self.inner.dial(generation, sink, query)
            return
        self.taken += 1
        link.give_to(sink, generation)

    def _take(self) -> WarmLink | None:
        self._wanted.set()
        while self._waiting:
            link, dialed_at = self._waiting.popleft()
            if not link.is_dead and time.monotonic() - dialed_at < KEEP_S:
                return link
            if link.line is not None:
                link.line.close()
        return None

    def shed(self) -> None:
        """Memory runs short: no link waits, now and for a while."""
        self._shed_until = time.monotonic() + SHED_S
        if self._waiting:
            told = {"upstream": self.traits.name, "links": len(self._waiting)}
            log.warning("upstream.warm_let_go", category="upstream", source="warm", **told)
            self._empty()
            self._wanted.set()

    def _empty(self) -> None:
        while self._waiting:
            line = self._waiting.popleft()[0].line
            if line is not None:
                line.close()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the pool filled until the block ends."""
        task = asyncio.create_task(self._fill())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            self._empty()

    async def _fill(self) -> None:
        retry_s = RETRY_FIRST_S
        while True:
            self._wanted.clear()
            self._drop_old()
            if (rest_s := self._shed_until - time.monotonic()) > 0:
                await asyncio.sleep(rest_s)
                continue
            if len(self._waiting) < self.size:
                if await self._add():
                    retry_s = RETRY_FIRST_S
                    continue
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, RETRY_CAP_S)
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), KEEP_S / 8)

    def _drop_old(self) -> None:
        now = time.monotonic()
        kept: deque[tuple[WarmLink, float]] = deque()
        for link, dialed_at in self._waiting:
            if not link.is_dead and now - dialed_at < KEEP_S:
                kept.append((link, dialed_at))
            elif link.line is not None:
                link.line.close()
        self._waiting = kept

    async def _add(self) -> bool:
        link = WarmLink()
        await self.inner.dial(0, link, {})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(link.ready.wait(), 10.0)
        if link.is_dead or not link.heard:
            if link.line is not None:
                link.line.close()
            log.info("upstream.warm_failed", category="upstream", source="warm", upstream=self.traits.name)
            return False
        self._waiting.append((link, time.monotonic()))
        return True
