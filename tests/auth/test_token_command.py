"""`holdfast token`, run as a program."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from holdfast.auth import Tickets, hash_key
from holdfast.core.limits import Limits

SECRET = "canary-secret-of-more-than-32-bytes-"
PROGRAM = "import typer; from holdfast.cli.token import token; typer.run(token)"


def run(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HOLDFAST", "OPENAI"))}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=folder,
        env={**clean, **environ},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_ticket_that_the_gateway_accepts(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        "--customer",
        "cust-1",
        "--name",
        "Anna",
        "--limit",
        "session_s=60",
        "--json",
        HOLDFAST_AUTH__SECRET=SECRET,
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    redeemed = Tickets(SECRET, time.time).redeem(told["ticket"])
    assert (redeemed.customer_id, redeemed.customer_name, redeemed.limits) == (
        "cust-1",
        "Anna",
        {"session_s": 60},
    )
    assert told["subprotocol"] == f"holdfast.ticket.{told['ticket']}"
    assert SECRET not in done.stdout + done.stderr


def test_for_people_the_ticket_stands_alone_on_standard_output(tmp_path: Path) -> None:
    done = run(tmp_path, "--customer", "cust-1", HOLDFAST_AUTH__SECRET=SECRET)

    assert done.stdout.count("\n") == 1
    assert "once" in done.stderr


def test_without_a_secret_it_says_what_why_and_fix(tmp_path: Path) -> None:
    done = run(tmp_path, "--customer", "cust-1")

    assert done.returncode == 1
    assert done.stdout == ""
    for word in ("error:", "why:", "fix:", "HOLDFAST_AUTH__SECRET"):
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_use_is_two(tmp_path: Path) -> None:
    assert run(tmp_path).returncode == 2
    assert run(tmp_path, "--customer", "a", "--limit", "x", HOLDFAST_AUTH__SECRET=SECRET).returncode == 2


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    done = run(tmp_path, "--customer", "a", "--json", HOLDFAST_AUTH__SECRET="canary")

    assert done.returncode == 1
    assert "HOLDFAST_AUTH__SECRET" in json.loads(done.stderr)["error"]["why"]
    assert "canary" not in done.stderr


def test_a_client_key_and_its_hash(tmp_path: Path) -> None:
    told = json.loads(run(tmp_path, "--new-client-key", "--json").stdout)

    assert told["hash"] == hash_key(told["key"])


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        ("sesion_s=60", "Did you mean session_s?"),
        ("session_s", "--limit session_s=600"),
        ("session_s=-1", "--limit session_s=600"),
        ("session_s=1.5", "--limit session_s=600"),
        ("=60", "--limit session_s=600"),
        ("session_s=" + "9" * 5_000, "--limit session_s=600"),
    ],
)
def test_what_is_no_limit_is_refused(tmp_path: Path, limit: str, told: str) -> None:
    done = run(tmp_path, "--customer", "cust-1", "--limit", limit, HOLDFAST_AUTH__SECRET=SECRET)

    assert done.returncode == 2
    assert done.stdout == ""
    assert told in done.stderr
    assert len(done.stderr) < 400
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "asked", [("--customer", "c" * 201), ("--customer", "c", "--name", "n" * 201), ("--customer", "c\udcff")]
)
def test_a_ticket_that_no_gateway_would_take_is_not_minted(tmp_path: Path, asked: tuple[str, ...]) -> None:
    done = run(tmp_path, *asked, HOLDFAST_AUTH__SECRET=SECRET)

    assert (done.returncode, done.stdout) == (2, "")
    assert "no gateway would take this ticket" in done.stderr
    assert "200 characters" in done.stderr


def test_more_limits_than_a_gateway_takes_are_refused(tmp_path: Path) -> None:
    names = [one.name for one in dataclasses.fields(Limits)][:17]
    limits = [word for name in names for word in ("--limit", f"{name}=5")]

    done = run(tmp_path, "--customer", "c", *limits, HOLDFAST_AUTH__SECRET=SECRET)

    assert (done.returncode, done.stdout) == (2, "")
    assert "16 limits" in done.stderr
