"""The image's own check finds the gateway where its settings put it: in the environment, or in its file."""

from __future__ import annotations

import http.server
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.server.dev_certificate import dev_certificate


class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Silence."""


@contextmanager
def gateway(context: ssl.SSLContext | None = None) -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Healthy) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join(5)


def check(project: Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(project / "scripts/healthcheck.py")],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("name", ["HOLDFAST_PORT", "PORT"])
def test_the_port_of_the_environment(project: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "holdfast.toml").write_text("port = 1")
    with gateway() as port:
        assert check(project, tmp_path, **{name: str(port)}).returncode == 0


def test_port_and_certificate_of_the_file(project: Path, tmp_path: Path) -> None:
    made = dev_certificate(tmp_path / "tls", datetime.now(UTC))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.certificate, made.key)
    with gateway(context) as port:
        told = f'port = {port}\n[server]\ntls_cert = "{made.certificate}"\ntls_key = "{made.key}"\n'
        (tmp_path / "other.toml").write_text(told)

        done = check(project, tmp_path, HOLDFAST_CONFIG="other.toml")

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("written", ["port = = 3", "server = 3\nport = 'x'", ""])
def test_where_nobody_answers_it_says_so_in_a_line(project: Path, tmp_path: Path, written: str) -> None:
    (tmp_path / "holdfast.toml").write_text(written)

    done = check(project, tmp_path, HOLDFAST_PORT="1")

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("unhealthy: ")


def test_a_door_that_speaks_something_else_is_unhealthy(project: Path, tmp_path: Path) -> None:
    made = dev_certificate(tmp_path / "tls", datetime.now(UTC))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.certificate, made.key)
    with gateway(context) as port:
        done = check(project, tmp_path, PORT=str(port))

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
