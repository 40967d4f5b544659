"""The console's stream: bounds, heartbeats, who does not read, who goes too soon."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from holdfast.core.limits import Limits
from holdfast.ledger import Batch, Climate
from holdfast.server.console import Feed
from holdfast.server.console.overview import Extras
from tests.ledger.seeing import Seen
from tests.server.desk import ROOT, Operator, desk, watching


class Idle:
    """An overview without processes."""

    workers = 1

    def __init__(self) -> None:
        self.book = Seen()
        self.cursor = 0
        self.watched: list[bool] = []

    def climate(self) -> Climate:
        return Climate()

    def watch(self, told: Callable[[], None] | None) -> None:
        self.watched.append(told is not None)
        self.cursor = 0

    def news(self) -> list[tuple[int, Batch | None]]:
        batch = self.book.collect(self.cursor)
        self.cursor = batch.cursor
        return [(0, batch)]

    async def all_told(self) -> None:
        """It tells when it is asked."""

    async def document(self, session_id: str) -> dict[str, Any] | None:
        return None

    def end(self, session_id: str, operator: str) -> None:
        """Nobody asks for it here."""

    async def extras(self, session_id: str) -> Extras:
        return Extras()


def kinds(events: list[bytes]) -> list[str]:
    return [event.split(b"\n", 1)[0].decode().removeprefix("event: ") for event in events]


async def test_a_watcher_that_does_not_read_starts_over(tmp_path: Path) -> None:
    overview = Idle()
    feed = Feed(overview, Limits(console_stream_messages=3), dict)
    slow, quick = feed.join(), feed.join()
    assert slow is not None
    assert quick is not None
    heard: list[bytes] = []
    for number in range(6):
        overview.book.session(f"hf_{number}")
        feed.look()
        heard += list(quick._waiting)
        quick._waiting.clear()
    waiting = list(slow._waiting)
    feed.close()

    assert kinds(heard) == ["snapshot", *["changes"] * 6]
    assert len(waiting) <= 3
    assert kinds(waiting)[0] == "snapshot"
    rows = [row["id"] for row in json.loads(waiting[0].split(b"data: ", 1)[1])["rows"]]
    assert len(rows) + len(waiting) - 1 == 6


async def test_nothing_is_done_while_nobody_watches() -> None:
    overview = Idle()
    feed = Feed(overview, Limits(), dict)
    watcher = feed.join()
    assert watcher is not None
    feed.leave(watcher)

    assert overview.watched == [True, False]
    assert feed._handle is None


async def test_a_number_goes_on_whoever_looks_between(tmp_path: Path) -> None:
    """Who asks for faults now and then gets each once, also when more were met than are kept."""
    overview = Idle()
    feed = Feed(overview, Limits(console_faults=10), dict)
    overview.book.live()
    heard: list[int] = []
    for _ in range(4):
        for _ in range(6):
            overview.book.at += 1.0
            overview.book.lost()
        heard += [one.id for one in await feed.faults_since(heard[-1] if heard else 0)]
        watcher = feed.join()
        assert watcher is not None
        feed.leave(watcher)

    assert heard == list(range(1, 25))


async def test_who_goes_before_the_first_event_takes_no_place(tmp_path: Path) -> None:
    async with desk(tmp_path) as (url, _, gateway):
        host, _, port = url.removeprefix("http://").partition(":")
        for _ in range(20):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"GET {ROOT}/stream HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            writer.transport.abort()
        async with watching(url) as operator:
            await operator.until(lambda: gateway.desk.feed.watchers == 1)


async def test_watchers_are_bounded(tmp_path: Path) -> None:
    async with desk(tmp_path, limits={"console_watchers": 1}) as (url, _, _):
        async with watching(url), httpx.AsyncClient() as http:
            refused = await http.get(f"{url}{ROOT}/stream")
        async with watching(url) as operator:  # the place is free again
            kind = operator.heard[0][0]

    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "TOO_MANY_WATCHERS")
    assert kind == "snapshot"


async def test_a_quiet_stream_has_a_heartbeat_and_says_goodbye(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as longer:
        async with desk(tmp_path) as (url, _, _):
            operator = await longer.enter_async_context(watching(url))
            await operator.until(lambda: len(operator.heard) >= 3, seconds=4.0)
        beats = [told for _, told in operator.heard[1:]]

    assert kinds_of(operator)[1:3] == ["changes", "changes"]
    assert beats[1]["at"] - beats[0]["at"] < 1_300
    assert beats[0]["gateway"]["state"] == "serving"
    assert operator.heard[-1] == ("bye", {"reason": "draining"})


def kinds_of(operator: Operator) -> list[str]:
    return [kind for kind, _ in operator.heard]
