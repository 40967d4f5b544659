"""The examples as somebody runs them, against an upstream on this machine.

What needs packages of strangers is tried by `make clients`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.wire.realtime.g711 import Compressor
from tests.server.gateway import TestGateway, gateway, tone


@asynccontextmanager
async def served() -> AsyncIterator[TestGateway]:
    async with (
        Emulator(EmulatorOptions(speed=0, char_ms=10)) as upstream,
        gateway(upstream.http_base) as gw,
    ):
        yield gw


@asynccontextmanager
async def running(
    project: Path, home: Path, base_url: str, *command: str, **environment: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    path = project / "examples" / command[0]
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(path),
        *command[1:],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=home,
        env={"PATH": os.environ["PATH"], "OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "any", **environment},
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


@pytest.mark.parametrize("name", ["openai_python.py", "plain_websockets.py"])
async def test_an_example_asks_and_prints_the_answer(name: str, project: Path, tmp_path: Path) -> None:
    async with (
        served() as gw,
        running(project, tmp_path, gw.realtime_base, name, "Are you there?") as child,
    ):
        out, err = await child.communicate()

    assert child.returncode == 0, err.decode()
    assert "You said: Are you there?" in out.decode()


async def test_a_phone_is_heard_and_answered_in_its_own_sound(project: Path, tmp_path: Path) -> None:
    said = Compressor("audio/pcmu").feed(tone(0.6) + bytes(48 * 900))
    async with (
        served() as gw,
        running(project, tmp_path, gw.realtime_base, "phone_bridge.py", PORT="0") as child,
    ):
        assert child.stdout is not None
        port = (await child.stdout.readline()).decode().split()[-1]
        async with connect(f"ws://127.0.0.1:{port}") as phone:
            await phone.send(json.dumps({"event": "start", "streamSid": "MZ1"}))
            for at in range(0, len(said), 160):  # 20 ms
                payload = base64.b64encode(said[at : at + 160]).decode()
                media = {"timestamp": str(at // 8), "payload": payload}
                await phone.send(json.dumps({"event": "media", "streamSid": "MZ1", "media": media}))
            answer: dict[str, Any] = json.loads(await phone.recv())

    assert (answer["event"], answer["streamSid"]) == ("media", "MZ1")
    assert base64.b64decode(answer["media"]["payload"])
