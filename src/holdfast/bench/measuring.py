"""One measurement in a process of its own, on cores of its own.

What lives here: which cores, starting the load, reading what it says.
What never will: the order of measurements.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from holdfast.bench import machine
from holdfast.bench.abreast import Task
from holdfast.bench.candidates import BenchError, plain_environment
from holdfast.bench.load import Plan, Sample

_GRACE_S: Final = 120.0


def measuring_cores() -> tuple[set[int], set[int]]:
    """The candidates' core, and those of load and upstream. Raises BenchError where that cannot be."""
    reason = machine.obstacle()
    if reason is not None:
        raise BenchError("this machine cannot measure.", reason, "Run it on a Linux machine with two cores.")
    return machine.cores()


def measure(plan: Plan, folder: Path, cores: set[int]) -> Sample:
    """Run one load. Raises BenchError when it breaks off."""
    told = _run("holdfast.bench.load", asdict(plan), plan.seconds + plan.warm_up_s, folder, cores)
    return _sample(told)


def measure_abreast(task: Task, folder: Path, cores: set[int]) -> tuple[Sample, Sample]:
    """Run the loads of a pair at the same time. Raises BenchError when they break off."""
    longest = task.first.seconds + task.first.warm_up_s
    first, second = _run("holdfast.bench.abreast", asdict(task), longest, folder, cores)
    return _sample(first), _sample(second)


def _sample(told: dict[str, Any]) -> Sample:
    return Sample(**{**told, "troubles": tuple(told["troubles"])})


def _run(module: str, argument: dict[str, Any], seconds: float, folder: Path, cores: set[int]) -> Any:
    command = [sys.executable, "-m", module, json.dumps(argument)]
    with subprocess.Popen(  # noqa: S603 - our own modules
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=plain_environment(),
        cwd=folder,
    ) as child:
        machine.pin(child.pid, cores)
        try:
            told, complaint = child.communicate(timeout=seconds + _GRACE_S)
        except BaseException:
            child.kill()
            raise
    if child.returncode != 0:
        raise BenchError("the load broke off.", _last_words(complaint), "Try fewer --sessions.")
    return json.loads(told)


def _last_words(complaint: bytes) -> str:
    """The last line of a traceback that has words; a group of exceptions ends with a drawn frame."""
    lines = [line.strip(" |") for line in complaint.decode(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if any(map(str.isalpha, line))), "It said nothing.")
