"""The compiled load and its echoing upstream: built from `native/` on first use, kept until it changes.

What lives here: finding a compiler, building once, saying in a sentence why it cannot be done.
What never will: what the program does (`native/`), failing for want of a compiler: the Python load stands in.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parent / "native"
NAME: Final = "holdfast-load"
COMPILERS: Final = ("cc", "gcc", "clang")
FLAGS: Final = ("-std=c11", "-O2")
KEPT_S: Final = 7 * 24 * 3600.0
_BUILD_S: Final = 120.0


class UnbuiltError(Exception):
    """There is no compiled generator on this machine; the message says why in a sentence."""


def cache_folder() -> Path:
    """Where it is kept: `$XDG_CACHE_HOME` or `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - Path's raises without a home
    return Path(base) / "holdfast" / "bench"


def compiler() -> str:
    """The machine's C compiler, `$CC` before all others. Raises UnbuiltError."""
    for name in (os.environ.get("CC"), *COMPILERS):
        if name and (found := shutil.which(name)):
            return found
    raise UnbuiltError(f"no C compiler is here ({', '.join(COMPILERS)})")


def build(folder: Path, flags: tuple[str, ...] = FLAGS) -> Path:
    """The program in `folder`, built unless it is there already. Raises UnbuiltError."""
    with_what = compiler()
    target = folder / f"{NAME}-{_fingerprint(with_what, flags)}"
    if target.is_file():
        with contextlib.suppress(OSError):
            target.touch()
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            fresh = Path(scratch) / NAME
            command = [with_what, *flags, "-o", str(fresh), *map(str, _sources(".c"))]
            done = subprocess.run(  # noqa: S603 - the machine's compiler on our own source
                command, capture_output=True, text=True, timeout=_BUILD_S, check=False
            )
            if done.returncode != 0:
                said = [line for line in done.stderr.splitlines() if "error" in line] or ["it said nothing"]
                raise UnbuiltError(f"{with_what} could not build it: {said[0]}")
            fresh.replace(target)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnbuiltError(f"it cannot be built in {folder}: {error}") from error
    _forget_old(folder)
    return target


def find(folder: Path) -> tuple[Path | None, str]:
    """The program, or None and the sentence why not."""
    try:
        return build(folder), ""
    except UnbuiltError as error:
        return None, str(error)


@functools.cache
def found() -> tuple[Path | None, str]:
    """The same, asked once for each process."""
    return find(cache_folder())


def program() -> Path | None:
    """The compiled generator, where this machine can have one."""
    return found()[0]


def doubt() -> str | None:
    """What a report must say of its load; None when it is the compiled one."""
    path, why = found()
    if path is not None:
        return None
    return f"the load is the Python one, which is the bottleneck from about 300 sessions on: {why}"


def _sources(*suffixes: str) -> list[Path]:
    return sorted(path for path in SOURCE.iterdir() if path.suffix in suffixes)


def _fingerprint(with_what: str, flags: tuple[str, ...]) -> str:
    digest = hashlib.sha256("\0".join((with_what, *flags)).encode())
    for path in _sources(".c", ".h"):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _forget_old(folder: Path) -> None:
    """Programs of sources that nobody has measured with for a week go."""
    for path in folder.glob(f"{NAME}-*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > KEPT_S:
                path.unlink()
