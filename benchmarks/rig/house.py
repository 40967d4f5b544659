"""The processes of an endurance run: gateway and emulator, as a person starts them, on cores of their own.

What lives here: starting, their files, the emulator's control port, the gateway's log.
What never will: what is done to them.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from holdfast.bench import machine
from holdfast.bench.candidates import BenchError, plain_environment
from holdfast.bench.revision import SOURCE, Revision, export, resolve, this_checkout

_LOOK_S: Final = 0.05
START_S: Final = 30.0
STOP_S: Final = 15.0
BOOKS_S: Final = 60.0
"""How long the emulator may take to read out a book while hundreds talk to it."""
_MANY: Final = "100000"
PROJECT: Final = Path(__file__).resolve().parent.parent.parent

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Built:
    """What is run: a revision's packages, and the folder for everything that is written meanwhile."""

    revision: Revision
    source: Path
    folder: Path


@contextlib.contextmanager
def built(name: str | None) -> Iterator[Built]:
    """This checkout, or the revision of that name; files go to a temporary folder. Raises BenchError."""
    with tempfile.TemporaryDirectory(prefix="holdfast-endurance-") as temporary:
        folder = Path(temporary)
        if name is None:
            yield Built(this_checkout(), SOURCE, folder)
        else:
            revision = resolve(name)
            yield Built(revision, export(revision, folder), folder)


@dataclass(slots=True)
class Lines:
    """A file of JSON lines that grows."""

    path: Path
    _read: int = 0
    _rest: bytes = b""

    def news(self) -> list[Json]:
        """What has come since the last time."""
        if not self.path.is_file():
            return []
        with self.path.open("rb") as file:
            file.seek(self._read)
            fresh = file.read()
        self._read += len(fresh)
        *lines, self._rest = (self._rest + fresh).split(b"\n")
        found = []
        for line in lines:
            with contextlib.suppress(ValueError):
                one = json.loads(line)
                if isinstance(one, dict):
                    found.append(one)
        return found


@dataclass(slots=True)
class Running:
    """A process, its first line, and what it prints."""

    process: subprocess.Popen[bytes]
    told: Json
    output: Lines
    log: Lines

    @property
    def pid(self) -> int:
        """For /proc."""
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None


@contextlib.contextmanager
def running(
    command: Sequence[str],
    environment: Mapping[str, str],
    home: Path,
    cores: set[int],
    wanted: str,
) -> Iterator[Running]:
    """A Python process whose output has, sooner or later, an object with the key `wanted`."""
    home.mkdir(parents=True, exist_ok=True)
    output, log = home / "output.jsonl", home / "log.jsonl"
    with output.open("wb") as out, log.open("wb") as err:
        child = subprocess.Popen(  # noqa: S603 - our own modules
            [sys.executable, "-m", *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=dict(environment),
            cwd=home,
            start_new_session=True,  # Ctrl-C is ours; whoever is measured is ended in order
        )
    try:
        one = Running(child, {}, Lines(output), Lines(log))
        one.told = _first(one, wanted, command)
        machine.pin(child.pid, cores)
        yield one
    finally:
        child.terminate()
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _first(one: Running, wanted: str, command: Sequence[str]) -> Json:
    waited_s = 0.0
    while waited_s < START_S and one.is_alive:
        for told in one.output.news():
            if wanted in told:
                return told
        with contextlib.suppress(subprocess.TimeoutExpired):
            one.process.wait(_LOOK_S)
        waited_s += _LOOK_S
    last = one.log.path.read_text(errors="replace").strip().splitlines()[-1:] or ["It said nothing."]
    raise BenchError(f"`python -m {' '.join(command)}` did not start.", last[0], "Start it by hand.")


@contextlib.contextmanager
def gateway(
    made: Built,
    upstream: str,
    cores: set[int],
    *,
    name: str = "gateway",
    settings: Mapping[str, str] | None = None,
    leak: str | None = None,
) -> Iterator[Gateway]:
    """`holdfast serve` with gauges beside it (`watched`). `upstream`: the base URL of an OpenAI dialect.

    `leak`: what it shall lose on purpose, so that it can be shown that it is noticed.
    """
    home = made.folder / name
    environment = {
        **plain_environment(),
        "PYTHONPATH": os.pathsep.join([str(made.source), str(PROJECT)]),
        "OPENAI_API_KEY": "sk-endurance",
        "OPENAI_BASE_URL": upstream,
        "HOLDFAST_LIMITS__SESSIONS": _MANY,
        "HOLDFAST_LIMITS__SESSIONS_PER_IP": _MANY,
        "HOLDFAST_LIMITS__SESSIONS_PER_USER": _MANY,
        "HOLDFAST_GAUGES": str(home / "gauges.jsonl"),
        "HOLDFAST_PLANTED_LEAK": leak or "",
        **(settings or {}),
    }
    command = ["benchmarks.rig.watched", "serve", "--port", "0", "--json"]
    with running(command, environment, home, cores, "url") as one:
        yield Gateway(one, Lines(home / "gauges.jsonl"))


@dataclass(slots=True)
class Gateway:
    """A running gateway."""

    running: Running
    gauge_lines: Lines
    gauges: list[Json] = field(default_factory=list)
    """What `watched` has counted, once a second: `at` (monotonic), `tasks`, `lag_ms`."""
    log: list[Json] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """For /proc."""
        return self.running.pid

    @property
    def url(self) -> str:
        """The browser protocol's socket."""
        return self.url_of("/api/openai/realtime")

    def url_of(self, path: str) -> str:
        """A socket at this path."""
        return str(self.running.told["url"]).replace("http", "ws", 1) + path

    def read(self) -> list[Json]:
        """Take in what it has printed; answers the new lines of its log."""
        self.gauges += self.gauge_lines.news()
        fresh = self.running.log.news()
        self.log += fresh
        return fresh


@dataclass(slots=True)
class Emulator:
    """A running `holdfast emulate`, and its control port."""

    running: Running
    http: httpx.AsyncClient

    @property
    def pid(self) -> int:
        """For /proc."""
        return self.running.pid

    @property
    def base_url(self) -> str:
        """For OPENAI_BASE_URL."""
        return str(self.running.told["base_url"])

    async def post(self, path: str, **body: Any) -> Json:
        """Tell it something. Raises httpx.HTTPError."""
        answer = await self.http.post(path, json=body)
        answer.raise_for_status()
        told: Json = answer.json()
        return told

    async def get(self, path: str) -> Json:
        """Ask it something. Raises httpx.HTTPError."""
        answer = await self.http.get(path)
        answer.raise_for_status()
        told: Json = answer.json()
        return told

    async def read(self, path: str) -> bytes:
        """Ask it for bytes. Raises httpx.HTTPError."""
        answer = await self.http.get(path)
        answer.raise_for_status()
        return answer.content


@contextlib.asynccontextmanager
async def emulator(made: Built, cores: set[int], *arguments: str) -> AsyncIterator[Emulator]:
    """`holdfast emulate` of this checkout, on free ports."""
    command = ["holdfast.cli", "emulate", "--port", "0", "--control-port", "0", "--json", *arguments]
    environment = {**plain_environment(), "PYTHONPATH": str(SOURCE)}
    with running(command, environment, made.folder / "emulator", cores, "control") as one:
        async with httpx.AsyncClient(base_url=str(one.told["control"]), timeout=BOOKS_S) as http:
            yield Emulator(one, http)
