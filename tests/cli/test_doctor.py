"""`holdfast doctor`: healthy, and each layer made to fail; the verdict names whose fault it is."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from holdfast.cli.doctor import conclude, show
from holdfast.diagnosis import Answer, Check, Report
from holdfast.emulator import DialectName, Emulator, EmulatorOptions
from tests.cli.commands import run, run_beside

CANARY = "sk-proj-CANARY0123456789"


@pytest.fixture(autouse=True)
def _a_home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder, a free port, no settings of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HOLDFAST_CONFIG", "PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOLDFAST_PORT", str(port))
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


def use(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_BASE_URL", emulator.http_base)


def statuses(report: dict[str, Any]) -> dict[str, str]:
    return {check["id"]: check["status"] for check in report["checks"]}


async def test_an_upstream_that_answers_is_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Emulator(EmulatorOptions(port=0, speed=0)) as emulator:
        use(emulator, monkeypatch)

        done = await run_beside("doctor", "--json")

    report = json.loads(done.stdout)
    assert done.exit_code == 0, done.output
    assert report["verdict"] == {"healthy": True, "fault": None}
    assert statuses(report)["upstream.openai.tool"] == "ok"
    assert report["providerSessions"] == [emulator.records[0].id]
    assert "CANARY" not in done.output


async def test_people_get_a_line_for_each_check_and_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Emulator(EmulatorOptions(port=0, faults=["http:503"])) as emulator:
        use(emulator, monkeypatch)

        done = await run_beside("doctor")

    assert done.exit_code == 1
    assert "verdict   provider.unavailable" in done.stdout
    assert "whose     provider" in done.stdout
    assert "openai: text turn" in done.stdout
    assert "stands on upstream.openai.handshake" in done.stdout


async def test_a_refused_key_is_the_configurations_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Emulator(EmulatorOptions(port=0, api_key="sk-the-right-one")) as emulator:
        use(emulator, monkeypatch)

        done = await run_beside("doctor", "--json")

    fault = json.loads(done.stdout)["verdict"]["fault"]
    assert done.exit_code == 1
    assert (fault["code"], fault["party"]) == ("configuration.invalid_api_key", "configuration")
    assert "CANARY" not in done.output


async def test_nobody_listens_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Emulator(EmulatorOptions(port=0)) as emulator:
        use(emulator, monkeypatch)

    report = json.loads((await run_beside("doctor", "--json")).stdout)

    assert report["verdict"]["fault"]["code"] == "provider.unreachable"
    assert statuses(report)["upstream.openai.tcp"] == "failed"
    assert statuses(report)["upstream.openai.handshake"] == "skipped"


@pytest.mark.parametrize("kind", ["azure", "azure-preview", "beta"])
async def test_an_upstream_of_another_kind_is_asked_in_its_own_words(
    kind: DialectName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = EmulatorOptions(port=0, speed=0, dialect=kind, deployments=("voice",))
    async with Emulator(options) as emulator:
        what = 'kind = "compatible"\ndialect = "beta"' if kind == "beta" else 'kind = "azure"'
        version = 'api_version = "2025-04-01-preview"' if kind == "azure-preview" else ""
        (tmp_path / "holdfast.toml").write_text(
            f"""[[upstream]]
