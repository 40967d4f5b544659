"""The load: N sessions that send 20 ms frames in real time and check every byte that comes back.

What lives here: `python -m holdfast.bench.load PLAN`, which prints one `Sample` as JSON.
What never will: more than one measurement in one process.

One message is one event relayed one way. The candidate's processor time is read at both ends of the window.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import time
from array import array
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Final, Literal

import uvloop
from picows import WSInvalidStatusError, ws_connect

from holdfast.bench import frames
from holdfast.bench.figures import percentile
from holdfast.bench.machine import cpu_seconds
from holdfast.sockets import MessageListener

Face = Literal["json", "binary", "page"]
"""The Realtime dialect; the browser protocol with bare PCM; with positions, as the page speaks it."""

FRAME_S: Final = frames.FRAME_MS / 1000
ACK_EVERY: Final = 1_000 // frames.FRAME_MS
"""A client of the browser protocol says about once a second what it has, as the page does."""
START_S: Final = 60.0
TOO_BUSY: Final = 503
COME_AGAIN_S: Final = 0.5
SETTLE_S: Final = 2.0
STEP_S: Final = 0.1
DIALS_AT_ONCE: Final = 20
_TROUBLES_KEPT: Final = 3
_BAD_NEWS: Final = frozenset({"error", "audio_lost", "session_ended", "response_done"})


@dataclass(frozen=True, slots=True)
class Plan:
    """One measurement. `pid` is the candidate, `upstream_pid` shares the load's core."""

    face: Face
    url: str
    sessions: int
    seconds: float
    warm_up_s: float
    pid: int
    upstream_pid: int
    turns: int = 1
    """The window is cut in so many. Sessions begin each at other moments: how they fall together counts."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one measurement gave. Times in seconds unless the name says otherwise; shares of one core."""

    messages: int
    cpu_us: float
    """Processor time of the candidate for one message, user and system."""
    candidate_share: float
    load_share: float
    upstream_share: float
    rtt_p50_ms: float
    rtt_p99_ms: float
    late_p99_ms: float
    """How late the load itself was with its frames."""
    lost: int
    altered: int
    troubles: tuple[str, ...] = ()


@dataclass(slots=True)
class Tally:
    """What all sessions of one measurement count together."""

    sent: int = 0
    received: int = 0
    altered: int = 0
    rtt_s: array[float] = field(default_factory=lambda: array("d"))
    late_s: array[float] = field(default_factory=lambda: array("d"))
    troubles: list[str] = field(default_factory=list)

    def trouble(self, what: str) -> None:
        """Keep the first few."""
        if len(self.troubles) < _TROUBLES_KEPT:
            self.troubles.append(what[:300])


class Caller(MessageListener):
    """One session: sends frame after frame, expects the same back in the same order."""

    def __init__(self, face: Face, number: int, tally: Tally) -> None:
        super().__init__()
        self.ready = asyncio.Event()
        self.answered = asyncio.Event()
        self._is_binary = face != "json"
        self._is_positioned = face == "page"
        self._number = number
        self._tally = tally
        self._loop = asyncio.get_running_loop()
        self._next_at = 0.0
        self._count = 0
        self._is_talking = False
        self._offset = -1
        """Of the last message of the browser protocol; they count from `session_created` on."""
        self._expected: deque[tuple[bytes, float]] = deque()

    def on_open(self) -> None:
        if self._is_binary:
            self.send_text(frames.CREATE_POSITIONED if self._is_positioned else frames.CREATE_SESSION)

    def on_text(self, payload: bytes) -> None:
        if not self._is_binary and payload.startswith(frames.DELTA_HEAD):
            self._heard(payload)
            return
        kind = frames.kind_of(payload)
        if self._is_binary and (self._offset >= 0 or kind == "session_created"):
            self._offset += 1
        if kind == "response.output_audio.delta":
            self._heard(payload)
        elif kind == "session.created":
            self.send_text(frames.SESSION_UPDATE)
        elif kind == ("session_ready" if self._is_binary else "response.created"):
            self.ready.set()
        elif kind in _BAD_NEWS:
            self._tally.trouble(payload.decode())

    def on_binary(self, payload: bytes) -> None:
        if self._offset >= 0:
            self._offset += 1
        self._heard(frames.unplaced(payload, self._offset) if self._is_positioned else payload)
        if self._offset >= 0 and self._offset % ACK_EVERY == 0:
            self.send_text(b'{"type":"ack","offset":%d}' % self._offset)

    def on_closed(self, code: int, reason: str) -> None:
        if self._is_talking:
            self._tally.trouble(f"closed with {code} {reason}")

    def talk(self) -> None:
        """Begin, anywhere within the first frame's time, so that sessions do not beat together."""
        self._is_talking = True
        self.answered.clear()
        self._next_at = self._loop.time() + random.random() * FRAME_S  # noqa: S311 - a phase is no secret
        self._loop.call_at(self._next_at, self._speak)

    def hush(self) -> None:
        """Send no more; answers may still come."""
        self._is_talking = False
        if not self._expected:
            self.answered.set()

    @property
    def unanswered(self) -> int:
        """Frames that have not come back."""
        return len(self._expected)

    def _speak(self) -> None:
        if not self._is_talking:
            return
        pcm = frames.frame(self._number, self._count)
        now = self._loop.time()
        if self._is_binary:
            self._expected.append((pcm, time.perf_counter()))
            self.send_binary(frames.placed(pcm, self._count) if self._is_positioned else pcm)
        else:
            self._expected.append((frames.delta(pcm), time.perf_counter()))
            self.send_text(frames.append(pcm))
        self._count += 1
        self._tally.sent += 1
        self._tally.late_s.append(now - self._next_at)
        self._next_at += FRAME_S
        self._loop.call_at(self._next_at, self._speak)

    def _heard(self, payload: bytes) -> None:
        tally = self._tally
        tally.received += 1
        if not self._expected:
            tally.altered += 1
            return
        expected, sent_at = self._expected.popleft()
        tally.rtt_s.append(time.perf_counter() - sent_at)
        if payload != expected and (self._is_binary or not frames.carries_same_audio(payload, expected)):
            tally.altered += 1
        if not self._is_talking and not self._expected:
            self.answered.set()


