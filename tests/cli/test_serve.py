"""`holdfast serve` when the night is bad: each case ends with what, why, fix, and its exit code."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest


def serve(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("HOLDFAST_", "OPENAI_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "holdfast.cli", "serve", *arguments],
        cwd=folder,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = serve(tmp_path, "--port", str(port))
    assert ended.returncode == 1
    assert f"port {port} on 127.0.0.1 is taken" in ended.stderr
    assert "fix:" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_all_wrong_settings_at_once(tmp_path: Path) -> None:
    ended = serve(tmp_path, HOLDFAST_PORT="99999", HOLDFAST_LIMITS__SESIONS="3")
    assert ended.returncode == 2
    assert "HOLDFAST_PORT" in ended.stderr
    assert "Did you mean sessions" in ended.stderr


def test_another_address_needs_sign_in(tmp_path: Path) -> None:
    ended = serve(tmp_path, "--host", "0.0.0.0")
    assert ended.returncode == 2
    assert "can be reached from other machines" in ended.stderr


@pytest.mark.parametrize("content", [b"this is no database at all, whatever its name says" * 10])
def test_a_damaged_database(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "portal.sqlite3").write_bytes(content)
    ended = serve(tmp_path, HOLDFAST_PORT="0", HOLDFAST_PORTAL__DATABASE="portal.sqlite3")
    assert ended.returncode == 1
    assert "damaged" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_locked_database(tmp_path: Path) -> None:
    path = tmp_path / "portal.sqlite3"
    with sqlite3.connect(path) as holder:
        holder.execute("CREATE TABLE t (x)")
        holder.commit()
        holder.execute("BEGIN EXCLUSIVE")
        ended = serve(tmp_path, HOLDFAST_PORT="0", HOLDFAST_PORTAL__DATABASE=str(path))
        holder.rollback()
    holder.close()
    assert ended.returncode == 1
    assert "locked" in ended.stderr


def test_a_model_path_that_does_not_exist(tmp_path: Path) -> None:
    ended = serve(tmp_path, HOLDFAST_PORT="0", HOLDFAST_ENGINE__ASR_MODEL="/no/such/folder")
    assert ended.returncode == 2
    assert "/no/such/folder" in ended.stderr


def test_errors_for_machines(tmp_path: Path) -> None:
    ended = serve(tmp_path, "--json", HOLDFAST_PORT="99999")
    assert ended.returncode == 2
    assert "what" in json.loads(ended.stderr)["error"]


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b", "no-such-host.invalid"])
def test_an_address_that_is_not_this_machines_is_not_called_taken(tmp_path: Path, host: str) -> None:
    open_to_others = {
        "HOLDFAST_AUTH__SECRET": "a-secret-of-more-than-32-bytes-for-a-test",
        "HOLDFAST_SERVER__ORIGINS": "https://portal.example",
        "HOLDFAST_SERVER__TRUSTED_PROXIES": "10.0.0.0/8",
    }
    ended = serve(tmp_path, "--host", host, "--port", "0", "--json", **open_to_others)

    error = json.loads(ended.stderr)["error"]
    assert ended.returncode == 1
    assert host in error["what"]
    assert "taken" not in error["what"]
    assert "127.0.0.1" in error["fix"]


def test_an_address_in_brackets_is_the_address(tmp_path: Path) -> None:
    """As people write `[::1]`; not every machine has one."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = serve(tmp_path, "--host", "[127.0.0.1]", "--port", str(port))
    assert ended.returncode == 1
    assert f"port {port} on [127.0.0.1] is taken" in ended.stderr
