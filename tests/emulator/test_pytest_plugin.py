"""The public fixture: from plain tests, from asynchronous ones, and as its page shows it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from holdfast.emulator import FaultSpelling
from holdfast.testing import RealtimeUpstream

HEADERS = {"Authorization": "Bearer any"}


def test_a_plain_test_breaks_an_upstream_and_reads_its_books() -> None:
    with RealtimeUpstream(speed=0) as upstream:
        with connect(upstream.url + "?model=m", additional_headers=HEADERS, proxy=None) as caller:
            assert "session.created" in caller.recv()
            caller.send('{"type": "input_audio_buffer.append", "audio": "AAAA"}')
            upstream.wait_for(lambda: upstream.sessions[0].audio_bytes == 2)
            assert upstream.kill() == 1
            with pytest.raises(ConnectionClosedError):
                caller.recv()
        upstream.go_dark()
        with pytest.raises(ConnectionRefusedError):
            connect(upstream.url + "?model=m", additional_headers=HEADERS, proxy=None)
        upstream.come_back()
        upstream.fault("http:503@1")
        with pytest.raises(FaultSpelling):
            upstream.fault("earthquake")

        assert [attempt.outcome for attempt in upstream.attempts] == ["101"]
        assert bytes(upstream.sessions[0].pcm) == b"\0\0"


async def test_an_asynchronous_test_waits_without_blocking() -> None:
    with RealtimeUpstream() as upstream:
        async with connect_async(upstream.url + "?model=m", additional_headers=HEADERS, proxy=None) as caller:
            await caller.send('{"type": "input_audio_buffer.append", "audio": "AAAA"}')
            await upstream.until(lambda: upstream.sessions[0].audio_bytes == 2)
            assert upstream.break_now("close:1012") == 1
            await caller.wait_closed()
            assert caller.close_code == 1012


def test_the_documented_example_runs(project: Path, tmp_path: Path) -> None:
    page = (project / "docs/howto/misbehave-on-purpose.md").read_text()
    conftest, example = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_example.py").write_text(example)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--strict-markers", "-o",
         "filterwarnings=error", "-o", "asyncio_default_fixture_loop_scope=function", "."],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_the_documented_script_is_read_and_its_faults_are_known(project: Path, tmp_path: Path) -> None:
    from holdfast.emulator import parse_fault, read_script  # noqa: PLC0415 - what the page speaks of

    page = (project / "docs/howto/misbehave-on-purpose.md").read_text()
    [script] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    path = tmp_path / "broken.toml"
    path.write_text(script)

    assert [str(fault) for fault in read_script(path).faults] == [
        "http:503@1",
        "close:1011:delta=2:told@2-3,times=1",
    ]
    spellings = re.findall(r"--fault (\S+)", page)
    assert len(spellings) >= 6
    for spelling in spellings:
        parse_fault(spelling)
