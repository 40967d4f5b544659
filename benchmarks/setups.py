"""What a set-up costs, and what a session weighs that says nothing: `python -m benchmarks.setups`.

What lives here: two experiments, for both faces, with the bare relay and nginx beside the gateway, and
another revision where one is named. (1) People come, are greeted, set their session and leave, so many at
once; counted is the candidate's processor time for each. (2) People come and stay silent; counted is the
memory that the candidate has written.
What never will: audio (`holdfast bench`); seconds on the clock, which are the load's.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

import uvloop

from holdfast.bench import frames
from holdfast.bench.candidates import STARTS, Candidate, Start, echo_upstream, gateway
from holdfast.bench.figures import spread
from holdfast.bench.machine import cpu_seconds, description, memory_bytes
from holdfast.bench.measuring import measuring_cores
from holdfast.bench.revision import export, resolve

T = TypeVar("T")
AT_ONCE: Final = 16
WARM_UP: Final = 200
SETTLE_S: Final = 1.0
TOO_BUSY: Final = b"HTTP/1.1 503"
COME_AGAIN_S: Final = 0.2
PATIENCE_S: Final = 60.0
_MASK: Final = bytes(4)
"""A mask of zeros leaves the payload as it is: the load has no time for more."""
_CLOSE: Final = b"\x88\x82" + _MASK + (1000).to_bytes(2, "big")


def _message(payload: bytes) -> bytes:
    assert len(payload) < 126, "longer ones have another head"
    return bytes((0x81, 0x80 | len(payload))) + _MASK + payload


@dataclass(frozen=True, slots=True)
class Manners:
    """What a person of a face says, and what ends the beginning."""

    greeted: bytes
    """After this message `says` is sent."""
    says: bytes
    ready: bytes


_MANNERS: Final = {
    "json": Manners(b'"session.created"', _message(frames.SESSION_UPDATE), b'"session.updated"'),
    "binary": Manners(b"\r\n\r\n", _message(frames.CREATE_SESSION), b'"session_ready"'),
}


class Person(asyncio.Protocol):
    """One socket, read no closer than a set-up needs."""

    def __init__(self, url: str, face: str) -> None:
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        self._head = (
            f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()
        self._manners = _MANNERS[face]
        self.heard = b""
        self._has_spoken = False
        self.transport: asyncio.Transport
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.gone: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        self.heard += data
        manners = self._manners
        if not self._has_spoken and manners.greeted in self.heard:
            self._has_spoken = True
            self.transport.write(manners.says)
        if manners.ready in self.heard and not self.ready.done():
            self.ready.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(self.heard[-200:].decode(errors="replace")))
        self.gone.set_result(None)

    async def leave(self) -> None:
        """Say goodbye, and wait for the end."""
        self.transport.write(_CLOSE)
        await self.gone


async def _arrive(url: str, face: str) -> Person:
    """Come, and come again where the candidate says that it is too busy just now."""
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    while True:
        _, person = await loop.create_connection(
            lambda: Person(url, face), parts.hostname or "", parts.port or 80
        )
        try:
            await person.ready
        except ConnectionError:
            if not person.heard.startswith(TOO_BUSY):
                raise
            await asyncio.sleep(COME_AGAIN_S)
        else:
            return person


async def _come_and_go(candidate: Candidate, number: int) -> None:
    left = iter(range(number))

    async def one_after_the_other() -> None:
        for _ in left:
            person = await _arrive(candidate.url, candidate.face)
            await person.leave()

    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(one_after_the_other())


async def _stay(candidate: Candidate, number: int) -> float:
    """Bytes for each of so many who come and say nothing."""
    people: list[Person] = []
    await asyncio.sleep(SETTLE_S)
    before = memory_bytes(candidate.pid)
    async with asyncio.timeout(PATIENCE_S):
        while len(people) < number:
            coming = [
                _arrive(candidate.url, candidate.face) for _ in range(min(AT_ONCE, number - len(people)))
            ]
            people += await asyncio.gather(*coming)
        await asyncio.sleep(SETTLE_S)
        after = memory_bytes(candidate.pid)
        await asyncio.gather(*(person.leave() for person in people))
    return (after - before) / number


@dataclass(slots=True)
class Found:
    """What all rounds gave, by candidate and face."""

    setup_us: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    idle_kb: dict[str, float] = field(default_factory=dict)

    def ratios(self, name: str, beside: str) -> list[float]:
        """The cost of one over that of another, round by round."""
        return [one / other for one, other in zip(self.setup_us[name], self.setup_us[beside], strict=True)]


def _title(candidate: Candidate) -> str:
    return f"{candidate.name} {candidate.face}"


Fresh = Callable[[Start], contextlib.AbstractContextManager[list[Candidate]]]


def set_up(candidates: list[Candidate], found: Found, *, rounds: int, setups: int) -> None:
    """The first experiment."""
    for candidate in candidates:
        _run(_come_and_go(candidate, WARM_UP))
    for at in range(rounds):
        for candidate in candidates if at % 2 == 0 else candidates[::-1]:
            before = cpu_seconds(candidate.pid)
            _run(_come_and_go(candidate, setups))
            cost_us = (cpu_seconds(candidate.pid) - before) / setups * 1e6
            found.setup_us[_title(candidate)].append(cost_us)
            _progress(f"round {at + 1}/{rounds}, {_title(candidate)}: {cost_us:.0f} us")


def stay(starts: list[Start], open_fresh: Fresh, found: Found, idle: int) -> None:
    """The second experiment. Each face has a fresh process: what others have let go is no room of its own."""
    for start in starts:
        for face in _MANNERS:
            with open_fresh(start) as candidates:
                for candidate in (one for one in candidates if one.face == face):
                    _run(_come_and_go(candidate, WARM_UP))
                    found.idle_kb[_title(candidate)] = kb = _run(_stay(candidate, idle)) / 1024
                    _progress(f"{_title(candidate)}: {kb:.1f} kB for an idle session")


def _run(work: Coroutine[None, None, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _starts(revision: str | None, folder: Path) -> list[Start]:
    starts = list(STARTS)
    if revision is not None:
        source = export(resolve(revision), folder)
        starts.append(partial(gateway, source=source, name=revision))
    return starts


def main() -> None:
    """Measure, and say it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6, help="of the first experiment; 0 leaves it out")
    parser.add_argument("--setups", type=int, default=1500, help="in one round")
    parser.add_argument("--idle", type=int, default=1000, help="how many stay silent; 0 leaves that out")
    parser.add_argument("--against", metavar="REV", help="another revision of the gateway")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = Found()
    candidate_core, load_cores = measuring_cores()
    os.sched_setaffinity(0, load_cores)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-setups-")))
        _, upstream = stack.enter_context(echo_upstream(folder, load_cores))
        starts = _starts(options.against, folder)
        if options.idle:
            stay(starts, lambda start: start(upstream, folder, candidate_core), found, options.idle)
        if options.rounds:
            candidates: list[Candidate] = []
            for start in starts:
                candidates += stack.enter_context(start(upstream, folder, candidate_core))
            candidates = sorted((one for one in candidates if one.face in _MANNERS), key=lambda one: one.face)
            set_up(candidates, found, rounds=options.rounds, setups=options.setups)
    _say(found, as_json=options.json)


def _say(found: Found, *, as_json: bool) -> None:
    told: dict[str, Any] = {"machine": description(), "idle_kb": found.idle_kb, "setup_us": {}, "ratios": {}}
    for title, costs in found.setup_us.items():
        face = title.rpartition(" ")[2]
        told["setup_us"][title] = asdict(spread(costs))
        told["ratios"][title] = asdict(spread(found.ratios(title, f"bare {face}")))
    if as_json:
        sys.stdout.write(json.dumps(told) + "\n")
        return
    sys.stdout.write("candidate            us a set-up     times bare         a second   kB idle\n")
    for title in found.setup_us or found.idle_kb:
        line = f"{title:20}"
        if title in found.setup_us:
            cost, ratio = told["setup_us"][title], told["ratios"][title]
            line += f" {cost['median']:6.0f}          {ratio['median']:.2f} "
            line += f"({ratio['low']:.2f}-{ratio['high']:.2f})   {1e6 / cost['median']:6.0f}"
        sys.stdout.write(f"{line}   {found.idle_kb.get(title, 0):6.1f}\n")


if __name__ == "__main__":
    main()
