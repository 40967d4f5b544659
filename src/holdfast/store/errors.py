"""Why the store cannot be used.

    StoreError
    ├── StoreRefusedError       will stay so until somebody acts: what, why and what to do
    └── StoreUnavailableError   may pass by itself: the cause

What lives here: both, and the way from an error of SQLite or of the system to one of them.
What never will: waiting, trying again.
"""

from __future__ import annotations

import errno
import sqlite3
from typing import Final, Literal

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from holdfast.ports.journal import Cause

RefusalCode = Literal["foreign", "newer", "in_use", "damaged", "unusable"]

_PRIMARY: Final = 0xFF  # an extended result code of SQLite bears the primary one in its low byte
_CAUSES: Final[dict[int, Cause]] = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
}
_SYSTEM_CAUSES: Final[dict[int, Cause]] = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EROFS: "read_only",
    errno.EMFILE: "failing",
    errno.ENFILE: "failing",
    errno.EIO: "failing",
}


class StoreError(Exception):
    """The store cannot be used."""


class StoreRefusedError(StoreError):
    """Waiting does not help. `message` says what and why, `remedy` what to do."""

    def __init__(self, code: RefusalCode, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.code = code
        self.message = message
        self.remedy = remedy


class StoreUnavailableError(StoreError):
    """Not now. `detail` is the system's words, without any statement or content."""

    def __init__(self, cause: Cause, detail: str) -> None:
        super().__init__(f"{cause}: {detail}")
        self.cause: Cause = cause
        self.detail = detail


def unavailable(error: SQLAlchemyError | sqlite3.Error) -> StoreUnavailableError:
    """What a failed statement means."""
    original = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(original, "sqlite_errorcode", None)
    if code is None:
        return StoreUnavailableError("failing", type(original).__name__)
    return StoreUnavailableError(_CAUSES.get(code & _PRIMARY, "failing"), str(original))


def unavailable_system(error: OSError) -> StoreUnavailableError | None:
    """What a failed system call means when it may pass; None when it will not."""
    cause = _SYSTEM_CAUSES.get(error.errno or 0)
    return StoreUnavailableError(cause, error.strerror or type(error).__name__) if cause else None
