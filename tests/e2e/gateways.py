"""The real gateway as a process of its own, with the embedded engine or with the emulator behind it.

What lives here: starting and stopping. What never will: expectations.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from holdfast.emulator.options import EmulatorOptions
from holdfast.emulator.server import Emulator
from tests.e2e.waiting import until

_START_S = 60


class GatewayProcess:
    """`holdfast serve` with stores of its own in `folder`; started again it keeps its port."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("HOLDFAST_", "OPENAI_"))
        }
        stores = {
            "HOLDFAST_PORTAL__DATABASE": str(folder / "portal.sqlite3"),
            "HOLDFAST_JOURNAL__DATABASE": str(folder / "journal.sqlite3"),
        }
        self._environment = {**inherited, **stores, **environment}
        self._log = folder / "gateway.log"
        self._port = 0
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self.url = ""
        self.served_at = 0.0

    @property
    def port(self) -> int:
        return self._port

    def start(self) -> None:
        """Until it serves; `served_at` is the moment (wall clock)."""
        command = [sys.executable, "-m", "holdfast.cli", "serve", "--port", str(self._port), "--json"]
        with self._log.open("a") as complaints:
            process = subprocess.Popen(
                command, env=self._environment, stdout=subprocess.PIPE, stderr=complaints, text=True
            )
        self._process = process
        lines: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
        self._reader.start()
        until(lambda: process.poll() is not None or _address(lines), "the gateway serves", _START_S)
        assert process.poll() is None, self._log.read_text()
        self.served_at = time.time()
        self.url = _address(lines)
        self._port = int(self.url.rsplit(":", 1)[1])

    def stop(self) -> None:
        """As an operator stops it: SIGTERM."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As nothing should: SIGKILL."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        process.wait(timeout=20)
        if self._reader is not None:
            self._reader.join(timeout=5)
        if process.stdout is not None:
            process.stdout.close()


@contextlib.contextmanager
def running(folder: Path, **environment: str) -> Iterator[GatewayProcess]:
    """A gateway that a test may stop and start again."""
    process = GatewayProcess(folder, environment)
    try:
        process.start()
        yield process
    finally:
        process.stop()


@contextlib.contextmanager
def gateway(folder: Path, **environment: str) -> Iterator[str]:
    """A gateway; gives its address."""
    with running(folder, **environment) as process:
        yield process.url


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

    def do(self, act: Callable[[], object]) -> None:
        """On the emulator's own thread, which alone may touch its sockets."""

        async def carry_out() -> None:
            act()

        self._call(carry_out())

    def _call(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)
