"""What is the same for all dials is done once: after a mass loss there are hundreds within a second."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

from holdfast.core.faults import Fault
from holdfast.ports import UpstreamLine
from holdfast.providers import realtime_link
from holdfast.providers.openai import OpenAIDialer
from holdfast.runtime.assistant import Assistant
from tests.server.gateway import CountingTools


class Losses:
    """A sink that only hears of losses."""

    def __init__(self) -> None:
        self.causes: list[Fault] = []

    def upstream_opened(self, generation: int, line: UpstreamLine) -> None:
        """Nobody gets so far."""

    def upstream_message(self, generation: int, raw: bytes) -> None:
        """Nobody gets so far."""

    def upstream_lost(self, generation: int, cause: Fault) -> None:
        """It broke."""
        self.causes.append(cause)

    def upstream_paused(self, *, paused: bool) -> None:
        """Nobody gets so far."""


async def test_whom_to_trust_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[ssl.SSLContext] = []
    real = ssl.create_default_context

    def counted(*given: Any, **named: Any) -> ssl.SSLContext:
        read.append(real(*given, **named))
        return read[-1]

    monkeypatch.setattr(ssl, "create_default_context", counted)
    realtime_link.trusted.cache_clear()
    sink = Losses()

    def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        dialer = OpenAIDialer("openai", f"https://127.0.0.1:{port}/v1", "sk-test", "gpt-realtime-2.1")
        had = len(read)
        for generation in range(3):
            await dialer.dial(generation, sink, {})

    assert had == 1  # before anybody speaks
    assert len(read) == 1
    assert len(sink.causes) == 3


def test_the_tools_are_written_once_for_all_sessions() -> None:
    assistant = Assistant("Hello there.", lambda who, extra: "Serve.", CountingTools())

    strangers, ours = assistant.tools(with_extensions=False), assistant.tools(with_extensions=True)

    assert assistant.tools(with_extensions=False) is strangers
    assert assistant.tools(with_extensions=True) is ours
