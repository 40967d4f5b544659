"""A gateway that may open few files: newcomers are refused politely, and nobody's call breaks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import picows
import pytest

from holdfast.core.reserve import COMING_S
from holdfast.emulator import Emulator, EmulatorOptions
from tests.server.gateway import Client, eventually

OPEN_FILES = 120
RESERVED = 32


@contextlib.asynccontextmanager
async def served(upstream: str, folder: Path) -> AsyncIterator[str]:
    """`holdfast serve` under a low limit; answers host and port."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("HOLDFAST_", "OPENAI_"))
    }
    settings = {
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": upstream,
        "HOLDFAST_JOURNAL__KIND": "memory",
        "HOLDFAST_LIMITS__DESCRIPTORS_RESERVED": str(RESERVED),
        "HOLDFAST_LIMITS__SESSIONS_PER_USER": "1000",
        "HOLDFAST_LIMITS__OVERLOAD_FROM_SESSIONS": "1000",
    }
    command = f'ulimit -n {OPEN_FILES} && exec "{sys.executable}" -m holdfast.cli serve --port 0 --json'
    process = await asyncio.create_subprocess_exec(
        "sh",
        "-c",
        command,
        cwd=folder,
        env={**kept, **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        while "url" not in (told := json.loads(await process.stdout.readline())):
            pass
        yield str(told["url"]).removeprefix("http://").rstrip("/")
    finally:
        process.kill()
        await process.wait()


async def live(authority: str) -> Client:
    client = await Client.connect(f"ws://{authority}/api/openai/realtime")
    client.say("create_session")
    await client.until_told("session_ready")
    return client


async def until_refused(authority: str) -> tuple[list[Client], picows.WSHandshakeError]:
    """As many as are let in, those too that are refused only until the fresh ones are in the count."""
    clients: list[Client] = []
    known = -1
    for _ in range(OPEN_FILES):
        try:
            clients.append(await live(authority))
        except picows.WSHandshakeError as refused:
            if len(clients) == known:
                return clients, refused
            known = len(clients)
            await asyncio.sleep(COMING_S)
    raise AssertionError("nobody was refused")


async def connections(authority: str) -> list[socket.socket]:
    """Connections that say nothing, until one is not spoken with."""
    host, port = authority.split(":")
    opened = []
    for _ in range(OPEN_FILES):
        opened.append(socket.create_connection((host, int(port))))
        opened[-1].settimeout(0.1)
        with contextlib.suppress(TimeoutError):
            told = await asyncio.to_thread(opened[-1].recv, 1000)
            assert told.startswith(b"HTTP/1.1 503 ")
            assert b"retry-after" in told
            return opened
    raise AssertionError("every connection was taken")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system does not tell its descriptors")
async def test_who_was_admitted_has_what_it_needs_when_descriptors_run_out(tmp_path: Path) -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, served(upstream.http_base, tmp_path) as at:
        clients, refused = await until_refused(at)
        assert len(clients) > 5
        assert refused.response is not None
        assert int(refused.response.status) == 503
        assert refused.response.headers["Retry-After"] == "5"
        async with httpx.AsyncClient() as http:
            ready = await http.get(f"http://{at}/readyz")
        assert ready.status_code == 503
        assert "file descriptors" in " ".join(ready.json()["reasons"])

        idle = await connections(at)
        upstream.break_now("reset")
        await upstream.wait_for(lambda: len(upstream.open_sessions) == len(clients))
        for client in clients:
            client.say("input_text", text="hello")
        for client in clients:
            await client.until_told("response_done")
            assert not client.told("error")
        assert {attempt.outcome for attempt in upstream.attempts} == {"101"}

        for connection in idle:
            connection.close()
        for client in clients[:3]:
            client.close()
        await eventually(lambda: len(upstream.open_sessions) == len(clients) - 3)
        fresh = await live(at)
        for client in (fresh, *clients[3:]):
            client.close()
