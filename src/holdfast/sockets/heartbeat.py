"""Whether the other side is still there: a ping when nothing was heard for a while, then the end.

What lives here: one heap and one timer for all sockets of a loop; what else the kernel knows of a line.
What never will: reading frames. When a peer was last heard is the kernel's knowledge (TCP_INFO), so that no
message pays for it, and a loop that stood still does not take for silence what it has not read yet.

Why not picows' own: a task, a coroutine, a future and a timer for each connection, which is 2 kB, made and
cancelled at each set-up (decision 38). It stands in where the system does not tell.
"""

from __future__ import annotations

import asyncio
import functools
import heapq
import itertools
import math
import socket
import struct
import sys
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from picows import WSTransport

if TYPE_CHECKING:
    from holdfast.sockets.listener import MessageListener

TELLS: Final = sys.platform == "linux"
"""Whether this system says when a socket was last heard."""
GRID_S: Final = 0.1
"""Looks are gathered to this."""
SLACK_S: Final = 0.02
"""What was heard so little before a ping may be its answer: the kernel's clock is no finer."""
TOGETHER: Final = 8
"""So many are looked at in a row: many that began together must not hold up the audio of all."""
BREATH_S: Final = 0.002
GOODBYE_S: Final = 0.2
"""For the close frame to leave, before the line is cut."""
_NUMBER: Final = struct.Struct("=I")
_LAST_HEARD_AT: Final = 52
"""Of `tcpi_last_data_recv` in the kernel's `struct tcp_info`: milliseconds."""
_ROUND_TRIP_AT: Final = 68
"""Of `tcpi_rtt`: microseconds."""


@dataclass(slots=True, eq=False)
class _Watched:
    listener: weakref.ref[MessageListener]
    idle_s: float
    answer_s: float
    asked_at: float | None = None


@dataclass(slots=True, eq=False)
class Heartbeat:
    """The sockets of one loop."""

    loop: asyncio.AbstractEventLoop
    _due: list[tuple[float, int, _Watched]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _timer: asyncio.Handle | None = None
    _wakes_at: float = math.inf
    """Infinite without a timer. Not asked of it: uvloop's has no time where it is due at once."""

    def watch(self, listener: MessageListener, idle_s: float, answer_s: float) -> None:
        """From here on: a ping after `idle_s` without a byte, the end `answer_s` later."""
        self._look_in(idle_s, _Watched(weakref.ref(listener), idle_s, answer_s))

    def _look_in(self, seconds: float, one: _Watched) -> None:
        at = (int((self.loop.time() + seconds) / GRID_S) + 1) * GRID_S
        heapq.heappush(self._due, (at, next(self._numbers), one))
        if at < self._wakes_at:
            self._wake_at(at)

    def _wake_at(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_at(at, self._beat)
        self._wakes_at = at

    def _beat(self) -> None:
        self._timer, self._wakes_at = None, math.inf
        now, due = self.loop.time(), self._due
        for _ in range(TOGETHER):
            if not due or due[0][0] > now:
                break
            one = heapq.heappop(due)[2]
            listener = one.listener()
            if listener is None:
                continue
            transport = listener.transport
            if not (transport.is_disconnected or transport.is_close_frame_sent):
                self._look(one, listener, now)
        if due and (at := max(due[0][0], now + BREATH_S)) < self._wakes_at:
            self._wake_at(at)

    def _look(self, one: _Watched, listener: MessageListener, now: float) -> None:
        silent_s = _silent_s(listener.transport)
        if silent_s is None:
            return
        if one.asked_at is not None and now - silent_s < one.asked_at - SLACK_S:
            listener.give_up("no answer to a ping")
            self.loop.call_later(GOODBYE_S, listener.transport.underlying_transport.abort)
            return
        one.asked_at = None
        if silent_s < one.idle_s:
            self._look_in(one.idle_s - silent_s, one)
            return
        listener.ping()
        one.asked_at = now
        self._look_in(one.answer_s, one)


@functools.lru_cache(maxsize=1)
def _heartbeat(loop: asyncio.AbstractEventLoop) -> Heartbeat:
    """That of the loop; an earlier one lives on in its own loop's timer."""
    return Heartbeat(loop)


def watch(listener: MessageListener, idle_s: float, answer_s: float) -> None:
    """Watch a socket that has just been opened, where the system tells; else its library was told to."""
    if TELLS:
        _heartbeat(asyncio.get_running_loop()).watch(listener, idle_s, answer_s)


def round_trip_ms(transport: WSTransport) -> float | None:
    """How long a packet takes to whoever is next on the line (a proxy, where one is) and back, as the kernel
    measures it; None where it does not tell, or the socket is gone.
    """
    told = _told(transport, _ROUND_TRIP_AT) if TELLS else None
    return None if told is None else told / 1000


def _silent_s(transport: WSTransport) -> float | None:
    """How long the kernel has not received a byte; None for a socket that is gone."""
    told = _told(transport, _LAST_HEARD_AT)
    return None if told is None else told / 1000


def _told(transport: WSTransport, at: int) -> int | None:
    """One number of `struct tcp_info`."""
    sock = transport.underlying_transport.get_extra_info("socket")
    try:
        told = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, at + _NUMBER.size)
    except OSError:
        return None
    number: int = _NUMBER.unpack_from(told, at)[0]
    return number
