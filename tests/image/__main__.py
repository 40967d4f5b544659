"""Carry out the Dockerfile without a container engine, and look whether the result is what it promises.

What lives here: the checks of `make image-check`, in order, each a line. It takes a minute.
What never will: how a room is made (`rooms`).
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from websockets.asyncio.client import connect

from tests.image.dockerfile import Stage, parse, visible
from tests.image.rooms import Room, RoomError

PROJECT: Final = Path(__file__).resolve().parent.parent.parent
READY_S: Final = 30.0
STOP_S: Final = 40.0
ORIGIN: Final = "https://voice.example.com"
SETTINGS: Final = {
    "HOLDFAST_AUTH__SECRET": "an-image-check-has-no-secrets-but-this-one",
    "HOLDFAST_SERVER__ORIGINS": ORIGIN,
    "HOLDFAST_SERVER__TRUSTED_PROXIES": "127.0.0.0/8",
}
"""What docs/howto/run-in-a-container.md and compose.yaml name, and nothing else."""


class CheckError(Exception):
    """Something is not as it must be."""


def main() -> int:
    """0 when everything holds, 3 where it cannot be tried."""
    if os.geteuid() != 0 or not sys.platform.startswith("linux"):
        print("note: the image's steps are not tried: that needs Linux and root")
        return 3
    if "--inside" not in sys.argv:
        # In a mount namespace of our own: whatever is mounted is gone when we are.
        command = ("unshare", "--mount", sys.executable, "-m", "tests.image", "--inside")
        return subprocess.run(command, cwd=PROJECT, check=False).returncode
    with tempfile.TemporaryDirectory(prefix="holdfast-image-", dir="/run") as folder:
        subprocess.run(("mount", "-t", "tmpfs", "-o", "size=6g", "tmpfs", folder), check=True)
        try:
            _check(Path(folder))
        except (CheckError, RoomError) as problem:
            print(f"FAIL  {problem}", file=sys.stderr)
            return 1
        finally:
            subprocess.run(("umount", "--recursive", "--lazy", folder), check=True)
    return 0


def _check(folder: Path) -> None:
    began = time.monotonic()
    rooms = _build(folder, parse((PROJECT / "Dockerfile").read_text()))
    room = rooms[-1]
    _told(f"every step of {len(rooms)} stages ran", began)
    files = (path.lstat().st_size for path in (room.root / "opt/holdfast").rglob("*") if path.is_file())
    print(f"ok    the virtual environment has {sum(files) / 1e6:.0f} MB")
    uid = int(room.stage.last("USER").words[0].partition(":")[0])
    if uid == 0:
        raise CheckError("the image runs as root")
    room.close_for_writing(uid)
    _without_settings(room)
    asyncio.run(_with_settings(room))


def _build(folder: Path, stages: Sequence[Stage]) -> list[Room]:
    """Every stage in its own room, its steps in order."""
    seen = list(visible(PROJECT, (PROJECT / ".dockerignore").read_text()))
    rooms: dict[str, Room] = {}
    for number, stage in enumerate(stages):
        room = Room(folder / str(number), stage)
        room.open()
        for step in stage.steps:
            began = time.monotonic()
            if step.name == "COPY":
                room.copy(step, PROJECT, seen, rooms)
            elif step.name == "WORKDIR":
                room.enter(step.rest)
            elif step.name == "RUN":
                room.run(step.rest)
                _told(f"RUN {step.rest[:70]}", began)
        rooms[stage.name or str(number)] = room
    return list(rooms.values())


def _without_settings(room: Room) -> None:
    """It refuses to be open to the world, and says what to set."""
    process = room.start(_command(room), {})
    told, _ = process.communicate(timeout=READY_S)
    lacking = [name for name in SETTINGS if name not in told]
    if process.returncode == 0 or lacking:
        raise CheckError(f"without settings: exit {process.returncode}, not named: {lacking}\n{told}")
    print("ok    without settings it does not start, and names each of them")


async def _with_settings(room: Room) -> None:
    """With exactly the settings that the recipe names it serves, is healthy, talks, and ends in time."""
    port = _free_port()
    settings = {**SETTINGS, "PORT": str(port)}
    began = time.monotonic()
    process = room.start(_command(room), settings)
    try:
        while _healthy(room, settings):
            if process.poll() is not None or time.monotonic() - began > READY_S:
                raise CheckError(f"it does not become healthy: exit {process.poll()}")
            await asyncio.sleep(0.1)
        _told("healthy, by the image's own health check, on the port that PORT names", began)
        _facts(room, process.pid)
        words = await _conversation(room, settings, port)
        print(f"ok    a conversation with a ticket of `holdfast token`: {words!r}")
        began = time.monotonic()
        async with _socket(room, settings, port) as line:
            await line.send(json.dumps({"type": "create_session"}))
            await _heard(line, "session_ready")
            process.terminate()
            while process.poll() is None:
                if time.monotonic() - began > STOP_S:
                    raise CheckError(f"it does not end within {STOP_S:g} s of SIGTERM")
                await asyncio.sleep(0.05)
        if process.returncode:
            raise CheckError(f"SIGTERM: exit {process.returncode}")
        _told("SIGTERM with a session open: ended with 0", began)
        if not _healthy(room, settings):
            raise CheckError("the health check calls a dead gateway healthy")
        print("ok    the health check sees that it is gone")
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _facts(room: Room, pid: int) -> None:
    """The process as the kernel sees it: no root, no capability, and nothing but /data to write to."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    status = {line.partition(":")[0]: line.partition(":")[2].split() for line in lines}
    if status["Uid"][1] == "0" or int(status["CapEff"][0], 16) or int(status["CapBnd"][0], 16):
        raise CheckError(f"privileges are left: Uid {status['Uid']}, CapEff {status['CapEff']}")
    places = ("/", "/tmp", "/opt/holdfast", "/etc", "/usr", "/run")
    probe = f"import os, sys; sys.exit(any(os.access(place, os.W_OK) for place in {places}))"
    if _ended(room, ("python", "-c", probe)):
        raise CheckError("there is more to write to than /data")
    written = sorted(path.name for path in (room.root / "data").rglob("*") if path.is_file())
    print(f"ok    no root, no capability, nothing but /data can be written; there: {', '.join(written)}")


