"""What the operator's console costs: `python -m benchmarks.console`. 1,000 sessions, four who watch.

What lives here: a second of sessions' life on a clock of its own, and the processor time of what the console
does with it: keeping the book, judging rows, encoding for all who watch.
What never will: sockets: those who watch are sent the same bytes, which the kernel copies.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import json
import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from holdfast.ledger import Batch, Climate, Flow, Ledger
from holdfast.ports import sightings as seen
from holdfast.ports.sightings import Watched
from holdfast.server.console import Feed
from holdfast.server.console.feed import TICK_S, Watcher
from holdfast.server.console.overview import Extras

GOAL = 0.02
"""Of one core."""
WARMING = 10
"""Seconds that are not counted."""
Seen = tuple[float, int, Watched, seen.Sighting]
"""When, a number that no two have, of whom, what."""


@dataclass(frozen=True)
class Spent:
    """Shares of a core, by what was done; `bytes_per_s` of the stream, for one who watches."""

    kept: float
    looked: float
    told: float
    rows_per_s: float
    bytes_per_s: float

    @property
    def console(self) -> float:
        """All of it."""
        return self.kept + self.looked + self.told


class Life:
    """Sessions that talk: a turn every `every_s`, a lost upstream now and then."""

    workers = 1

    def __init__(self, sessions: int, every_s: float, seed: int = 7) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a load, not a secret
        self.at = 1_000.0
        self.every_s = every_s
        limits = Limits()
        self.ledger = Ledger(limits, wall_s=time.time(), at=self.at)
        self.sessions = [Watched(f"hf_{n:032x}", "browser", f"C-{n:06d}") for n in range(sessions)]
        self.next = [self.at + self.chance.uniform(0, every_s) for _ in self.sessions]
        self.flow = [[0, 0] for _ in self.sessions]
        self.cursor = 0
        self.rows = 0
        self.number = 0
        self.coming: list[Seen] = []
        for one in self.sessions:
            self.ledger.saw(one, seen.Began(), self.at)
            live = seen.UpstreamLive(0, "openai", "openai", "gpt-realtime-2.1", f"sess_{one.id}")
            self.ledger.saw(one, live, self.at)

    def passes(self, seconds: float) -> list[Seen]:
        """Time passes; what is seen meanwhile, in order."""
        self.at += seconds
        for n, one in enumerate(self.sessions):
            if self.next[n] <= self.at:
                for later in self._turn(one, self.next[n]):
                    heapq.heappush(self.coming, later)
                self.next[n] += self.every_s
                self.flow[n][1] += 72_000
            self.flow[n][0] += round(24_000 * seconds)
        happened: list[Seen] = []
        while self.coming and self.coming[0][0] <= self.at:
            happened.append(heapq.heappop(self.coming))
        return happened

    def _turn(self, one: Watched, began: float) -> Iterator[Seen]:
        said: list[tuple[float, seen.Sighting]] = [
            (0.0, seen.TurnBegan("item_u", 0)),
            (1.4, seen.TurnEnded("item_u", 24_000)),
            (1.5, seen.WordsOfUser("item_u", "what do I owe")),
            (1.7, seen.ResponseBegan("resp_1")),
            (1.9, seen.FirstSound("resp_1", "item_a")),
            (2.5, seen.WordsOfAssistant("resp_1", "item_a", "You owe nine euros.")),
            (2.6, seen.ResponseEnded("resp_1", "completed")),
        ]
        if self.chance.random() < 0.01:
            lost = seen.UpstreamLost(0, fault("provider.connection_lost"), was_live=True)
            again = seen.UpstreamLive(1, "openai", "openai", "gpt-realtime-2.1", "sess_2", "rebuilt")
            said += [(3.0, lost), (3.8, again)]
        for after, sighting in said:
            self.number += 1
            yield began + after, self.number, one, sighting

    def flows(self) -> Iterator[Flow]:
        """Audio so far."""
        for one, (came, went) in zip(self.sessions, self.flow, strict=True):
            yield Flow(one.id, came, went)

    # `Overview`

    def climate(self) -> Climate:
        return Climate(sessions=len(self.sessions))

    def watch(self, told: object) -> None:  # noqa: ARG002 - the port's signature
        self.cursor = 0

    def news(self) -> list[tuple[int, Batch | None]]:
        batch = self.ledger.collect(self.cursor, self.at)
        self.cursor = batch.cursor
        self.rows += len(batch.rows)
        return [(0, batch)]

    async def all_told(self) -> None:
        """It tells when it is asked."""

    async def document(self, session_id: str) -> dict[str, Any] | None:
        return self.ledger.document(session_id, self.at)

    def end(self, session_id: str, operator: str) -> None:
        """Nobody asks for it here."""

    async def extras(self, session_id: str) -> Extras:  # noqa: ARG002 - the port's signature
        return Extras()


async def measure(sessions: int, watchers: int, seconds: int, every_s: float) -> Spent:
    """Processor time of `seconds` seconds of such life."""
    life = Life(sessions, every_s)
    feed = Feed(life, Limits(), lambda: {"version": "measured"})
    joined = [feed.join() for _ in range(watchers)]
    kept: list[float] = []
    looked: list[float] = []
    told: list[float] = []
    size = 0
    per_second = round(1 / TICK_S)
    for second in range(-WARMING, seconds):
        spent = [0.0, 0.0, 0.0]
        if second == 0:
            life.rows = size = 0
        for tick in range(per_second):
            happened = life.passes(TICK_S)
            a = time.process_time()
            for at, _, session, sighting in happened:
                life.ledger.saw(session, sighting, at)
            b = time.process_time()
            if tick == 0:
                for flow in life.flows():
                    life.ledger.flowed(life.at, flow)
                life.ledger.look(life.at, life.climate())
            c = time.process_time()
            feed.look()
            d = time.process_time()
            spent = [spent[0] + b - a, spent[1] + c - b, spent[2] + d - c]
            size += sum(map(len, read(joined)))
        if second >= 0:
            for sums, one in zip((kept, looked, told), spent, strict=True):
                sums.append(one)
    feed.close()
    return Spent(
        statistics.fmean(kept),
        statistics.fmean(looked),
        statistics.fmean(told),
        life.rows / seconds,
        size / watchers / seconds,
    )


def read(joined: list[Watcher | None]) -> Iterator[bytes]:
    """What waits for each, as its socket would take it."""
    for watcher in joined:
        assert watcher is not None
        while watcher._waiting:  # noqa: SLF001 - see below
            yield watcher._waiting.popleft()  # noqa: SLF001 - the socket's side waits, and this may not


def main() -> None:
    """Print the figures; the exit code says whether the goal is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1_000)
    parser.add_argument("--watchers", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--turn-every", type=float, default=10.0, help="seconds between a session's turns")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    spent = asyncio.run(measure(asked.sessions, asked.watchers, asked.seconds, asked.turn_every))
    told = {**asdict(spent), "console": spent.console, "goal": GOAL}
    if asked.json:
        print(json.dumps(told))  # noqa: T201 - the figures
    else:
        print(f"{asked.sessions} sessions, {asked.watchers} consoles, a turn every {asked.turn_every:g} s")  # noqa: T201
        for name, share in (("book", spent.kept), ("looks", spent.looked), ("stream", spent.told)):
            print(f"  {name:8} {share:7.2%} of a core")  # noqa: T201 - same
        print(f"  all      {spent.console:7.2%}   (goal: below {GOAL:.0%})")  # noqa: T201 - same
        print(f"  {spent.rows_per_s:.0f} rows and {spent.bytes_per_s / 1000:.0f} kB a second for each")  # noqa: T201
    raise SystemExit(0 if spent.console < GOAL else 1)


if __name__ == "__main__":
    main()
