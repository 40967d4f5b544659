"""The flight recorder of a process: every session's tap, and the files that are written of them.

What lives here: who is recorded, when a recording is written, what was written for whom.
What never will: a session's steps (`tap`), what a file holds (`recording`), the folder (`shelf`). And nothing
that stands in a session's way: what costs time is done in a thread, and what fails costs a recording.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final, Literal

from holdfast.core.faults import Party
from holdfast.core.limits import Limits
from holdfast.core.rates import TokenBucket
from holdfast.core.relay import Relay
from holdfast.core.relay_state import RelaySurroundings
from holdfast.core.session import Session
from holdfast.core.state import Surroundings
from holdfast.flight.recorded import RecordedRelay, RecordedSession
from holdfast.flight.recording import Frozen, write
from holdfast.flight.shelf import Shelf
from holdfast.flight.starts import Fresh, Starts
from holdfast.flight.tap import Tap
from holdfast.ports.sightings import Ended, FaultMet, Sighting, UpstreamLost, Watched

ASKED: Final = "asked"
"""Why a recording is made that no fault is the reason for."""
CLOSE_S: Final = 5.0
_WORTH: Final = frozenset({Party.CONFIGURATION, Party.GATEWAY, Party.TOOL, Party.PROVIDER, Party.STORE})
"""Whose faults are worth a file when a session ends with one: a user who went away is no incident."""
_USUAL: Final = frozenset({"gateway.draining", "gateway.overloaded"})
Trouble = Literal["recorder.not_written", "recorder.stumbled"]


@dataclass(slots=True)
class Counts:
    """What became of recordings, for the metrics."""

    written: int = 0
    failed: int = 0
    """The folder did not take them."""
    skipped: int = 0
    """Too many at once."""
    stumbled: int = 0
    """Sessions whose steps could not be recorded to their end: a bug of ours."""


@dataclass(slots=True)
class _Case:
    """A session that met a fault worth a file."""

    why: str
    timer: asyncio.TimerHandle | None = None
    """Writes it when it shows what came of the fault."""
    written_to: int = 0
    """Number of the step before which the last file of it ends."""
    files: int = 0


class Recorder:
    """Fills `Listener` for the taps, and `Watch` for what is seen of the sessions. Lives in an event loop."""

    def __init__(
        self,
        limits: Limits,
        *,
        shelf: Shelf | None = None,
        version: str = "",
        hide: Callable[[str], str] = str,
        trouble: Callable[[Trouble, BaseException], None] = lambda _moment, _error: None,
    ) -> None:
        """Without a `shelf` nothing is written unasked. `hide` takes secrets out of evidence; `trouble` is
        told of the first failure of each kind.
        """
        self.counts = Counts()
        self._limits = limits
        self._shelf = shelf
        self._version = version
        self.hide = hide
        self.starts = Starts()
        self._fresh = Fresh(limits)
        self._trouble = trouble
        self._told: set[Trouble] = set()
        self._taps: dict[str, Tap] = {}
        self._ended: OrderedDict[str, Tap] = OrderedDict()
        self._cases: dict[str, _Case] = {}
        self._rate = TokenBucket(limits.flight_writes_per_s, limits.flight_waiting)
        self._writing: set[asyncio.Future[None]] = set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="flight-recorder")

    # the cores and their taps

    def session(self, surroundings: Surroundings) -> Session:
        """A session of the browser protocol that is recorded."""
        return RecordedSession(surroundings, self)

    def relay(self, surroundings: RelaySurroundings) -> Relay:
        """A relayed conversation that is recorded."""
        return RecordedRelay(surroundings, self)

    def began(self, tap: Tap) -> None:
        """See `Listener`."""
        self._taps[tap.session_id] = tap

    def over(self, tap: Tap) -> None:
        """See `Listener`. What was seen of the last step comes after this."""
        if self._taps.pop(tap.session_id, None) is None:
            return
        self._ended[tap.session_id] = tap
        while len(self._ended) > self._limits.flight_ended:
            self._drop(*self._ended.popitem(last=False))

    def waits(self, tap: Tap, at: float) -> None:
        """See `Listener`."""
        self._fresh.add(tap, at)

    def stumbled(self, error: Exception) -> None:
        """See `Listener`."""
        self.counts.stumbled += 1
        self._tell("recorder.stumbled", error)

    def _frozen(self, tap: Tap) -> Frozen:
        at, clock = time.time(), time.monotonic()
        lots = tap.frozen()
        return Frozen(
            tap.session_id,
            tap.surroundings,
            tap.blanking,
            lots,
            tap.number,
            ASKED,
            at,
            at - clock,
            self._version,
        )

    # for the metrics

    @property
    def taps(self) -> tuple[Tap, ...]:
        """Of all sessions that run."""
        return tuple(self._taps.values())

    @property
    def ended(self) -> int:
        """How many recordings of ended sessions are kept."""
        return len(self._ended)

    @property
    def fresh(self) -> int:
        """Sessions whose last steps wait to be written down."""
        return len(self._fresh)

    @property
    def waiting(self) -> int:
        """How many recordings are being written, or wait for it."""
        return len(self._writing)

    # on demand

    def recording_of(self, session_id: str) -> bytes | None:
        """The file of a session of this process that runs, or ended a little while ago; None for another.
        Costs milliseconds: to be called in a thread, with what `frozen` answered in the loop, where many run.
        """
        frozen = self.frozen(session_id)
        return None if frozen is None else write(frozen)

    def has(self, session_id: str) -> bool:
        """Whether there is anything of a session in memory."""
        return session_id in self._taps or session_id in self._ended

    def frozen(self, session_id: str) -> Frozen | None:
        """What there is of a session now, for `recording.write`."""
        tap = self._taps.get(session_id) or self._ended.get(session_id)
        return None if tap is None else self._frozen(tap)

    # on a fault

    sees = frozenset({UpstreamLost, FaultMet, Ended})

    def saw(self, session: Watched, sighting: Sighting, at: float) -> None:
        """See `Watch`."""
        kind = type(sighting)
        if kind is UpstreamLost or kind is FaultMet:
            self._met(session.id, sighting, at)  # type: ignore[arg-type] # narrowed by its type
        elif kind is Ended:
            self._finished(session.id, sighting, at)  # type: ignore[arg-type] # as above

    def _met(self, session_id: str, sighting: UpstreamLost | FaultMet, at: float) -> None:
        """What ends an upstream, or the search for one, is worth a file; other faults stand in it."""
        if self._shelf is None or (isinstance(sighting, FaultMet) and sighting.moment != "session.failed"):
            return
        case = self._cases.setdefault(session_id, _Case(sighting.fault.code))
        case.why = sighting.fault.code
        if case.timer is None:
            due = at + self._limits.flight_settle_s
            case.timer = asyncio.get_running_loop().call_at(due, self._settled, session_id, due)

    def _finished(self, session_id: str, sighting: Ended, at: float) -> None:
        """Who met a fault is written once more, with all that came; so is who ends with one."""
        case, cause = self._cases.get(session_id), sighting.fault
        if case is None and self._shelf is not None and cause is not None and cause.row.party in _WORTH:
            if cause.code in _USUAL:
                return
            case = self._cases[session_id] = _Case(cause.code)
        if case is not None:
            if case.timer is not None:
                case.timer.cancel()
            self._settled(session_id, at)
            self._cases.pop(session_id, None)

    def _settled(self, session_id: str, at: float) -> None:
        """It is seen what came of the fault."""
        case, frozen = self._cases.get(session_id), self.frozen(session_id)
        if case is None or frozen is None:
            return
        case.timer = None
        if len(self._writing) >= self._limits.flight_waiting or not self._rate.take(1, at):
            self.counts.skipped += 1
            return
        if not case.files or frozen.lots[0].first > case.written_to:
            case.files += 1  # what the last file holds has been forgotten since: it is not written over
        case.written_to = frozen.number
        self._write(replace(frozen, why=case.why), case.files)

    def _write(self, frozen: Frozen, number: int) -> None:
        assert self._shelf is not None, "who keeps files has a place for them"
        shelf = self._shelf
        name = frozen.session if number == 1 else f"{frozen.session}-{number}"
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._thread, lambda: shelf.put(name, write(frozen)))
        self._writing.add(work)
        work.add_done_callback(self._wrote)

    def _wrote(self, work: asyncio.Future[None]) -> None:
        self._writing.discard(work)
        error = TimeoutError("the folder hangs") if work.cancelled() else work.exception()
        if error is None:
            self.counts.written += 1
        else:
            self.counts.failed += 1
            self._tell("recorder.not_written", error)

    def _tell(self, moment: Trouble, error: BaseException) -> None:
        if moment not in self._told:
            self._told.add(moment)
            self._trouble(moment, error)

    def _drop(self, session_id: str, tap: Tap) -> None:
        self._cases.pop(session_id, None)
        tap.forget()

    async def close(self) -> None:
        """Write what is due, and end the thread; a folder that hangs is left alone after `CLOSE_S`."""
        for session_id, case in list(self._cases.items()):
            if case.timer is not None:
                case.timer.cancel()
                self._settled(session_id, asyncio.get_running_loop().time())
        if self._writing:
            await asyncio.wait(self._writing, timeout=CLOSE_S)
        self._fresh.close()
        self._thread.shutdown(wait=False, cancel_futures=True)
