"""How sessions start: nearly all of them alike, so it is told late and pressed.

What lives here: which steps may wait as they are, until somebody wants them told; the room for such sessions,
one in a process; what starts have in common, which a start is pressed with.
What never will: a step's form (`forms`), a session's steps (`tap`).

Most of what a set-up costs a recorder is telling what nobody will read. So the steps of a start wait as the
objects that the core was given and gave; a session that is over soon is never told at all. None of them bears
sound, or a word that was said, and none waits longer than `flight_settle_s`.
"""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from holdfast.core import effects, events, notices, relay_effects, relay_events
from holdfast.core.limits import Limits

_EVENTS: Final = frozenset(
    {
        events.SessionAsked,
        events.UpstreamOpened,
        events.UpstreamCreated,
        events.UpstreamConfigured,
        events.ResponseBegan,
        events.ClientGone,
        relay_events.SessionCreated,
    }
)
_PLAIN_DUE: Final = frozenset(
    {
        effects.Adopt,
        effects.Configure,
        effects.Dial,
        effects.Finish,
        effects.ForgetRecords,
        effects.HangUp,
        effects.Note,
        effects.StartTimer,
        effects.StopTimer,
    }
)
_NOTICES: Final = frozenset(
    {
        notices.SessionCreated,
        notices.SessionReady,
        notices.Status,
        notices.ResponseStarted,
        notices.SessionEnded,
    }
)
_OPENED: Final = "opened"
"""The one line of the journal that may wait: others say what was said."""
RAW_MAX: Final = 4096
"""Bytes of an original that may wait with its step."""
STARTS_BYTES_MAX: Final = 4096
"""Of what starts have in common: more would not be found again within zlib's window of 8 KiB."""
_WINDOW_BITS: Final = 13
_ALIKE: Final = 3
"""A start that is pressed to so small a part of it teaches nothing new."""
AT_ONCE: Final = 8
"""So many sessions are told in one turn of the loop."""


def waits(event: Any) -> bool:
    """Whether an event may wait as it is: it is not altered, and bears nothing large."""
    kind = type(event)
    if kind in _EVENTS:
        return kind is not relay_events.SessionCreated or len(event.raw) <= RAW_MAX
    return kind is relay_events.Begun and not event.settings


def all_wait(due: Sequence[Any]) -> bool:
    """Whether all of these effects may."""
    plain = _PLAIN_DUE
    for one in due:
        kind = type(one)
        if kind in plain:
            continue
        if kind is effects.Tell:
            if type(one.notice) not in _NOTICES:
                return False
        elif kind is relay_effects.SendDown:
            if len(one.raw) > RAW_MAX:
                return False
        elif kind is not effects.Record or one.kind != _OPENED:
            return False
    return True


class Waiting(Protocol):
    """A session some of whose steps wait."""

    def settle(self) -> None:
        """Tell them now. Without any it is harmless."""
        ...


class Fresh:
    """The sessions of a process whose steps wait: bounded in number and in time."""

    __slots__ = ("_due", "_limits", "_timer")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._due: deque[tuple[float, Waiting]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._due)

    def add(self, session: Waiting, at: float) -> None:
        """The first of its steps waits. Where there is no room, who has waited longest is told."""
        self._due.append((at + self._limits.flight_settle_s, session))
        if len(self._due) > self._limits.flight_fresh:
            self._due.popleft()[1].settle()
        if self._timer is None:
            with contextlib.suppress(RuntimeError):  # without a loop nobody starts and waits
                self._timer = asyncio.get_running_loop().call_at(self._due[0][0], self._come)

    def _come(self) -> None:
        """Who has waited long enough; a few, for others have messages to send."""
        loop, due = asyncio.get_running_loop(), self._due
        now = loop.time()
        for _ in range(AT_ONCE):
            if not due or due[0][0] > now:
                break
            due.popleft()[1].settle()
        self._timer = loop.call_at(max(due[0][0], now + _PAUSE_S), self._come) if due else None

    def close(self) -> None:
        """Nobody comes any more."""
        if self._timer is not None:
            self._timer.cancel()


_PAUSE_S: Final = 0.005


class Starts:
    """What the starts of this process have in common: learnt from its first sessions, without payloads as all
    that is told. It is replaced and never altered, so who was pressed with it keeps it.
    """

    __slots__ = ("_known", "_press")

    def __init__(self) -> None:
        self._known = b""
        self._press: Callable[[], Any] = _presser(b"").copy

    def press(self, steps: bytes) -> tuple[bytes, bytes]:
        """The steps in less room, and what they were pressed with."""
        press, known = self._press(), self._known
        pressed: bytes = press.compress(steps) + press.flush()
        if len(pressed) * _ALIKE > len(steps) and len(known) + len(steps) <= STARTS_BYTES_MAX:
            self._known = known + steps
            self._press = _presser(self._known).copy
        return pressed, known


def _presser(known: bytes) -> Any:
    """Quick rather than small; without head and sum, for who presses is who unpacks."""
    return zlib.compressobj(2, zlib.DEFLATED, -_WINDOW_BITS, 3, zlib.Z_DEFAULT_STRATEGY, known)


def unpressed(pressed: bytes, known: bytes) -> bytes:
    """The steps again."""
    return zlib.decompressobj(-_WINDOW_BITS, known).decompress(pressed)
