"""The processes of a measurement: started, asked for their port, pinned, ended.

What lives here: a process's life, the upstream, the bare relay, the gateway.
What never will: who takes part (`contenders`), what is measured on them.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from holdfast.bench import generator
from holdfast.bench.certificate import throw_away
from holdfast.bench.machine import pin
from holdfast.bench.plans import Face

START_S: Final = 60.0
"""LiteLLM takes a quarter of it on one core that nobody else uses."""
STOP_S: Final = 10.0
_MANY: Final = "100000"


class BenchError(Exception):
    """A measurement cannot go on: what, why, fix."""

    def __init__(self, what: str, why: str, fix: str) -> None:
        super().__init__(what)
        self.what, self.why, self.fix = what, why, fix


@dataclass(frozen=True, slots=True)
class Candidate:
    """A relay under measurement: which face it shows, and where."""

    name: str
    face: Face
    pid: int
    url: str


@dataclass(frozen=True, slots=True)
class Upstream:
    """The echoing upstream: where it is, and the file of its counts (`Plan.counts`)."""

    pid: int
    address: str
    """Without a scheme."""
    counts: str
    certificate: Path | None = None
    """What it is trusted by, where it is reached over TLS."""

    @property
    def http(self) -> str:
        """Its base address as a REST client has it."""
        return f"{'https' if self.certificate else 'http'}://{self.address}"

    @property
    def websocket(self) -> str:
        """Where sessions are opened."""
        return f"{'wss' if self.certificate else 'ws'}://{self.address}/realtime"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in order to trust it."""
        return {"SSL_CERT_FILE": str(self.certificate)} if self.certificate else {}


def process(
    module: Sequence[str], environment: Mapping[str, str], folder: Path, cores: set[int]
) -> contextlib.AbstractContextManager[tuple[int, dict[str, Any]]]:
    """A pinned Python process; answers its pid and the line of JSON it prints when it is ready."""
    return started([sys.executable, "-m", *module], environment, folder, cores)


@contextlib.contextmanager
def started(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, cores: set[int]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """A pinned process; answers its pid and the line of JSON it prints when it is ready."""
    complaints = folder / "complaints.txt"
    with complaints.open("ab") as errors:
        child = subprocess.Popen(  # noqa: S603 - our own programs
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=dict(environment),
            cwd=folder,
        )
    deadline = threading.Timer(START_S, child.kill)
    deadline.start()
    try:
        assert child.stdout is not None
        told = _first_object(iter(child.stdout.readline, b""))
        deadline.cancel()
        if told is None:
            why = complaints.read_text(errors="replace").strip().splitlines()[-1:] or ["It said nothing."]
            raise BenchError(f"`{' '.join(command[:3])}` did not start.", why[0], "Start it by hand.")
        pin(child.pid, cores)
        yield child.pid, told
    finally:
        deadline.cancel()
        _end(child)


def _first_object(lines: Iterator[bytes]) -> dict[str, Any] | None:
    for line in lines:
        with contextlib.suppress(ValueError):
            told = json.loads(line)
            if isinstance(told, dict) and ("port" in told or "url" in told):
                return told
    return None


def _end(child: subprocess.Popen[bytes]) -> None:
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            stream.close()
    child.terminate()
    try:
        child.wait(STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def plain_environment() -> dict[str, str]:
    """Ours without settings of a gateway: a measurement is of the defaults."""
    ours = {"OPENAI_API_KEY", "OPENAI_BASE_URL", "PORT"}
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("HOLDFAST_") and name not in ours
    }


@contextlib.contextmanager
def echo_upstream(folder: Path, cores: set[int], *, tls: bool = False) -> Iterator[Upstream]:
    """The upstream: compiled where that can be; over TLS in Python, which needs no terminator in front."""
    with tempfile.TemporaryDirectory(prefix="echo-", dir=folder) as home:
        counts, program = f"{home}/counts", generator.program()
        certificate, key = throw_away(Path(home)) if tls else (None, None)
        if program is None or tls:
            command = [sys.executable, "-m", "holdfast.bench.echo", counts]
            command += [str(path) for path in (certificate, key) if path is not None]
        else:
            command = [str(program), "echo", f"counts={counts}"]
        with started(command, plain_environment(), Path(home), cores) as (pid, told):
            yield Upstream(pid, f"127.0.0.1:{told['port']}/v1", counts, certificate)


@contextlib.contextmanager
def bare_relay(face: Face, upstream: Upstream, folder: Path, cores: set[int]) -> Iterator[list[Candidate]]:
    """A bare relay of one face."""
    command = ["holdfast.bench.bare", face, upstream.websocket]
    environment = plain_environment() | upstream.environment
    with process(command, environment, folder, cores) as (pid, told):
        yield [Candidate("bare", face, pid, f"ws://127.0.0.1:{told['port']}/")]


def gateway_settings(upstream: Upstream, folder: Path) -> dict[str, str]:
    """The environment of a gateway under measurement: its upstream, and no bound that could be met.

    The upstream has begun its answer when a session is ready, and goes on when the load speaks: no stall,
    however long the others take to be ready.
    """
    return upstream.environment | {
        "OPENAI_API_KEY": "sk-bench",
        "OPENAI_BASE_URL": upstream.http,
        "HOLDFAST_LOG__LEVEL": "warning",
        "HOLDFAST_LIMITS__SESSIONS": _MANY,
        "HOLDFAST_LIMITS__SESSIONS_PER_IP": _MANY,
        "HOLDFAST_LIMITS__SESSIONS_PER_USER": _MANY,
        "HOLDFAST_LIMITS__RESPONSE_STALL_S": "600",
        "HOLDFAST_PORTAL__DATABASE": str(folder / "portal.sqlite3"),
    }


@contextlib.contextmanager
def gateway(
    upstream: Upstream,
    folder: Path,
    cores: set[int],
    *,
    source: Path | None = None,
    name: str = "gateway",
    settings: Mapping[str, str] | None = None,
) -> Iterator[list[Candidate]]:
    """The gateway as `holdfast serve` starts it, with all its faces.

    `source`: the folder of another revision's packages, for this interpreter and its libraries.
    `settings`: what is set otherwise, as environment.
    """
    home = folder / name
    home.mkdir(exist_ok=True)
    environment = plain_environment() | gateway_settings(upstream, home) | dict(settings or {})
    if source is not None:
        environment["PYTHONPATH"] = str(source)
    command = ["holdfast.cli", "serve", "--port", "0", "--json"]
    with process(command, environment, home, cores) as (pid, told):
        address = str(told["url"]).removeprefix("http://")
        yield [
            Candidate(name, "json", pid, f"ws://{address}/v1/realtime?model=gpt-realtime"),
            Candidate(
                name, "json-resume", pid, f"ws://{address}/v1/realtime?model=gpt-realtime&holdfast_resume=1"
            ),
            Candidate(name, "binary", pid, f"ws://{address}/api/openai/realtime"),
            Candidate(name, "page", pid, f"ws://{address}/api/openai/realtime"),
        ]
