"""Build the engine's compiled parts where that can be: `make express`.

What lives here: `densities.c` and `products.c` to shared objects beside them. What never will: a failure
where there is no compiler. Without them the engine hears the same words, for more processor time.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent.parent / "src" / "holdfast" / "engine"
PARTS: Final[Mapping[str, str]] = {
    "densities": "-ffp-contract=off",  # its scores are to be those of the library, to the last bit
    "products": "-ffp-contract=fast",
}
FLAGS: Final = (
    "-O3",
    "-fPIC",
    "-shared",
    "-std=gnu11",
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


def build() -> None:
    """Build them. Raises `CalledProcessError`."""
    program = compiler()
    assert program is not None
    with tempfile.TemporaryDirectory() as folder:
        for part, rounding in PARTS.items():
            made = Path(folder) / f"_{part}.so"
            subprocess.run(
                (program, *FLAGS, rounding, str(FOLDER / f"{part}.c"), "-o", str(made)), check=True
            )
            shutil.move(made, FOLDER / made.name)


def main() -> int:
    """Build it, or say in a sentence why not. 1 only when a compiler that is there refuses."""
    reason = obstacle()
    if reason is not None:
        print(f"==> the engine hears without its compiled parts: {reason}")
        return 0
    try:
        build()
    except subprocess.CalledProcessError as error:
        print(f"error: the engine's compiled parts were not built: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
