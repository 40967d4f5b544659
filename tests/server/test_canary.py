"""The key: in the upstream's header, and nowhere else. The whole program, looked at from outside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx

from holdfast.emulator import Emulator, EmulatorOptions
from tests.server.gateway import Client

CANARY = "sk-canary-0123456789abcdef"


@contextlib.asynccontextmanager
async def program(
    base_url: str, folder: Path, settings: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[str, bytearray]]:
    """`holdfast serve --json` as a process; its address, and everything it prints."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")},
        "HOLDFAST_PORT": "0",
        "OPENAI_API_KEY": CANARY,
        "OPENAI_BASE_URL": base_url,
        "HOLDFAST_LOG__LEVEL": "debug",
        **(settings or {}),
    }
    command = (sys.executable, "-m", "holdfast.cli", "serve", "--json")
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, cwd=folder, stdout=PIPE, stderr=PIPE
    )
    printed = bytearray()
    address = asyncio.get_running_loop().create_future()

    async def read(stream: asyncio.StreamReader | None) -> None:
        assert stream is not None
        async for line in stream:
            printed.extend(line)
            if stream is process.stdout:
                address.set_result(json.loads(line)["url"])

    reading = asyncio.gather(read(process.stdout), read(process.stderr))
    try:
        async with asyncio.timeout(45):
            yield await address, printed
    finally:
        process.terminate()
        await process.wait()
        await reading
        assert process.returncode == 0, printed.decode()


async def test_the_key_reaches_the_upstream_and_nothing_else(tmp_path: Path) -> None:
    options = EmulatorOptions(api_key=CANARY, speed=0)
    async with Emulator(options) as upstream, program(upstream.http_base, tmp_path) as (url, printed):
        client = await Client.connect(url.replace("http", "ws", 1) + "/api/openai/realtime")
        client.say("create_session")
        client.say("input_text", text="hello")
        await client.until_told("response_done")
        client.say("end_session")
        await client.until_closed()
        async with httpx.AsyncClient(base_url=url) as http:
            pages = [
                (await http.get(path)).text
                for path in (
                    "/",
                    "/healthz",
                    "/readyz",
                    "/metrics",
                    "/api/financial-sherpa/realtime",
                    "/nowhere",
                )
            ]
        seen = json.dumps(client.texts) + "".join(pages)
        assert CANARY not in seen
    assert upstream.records, "the key was accepted"
    assert CANARY.encode() not in printed
    assert b"session.ready" in printed


async def test_an_upstream_that_repeats_the_key_does_not_leak_it(tmp_path: Path) -> None:
    options = EmulatorOptions(api_key="sk-another-key", speed=0)
    async with Emulator(options) as upstream, program(upstream.http_base, tmp_path) as (url, printed):
        client = await Client.connect(url.replace("http", "ws", 1) + "/api/openai/realtime")
        client.say("create_session")
        assert (await client.until_closed())[0] == 4502
        assert CANARY not in json.dumps(client.texts)
    assert CANARY.encode() not in printed
    assert b"configuration.invalid_api_key" in printed
