"""The way to a receiver of spans, where it ends."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from holdfast.ports import sightings as seen
from holdfast.ports.sightings import Watched
from holdfast.telemetry import traces
from holdfast.telemetry.identity import Pseudonyms
from holdfast.telemetry.traces import SEND_S, Traces, TracesOptions


async def test_a_receiver_that_hangs_keeps_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a loop of its own, which ends with it, as a process's does."""
    monkeypatch.setattr(traces, "CLOSE_S", 0.1)

    async def life(port: int) -> None:
        spans = Traces(TracesOptions(f"http://127.0.0.1:{port}", {}, 1.0, "0", "test"), Pseudonyms())
        spans.saw(Watched("hf_1", "browser", "C-1"), seen.Began(), time.monotonic())
        await spans.close()

    with socket.create_server(("127.0.0.1", 0)) as deaf:
        began = time.monotonic()
        await asyncio.to_thread(asyncio.run, life(deaf.getsockname()[1]))

    assert time.monotonic() - began < SEND_S / 2
