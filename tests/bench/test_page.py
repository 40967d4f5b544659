"""The instruments of `benchmarks.page`: what is too much must show, and nothing else."""

from __future__ import annotations

import argparse
import json
import wave
from pathlib import Path

import numpy as np
from benchmarks.page import STATES, State, States, judge_states
from benchmarks.rig.browser import Use, longest_tasks_ms
from benchmarks.rig.hour import MARKS_MIN, SAMPLES, Kept, judge_hour, judge_real
from benchmarks.rig.report import Result
from benchmarks.rig.visitor import RATE_HZ, write_microphone

from holdfast.bench.revision import Revision


def result() -> Result:
    return Result("page", "title", Revision("abc", "title"), 1, {})


def wrong(found: Result) -> set[str]:
    return {check.name for check in found.checks if not check.is_fine}


def use(main: float) -> Use:
    page = {"ScriptDuration": 0.01, "LayoutDuration": 0.0, "RecalcStyleDuration": 0.0}
    return Use({"main thread": main, "worker": 0.02}, {"main thread": 100.0}, page)


def seen(main: float, task_ms: float, binary: float) -> State:
    way = "worker to page"
    return State([use(main)] * 3, [{"main thread": task_ms}], [{way: 10.0}], [{way: binary}])


def judged(state: State) -> set[str]:
    states = States(argparse.Namespace())
    states.seen = {name: seen(0.001, 1.0, 0.0) for name in STATES} | {"assistant speaking": state}
    found = result()
    judge_states(states, found)
    assert len(found.rows) == len(STATES)
    return wrong(found)


def test_a_busy_page_a_long_task_and_sound_on_the_main_thread_are_noticed() -> None:
    assert judged(seen(0.049, 49.0, 0.0)) == set()
    assert judged(seen(0.051, 1.0, 0.0)) == {"assistant speaking: main thread"}
    assert judged(seen(0.01, 51.0, 0.0)) == {"assistant speaking: longest task of the main thread"}
    assert judged(seen(0.01, 1.0, 960.0)) == {"assistant speaking: binary bytes that the main thread saw"}


def test_use_is_told_for_a_second() -> None:
    between = use(0.5).since(use(0.1), 4.0)
    assert between.cpu_s["main thread"] == 0.1
    assert between.wakes["main thread"] == 0.0


def test_the_longest_task_is_the_one_of_the_page() -> None:
    def thread(pid: int, tid: int, name: str) -> dict[str, object]:
        return {"ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": {"name": name}}

    def task(pid: int, tid: int, us: int) -> dict[str, object]:
        return {"ph": "X", "name": "ThreadControllerImpl::RunTask", "pid": pid, "tid": tid, "tdur": us}

    threads = [
        thread(1, 1, "CrRendererMain"),
        thread(1, 2, "DedicatedWorker thread"),
        thread(2, 1, "CrRendererMain"),
    ]
    tasks = [task(1, 1, 4_000), task(1, 1, 9_000), task(1, 2, 700), task(2, 1, 90_000)]
    assert longest_tasks_ms([*threads, *tasks]) == {"main thread": 9.0, "worker": 0.7}


def kept(minutes: list[float], mib_each: float, cost_s: float = 0.1) -> Kept:
    held = Kept()
    for at, minute in enumerate(minutes):
        held.at.append(minute)
        held.heaps.append({"page": (5 + mib_each * at) * 1024 * 1024, "worker": 2.0, "worklet": 1.0})
        held.counters.append({"nodes": 1_300.0, "jsEventListeners": 180.0})
        held.private.append(4e7)
        held.main_s.append(cost_s * minute)
    return held


def test_what_an_hour_of_turns_leaves_is_judged() -> None:
    marks = [float(minute) for minute in MARKS_MIN]
    fine, leaking = result(), result()
    judge_hour(kept(marks, 0.5), 6, fine)
    judge_hour(kept(marks, 2.0), 6, leaking)
    assert wrong(fine) == set()
    assert wrong(leaking) == {"an hour's turns leave in all heaps"}


def test_a_slope_in_real_time_is_judged_by_its_low_end() -> None:
    seconds = [10.0 * at for at in range(SAMPLES)]
    steady, leaking, short = result(), result(), result()
    judge_real(kept(seconds, 0.0), 10.0, steady)
    judge_real(kept(seconds, 0.02), 10.0, leaking)
    judge_real(kept(seconds[:8], 0.0), 10.0, short)
    assert (steady.is_fine, leaking.is_fine, short.is_fine) == (True, False, False)


def test_tables_beside_the_first_are_told_to_people_and_to_machines() -> None:
    found = result()
    found.tables["What is loaded"] = [{"part": "page", "gzip kB": 99.5}]
    assert "What is loaded" in found.text()
    assert "## What is loaded\n\n| part | gzip kB |" in found.page()
    assert json.loads(json.dumps(found.as_json()))["tables"]["What is loaded"][0]["part"] == "page"


def test_the_microphone_hears_a_room_and_a_voice(tmp_path: Path) -> None:
    path = write_microphone(tmp_path / "m.wav", [(1.0, False), (1.0, True)], seed=1)
    with wave.open(str(path)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(float) / 32_768
    room, voice = pcm[:RATE_HZ], pcm[RATE_HZ:]
    assert 0 < room.std() < 0.001
    assert voice.std() > 0.05
