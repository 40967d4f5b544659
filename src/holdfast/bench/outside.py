"""Relays of others, for a measurement: `python -m holdfast.bench.outside NAME HOST:PORT [CERTIFICATE]`.

What lives here: where each is found, and the least configuration that makes it pass WebSockets on: nginx and
haproxy, which look at no message; LiteLLM, which parses each; the plain aiohttp relay of `examples`.
With a certificate the upstream speaks TLS and is believed by it.
What never will: measuring them.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_PLACES: Final = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
MOST: Final = 16_384
_LOOK_S: Final = 0.05
_PROJECT: Final = Path(__file__).resolve().parents[3]
PEERS_VENV: Final = Path(os.environ.get("HOLDFAST_PEERS", _PROJECT / ".venv-peers"))
"""Where `make bench-peers` installs the Python ones."""
EXAMPLE: Final = _PROJECT / "examples" / "aiohttp_relay.py"


@dataclass(frozen=True, slots=True)
class Place:
    """What a program is told: where it listens, where it dials, what it believes, where it may write."""

    port: int
    upstream: str
    """HOST:PORT"""
    certificate: str
    """The file with what vouches for the upstream; empty: the upstream speaks no TLS."""
    folder: Path

    @property
    def connections(self) -> int:
        """How many it may expect: haproxy does not start with more than its descriptors allow."""
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return min(MOST, (most - 100) // 2)

    @property
    def http(self) -> str:
        """The upstream's address."""
        return f"{'https' if self.certificate else 'http'}://{self.upstream}"

    @property
    def websocket(self) -> str:
        """The same for a WebSocket."""
        return f"{'wss' if self.certificate else 'ws'}://{self.upstream}"


@dataclass(frozen=True, slots=True)
class Program:
    """One relay of others."""

    find: Callable[[], str | None]
    """The file to start, if it is here."""
    missing: str
    """What to do where it is not."""
    arguments: Callable[[Place], list[str]]
    environment: Callable[[Place], Mapping[str, str]] = field(default=lambda _: {})
    path: str = "/v1/realtime"
    """Where it is dialled."""


def _on_path(name: str) -> Callable[[], str | None]:
    return lambda: shutil.which(name, path=_PLACES)


def _written(place: Place, name: str, text: str) -> str:
    file = place.folder / name
    file.write_text(text, encoding="utf-8")
    return str(file)


_NGINX: Final = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections {connections}; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass {upstream};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_read_timeout 1h;
      tcp_nodelay on;
    }}
  }}
}}
"""


def _nginx(place: Place) -> list[str]:
    text = _NGINX.format(
        folder=place.folder, port=place.port, upstream=place.http, connections=place.connections
    )
    return ["-p", str(place.folder), "-c", _written(place, "nginx.conf", text)]


_HAPROXY: Final = """
global
  nbthread 1
  maxconn {connections}
defaults
  mode http
  timeout connect 10s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
frontend here
  bind 127.0.0.1:{port}
  default_backend there
backend there
  server upstream {upstream}{trust}
"""


def _haproxy(place: Place) -> list[str]:
    trust = f" ssl verify required ca-file {place.certificate}" if place.certificate else ""
    text = _HAPROXY.format(
        port=place.port, upstream=place.upstream, trust=trust, connections=place.connections
    )
    return ["-db", "-f", _written(place, "haproxy.cfg", text)]


_LITELLM: Final = """
model_list:
  - model_name: gpt-realtime
    litellm_params:
      model: openai/gpt-realtime
      api_base: {upstream}
      api_key: sk-bench
"""


def _litellm(place: Place) -> list[str]:
    text = _LITELLM.format(upstream=place.http)
    return [
        "--config",
        _written(place, "config.yaml", text),
        "--host",
        "127.0.0.1",
        "--port",
        str(place.port),
    ]


def _litellm_environment(place: Place) -> dict[str, str]:
    """No table of prices from the network, no key to be checked, no log line for each session."""
    return {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
        "LITELLM_LOG": "ERROR",
        **_believing(place),
    }


def _believing(place: Place) -> dict[str, str]:
    return {"SSL_CERT_FILE": place.certificate} if place.certificate else {}


def _installed(name: str) -> Callable[[], str | None]:
    return lambda: shutil.which(str(PEERS_VENV / "bin" / name))


def _aiohttp() -> str | None:
    return _installed("python")() if EXAMPLE.is_file() else None


_APT: Final = "apt-get install"
_MAKE: Final = "make bench-peers"

PROGRAMS: Final[dict[str, Program]] = {
    "nginx": Program(_on_path("nginx"), f"{_APT} nginx-light", _nginx),
    "haproxy": Program(_on_path("haproxy"), f"{_APT} haproxy", _haproxy),
    "aiohttp": Program(
        _aiohttp,
        _MAKE,
        lambda place: [str(EXAMPLE), str(place.port), f"{place.websocket}/v1/realtime"],
        _believing,
    ),
    "litellm": Program(
        _installed("litellm"), _MAKE, _litellm, _litellm_environment, "/v1/realtime?model=gpt-realtime"
    ),
}


def absence(name: str) -> str | None:
    """What to do to have it here; None where it is."""
    program = PROGRAMS[name]
    return None if program.find() is not None else program.missing


def main(name: str, upstream: str, certificate: str = "") -> None:
    """Run one on a free loopback port until standard input ends."""
    program = PROGRAMS[name]
    found = program.find()
    assert found is not None, f"{name} is not on this machine"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = Path.cwd() / name
    folder.mkdir(exist_ok=True)
    place = Place(port, upstream, certificate, folder)
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with (
        (folder / "said.txt").open("wb") as said,
        subprocess.Popen(  # noqa: S603 - found by name above
            [found, *program.arguments(place)],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**ours, **program.environment(place)},
            cwd=folder,
        ) as running,
    ):
        # no exception: it could come just when the end of standard input has us end it
        signal.signal(signal.SIGTERM, lambda *_: running.terminate())
        try:
            _until_it_listens(running, port, folder / "said.txt")
            sys.stdout.write(json.dumps({"port": port, "pid": running.pid}) + "\n")
            sys.stdout.flush()
            sys.stdin.read()
        finally:
            running.terminate()


def _until_it_listens(running: subprocess.Popen[bytes], port: int, said: Path) -> None:
    while running.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(_LOOK_S)
    last = said.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
    sys.exit(f"{said.parent.name} ended: {last[0]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
