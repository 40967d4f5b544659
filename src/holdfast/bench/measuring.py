"""One measurement in a process of its own, on cores of its own: compiled where that can be, else in Python.

What lives here: which cores, which generator, starting it, reading what it says.
What never will: the order of measurements.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from holdfast.bench import generator, machine
from holdfast.bench.abreast import Task
from holdfast.bench.candidates import BenchError, plain_environment
from holdfast.bench.plans import Generator, Idle, IdlePlan, Plan, Sample, SetupPlan, Setups

_GRACE_S: Final = 120.0
_GO: Final = b"go\n"


def measuring_cores() -> tuple[set[int], set[int]]:
    """The candidates' core, and those of load and upstream. Raises BenchError where that cannot be."""
    reason = machine.obstacle()
    if reason is not None:
        raise BenchError("this machine cannot measure.", reason, "Run it on a Linux machine with two cores.")
    return machine.cores()


def measure(plan: Plan, folder: Path, cores: set[int], which: Generator = "compiled") -> Sample:
    """Sessions talk. Raises BenchError when the load breaks off."""
    longest = plan.seconds + plan.warm_up_s
    if which == "python" or generator.program() is None:
        told = _one(_in_python("load", "talk", asdict(plan)), longest, folder, cores)
    else:
        (told,) = _together([_compiled("talk", asdict(plan))], longest, folder, cores)
    return _sample(told, cores)


def measure_abreast(task: Task, folder: Path, cores: set[int]) -> tuple[Sample, Sample]:
    """The loads of a pair talk at the same time. Raises BenchError when they break off."""
    longest = task.first.seconds + task.first.warm_up_s
    if generator.program() is None:
        first, second = _one(_in_python("abreast", asdict(task)), longest, folder, cores)
    else:
        commands = [_compiled("talk", asdict(plan)) for plan in (task.first, task.second)]
        first, second = _together(commands, longest, folder, cores)
    return _sample(first, cores), _sample(second, cores)


def _sample(told: dict[str, Any], cores: set[int]) -> Sample:
    return Sample.of({**told, "load_cores": len(cores)})


def setups(plan: SetupPlan, folder: Path, cores: set[int]) -> Setups:
    """Sessions are set up and closed, as fast as they come. Raises BenchError when the load breaks off."""
    longest = plan.seconds + plan.warm_up_s
    if generator.program() is None:
        return Setups.of(_one(_in_python("load", "setups", asdict(plan)), longest, folder, cores))
    return Setups.of(_one(_compiled("setups", asdict(plan)), longest, folder, cores))


def idle(plan: IdlePlan, folder: Path, cores: set[int]) -> Idle:
    """What open, quiet sessions weigh. Raises BenchError when they do not become ready."""
    before = machine.memory_of(plan.pids)
    with opened(plan, folder, cores):
        time.sleep(plan.settle_s)
        return Idle(plan.sessions, before, machine.memory_of(plan.pids))


@contextlib.contextmanager
def opened(plan: IdlePlan, folder: Path, cores: set[int]) -> Iterator[None]:
    """Sessions that are quiet while the block runs. Raises BenchError when they do not become ready."""
    told = asdict(plan)
    command = _in_python("load", "idle", told) if generator.program() is None else _compiled("idle", told)
    with _started(command, folder, cores) as child:
        _ready(child)
        yield
        child.communicate(timeout=_GRACE_S)


def _one(command: Sequence[str], seconds: float, folder: Path, cores: set[int]) -> Any:
    """What a generator says that waits for nobody."""
    with _started(command, folder, cores) as child:
        return _last_line(child, seconds)


def _together(commands: Sequence[Sequence[str]], seconds: float, folder: Path, cores: set[int]) -> list[Any]:
    """What generators say that begin when the sessions of all are ready."""
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(_started(command, folder, cores)) for command in commands]
        for child in children:
            _ready(child)
        for child in children:
            assert child.stdin is not None
            child.stdin.write(_GO)
            child.stdin.flush()
        return [_last_line(child, seconds) for child in children]


def _in_python(module: str, *arguments: str | dict[str, Any]) -> list[str]:
    told = [one if isinstance(one, str) else json.dumps(one) for one in arguments]
    return [sys.executable, "-m", f"holdfast.bench.{module}", *told]


def _compiled(task: str, plan: dict[str, Any]) -> list[str]:
    """A plan as the compiled one reads it: `name=value`, of several values with commas between."""
    program = generator.program()
    assert program is not None
    return [str(program), task, *(f"{name}={_spelled(value)}" for name, value in plan.items())]


def _spelled(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


@contextlib.contextmanager
def _started(command: Sequence[str], folder: Path, cores: set[int]) -> Iterator[subprocess.Popen[bytes]]:
    """A pinned process; it is gone when the block ends."""
    with subprocess.Popen(  # noqa: S603 - our own programs
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=plain_environment(),
        cwd=folder,
    ) as child:
        machine.pin(child.pid, cores)
        try:
            yield child
        finally:
            child.kill()


def _ready(child: subprocess.Popen[bytes]) -> None:
    """Wait until its sessions are."""
    assert child.stdout is not None
    if not child.stdout.readline():
        _, complaint = child.communicate(timeout=_GRACE_S)
        raise _broken(complaint)


def _last_line(child: subprocess.Popen[bytes], seconds: float) -> Any:
    told, complaint = child.communicate(timeout=seconds + _GRACE_S)
    if child.returncode != 0 or not told:
        raise _broken(complaint)
    return json.loads(told)


def _broken(complaint: bytes) -> BenchError:
    return BenchError("the load broke off.", _last_words(complaint), "Try fewer --sessions.")


def _last_words(complaint: bytes) -> str:
    """The last line of a traceback that has words; a group of exceptions ends with a drawn frame."""
    lines = [line.strip(" |") for line in complaint.decode(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if any(map(str.isalpha, line))), "It said nothing.")