@dataclass(frozen=True, slots=True)
class _Mark:
    """The state at one end of a window."""

    at: float
    messages: int
    candidate: float
    upstream: float
    load: float

    @classmethod
    def now(cls, plan: Plan, tally: Tally) -> _Mark:
        return cls(
            time.perf_counter(),
            tally.sent + tally.received,
            cpu_seconds(plan.pid),
            cpu_seconds(plan.upstream_pid),
            time.process_time(),
        )


async def measure(plan: Plan, together: asyncio.Barrier | None = None) -> Sample:
    """Run one measurement. Raises TimeoutError when the sessions do not become ready.

    `together`: measurements that begin to talk when the sessions of all are ready.
    """
    tally = Tally()
    callers = await _connect(plan, tally)
    if together is not None:
        await together.wait()
    await _turn(plan, tally, callers, plan.warm_up_s)
    tally.rtt_s, tally.late_s = array("d"), array("d")
    windows = [await _turn(plan, tally, callers, plan.seconds / plan.turns) for _ in range(plan.turns)]
    lost = sum(caller.unanswered for caller in callers)
    for caller in callers:
        caller.close()
    return _sample(windows, tally, lost)


async def _turn(plan: Plan, tally: Tally, callers: list[Caller], seconds: float) -> tuple[_Mark, _Mark]:
    """All talk; the window begins when they have come into step, and ends before they fall silent."""
    for caller in callers:
        caller.talk()
    await asyncio.sleep(STEP_S)
    before = _Mark.now(plan, tally)
    await asyncio.sleep(seconds)
    after = _Mark.now(plan, tally)
    for caller in callers:
        caller.hush()
    await _settled(callers)
    return before, after


def _sample(windows: list[tuple[_Mark, _Mark]], tally: Tally, lost: int) -> Sample:
    seconds = sum(after.at - before.at for before, after in windows)
    messages = max(sum(after.messages - before.messages for before, after in windows), 1)
    cpu = sum(after.candidate - before.candidate for before, after in windows)
    return Sample(
        messages=messages,
        cpu_us=cpu / messages * 1e6,
        candidate_share=cpu / seconds,
        load_share=sum(after.load - before.load for before, after in windows) / seconds,
        upstream_share=sum(after.upstream - before.upstream for before, after in windows) / seconds,
        rtt_p50_ms=percentile(tally.rtt_s, 0.5) * 1e3,
        rtt_p99_ms=percentile(tally.rtt_s, 0.99) * 1e3,
        late_p99_ms=percentile(tally.late_s, 0.99) * 1e3,
        lost=lost,
        altered=tally.altered,
        troubles=tuple(tally.troubles),
    )


async def _connect(plan: Plan, tally: Tally) -> list[Caller]:
    gate = asyncio.Semaphore(DIALS_AT_ONCE)

    async def one(number: int) -> Caller:
        async with gate:
            caller = await _admitted(plan, number, tally)
            await caller.ready.wait()
            return caller

    async with asyncio.timeout(START_S), asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(number)) for number in range(plan.sessions)]
    return [task.result() for task in tasks]


async def _admitted(plan: Plan, number: int, tally: Tally) -> Caller:
    """A candidate may say that it is too busy just now; then we come again."""
    while True:
        try:
            _, caller = await ws_connect(lambda: Caller(plan.face, number, tally), plan.url)
        except WSInvalidStatusError as error:
            if error.response is None or int(error.response.status) != TOO_BUSY:
                raise
            await asyncio.sleep(COME_AGAIN_S)
            continue
        assert isinstance(caller, Caller)
        return caller


async def _settled(callers: list[Caller]) -> None:
    """Wait for what is still on its way."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_S):
            for caller in callers:
                await caller.answered.wait()


def main(plan: Plan) -> None:
    """One measurement on uvloop, printed."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sample = runner.run(measure(plan))
    sys.stdout.write(json.dumps(asdict(sample)) + "\n")


if __name__ == "__main__":
    main(Plan(**json.loads(sys.argv[1])))
