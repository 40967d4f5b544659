"""A gateway on a free port, with an emulated upstream: the real parts, composed for a test."""

from __future__ import annotations

import asyncio
import json
import math
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from picows import ws_connect

from holdfast.auth import Peer
from holdfast.core.limits import Limits
from holdfast.express import express
from holdfast.ports import (
    Principal,
    Refusal,
    Toolbox,
    ToolContext,
    ToolOutcome,
    UpgradeRequest,
    UpstreamDialer,
)
from holdfast.providers.openai import OpenAIDialer
from holdfast.runtime.assistant import Assistant
from holdfast.runtime.directory import Directory
from holdfast.runtime.revival import Revival
from holdfast.runtime.rounds import Rounds
from holdfast.runtime.upstreams import Upstreams
from holdfast.server.host import Host
from holdfast.server.listening import Tls, bound_socket, listening, uvicorn_server
from holdfast.server.router import SocketRouter
from holdfast.sockets import MessageListener
from holdfast.store import Journal, MemoryJournal

BOUND = {"type": "realtime", "model": "gpt-realtime-2.1", "instructions": "Serve Ada."}
"""What the client secret `ek_browser` is bound to."""


class OpenGate:
    """Lets everybody in as one customer; a query `refuse` is refused so."""

    def peer(self, request: UpgradeRequest) -> Peer:
        return Peer(request.peer, request.scheme)

    def admit_browser(self, request: UpgradeRequest) -> Principal | Refusal:
        if "refuse" in request.query:
            return Refusal(401, "NOT_AUTHORIZED", "no ticket")
        return Principal("C-1", "Ada", "demo")

    def admit_client(self, request: UpgradeRequest) -> Principal | Refusal:
        if request.headers.get("authorization") == "Bearer wrong":
            return Refusal(401, "invalid_api_key", "wrong key", in_band=True)
        if request.headers.get("authorization") == "Bearer ek_browser":
            return Principal("C-1", "Ada", "client_secret", session=BOUND)
        return Principal("client", "client", "loopback")


@dataclass
class CountingTools:
    """One tool, `balance`, that counts its runs."""

    runs: list[str] = field(default_factory=list)
    idempotent: frozenset[str] = frozenset()

    def definitions(self) -> Sequence[dict[str, Any]]:
        parameters = {
            "type": "object",
            "properties": {},
            "x-utterances": ["what do i owe"],
            "x-title": "debt",
        }
        return [
            {"type": "function", "name": "balance", "description": "What is owed", "parameters": parameters}
        ]

    async def call(self, name: str, arguments: str, context: ToolContext) -> ToolOutcome:
        self.runs.append(context.call_id)
        say = f"{context.customer_name} owes nine euros."
        return ToolOutcome(json.dumps({"say": say}), "ok")


async def hello_app(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@dataclass
class TestGateway:
    """Where it listens, and what is inside."""

    __test__ = False
    authority: str
    directory: Directory
    tools: CountingTools

    @property
    def browser_url(self) -> str:
        return f"ws://{self.authority}/api/openai/realtime"

    @property
    def realtime_base(self) -> str:
        return f"http://{self.authority}/v1"


@asynccontextmanager
async def gateway(
    *upstreams: str | UpstreamDialer,
    limits: Limits | None = None,
    journal: Journal | None = None,
    translates_beta: bool = False,
    is_compiled: bool = True,
    toolbox: Toolbox | None = None,
    tls: Tls | None = None,
) -> AsyncIterator[TestGateway]:
    """A gateway before `upstreams` (base urls or dialers), in the order of preference.

    `is_compiled`: whether audio may take the compiled way, where it was built. `toolbox`: instead of the one
    that counts. `tls`: what it proves itself with; without, it speaks plainly.
    """
    limits = limits or Limits(retry_base_s=0.01, retry_cap_s=0.02)
    tools = CountingTools()
    directory = Directory(limits)
    dialers = [
        OpenAIDialer(f"openai{number or ''}", one, "sk-test-canary", "gpt-realtime-2.1", limits)
        if isinstance(one, str)
        else one
        for number, one in enumerate(upstreams)
    ]
    journal = journal or MemoryJournal()
    assistant = Assistant(
        "Hello there.", lambda who, extra: f"Serve {who.customer_name}. {extra or ''}", toolbox or tools
    )
    upstream_list = Upstreams.of(dialers, limits)
    host = Host(upstream_list, directory, assistant, limits, journal)
    router = SocketRouter(
        OpenGate(), directory, host, upstream_list.facts, limits, translates_beta=translates_beta
    )
    revival = Revival(directory, upstream_list, assistant, limits, journal)
    await revival.load()
    sock = bound_socket("127.0.0.1", 0)
    directory.express = express() if is_compiled else None
    rounds = Rounds(lambda: directory.running, lambda one: one.visit())
    rounds.start()
    try:
        async with listening(uvicorn_server(hello_app, router, drain_s=2, tls=tls), sock) as authority:
            yield TestGateway(authority, directory, tools)
            directory.drain(at_once=True)
    finally:
        rounds.stop()
        if directory.express is not None:
            directory.express.close()


def tone(seconds: float, level: int = 8000) -> bytes:
    count = int(24_000 * seconds)
    return struct.pack(f"<{count}h", *(int(level * math.sin(n * 0.06)) for n in range(count)))


def frames(pcm: bytes, ms: int = 20) -> list[bytes]:
    size = 48 * ms
    return [pcm[at : at + size] for at in range(0, len(pcm), size)]


async def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for what tells nobody that it has happened."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


class Client(MessageListener):
    """A client of the browser protocol that keeps what it hears and can wait for more."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[dict[str, Any]] = []
        self.audio = bytearray()
        self.binaries: list[bytes] = []
        self.closed: tuple[int, str] | None = None
        self._news = asyncio.Event()

    @classmethod
    async def connect(cls, url: str, **kwargs: Any) -> Client:
        _, listener = await ws_connect(cls, url, **kwargs)
        assert isinstance(listener, Client)
        return listener

    def on_text(self, payload: bytes) -> None:
        self.texts.append(json.loads(payload))
        self._news.set()

    def on_binary(self, payload: bytes) -> None:
        self.binaries.append(payload)
        self.audio += payload
        self._news.set()

    def on_closed(self, code: int, reason: str) -> None:
        self.closed = (code, reason)
        self._news.set()

    def say(self, kind: str, **fields: Any) -> None:
        self.send_text(json.dumps({"type": kind, **fields}).encode())

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.texts if message["type"] == kind]

    async def until(self, condition: Callable[[], Any], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def until_told(self, kind: str, count: int = 1) -> dict[str, Any]:
        await self.until(lambda: len(self.told(kind)) >= count)
        return self.told(kind)[count - 1]

    async def until_closed(self) -> tuple[int, str]:
        await self.until(lambda: self.closed is not None)
        assert self.closed is not None
        return self.closed
