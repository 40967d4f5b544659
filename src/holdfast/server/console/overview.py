"""Who knows the sessions: this process' ledger, looked after once a second.

What lives here: the protocol that routes and stream ask, its answer within one process, reading how much
audio came and went, of a few sessions at a time.
What never will: what a sighting means (`ledger`), several processes (`workers.overlooking`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

import msgspec

from holdfast.core.audio import SAMPLE_BYTES
from holdfast.core.faults import fault
from holdfast.core.overload import LoadSample, Overload
from holdfast.core.relay_state import RelayState
from holdfast.core.state import State
from holdfast.ledger import Batch, Climate, Flow, Ledger
from holdfast.runtime.directory import Directory, Running
from holdfast.runtime.relay_runner import RelayRunner
from holdfast.runtime.rounds import PARTS_MIN, Rounds
from holdfast.runtime.session_runner import SessionRunner
from holdfast.telemetry import kept_lines

LOOK_S: Final = 1.0
ASK_EVERY: Final = 5
"""Looks between two questions to the kernel about one client's line."""
LOOKED_AT_BYTES: Final = 480
"""Of the newest audio: whether it is silence."""
_ZEROS: Final = ord("A")
"""What base64 makes of digital silence."""
_ENVELOPE: Final = 8
"""At the end of a message of `/v1/realtime`: padding, quote, brace."""
_BASE64: Final = 3 / 4


class Recording(msgspec.Struct, frozen=True):
    """A flight recording: its file's name and bytes."""

    name: str
    content: bytes


class Recordings(Protocol):
    """Where flight recordings come from."""

    def has(self, session_id: str) -> bool:
        """Whether there is one in memory."""
        ...

    def prepared(self, session_id: str) -> Callable[[], Recording | None]:
        """Makes the file of what there is now; to be called in a thread, for it may read a disk."""
        ...


class Extras(msgspec.Struct, frozen=True):
    """What goes into a bundle beside the document: log lines of the session, its flight recording."""

    log_lines: tuple[dict[str, Any], ...] = ()
    recording: Recording | None = None


class Overview(Protocol):
    """All sessions of the gateway, in however many processes."""

    @property
    def workers(self) -> int:
        """How many processes run conversations."""
        ...

    def climate(self) -> Climate:
        """How they are."""
        ...

    def watch(self, told: Callable[[], None] | None) -> None:
        """Somebody looks from here on, and everything is told anew; or nobody any more. `told` is called
        when there are news that did not wait to be asked for.
        """
        ...

    def news(self) -> Sequence[tuple[int, Batch | None]]:
        """What was told since this was asked last, by process; None for a process that has ended."""
        ...

    async def all_told(self) -> None:
        """Wait until every process has told once since `watch`, within bounds."""
        ...

    async def document(self, session_id: str) -> dict[str, Any] | None:
        """Everything that is known of a session; None of one that is not known."""
        ...

    async def extras(self, session_id: str) -> Extras:
        """What else there is of it."""
        ...

    def end(self, session_id: str, operator: str) -> None:
        """End it politely, if it still runs, on behalf of this operator."""
        ...


class Keeper:
    """Lets a process' ledger look at its sessions once a second: whose audio flows, how the process is."""

    def __init__(
        self,
        ledger: Ledger,
        directory: Directory,
        recordings: Recordings | None = None,
    ) -> None:
        self.ledger = ledger
        self._directory = directory
        self._recordings = recordings
        self._sample: LoadSample | None = None
        self._lag_s = 0.0
        self._looks = self._place = 0
        self._due_at = 0.0
        self._rounds = Rounds(self._look, self._flowed, LOOK_S)

    def sampled(self, sample: LoadSample) -> None:
        """Four times a second: how busy the process is. The latest of a second counts."""
        self._sample = sample
        self._lag_s = max(self._lag_s, sample.lag_s)

    def start(self) -> None:
        """Begin."""
        self._rounds.start()

    def stop(self) -> None:
        """No more looks. Twice is harmless."""
        self._rounds.stop()

    def climate(self) -> Climate:
        """How the process is."""
        sample, overload = self._sample, self._directory.overload
        return Climate(
            lag_s=self._lag_s,
            busy=0.0 if sample is None else sample.busy * sample.cores,
            sessions=len(self._directory),
            load=_load(overload),
            is_draining=self._directory.is_draining,
        )

    def document(self, session_id: str) -> dict[str, Any] | None:
        """Everything that is known of a session of this process."""
        found = self.ledger.document(session_id, asyncio.get_running_loop().time())
        if found is not None:
            found["hasRecording"] = self._recordings is not None and self._recordings.has(found["row"]["id"])
        return found

    async def extras(self, session_id: str) -> Extras:
        """What else there is of it."""
        recording = None
        if self._recordings is not None:
            recording = await asyncio.to_thread(self._recordings.prepared(session_id))
        return Extras(tuple(kept_lines.of(session_id)), recording)

    def end(self, session_id: str, operator: str) -> None:
        """End a session of this process, if it still runs."""
        cause = fault("configuration.ended_by_operator", [f"operator {operator}"])
        self._directory.budget_spent(session_id, cause)

    def _look(self) -> Iterable[Running]:
        """Once a second: what is due for all; answers whose audio is to be looked at until the next."""
        at = asyncio.get_running_loop().time()
        if at < self._due_at:
            return ()
        self.ledger.look(at, self.climate())
        self._looks, self._place = self._looks + 1, 0
        # few are asked for several times a round; the next round may be a little early, and is none of these
        self._lag_s, self._due_at = 0.0, at + LOOK_S - LOOK_S / (2 * PARTS_MIN)
        return self._directory.running

    def _flowed(self, one: Running) -> None:
        """Of each fifth the kernel is asked how far away its client is; another fifth each time."""
        self._place += 1
        found = flow_of(one, asks_trip=(self._place + self._looks) % ASK_EVERY == 0)
        if found is not None:
            self.ledger.flowed(asyncio.get_running_loop().time(), found)


