"""`holdfast emulate` as a program: what it prints, how it ends, how it refuses."""

import asyncio
import json
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner
from websockets.asyncio.client import connect

from holdfast.cli.emulate import EXAMPLES, _say, emulate
from holdfast.emulator import FAULTS
from holdfast.emulator.news import News

app = typer.Typer()
app.command(epilog=EXAMPLES)(emulate)

PROGRAM = "import typer; from holdfast.cli.emulate import emulate; typer.run(emulate)"


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, arguments)


def test_help_has_examples() -> None:
    assert "holdfast emulate --fault http:503@1" in invoke("--help").output


def test_faults_are_listed() -> None:
    listed = invoke("--list-faults", "--json").output.splitlines()

    assert [json.loads(line)["fault"] for line in listed] == [kind.form for kind in FAULTS.values()]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [(("--fault", "earthquake"), "stall"), (("--script", "/nonexistent.json"), "cannot be read")],
)
def test_wrong_use_says_what_why_and_how(arguments: tuple[str, ...], hint: str) -> None:
    result = invoke(*arguments)

    assert result.exit_code == 2
    assert hint in result.stderr
    assert "why:" in result.stderr
    assert "fix:" in result.stderr
    assert "Traceback" not in result.output


def test_a_taken_port_is_trouble() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = invoke("--port", str(port), "--control-port", "0")

    assert result.exit_code == 1
    assert f"port {port} on 127.0.0.1 is in use" in result.stderr


async def test_it_serves_tells_and_ends(tmp_path: Path) -> None:
    script = tmp_path / "turns.json"
    script.write_text('[{"hear": "hi", "say": "hello"}]')
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM,
        "--port", "0", "--control-port", "0", "--json", "--script", str(script),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert program.stdout is not None

    async def line() -> Any:
        assert program.stdout is not None
        return json.loads(await asyncio.wait_for(program.stdout.readline(), 20))

    listening = await line()
    headers = {"Authorization": "Bearer x"}
    async with connect(listening["url"] + "?model=m", additional_headers=headers, proxy=None) as caller:
        assert json.loads(await caller.recv())["type"] == "session.created"
        assert (await line())["event"] == "began"
    ended = await line()
    program.send_signal(signal.SIGTERM)

    assert (ended["event"], ended["close"]["code"]) == ("ended", 1000)
    assert await asyncio.wait_for(program.wait(), 10) == 0


@pytest.mark.parametrize(("name", "begin"), [("deep.json", "["), ("deep.toml", "a = [")])
def test_a_script_that_is_nested_too_deep_is_wrong_use(tmp_path: Path, name: str, begin: str) -> None:
    script = tmp_path / name
    script.write_text(begin + "[" * 100_000)

    result = invoke("--script", str(script), "--json")

    assert result.exit_code == 2
    assert "nested too deep" in json.loads(result.stderr)["error"]["why"]


def test_a_host_that_is_no_name_is_trouble() -> None:
    result = invoke("--host", "a" * 70, "--json")

    assert result.exit_code == 1
    assert "is no name of a host" in json.loads(result.stderr)["error"]["why"]


def test_what_a_client_calls_itself_commands_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    _say(News("sess_1  began  \x1b[2Jmodel", {}), as_json=False)

    assert capsys.readouterr().out == "sess_1  began  \\u001b[2Jmodel\n"
