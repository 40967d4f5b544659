"""Build the recogniser's scoring of many densities at once where it can be: `make express`.

What lives here: `densities.c` to a shared object beside it. What never will: a failure where there is no
compiler. Without it recognition hears the same words, for twice the processor time.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).resolve().parent.parent / "src" / "holdfast" / "engine" / "densities.c"
FLAGS: Final = (
    "-O3",
    "-fPIC",
    "-shared",
    "-std=gnu11",
    "-ffp-contract=off",  # the results are to be those of the library, to the last bit
    "-fno-strict-aliasing",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-psabi",
    "-fstack-protector-strong",
)


def obstacle() -> str | None:
    """Why it cannot be built here; None where it can."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "it has instructions of x86-64, and stands in for functions as Linux lets it"
    if compiler() is None:
        return "there is no C compiler (cc)"
    return None


def compiler() -> str | None:
    """The machine's C compiler."""
    return shutil.which(os.environ.get("CC", "cc"))


def build() -> Path:
    """Build it; answers where it is. Raises `CalledProcessError`."""
    target = SOURCE.with_name("_densities.so")
    program = compiler()
    assert program is not None
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / target.name
        subprocess.run((program, *FLAGS, str(SOURCE), "-o", str(made)), check=True)
        shutil.move(made, target)
    return target


def main() -> int:
    """Build it, or say in a sentence why not. 1 only when a compiler that is there refuses."""
    reason = obstacle()
    if reason is not None:
        print(f"==> the recogniser scores one density at a time: {reason}")
        return 0
    try:
        build()
    except subprocess.CalledProcessError as error:
        print(f"error: the recogniser's scoring was not built: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