name = "other"
{what}
base_url = "{emulator.http_base}"
model = "voice"
api_key_env = "OTHER_KEY"
{version}
"""
        )
        monkeypatch.setenv("OTHER_KEY", "sk-test")
        monkeypatch.setenv("HOLDFAST_CONFIG", str(tmp_path / "holdfast.toml"))

        done = await run_beside("doctor", "--json")

    report = json.loads(done.stdout)
    assert statuses(report)["upstream.other.updated"] == "ok", done.stdout
    assert statuses(report)["upstream.other.audio_out"] == "ok", done.stdout


async def test_an_address_given_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_CLIENT_KEY", "any")
    async with Emulator(EmulatorOptions(port=0, speed=0)) as emulator:
        done = await run_beside("doctor", "--url", emulator.url, "--json")

    assert done.exit_code == 0, done.output
    assert statuses(json.loads(done.stdout))["upstream.url.audio_out"] == "ok"


@pytest.mark.speech
def test_the_embedded_engine_answers(speech_files: Path) -> None:
    done = run("doctor", "--json")

    report = json.loads(done.stdout)
    assert report["verdict"]["healthy"], done.stdout
    assert statuses(report)["upstream.local.audio_out"] == "ok"


def test_offline_dials_nobody_and_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_BASE_URL", "https://no-such-host.invalid/v1")

    report = json.loads(run("doctor", "--offline", "--json").stdout)

    assert report["verdict"]["healthy"]
    assert not [name for name in statuses(report) if name.startswith("upstream.")]
    assert sum(check["ms"] for check in report["checks"]) < 2000


def test_wrong_settings_are_the_verdict_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_PORT", "many")
    monkeypatch.setenv("HOLDFAST_LIMITS__SESSIONS", "-1")

    done = run("doctor", "--json")

    fault = json.loads(done.stdout)["verdict"]["fault"]
    assert done.exit_code == 1
    assert fault["code"] == "configuration.invalid"
    assert len(fault["evidence"]) == 2
    assert "HOLDFAST_PORT" in fault["evidence"][0] + fault["evidence"][1]


def test_a_port_that_a_stranger_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        monkeypatch.setenv("HOLDFAST_PORT", str(stranger.getsockname()[1]))

        report = json.loads(run("doctor", "--offline", "--json").stdout)

    assert statuses(report)["home.port"] == "failed"
    assert "HOLDFAST_PORT" in report["verdict"]["fault"]["remedy"]


@pytest.mark.parametrize("url", ["ws://[", "http://127.0.0.1:99999", "127.0.0.1:8080", ""])
def test_what_is_no_address_is_wrong_use(url: str) -> None:
    done = run("doctor", "--url", url, "--json")

    assert done.exit_code == 2
    assert done.error["what"] == f"{url!r} is no address."
    assert done.error["fix"]


def test_an_upstream_that_nobody_knows_is_wrong_use() -> None:
    done = run("doctor", "--upstream", "nobody", "--json")

    assert done.exit_code == 2
    assert "Known: local" in done.error["fix"]


@pytest.mark.speech
@pytest.mark.usefixtures("speech_files")
async def test_each_stage_of_the_engine_that_others_serve_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Emulator(EmulatorOptions(port=0, speed=0, faults=["stage:chat:404"])) as emulator:
        for stage in ("TRANSCRIPTION", "CHAT", "SPEECH"):
            monkeypatch.setenv(f"HOLDFAST_ENGINE__{stage}__KIND", "openai")
            monkeypatch.setenv(f"HOLDFAST_ENGINE__{stage}__BASE_URL", emulator.http_base)
            monkeypatch.setenv(f"HOLDFAST_ENGINE__{stage}__MODEL", "emulated")

        done = await run_beside("doctor", "--json")

    report = json.loads(done.stdout)
    told = {name: status for name, status in statuses(report).items() if name.startswith("engine.")}
    assert told == {"engine.transcription": "ok", "engine.chat": "failed", "engine.speech": "ok"}
    assert report["verdict"]["fault"]["code"] == "configuration.stage_refused"
    assert statuses(report)["upstream.local.audio_out"] == "ok"  # what is built in answers


def test_what_a_strange_server_says_commands_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    asked = [
        Check("a", "first", Answer.warning("it says \x1b[2J", "do \x9b this"), 1.0),
        Check("b", "second", Answer.failed("provider.server_error", "no\n\x1b]0;healthy\x07"), 1.0),
    ]
    for check in asked:
        show(check)
    conclude(Report(asked))
    told = capsys.readouterr().out

    assert "it says \\u001b[2J" in told
    assert "evidence  no ]0;healthy" in told
    assert all(one.isprintable() for one in told.split("\n"))
