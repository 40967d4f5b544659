"""Build the compiled way of audio where there is a C compiler: `make express`.

What lives here: `_express.pyx` to C by Cython, C to an extension module beside it, for the Python that runs
this.
What never will: a failure where there is no compiler. Without the module audio goes the way through Python,
for more processor time; `holdfast doctor` says which of the two it is.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent.parent / "src" / "holdfast" / "express"
SOURCE: Final = FOLDER / "_express.pyx"
FLAGS: Final = (
    "-O3",
    "-fPIC",
    "-shared",
    "-std=c11",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-fstack-protector-strong",
)
QUIET: Final = ("-Wno-unused-function", "-Wno-unused-parameter", "-Wno-missing-field-initializers")
"""What Cython's own part of the code would be told about."""


def obstacle() -> str | None:
    """Why it cannot be built here; None where it can."""
    if sys.platform != "linux":
        return "it reads sockets with epoll, which is Linux's"
    if compiler() is None:
        return "there is no C compiler (cc)"
    if not (Path(sysconfig.get_path("include")) / "Python.h").is_file():
        return "Python's headers are not installed"
    if importlib.util.find_spec("Cython") is None:
        return "Cython is not installed"
    return None


def compiler() -> str | None:
    """The machine's C compiler."""
    return shutil.which(os.environ.get("CC", "cc"))


def build() -> Path:
    """Build the module; answers where it is. Raises `CalledProcessError`."""
    target = FOLDER / f"_express{sysconfig.get_config_var('EXT_SUFFIX')}"
    with tempfile.TemporaryDirectory() as folder:
        code, made = Path(folder) / "_express.c", Path(folder) / target.name
        subprocess.run(
            (sys.executable, "-m", "cython", "-3", "--warning-errors", str(SOURCE), "-o", str(code)),
            check=True,
        )
        includes = (f"-I{FOLDER}", f"-I{sysconfig.get_path('include')}")
        program = compiler()
        assert program is not None
        subprocess.run((program, *FLAGS, *QUIET, *includes, str(code), "-o", str(made)), check=True)
        shutil.move(made, target)
    return target


def main() -> int:
    """Build it, or say in a sentence why not. 1 only when a compiler that is there refuses."""
    reason = obstacle()
    if reason is not None:
        print(f"==> audio goes the way through Python: {reason}")
        return 0
    try:
        build()
    except subprocess.CalledProcessError as error:
        print(f"error: the compiled way of audio was not built: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