def _load(overload: Overload | None) -> str:
    return "none" if overload is None else overload.pressure.name.lower()


def flow_of(one: Running, *, asks_trip: bool = False) -> Flow | None:
    """How much audio of a session came and went so far; if asked for, how far away its client is."""
    if isinstance(one, SessionRunner):
        return _of_session(one.session.state, one.client.round_trip_ms if asks_trip else None)
    if isinstance(one, RelayRunner):
        return _of_relay(one.relay.state, one.client.round_trip_ms if asks_trip else None)
    return None


def _of_session(s: State, trip_ms: float | None) -> Flow:
    item, given = s.output.current, s.kept.given
    passed = 0 if item is None else max(0, s.output_lane.end - item.sent)
    newest = given[-1] if given else b""
    is_silent = isinstance(newest, bytes) and _is_all(newest[-LOOKED_AT_BYTES:], 0)
    came, went = s.input_lane.end, s.output.sounded + passed
    return Flow(s.session_id, came, went, s.kept.waiting, is_silent, trip_ms)


def _of_relay(r: RelayState, trip_ms: float | None) -> Flow:
    """Reckoned from the size of messages: to measure each would cost more than it tells."""
    kept, sample_bytes = r.kept, r.facts.input_sample_bytes
    size = kept.size + sum(map(len, kept.fresh))
    came = (kept.first + round(size * _BASE64)) // sample_bytes
    held = round(kept.waiting_size * _BASE64) // sample_bytes
    newest = kept.fresh[-1] if kept.fresh else kept.given[-1] if kept.given else b""
    is_silent = sample_bytes == SAMPLE_BYTES and _is_all(newest[-LOOKED_AT_BYTES:-_ENVELOPE], _ZEROS)
    said = round(r.lane.said * _BASE64) // SAMPLE_BYTES
    return Flow(r.begun.session_id, came, said, held, is_silent, trip_ms)


def _is_all(part: bytes, value: int) -> bool:
    return len(part) > 0 and part.count(value) == len(part)


class LocalOverview:
    """One process: fills `Overview` from its own ledger."""

    workers = 1

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._cursor = 0

    def climate(self) -> Climate:
        """See `Overview`."""
        return self._keeper.climate()

    def watch(self, told: Callable[[], None] | None) -> None:  # noqa: ARG002 - news wait to be asked for
        """See `Overview`."""
        self._cursor = 0

    def news(self) -> Sequence[tuple[int, Batch | None]]:
        """See `Overview`."""
        batch = self._keeper.ledger.collect(self._cursor, asyncio.get_running_loop().time())
        self._cursor = batch.cursor
        return ((0, batch),)

    async def all_told(self) -> None:
        """See `Overview`: it tells when it is asked."""

    async def document(self, session_id: str) -> dict[str, Any] | None:
        """See `Overview`."""
        return self._keeper.document(session_id)

    async def extras(self, session_id: str) -> Extras:
        """See `Overview`."""
        return await self._keeper.extras(session_id)

    def end(self, session_id: str, operator: str) -> None:
        """See `Overview`."""
        self._keeper.end(session_id, operator)
