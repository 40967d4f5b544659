"""A whole gateway before an emulator, and an operator who watches its console.

What lives here: starting both, reading a stream of server-sent events. What never will: expectations.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from holdfast.app import Gateway
from holdfast.config import load
from holdfast.emulator import Emulator
from tests.server.gateway import Client

ROOT = "/api/console"
SECRET = "sk-upstream-canary-0123456789"


@asynccontextmanager
async def gateway(
    folder: Path, emulator: Emulator, **tables: dict[str, Any]
) -> AsyncIterator[tuple[str, Gateway]]:
    """Its address. `tables`: settings to add."""
    usual: dict[str, dict[str, Any]] = {
        "portal": {"database": str(folder / "portal.sqlite3")},
        "journal": {"kind": "memory"},
        "recorder": {"folder": str(folder / "recordings")},
        "limits": {"retry_base_s": 0.01, "retry_cap_s": 0.02},
    }
    settings = load(
        environ={"OPENAI_API_KEY": SECRET, "OPENAI_BASE_URL": emulator.http_base},
        folder=folder,
        overrides={
            "port": 0,
            **usual,
            **{name: {**usual.get(name, {}), **one} for name, one in tables.items()},
        },
    )
    running = Gateway(settings)
    async with running.running() as url:
        yield url, running
        running.stop()
        running.stop()


@asynccontextmanager
async def desk(folder: Path, **tables: dict[str, Any]) -> AsyncIterator[tuple[str, Emulator, Gateway]]:
    """The same with an emulator of its own."""
    async with (
        Emulator() as emulator,
        gateway(folder, emulator, **tables) as (url, running),
    ):
        yield url, emulator, running


async def conversation(url: str, **options: Any) -> tuple[Client, str]:
    """A client whose upstream serves; the session's id."""
    client = await Client.connect(
        f"{url.replace('http', 'ws')}/api/openai/realtime", extra_headers={"Origin": url}
    )
    client.say("create_session", **options)
    created = await client.until_told("session_created")
    await client.until_told("session_ready")
    return client, str(created["sessionId"])


@dataclass
class Operator:
    """What a console has been told: rows by id, faults, and when each came."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, kind: str, told: dict[str, Any]) -> None:
        if kind == "snapshot":
            self.rows.clear()
        self.heard.append((kind, told))
        self.rows.update({row["id"]: row for row in told.get("rows", ())})
        for gone in told.get("gone", ()):
            self.rows.pop(gone, None)
        self.faults += [(time.monotonic(), one) for one in told.get("faults", ())]
        self.news.set()

    async def until(self, condition: Callable[[], Any], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                self.news.clear()
                await self.news.wait()


@asynccontextmanager
async def watching(url: str, **headers: str) -> AsyncIterator[Operator]:
    """An open stream, read beside the test."""
    operator = Operator()

    async def read() -> None:
        async with (
            httpx.AsyncClient(timeout=30) as client,
            client.stream("GET", f"{url}{ROOT}/stream", headers=headers) as answer,
        ):
            assert answer.status_code == 200, await answer.aread()
            assert answer.headers["content-type"].startswith("text/event-stream")
            kind = ""
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    operator.hear(kind, json.loads(value))

    task = asyncio.create_task(read())
    try:
        waiting = asyncio.create_task(operator.until(lambda: operator.heard))
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        await waiting
        yield operator
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
