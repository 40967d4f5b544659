"""The processes of a measurement: started, asked for their port, pinned, ended.

What lives here: the table of candidates and how each starts.
What never will: what is measured on them.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from holdfast.bench import nginx
from holdfast.bench.load import Face
from holdfast.bench.machine import pin

START_S: Final = 30.0
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


@contextlib.contextmanager
def process(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, cores: set[int]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """A pinned Python process; answers its pid and the line of JSON it prints when it is ready."""
    complaints = folder / "complaints.txt"
    with complaints.open("ab") as errors:
        child = subprocess.Popen(  # noqa: S603 - our own modules
            [sys.executable, "-m", *command],
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
            raise BenchError(f"`python -m {command[0]}` did not start.", why[0], "Start it by hand.")
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
def echo_upstream(folder: Path, cores: set[int]) -> Iterator[tuple[int, str]]:
    """The upstream; answers its pid and its base address without a scheme."""
    with process(["holdfast.bench.echo"], plain_environment(), folder, cores) as (pid, told):
        yield pid, f"127.0.0.1:{told['port']}/v1"


@contextlib.contextmanager
def bare_relay(face: Face, upstream: str, folder: Path, cores: set[int]) -> Iterator[list[Candidate]]:
    """A bare relay of one face."""
    command = ["holdfast.bench.bare", face, f"ws://{upstream}/realtime"]
    with process(command, plain_environment(), folder, cores) as (pid, told):
        yield [Candidate("bare", face, pid, f"ws://127.0.0.1:{told['port']}/")]


def gateway_settings(upstream: str, folder: Path) -> dict[str, str]:
    """The environment of a gateway under measurement: its upstream, and no bound that could be met."""
    return {
        "OPENAI_API_KEY": "sk-bench",
        "OPENAI_BASE_URL": f"http://{upstream}",
        "HOLDFAST_LOG__LEVEL": "warning",
        "HOLDFAST_LIMITS__SESSIONS": _MANY,
        "HOLDFAST_LIMITS__SESSIONS_PER_IP": _MANY,
        "HOLDFAST_LIMITS__SESSIONS_PER_USER": _MANY,
        "HOLDFAST_PORTAL__DATABASE": str(folder / "portal.sqlite3"),
    }


@contextlib.contextmanager
def gateway(
    upstream: str, folder: Path, cores: set[int], *, source: Path | None = None, name: str = "gateway"
) -> Iterator[list[Candidate]]:
    """The gateway as `holdfast serve` starts it, with all its faces.

    `source`: the folder of another revision's packages, for this interpreter and its libraries.
    """
    home = folder / name
    home.mkdir(exist_ok=True)
    environment = plain_environment() | gateway_settings(upstream, home)
    if source is not None:
        environment["PYTHONPATH"] = str(source)
    command = ["holdfast.cli", "serve", "--port", "0", "--json"]
    with process(command, environment, home, cores) as (pid, told):
        address = str(told["url"]).removeprefix("http://")
        yield [
            Candidate(name, "json", pid, f"ws://{address}/v1/realtime?model=gpt-realtime"),
            Candidate(name, "binary", pid, f"ws://{address}/api/openai/realtime"),
            Candidate(name, "page", pid, f"ws://{address}/api/openai/realtime"),
        ]


@contextlib.contextmanager
def peer(upstream: str, folder: Path, cores: set[int]) -> Iterator[list[Candidate]]:
    """nginx, where it is installed: what passing bytes on costs those who look at no message."""
    if nginx.found() is None:
        yield []
        return
    command = ["holdfast.bench.nginx", upstream.partition("/")[0]]
    with process(command, plain_environment(), folder, cores) as (_, told):
        pin(told["pid"], cores)
        path = f"{upstream.partition('/')[2]}/realtime"
        yield [Candidate("nginx", "json", told["pid"], f"ws://127.0.0.1:{told['port']}/{path}")]


Start = Callable[[str, Path, set[int]], contextlib.AbstractContextManager[list[Candidate]]]


def _bare_json(
    upstream: str, folder: Path, cores: set[int]
) -> contextlib.AbstractContextManager[list[Candidate]]:
    return bare_relay("json", upstream, folder, cores)


def _bare_binary(
    upstream: str, folder: Path, cores: set[int]
) -> contextlib.AbstractContextManager[list[Candidate]]:
    return bare_relay("binary", upstream, folder, cores)


STARTS: Final[tuple[Start, ...]] = (_bare_json, _bare_binary, peer, gateway)
"""Everybody who takes part."""
