"""What a visitor hears of an upstream: its events in order, the first fault, and ids for its support.

What lives here: the sink of a dialled link, a bounded queue, waiting for what is due. What never will: what
is said and asked (`visit`).
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from holdfast.core.events import Event, UpstreamErred, UpstreamLost
from holdfast.core.faults import Fault, Party, fault
from holdfast.diagnosis.conduct import Conduct
from holdfast.diagnosis.support import Trace
from holdfast.ports import UpstreamLine
from holdfast.sockets import MessageListener
from holdfast.wire import upstream as wire

HEARD_MAX: Final = 20_000
LEAVE_S: Final = 1.0
"""Whoever is left has so long to agree."""
GENERATION: Final = 1


class FoundError(Exception):
    """A step came to its end by a fault."""

    def __init__(self, found: Fault) -> None:
        super().__init__(found.code)
        self.found = found


def found(code: str, *evidence: str) -> FoundError:
    """A fault of the table, to be raised."""
    return FoundError(fault(code, evidence))


class Ear:
    """Fills `UpstreamSink`."""

    def __init__(self, trace: Trace) -> None:
        self.conduct = Conduct()
        self.line: UpstreamLine | None = None
        self.lost: Fault | None = None
        """Why the link is over, once it is."""
        self.trace = trace
        self.at = 0.0
        """When the event came that was looked at last, in loop time."""
        self._heard: asyncio.Queue[tuple[float, Event]] = asyncio.Queue(HEARD_MAX)
        self._now = asyncio.get_running_loop().time
        self._may_write = asyncio.Event()
        self._may_write.set()

    # the port

    def upstream_opened(self, generation: int, line: UpstreamLine) -> None:  # noqa: ARG002 - the port's form
        """The socket is open."""
        self.line = line

    def upstream_message(self, generation: int, raw: bytes) -> None:
        """One server event."""
        try:
            parsed = wire.parse(raw)
            if (odd := wire.odd_in(raw)) is not None:
                self.conduct.broken(f"{parsed.type} has a field of another type: {odd}")
            self.conduct.heard(parsed)
            event = wire.decode(parsed, generation)
        except wire.BreachError as error:
            self.conduct.broken(f"a message that is no event: {error}")
            return
        if isinstance(event, UpstreamErred) and not event.benign:
            self.trace.note(self.trace.events, parsed.event_id)
        if event is not None and not self._heard.full():
            self._heard.put_nowait((self._now(), event))

    def upstream_lost(self, generation: int, cause: Fault) -> None:
        """The connection is over, or never came about."""
        if self.lost is None:
            self.lost = cause
            self.trace.met(cause)
            if self._heard.full():
                self._heard.get_nowait()
            self._heard.put_nowait((self._now(), UpstreamLost(generation, cause)))
        self._may_write.set()

    def upstream_paused(self, *, paused: bool) -> None:
        """The upstream reads more slowly than we send."""
        (self._may_write.clear if paused else self._may_write.set)()

    # the visitor's side

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be asked."""
        return self.lost is not None or self.line is None

    def say(self, message: bytes) -> None:
        """Send one client event; nothing where the link is over, of which the next look tells."""
        if self.line is not None and self.lost is None:
            self.line.send_text(message)

    async def room(self, seconds: float) -> bool:
        """Wait until the upstream reads; False when it does not."""
        try:
            async with asyncio.timeout(seconds):
                await self._may_write.wait()
        except TimeoutError:
            return False
        return True

    async def next(self, until: float) -> Event | None:
        """The next event; None when none came in time. Raises `FoundError` when the link is over."""
        try:
            async with asyncio.timeout_at(until):
                self.at, event = await self._heard.get()
        except TimeoutError:
            return None
        if isinstance(event, UpstreamLost):
            raise FoundError(event.fault)
        return event

    def hang_up(self) -> None:
        """Say goodbye."""
        if self.line is not None:
            self.line.close()

    async def leave(self) -> None:
        """Say goodbye, and wait until the socket is closed: for a while, then without a word."""
        self.hang_up()
        line: object = self.line
        if isinstance(line, MessageListener):
            transport = line.transport
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_S):
                    await transport.wait_disconnected()
            transport.disconnect(graceful=False)


def refusal(event: UpstreamErred, code: str = "gateway.message_refused") -> Fault:
    """What an `error` says. One about a message of ours means that what we send is not taken, for the visitor
    sends what the gateway sends: then it is `code`.
    """
    if event.fault.row.party is Party.APPLICATION:
        return fault(code, [event.message or "no message", event.code])
    return event.fault
