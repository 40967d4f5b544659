"""Where an upstream's name leads: looked up at each dial, and the last good address for when that fails.

What lives here: lookups within a time, shared by those who dial at once; the one address of each name that an
upstream has answered at, and for how long it may stand in (reliability reference, C).
What never will: retrying, TLS. The name stays the upstream's name: a certificate is checked against it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from holdfast.core.limits import DEFAULT, Limits

log = structlog.get_logger()

Place = tuple[int, Any]
"""A family and an address in it."""
Found = Sequence[Place]
"""In the order in which they are to be tried; there is at least one."""
Lookup = Callable[[str, int], Awaitable[Found]]
NEXT_S: Final = 0.25
"""An address that has said nothing for so long is no longer waited for alone."""
_TOO_LONG: Final = socket.gaierror(socket.EAI_AGAIN, "the lookup took too long")


async def look_up(host: str, port: int) -> Found:
    """Ask the system. Raises socket.gaierror."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


@dataclass(frozen=True, slots=True)
class _Good:
    place: Place
    at: float
    """Monotonic: when an upstream answered there."""


@dataclass(slots=True)
class Addresses:
    """The names of one upstream: as many as its base URL has, which is one."""

    limits: Limits = DEFAULT
    lookup: Lookup = look_up
    _good: dict[str, _Good] = field(default_factory=dict)
    _under_way: dict[str, asyncio.Task[Found]] = field(default_factory=dict)

    async def connected(self, host: str, port: int) -> tuple[socket.socket, Place] | None:
        """A connected socket, and where; None where there is no name to look up. Raises OSError."""
        if _is_literal(host):
            return None
        found = await self._found(host, port)
        if len(found) == 1:
            return await _connect(found[0]), found[0]
        return await _first_to_answer(found)

    def answered(self, host: str, place: Place) -> None:
        """An upstream has answered there."""
        self._good[host] = _Good(place, time.monotonic())

    async def _found(self, host: str, port: int) -> Found:
        task = self._under_way.get(host)
        if task is None:
            task = self._under_way[host] = asyncio.ensure_future(self.lookup(host, port))
            task.add_done_callback(lambda done: self._ended(host, done))
        good = self._usable(host)
        await asyncio.wait([task], timeout=self.limits.dial_s if good is None else self.limits.lookup_s)
        failure = task.exception() if task.done() else _TOO_LONG
        if failure is None:
            return task.result()
        if good is None:
            # A copy for each: it knows who waits, and one for all would know them all as long as it lives.
            raise copy(failure)
        age_s = round(time.monotonic() - good.at, 1)
        told = {"host": host, "age_s": age_s, "reason": str(failure)}
        log.warning("upstream.address_kept", category="upstream", source="dial", **told)
        return [good.place]

    def _usable(self, host: str) -> _Good | None:
        good = self._good.get(host)
        is_fresh = good is not None and time.monotonic() - good.at <= self.limits.address_kept_s
        return good if is_fresh else None

    def _ended(self, host: str, task: asyncio.Task[Found]) -> None:
        self._under_way.pop(host, None)
        if not task.cancelled():
            task.exception()  # somebody has seen it, or nobody waits any more


async def _first_to_answer(found: Found) -> tuple[socket.socket, Place]:
    """In their order, each as soon as the one before has failed or said nothing for a moment: an address on
    whose way packets are lost tells nobody (RFC 8305, 5). Raises OSError when none answers.
    """
    rest = deque(found)
    under_way: dict[asyncio.Task[socket.socket], Place] = {}
    failure: BaseException | None = None
    try:
        while rest or under_way:
            if rest:
                place = rest.popleft()
                under_way[asyncio.ensure_future(_connect(place))] = place
            wait_s = NEXT_S if rest else None
            done, _ = await asyncio.wait(under_way, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                place = under_way.pop(one)
                failure = one.exception()
                if failure is None:
                    return one.result(), place
    finally:
        for late in under_way:
            late.cancel()
            late.add_done_callback(_unwanted)
    assert failure is not None, "each of them has failed"
    raise failure


def _unwanted(late: asyncio.Task[socket.socket]) -> None:
    """Another address was first."""
    if not late.cancelled() and late.exception() is None:
        late.result().close()


async def _connect(place: Place) -> socket.socket:
    family, address = place
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
