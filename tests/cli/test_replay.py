"""`holdfast replay`: what it prints, and how it ends."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

import pytest

from holdfast.core import links
from holdfast.flight import SUFFIX
from tests.cli.commands import run
from tests.flight.test_recording_file import recorded


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / f"hf_1{SUFFIX}"
    path.write_bytes(recorded())
    return str(path)


def test_a_replay_that_decides_the_same(file: str) -> None:
    done = run("replay", file)

    assert (done.exit_code, done.stderr) == (0, "")
    assert "hf_1  browser protocol" in done.stdout
    assert "UpstreamLost(generation=1, fault=provider.connection_lost" in done.stdout
    assert "-> HangUp(generation=1)" in done.stdout
    assert done.stdout.endswith("same: all 11 steps decide as they did\n")


def test_a_replay_that_decides_otherwise(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = links.lost
    monkeypatch.setattr(links, "lost", lambda s, cause, now: lost(s, cause, now)[1:])
    done = run("replay", file)

    assert done.exit_code == 1
    assert "    7!" in done.stdout
    assert "effect 1: StopTimer(name=dial), HangUp(generation=1) then" in done.stdout
    assert "differs: 1 of 11 steps decide otherwise than they did" in done.stdout
    told = json.loads(run("replay", file, "--json").stdout)
    assert (told["same"], [one["step"] for one in told["steps"] if one["differs"]]) == (False, [7])


def test_one_step_in_full(file: str) -> None:
    done = run("replay", file, "--step", "7")

    assert done.exit_code == 0
    assert "answered  lost_live: 0" in done.stdout
    assert "decided now: the same" in done.stdout
    assert "machines  client attached  upstream dialing" in done.stdout
    (one,) = json.loads(run("replay", file, "--step", "7", "--json").stdout)["steps"]
    assert one["event"]["is"] == "events.UpstreamLost"
    assert [what["is"] for what in one["recorded"]] == [what["is"] for what in one["decided"]]


def test_only_the_verdict(file: str) -> None:
    assert run("replay", file, "--quiet").stdout == "same: all 11 steps decide as they did\n"


def test_for_machines(file: str) -> None:
    told = json.loads(run("replay", file, "--json").stdout)

    assert (told["session"], told["core"], told["same"]) == ("hf_1", "session", True)
    assert [one["code"] for one in told["faults"]] == ["provider.connection_lost"]
    assert [one["id"] for one in told["providerSessions"]] == ["sess_1", "sess_2"]
    assert len(told["steps"]) == 11


@pytest.mark.parametrize("flag", [(), ("--json",)])
def test_what_is_no_recording_is_wrong_use_with_a_cure(tmp_path: Path, flag: tuple[str, ...]) -> None:
    nothing, other = tmp_path / "nothing", tmp_path / "other"
    other.write_text("hello\n")
    for path in (nothing, other, tmp_path):
        done = run("replay", str(path), *flag)
        assert (done.exit_code, done.stdout) == (2, "")
        assert str(path) in done.stderr
        assert "fix" in done.stderr


def test_a_step_that_is_not_in_it(file: str) -> None:
    done = run("replay", file, "--step", "99")

    assert done.exit_code == 2
    assert "Steps 0 to 10 are in it." in done.stderr


def test_a_test_is_written_beside_its_recording(file: str, tmp_path: Path) -> None:
    made = tmp_path / "new" / "folder" / "test_it.py"
    done = run("replay", file, "--quiet", "--test", str(made))

    assert done.exit_code == 0
    assert (made.parent / f"hf_1{SUFFIX}").read_bytes() == Path(file).read_bytes()
    text = made.read_text()
    compile(text, "test_it.py", "exec")
    assert "def test_what_follows_provider_connection_lost_in_step_7()" in text


def test_what_a_stranger_wrote_into_it_commands_no_terminal(file: str) -> None:
    path = Path(file)
    header, *lines, _ = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    body = header + b"".join(line.replace(b'"item_1"', b'"=\\u001b[2Jitem"') for line in lines)
    end = {"end": len(lines), "check": f"{zlib.crc32(body):08x}"}
    path.write_bytes(body + json.dumps(end).encode() + b"\n")
    done = run("replay", file)

    assert "item_id=" in done.stdout
    assert "\\u001b[2Jitem" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_test_that_can_not_be_written_says_so(file: str, tmp_path: Path) -> None:
    (tmp_path / "in_the_way").write_text("")
    done = run("replay", file, "--test", str(tmp_path / "in_the_way" / "test_it.py"))

    assert done.exit_code == 1
    assert "can't be written" in done.stderr
