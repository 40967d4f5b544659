"""The run of Autobahn's fuzzing client: the stack it is pointed at, and how its verdicts are counted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from benchmarks.autobahn import PATHS, PROFILES, Verdict, echoing, fuzz, judge
from benchmarks.rig.report import Result
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from holdfast.bench.revision import this_checkout
from holdfast.core.limits import Limits


def a_result() -> Result:
    return Result("autobahn", "A run", this_checkout(), 1, {})


@pytest.mark.parametrize("path", PATHS)
async def test_the_stack_says_back_what_it_hears_within_the_gateways_own_bounds(path: str) -> None:
    small, large = b"\0" * 900, b"\0" * (Limits().client_binary_bytes + 1)
    async with echoing(PROFILES["production"]) as authority, connect(f"ws://{authority}{path}") as line:
        await line.send("a word")
        await line.send(small)
        assert [await line.recv(), await line.recv()] == ["a word", small]
        await line.send(large)
        with pytest.raises(ConnectionClosed) as closed:
            await line.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


def test_a_case_that_failed_fails_the_run_unless_it_was_too_large_for_production() -> None:
    failed = [Verdict("9.1.1", "OK", "OK", 1000), Verdict("9.1.2", "OK", "FAILED BY CLIENT", 1009)]
    strict, told, wrong = a_result(), a_result(), a_result()

    judge("test", {PATHS[0]: failed}, strict)
    judge("production", {PATHS[0]: failed}, told)
    judge("production", {PATHS[0]: [Verdict("9.1.2", "FAILED", "OK", 1002)]}, wrong)

    assert not strict.is_fine
    assert not wrong.is_fine
    assert told.is_fine
    assert told.rows[0]["failed"] == 1
    assert "9.1.2 (closed failed by client)" in told.notes[0]


async def test_the_closing_cases_pass(project: Path) -> None:
    wstest = shutil.which("wstest", path=str(project / ".make" / "autobahn" / "bin"))
    if wstest is None:
        pytest.skip("no Autobahn: `make autobahn` fetches it where there is a Python 2.7")
    result = a_result()
    async with echoing(PROFILES["test"]) as authority:
        judge("test", await fuzz(Path(wstest), authority, ["7.1.*", "7.3.*", "7.9.*"]), result)

    assert result.is_fine, result.notes
