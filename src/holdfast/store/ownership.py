"""Whose the file is: one process at a time, ours and nobody else's.

What lives here: the lock beside the file, the look at its first bytes, its folder and its mode.
What never will: SQLite. The file itself must not be opened here while a connection to it is open: closing
any descriptor of a file takes away the locks that SQLite holds on it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from holdfast.store.errors import StoreRefusedError, StoreUnavailableError, unavailable_system
from holdfast.store.schema import APPLICATION_ID

_LOCK_POLL_S: Final = 0.05
_HEADER: Final = b"SQLite format 3\0"
_HEADER_BYTES: Final = 100
_APPLICATION_ID_AT: Final = 68
_ANOTHER_FILE: Final = "Name another file in [journal] database; a new one is made there."


class FileLock:
    """Held from opening to closing. The system lets go of it when the process dies, however it dies.

    A lock on SQLite's own file would keep out people who only want to look.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock_path = path.with_name(f"{path.name}-lock")
        self._descriptor: int | None = None

    def take(self, wait_s: float) -> None:
        """Wait for a process that is just ending, at most `wait_s`. Twice is harmless.

        Raises StoreRefusedError when another one keeps it, OSError when there can be no lock file.
        """
        if self._descriptor is not None:
            return
        descriptor = self._opened()
        until = time.monotonic() + wait_s
        while not _locked(descriptor):
            if time.monotonic() >= until:
                owner = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
                os.close(descriptor)
                raise StoreRefusedError(
                    "in_use",
                    f"{self._path} is in use by another Holdfast (process {owner or 'unknown'}).",
                    "Stop that one, or name another file for this one in [journal] database.",
                )
            time.sleep(_LOCK_POLL_S)
        with suppress(OSError):  # a full or read-only disk: the lock holds without the name of its owner
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the next one in. The lock file stays: to remove it would let two in. Twice is harmless."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _opened(self) -> int:
        try:
            return os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            if error.errno not in {errno.EROFS, errno.EACCES} or not self._lock_path.exists():
                raise
            return os.open(self._lock_path, os.O_RDONLY)  # a lock needs no permission to write


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def claim(path: Path, lock: FileLock, wait_s: float) -> None:
    """Make sure that `path` is there, ours, for our user only, and used by this process only.

    Raises StoreRefusedError or StoreUnavailableError.
    """
    try:
        _make_folder(path.parent)
        lock.take(wait_s)
        new = _is_new(path)
        if new:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise _refused(path, error) from None
    if not new:
        _secure(path)


def _secure(path: Path) -> None:
    """Whether a file that is there can be written to. Raises StoreUnavailableError.

    SQLite would open it for reading all the same, and leave helper files that nobody may write to later.
    """
    try:
        os.close(os.open(path, os.O_RDWR))
    except OSError as error:
        fault = unavailable_system(error) or StoreUnavailableError("read_only", str(error.strerror))
        raise fault from None
    if path.stat().st_mode & 0o077:
        with suppress(PermissionError):  # somebody else's, who lets us write to it
            path.chmod(0o600)


def _make_folder(folder: Path) -> None:
    """Like mkdir with parents, but each one that is made is for our user only."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _is_new(path: Path) -> bool:
    """Whether there is nothing yet. Raises StoreRefusedError for what is not ours: nothing was touched."""
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        return True
    if not header:
        return False
    if len(header) < _HEADER_BYTES or not header.startswith(_HEADER):
        raise StoreRefusedError("damaged", f"{path} is no database, or a damaged one.", _moved_away(path))
    if int.from_bytes(header[_APPLICATION_ID_AT : _APPLICATION_ID_AT + 4]) != APPLICATION_ID:
        raise StoreRefusedError("foreign", f"{path} is a database of something else.", _ANOTHER_FILE)
    return False


def _moved_away(path: Path) -> str:
    return f"Move {path.name} and what begins with {path.name}- away: a new one is made at the next start."


def damaged(path: Path, detail: str) -> StoreRefusedError:
    """What is said of a file that is ours, and broken."""
    return StoreRefusedError("damaged", f"The database {path} is damaged ({detail}).", _moved_away(path))


def _refused(path: Path, error: OSError) -> StoreRefusedError | StoreUnavailableError:
    return unavailable_system(error) or StoreRefusedError(
        "unusable",
        f"The database {path} can't be used ({error.strerror}: {error.filename or path}).",
        f"Let this user write to {path.parent}, or name another file in [journal] database.",
    )
