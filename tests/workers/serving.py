"""`holdfast serve --workers 2` as a process of its own, before an emulator in a thread.

What lives here: starting, looking at it from outside, stopping. What never will: expectations.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast.testing import RealtimeUpstream
from tests.server.gateway import eventually


@dataclass
class Serving:
    """A running gateway."""

    process: subprocess.Popen[bytes]
    authority: str
    workers: list[int]
    log_path: Path
    upstream: RealtimeUpstream

    @property
    def browser_url(self) -> str:
        return f"ws://{self.authority}/api/openai/realtime"

    def log(self, event: str) -> list[dict[str, Any]]:
        """What the log says of it, from whichever process."""
        lines = [json.loads(line) for line in self.log_path.read_text().splitlines() if line[:1] == "{"]
        return [line["metadata"] for line in lines if line["event"] == event]

    async def worker_of(self, session_id: str) -> int:
        """The number of the worker that the session began in, when the log has it."""
        began: list[dict[str, Any]] = []

        def is_known() -> bool:
            began[:] = [line for line in self.log("session.created") if line["session"] == session_id]
            return bool(began)

        await eventually(is_known)
        return int(began[0]["worker"])

    def pid_of(self, worker: int) -> int:
        """Its process now."""
        return int([line for line in self.log("worker.ready") if line["worker"] == worker][-1]["pid"])

    def children(self) -> list[int]:
        """The workers that live."""
        return [pid for pid in self.workers if is_alive(pid)]


def is_alive(pid: int) -> bool:
    """Whether it runs; a process that is over and not yet looked after does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@contextlib.contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Serving]:
    """Serve until the block ends."""
    log_path = folder / "log.jsonl"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
    with RealtimeUpstream(speed=0) as upstream, log_path.open("ab") as log:
        environment = {**kept, "OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": upstream.base_url, **settings}
        process = subprocess.Popen(
            [sys.executable, "-m", "holdfast.cli", "serve", "--port", "0", "--workers", "2", "--json"],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        assert process.stdout is not None
        with process.stdout, process:
            try:
                told = json.loads(process.stdout.readline() or b"{}")
                assert told, log_path.read_text()
                authority = str(told["url"]).removeprefix("http://")
                yield Serving(process, authority, told["workers"], log_path, upstream)
            finally:
                process.send_signal(signal.SIGTERM)
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(20)
                finally:
                    process.kill()
