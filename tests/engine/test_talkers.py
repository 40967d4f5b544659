"""The benchmark of talkers: its verdict, its cores, and its ears in small."""

from __future__ import annotations

import os
import threading

import pytest
from benchmarks.engine.talkers import carries, cores, percentile, used_seconds, waited_seconds
from benchmarks.engine.vad_cost import measure

ALONE = {"answers": 10, "unanswered": 0, "p95 ms": 600.0, "worst lag ms": 20.0}


@pytest.mark.parametrize(
    ("changed", "fits"),
    [
        ({}, True),
        ({"p95 ms": 900.0}, True),
        ({"p95 ms": 901.0}, False),
        ({"worst lag ms": 200.0}, False),
        ({"unanswered": 1}, False),
        ({"answers": 0, "p95 ms": float("nan")}, False),
    ],
)
def test_a_step_is_carried_when_nobody_waits_much_longer_than_alone(
    changed: dict[str, float], *, fits: bool
) -> None:
    assert carries({**ALONE, **changed}, ALONE) is fits


def test_the_load_has_cores_of_its_own() -> None:
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) < 2:
        pytest.skip("one processor")
    try:
        os.sched_setaffinity(0, set(mine[:2]))
        assert cores() == ([mine[1]], {mine[0]})
        os.sched_setaffinity(0, set(mine))
        workers, load = cores()
    finally:
        os.sched_setaffinity(0, set(mine))
    assert len(workers) == min(2, len(mine) - 1)
    assert set(workers) | load == set(mine)
    assert not set(workers) & load


def test_a_percentile_is_the_nearest_rank() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([3.0, 1.0, 2.0], 1.0) == 3.0


def test_time_of_threads_that_are_over_is_counted() -> None:
    before = used_seconds(os.getpid())
    work = threading.Thread(target=lambda: [number * number for _ in range(10) for number in range(300_000)])
    work.start()
    work.join()
    assert used_seconds(os.getpid()) - before >= 0.05
    assert waited_seconds(os.getpid()) >= 0


@pytest.mark.speech
@pytest.mark.usefixtures("speech_files")
async def test_everybody_who_talks_is_judged_and_some_of_them_together() -> None:
    found = await measure(6, 1.0, recognise=False)
    assert found["vad_ms_per_s"] > 0
    assert 1 < found["together"] <= 6
