"""The real gateway as a process of its own, with the embedded engine or with the emulator behind it.

What lives here: starting and stopping. What never will: expectations.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from holdfast.emulator.options import EmulatorOptions
from holdfast.emulator.server import Emulator
from tests.e2e.waiting import until

_START_S = 60


@contextlib.contextmanager
def gateway(folder: Path, *, port: int = 0, **environment: str) -> Iterator[str]:
    """`holdfast serve` with a portal of its own in `folder`; gives its address."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("HOLDFAST_", "OPENAI_"))
    }
    chosen = {**inherited, "HOLDFAST_PORTAL__DATABASE": str(folder / "portal.sqlite3"), **environment}
    command = [sys.executable, "-m", "holdfast.cli", "serve", "--port", str(port), "--json"]
    complaints = (folder / "gateway.log").open("w")
    with (
        complaints,
        subprocess.Popen(
            command, env=chosen, stdout=subprocess.PIPE, stderr=complaints, text=True
        ) as process,
    ):
        lines: list[dict[str, Any]] = []
        reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
        reader.start()
        try:
            until(lambda: process.poll() is not None or _address(lines), "the gateway serves", _START_S)
            assert process.poll() is None, (folder / "gateway.log").read_text()
            yield _address(lines)
        finally:
            process.terminate()
            process.wait(timeout=20)
            reader.join(timeout=5)


def _read(process: subprocess.Popen[str], lines: list[dict[str, Any]]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        with contextlib.suppress(ValueError):
            lines.append(json.loads(line))


def _address(lines: list[dict[str, Any]]) -> str:
    return next((line["url"] for line in lines if line.get("event") == "serving"), "")


class EmulatorThread:
    """An emulated provider in a thread of its own: the browser driver blocks the test's."""

    def __init__(self, options: EmulatorOptions) -> None:
        self.emulator = Emulator(options)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="emulator")

    @contextlib.contextmanager
    def running(self) -> Iterator[Emulator]:
        self._thread.start()
        self._call(self.emulator.__aenter__())
        try:
            yield self.emulator
        finally:
            self._call(self.emulator.__aexit__(None, None, None))
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=10)
            self._loop.close()

    def _call(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)
