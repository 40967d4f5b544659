"""Build what is compiled, where there is a C compiler: `make express`, a wheel, the image.

What lives here: the usual way of audio (`_express.pyx` by Cython, as a module for the Python that runs this)
and the engine's two loops (`densities.c`, `products.c`), each beside its source.
What never will: a failure where there is no compiler. Without them everything is said and heard the same, for
more processor time; `holdfast doctor` says which way audio takes.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).resolve().parent.parent / "src" / "holdfast"
EXPRESS: Final = PACKAGE / "express"
ENGINE: Final = PACKAGE / "engine"
COMMON: Final = ("-O3", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror", "-fstack-protector-strong")
QUIET: Final = ("-Wno-unused-function", "-Wno-unused-parameter", "-Wno-missing-field-initializers")
"""What Cython's own part of the code would be told about."""
LOOPS: Final = ("-std=gnu11", "-fno-strict-aliasing", "-Wno-psabi")
ROUNDING: Final = {
    "densities": "-ffp-contract=off",  # its scores are to be those of the library, to the last bit
    "products": "-ffp-contract=fast",
}


@dataclass(frozen=True, slots=True)
class Part:
    """Something compiled, and what is true without it."""

    name: str
    without: str
    obstacle: Callable[[], str | None]
    """Beside a compiler that is not there: why it cannot be built here; None where it can."""
    build: Callable[[Path], None]
    """Into its place, by way of an empty folder. Raises `CalledProcessError`."""


def compiler() -> str | None:
    """The machine's C compiler."""
    return shutil.which(os.environ.get("CC", "cc"))


def compile_to(target: Path, folder: Path, *words: str) -> None:
    """One shared object, in its place only when it is whole. Raises `CalledProcessError`."""
    program, made = compiler(), folder / target.name
    assert program is not None
    subprocess.run((program, *COMMON, *words, "-o", str(made)), check=True)
    shutil.move(made, target)


def no_express() -> str | None:
    """See `Part.obstacle`."""
    if sys.platform != "linux":
        return "it reads sockets with epoll, which is Linux's"
    if not (Path(sysconfig.get_path("include")) / "Python.h").is_file():
        return "Python's headers are not installed"
    if importlib.util.find_spec("Cython") is None:
        return "Cython is not installed"
    return None


def build_express(folder: Path) -> None:
    """See `Part.build`."""
    code = folder / "_express.c"
    cython = (sys.executable, "-m", "cython", "-3", "--warning-errors")
    subprocess.run((*cython, str(EXPRESS / "_express.pyx"), "-o", str(code)), check=True)
    includes = (f"-I{EXPRESS}", f"-I{sysconfig.get_path('include')}")
    target = EXPRESS / f"_express{sysconfig.get_config_var('EXT_SUFFIX')}"
    compile_to(target, folder, "-std=c11", *QUIET, *includes, str(code))


def no_loops() -> str | None:
    """See `Part.obstacle`."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "they have instructions of x86-64, and stand in for functions as Linux lets them"
    return None


def build_loops(folder: Path) -> None:
    """See `Part.build`."""
    for name, rounding in ROUNDING.items():
        compile_to(ENGINE / f"_{name}.so", folder, *LOOPS, rounding, str(ENGINE / f"{name}.c"))


PARTS: Final = (
    Part("the compiled way of audio", "audio goes the way through Python", no_express, build_express),
    Part("the engine's compiled loops", "the engine hears without its compiled loops", no_loops, build_loops),
)


def main() -> int:
    """Build each part, or say in a sentence why not. 1 only when a compiler that is there refuses."""
    for part in PARTS:
        reason = "there is no C compiler (cc)" if compiler() is None else part.obstacle()
        if reason is not None:
            print(f"==> {part.without}: {reason}")
            continue
        try:
            with tempfile.TemporaryDirectory() as folder:
                part.build(Path(folder))
        except subprocess.CalledProcessError as error:
            print(f"error: not built: {part.name}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
