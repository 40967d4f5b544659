"""Running the driver under callgrind, and reading what it counted.

What lives here: the command, its surroundings, callgrind's files as far as own costs by library go.
What never will: judging a count (`__main__`).
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import holdfast
from benchmarks.instructions.counter import MACHINE
from benchmarks.instructions.driver import NOTHING, NOTHING_RIDING
from benchmarks.instructions.faces import FACES
from holdfast.express import IS_BUILT

PROJECT: Final = Path(__file__).resolve().parents[2]
_PACKAGES: Final = ("picows", "msgspec", "pybase64")
"""The compiled ones that a message passes through."""
_LIBRARIES: Final = {
    "libpython": "interpreter",
    "python3": "interpreter",
    "picows": "picows",
    "msgspec": "msgspec",
    "pybase64": "pybase64",
    "libc.so": "libc",
    "ld-linux": "libc",
    "_express": "express",
    "_ctypes": "",  # of the counting itself
    "libffi": "",
}
_SAME_EACH_TIME: Final = {"PATH": os.defpath, "PYTHONHASHSEED": "0"}
PLACEMENTS: Final = (0, 600, 1_500, 20_000)
"""Bytes of an environment's variable that nobody reads. By it the heap moves, and with it what an address
decides: which names share a place in the interpreter's cache of methods (up to 6 % of a row), how much of a
message picows unmasks byte by byte (1.7 %). Both only add, so the cheapest of a few is the row's own cost.
"""
_TRIGGER: Final = "desc: Trigger: Client Request: "


class CannotCountError(Exception):
    """Why nothing can be counted here."""


@dataclass(frozen=True, slots=True)
class Count:
    """What one row gave: instructions for one message, the counting itself taken off."""

    messages: int
    each: float
    by_library: dict[str, float]


def obstacle() -> str | None:
    """Why this machine cannot count; None when it can."""
    if platform.machine() != MACHINE or not sys.platform.startswith("linux"):
        return f"counting is written for Linux on {MACHINE}"
    missing = [name for name in ("valgrind", "setarch") if shutil.which(name) is None]
    return f"no {' and no '.join(missing)} here" if missing else None


def environment() -> str:
    """What a count depends on beside our source, in one line. Where it differs, counts differ."""
    is_optimized = "--enable-optimizations" in str(sysconfig.get_config_var("CONFIG_ARGS"))
    version_of_valgrind = ["valgrind", "--version"]
    asked = subprocess.run(version_of_valgrind, capture_output=True, text=True, check=True)  # noqa: S603 - the line above
    has_avx2 = " avx2" in Path("/proc/cpuinfo").read_text()
    parts = [
        f"{platform.python_implementation()} {platform.python_version()}",
        f"{platform.python_compiler()}{', profile-guided' if is_optimized else ''}",
        " ".join(platform.libc_ver()),
        f"{MACHINE}{' avx2' if has_avx2 else ''}",
        *([f"express by {_compiler()}"] if IS_BUILT else []),
        *(f"{name} {version(name)}" for name in _PACKAGES),
        asked.stdout.strip(),
    ]
    return ", ".join(parts)


def _compiler() -> str:
    """What compiles here. That it compiled the express is taken for granted."""
    cc = shutil.which("cc")
    if cc is None:
        return "another machine"
    asked = subprocess.run([cc, "-dumpfullversion"], capture_output=True, text=True, check=False)  # noqa: S603 - found above
    return f"cc {asked.stdout.strip()}, cython {version('cython')}"


def count(names: Sequence[str]) -> dict[str, Count]:
    """Count these rows (`driver.run` says what a name may be), each the cheapest of what the placements gave.
    Raises CannotCountError.
    """
    if (reason := obstacle()) is not None:
        raise CannotCountError(reason)
    # Modules that were compiled just now cost more than those that were read: first see to it that all are.
    _python([], [], 0)
    with ThreadPoolExecutor() as pool:
        placed = list(pool.map(lambda shift: _placed(names, shift), PLACEMENTS))
    return {name: min((found[name] for found in placed), key=lambda one: one.each) for name in placed[0]}


def _placed(names: Sequence[str], shift: int) -> dict[str, Count]:
    with tempfile.TemporaryDirectory(prefix="holdfast-instructions-") as folder:
        messages = _driven(names, Path(folder), shift)
        files = {name: cost for path in Path(folder).glob("out.*") for name, cost in [own_costs(path)]}
    offsets = {
        nothing: {library: cost / messages[nothing] for library, cost in files[nothing].items()}
        for nothing in (NOTHING, NOTHING_RIDING)
    }
    return {
        name: _less(files[name], number, offsets[_nothing(name)])
        for name, number in messages.items()
        if name not in offsets
    }


def _nothing(name: str) -> str:
    return NOTHING_RIDING if FACES[name.partition("@")[0]].rides else NOTHING


def _driven(arguments: Sequence[str], folder: Path, shift: int) -> dict[str, int]:
    count = ["setarch", "-R", "valgrind", "--tool=callgrind", "--instr-atstart=no", "--collect-atstart=no"]
    return _python([*count, f"--callgrind-out-file={folder}/out"], arguments, shift)


def _python(before: Sequence[str], arguments: Sequence[str], shift: int) -> dict[str, int]:
    source = Path(holdfast.__file__).resolve().parent.parent
    done = subprocess.run(  # noqa: S603 - valgrind, found on the path, with our own module
        [*before, sys.executable, "-m", "benchmarks.instructions.driver", *arguments],
        cwd=PROJECT,
        env={**_SAME_EACH_TIME, "PYTHONPATH": f"{source}:{PROJECT}", "SHIFT": "x" * shift},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CannotCountError("\n".join(done.stderr.strip().splitlines()[-3:]))
    told: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return told


def own_costs(path: Path) -> tuple[str, Counter[str]]:
    """A file's name, and the instructions of each library, without what they call."""
    name, costs, objects, library = "", Counter[str](), dict[str, str](), "interpreter"
    is_call = False
    for line in path.read_text().splitlines():
        if line.startswith(_TRIGGER):
            name = line.removeprefix(_TRIGGER)
        elif line.startswith("ob="):
            library = _library(line.removeprefix("ob="), objects)
        elif line.startswith("cob="):
            _library(line.removeprefix("cob="), objects)
        elif line.startswith("calls="):
            is_call = True
        elif line[:1] in {"+", "-", "*"} or line[:1].isdigit():
            if not is_call:
                costs[library] += int(line.split()[1])
            is_call = False
    return name, costs


def _library(told: str, objects: dict[str, str]) -> str:
    """A name is written out once, and then only its number."""
    number, _, path = told.partition(" ")
    if path:
        base = path if "/site-packages/" not in path else path.partition("/site-packages/")[2]
        objects[number] = next((title for part, title in _LIBRARIES.items() if part in base), "other")
    return objects[number]


def _less(costs: Counter[str], messages: int, offset: dict[str, float]) -> Count:
    found = {name: cost / messages - offset.get(name, 0.0) for name, cost in costs.items()}
    return Count(
        messages, sum(found.values()), {name: cost for name, cost in found.items() if name and cost > 0}
    )
