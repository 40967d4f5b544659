"""Checks that need no network, each made to fail."""

from __future__ import annotations

import http.server
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.diagnosis import Status, offline

CANARY = "sk-proj-CANARY0123456789"


def test_this_machine_has_python_and_the_libraries() -> None:
    assert offline.python().status is Status.OK
    assert offline.libraries().status is Status.OK
    assert "picows 2." in offline.libraries().detail


def test_the_web_client(tmp_path: Path) -> None:
    assert offline.web_client(tmp_path).status is Status.WARNING
    (tmp_path / "index.html").touch()
    assert offline.web_client(tmp_path).status is Status.OK


def test_what_is_on_this_machine() -> None:
    assert offline.is_loopback("http://127.0.0.1:9100/v1")
    assert offline.is_loopback("http://[::1]:9100/v1")
    assert offline.is_loopback("http://localhost/v1")
    assert not offline.is_loopback("https://api.openai.com/v1")


def test_a_free_port_and_one_that_a_stranger_holds() -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        number = stranger.getsockname()[1]
        stranger.listen()

        taken = offline.port("127.0.0.1", number)

    assert taken.fault is not None
    assert "HOLDFAST_PORT" in taken.remedy
    assert offline.port("127.0.0.1", number).status is Status.OK


class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Silence."""


@pytest.fixture
def gateway() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Healthy) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join(5)


def test_a_port_that_a_gateway_holds_is_fine(gateway: int) -> None:
    answer = offline.port("127.0.0.1", gateway)

    assert answer.status is Status.OK
    assert "a gateway runs" in answer.detail


@pytest.mark.parametrize("value", ["", "'sk-quoted-0123'", "sk-with space", "short", "sk-line\nbreak"])
def test_a_key_of_the_wrong_form(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", value)

    answer = offline.api_key("OPENAI_API_KEY", needed=True)

    assert answer.fault is not None
    assert answer.fault.code == "configuration.invalid_api_key"
    assert "OPENAI_API_KEY" in answer.remedy


@pytest.mark.parametrize(("variable", "value"), [("OPENAI_API_KEY", "any"), ("OPENAI_API_KEY", ""), ("", "")])
def test_where_no_key_is_needed_any_will_do(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", value)

    answer = offline.api_key(variable, needed=False)

    assert answer.status is Status.OK
    assert "not needed" in answer.detail


def test_a_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)

    answer = offline.api_key("OPENAI_API_KEY", needed=True)

    assert answer.status is Status.OK
    assert "CANARY" not in answer.detail


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    assert offline.writable(tmp_path / "data").status is Status.FAILED


def test_a_folder_that_can_be_made_and_one_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert offline.writable(tmp_path / "data").status is Status.OK
    answer = offline.writable(tmp_path / "file" / "data")
    assert answer.fault is not None
    assert answer.fault.code == "store.unavailable"


@pytest.mark.parametrize(
    ("obstacle", "told"), [(None, "in use: it is fast"), ("not built", "not built: it is slow")]
)
def test_a_compiled_part_is_no_fault_either_way(obstacle: str | None, told: str) -> None:
    answer = offline.compiled("it is fast", "it is slow", obstacle=obstacle)
    assert (answer.status, answer.detail) == (Status.OK, told)


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b"])
def test_an_address_of_nobody_here_is_no_port_in_use(host: str) -> None:
    answer = offline.port(host, 0)

    assert answer.fault is not None
    assert answer.fault.code == "configuration.invalid"
    assert "address of this machine" in answer.remedy