async def _conversation(room: Room, settings: dict[str, str], port: int) -> str:
    async with _socket(room, settings, port) as line:
        await line.send(json.dumps({"type": "create_session"}))
        await _heard(line, "session_created")
        await line.send(json.dumps({"type": "input_text", "text": "What is the balance of my loan?"}))
        while not (told := await _heard(line, "assistant_transcript"))["final"]:
            pass
        return str(told["text"])


def _socket(room: Room, settings: dict[str, str], port: int) -> connect:
    """A page's socket, as it comes from a proxy that ends TLS."""
    minted = room.start(("holdfast", "token", "--customer", "cust-1", "--name", "Anna", "--json"), settings)
    told, _ = minted.communicate(timeout=READY_S)
    offered = json.loads(told.strip().splitlines()[-1])["subprotocol"]
    return connect(
        f"ws://{ORIGIN.removeprefix('https://')}/api/openai/realtime",
        host="127.0.0.1",
        port=port,
        origin=ORIGIN,  # type: ignore[arg-type] # a NewType of str
        subprotocols=["holdfast.v1", offered],  # type: ignore[list-item] # same
        additional_headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"},
    )


async def _heard(line: Any, wanted: str) -> dict[str, Any]:
    async with asyncio.timeout(READY_S):
        while True:
            message = await line.recv()
            if isinstance(message, str) and json.loads(message)["type"] == wanted:
                told: dict[str, Any] = json.loads(message)
                return told


def _healthy(room: Room, settings: dict[str, str]) -> int:
    """The exit code of the image's health check."""
    return _ended(room, room.stage.health_command, settings)


def _ended(room: Room, command: Sequence[str], settings: dict[str, str] | None = None) -> int:
    process = room.start(command, settings or {})
    process.communicate(timeout=READY_S)
    return int(process.returncode)


def _command(room: Room) -> list[str]:
    return [*room.stage.last("ENTRYPOINT").words, *room.stage.last("CMD").words]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _told(what: str, began: float) -> None:
    print(f"ok    {what} ({time.monotonic() - began:.1f} s)", flush=True)


if __name__ == "__main__":
    sys.exit(main())
