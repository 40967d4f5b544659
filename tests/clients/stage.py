"""A gateway as a person starts it, before each kind of upstream, and the blow that kills the upstream.

What lives here: the table of upstreams, their settings, starting and ending the processes.
What never will: clients (`catalogue`), judging what they hear (`judge`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from benchmarks.rig.house import PROJECT, Built, Running, running

from holdfast.bench.candidates import plain_environment
from tests.clients.tap import Tap

CHAR_MS: Final = 60
"""How long `holdfast emulate` speaks for a character."""
DELTAS: Final = 4
"""After so many audio messages of an answer the upstream is killed."""
_MANY: Final = 1000

_KINDS: Final = {
    "openai": 'kind = "openai"',
    "azure": 'kind = "azure"\nmodel = "voice"',
    "beta": 'kind = "compatible"\ndialect = "beta"\nmodel = "gpt-realtime-1.5"',
    "local": 'kind = "local"',
}
UPSTREAMS: Final = tuple(_KINDS)
_DIALECTS: Final = {"azure": ("--dialect", "azure"), "beta": ("--dialect", "beta")}


@dataclass(frozen=True, slots=True)
class Stage:
    """A running gateway: where, before whom, and how its upstream is killed."""

    upstream: str
    host: str
    port: int
    kill: Callable[[], Coroutine[Any, Any, bool]]
    tls: Path | None = None
    """Where it keeps its certificate, if it was started with `--tls dev`."""

    def tap(self) -> Tap:
        """A tap before it; the tap reads what is said, so it shows the gateway's own certificate."""
        if self.tls is None:
            return Tap(self.host, self.port)
        shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        shown.load_cert_chain(self.tls / "dev-cert.pem", self.tls / "dev-key.pem")
        return Tap(self.host, self.port, shown, ssl.create_default_context(cafile=str(self.trust)))

    @property
    def scheme(self) -> str:
        """Of its base URL."""
        return "http" if self.tls is None else "https"

    @property
    def trust(self) -> Path | None:
        """What its clients must trust."""
        return None if self.tls is None else self.tls / "dev-ca.pem"

    @property
    def char_ms(self) -> int | None:
        """How long its upstream speaks for a character, where that is known."""
        return None if self.upstream == "local" else CHAR_MS


@contextlib.asynccontextmanager
async def staged(
    upstream: str, made: Built, *, speed: float, is_secure: bool = False
) -> AsyncIterator[Stage]:
    """A gateway before an upstream of that name. `speed`: of an emulated one's voice."""
    cores = os.sched_getaffinity(0)
    async with contextlib.AsyncExitStack() as stack:
        beaten: Callable[[int], Coroutine[Any, Any, bool]]
        base_url = ""
        if upstream == "local":
            beaten = _kill_workers
        else:
            arguments = ["--speed", str(speed), *_DIALECTS.get(upstream, ())]
            command = ["holdfast.cli", "emulate", "--port", "0", "--control-port", "0", "--json", *arguments]
            environment = {**plain_environment(), "PYTHONPATH": str(PROJECT / "src")}
            started = running(command, environment, made.folder / "emulator", cores, "control")
            told = (await _begun(stack, started)).told
            base_url = f'base_url = "{told["base_url"]}"\napi_key_env = "OPENAI_API_KEY"\n'
            control = await stack.enter_async_context(httpx.AsyncClient(base_url=str(told["control"])))

            async def beaten(_gateway: int) -> bool:
                broken = await control.post("/sessions/all/break", json={"fault": "reset"})
                return broken.is_success  # not, where no session is open any more

        home = made.folder / "gateway"
        home.mkdir(parents=True, exist_ok=True)
        settings = home / "holdfast.toml"
        settings.write_text(
            f'[[upstream]]\nname = "{upstream}"\n{_KINDS[upstream]}\n{base_url}'
            f"[limits]\nsessions_per_ip = {_MANY}\nsessions_per_user = {_MANY}\n"
        )
        environment = {
            **plain_environment(),
            "PYTHONPATH": str(PROJECT / "src"),
            "OPENAI_API_KEY": "sk-upstream",
            "HOLDFAST_CONFIG": str(settings),
        }
        command = ["holdfast.cli", "serve", "--port", "0", "--json", *(("--tls", "dev") if is_secure else ())]
        gate = await _begun(stack, running(command, environment, home, cores, "url"))
        parts = urlsplit(str(gate.told["url"]))
        assert parts.hostname is not None
        assert parts.port is not None
        tls = home / ".holdfast" / "tls" if is_secure else None
        yield Stage(upstream, parts.hostname, parts.port, lambda: beaten(gate.pid), tls)


async def _begun(stack: contextlib.AsyncExitStack, process: AbstractContextManager[Running]) -> Running:
    """Start it, and end it with the stack, without holding up the taps of other columns."""
    one = await asyncio.to_thread(process.__enter__)
    stack.push_async_callback(asyncio.to_thread, process.__exit__, None, None, None)
    return one


async def _kill_workers(gateway: int) -> bool:
    """The engine of a gateway lives in its child processes."""
    for child in _children(gateway):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    return True


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


class Blow:
    """Kills the upstream once, in the middle of an answer that a tap overhears."""

    def __init__(self, kill: Callable[[], None]) -> None:
        self._kill = kill
        self._deltas = 0
        self.has_fallen = False

    def overheard(self, event: dict[str, Any]) -> None:
        """One event of the server, as it goes by."""
        if event["type"] == "response.output_audio.delta" and not self.has_fallen:
            self._deltas += 1
            if self._deltas == DELTAS:
                self.has_fallen = True
                self._kill()
