"""`holdfast check-server` as a program: its table, its JSON, its exit codes."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import pytest

from holdfast.cli.check_server import own_voice
from holdfast.conformance import CHECKS, GROUPS
from holdfast.testing import RealtimeUpstream
from tests.cli.commands import run


def test_help_and_list() -> None:
    told = run("check-server", "--help").stdout
    listed = run("check-server", "--list", "--json").stdout.splitlines()

    assert told.count("holdfast check-server") >= 3
    assert [json.loads(line)["id"] for line in listed] == [check.id for check in CHECKS]
    assert run("check-server", "--list").stdout.count("\n") == len(CHECKS)


def test_ids_are_unique_and_every_check_is_worded() -> None:
    ids = [check.id for check in CHECKS]

    assert len(set(ids)) == len(ids) > 100
    assert all(check.sentence.endswith(".") and check.section for check in CHECKS)
    assert {check.group for check in CHECKS} == set(GROUPS)


def test_a_sound_server_is_passed() -> None:
    with RealtimeUpstream(speed=0) as upstream:
        done = run("check-server", upstream.url, "--only", "text", "--only", "connect.created_first")

    assert done.exit_code == 0, done.output
    assert "4 checks: 4 passed, 0 failed, 0 skipped" in done.stdout
    assert "4/4" in done.stdout


def test_a_faulty_server_fails_with_evidence() -> None:
    with RealtimeUpstream(speed=0, faults=["reorder:done"]) as upstream:
        done = run("check-server", upstream.url, "--only", "text.order", "--only", "item.roles", "--json")

    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert (report["passed"], report["failed"], report["skipped"]) == (1, 1, 0)
    [failed] = [check for check in report["checks"] if check["result"] == "failed"]
    assert failed["id"] == "text.order"
    assert failed["section"] == "8.3"
    assert failed["sentence"]
    assert "response.done, response.output_text.delta" in failed["evidence"]


def test_a_failed_check_says_what_was_asked_and_seen() -> None:
    with RealtimeUpstream(speed=0, faults=["reorder:done"]) as upstream:
        done = run("check-server", upstream.url, "--only", "text.order")

    assert done.exit_code == 1
    assert "asked  An answer in text has its events in the documented order." in done.stdout
    assert "seen   the order was" in done.stdout


def test_a_broken_upstream_is_left_out_unless_there_is_one_to_break() -> None:
    with RealtimeUpstream(speed=0, control_port=0) as upstream:
        control = upstream.emulator.control_url
        done = run("check-server", upstream.url, "--only", "upstream.created", "--upstream-control", control)
        without = run("check-server", upstream.url, "--only", "upstream.created")

    assert done.exit_code == 1
    assert "upstream.created.survives" in done.stdout
    assert (without.exit_code, "6 skipped" in without.stdout) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "hint"),
    [
        ((), 2, "an address is needed"),
        (("example.org",), 2, "'example.org' is no address"),
        (("ws://[",), 2, "'ws://[' is no address"),
        (("ws://127.0.0.1:99999",), 2, "'ws://127.0.0.1:99999' is no address"),
        (("ws://127.0.0.1:1", "--upstream-control", "localhost"), 2, "'localhost' is no address"),
        (("ws://127.0.0.1:1",), 1, "no connection"),
        (("ws://127.0.0.1:1", "--only", "nonsense"), 2, "no check is called 'nonsense'"),
        (("ws://127.0.0.1:1", "--key-env", "HOLDFAST_NO_SUCH_KEY"), 2, "is not set"),
        (("ws://example.org/v1/realtime", "--key-env", "PATH"), 2, "not sent unencrypted"),
        (("ws://127.0.0.1:1", "--speech", "/nonexistent.wav"), 2, "nonexistent.wav"),
    ],
)
def test_wrong_use_says_what_why_and_how(arguments: tuple[str, ...], exit_code: int, hint: str) -> None:
    done = run("check-server", *arguments)

    assert done.exit_code == exit_code, done.output
    assert hint in done.stderr
    assert "Traceback" not in done.output


def test_a_recording_may_speak(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(b"\x00\x20\x00\xe0" * 24_000)
    with RealtimeUpstream(speed=0) as upstream:
        done = run("check-server", upstream.url, "--only", "vad.item", "--speech", str(path))

    assert done.exit_code == 0, done.output


@pytest.mark.speech
def test_our_own_voice_says_a_sentence(speech_files: Path) -> None:
    spoken = own_voice()

    assert spoken is not None
    assert 48_000 < len(spoken) < 48_000 * 4
