"""The folder of recordings: written whole or not at all, for the owner's eyes, the oldest going first.

What lives here: putting a file there, finding one, forgetting the oldest. Everything blocks: for a thread.
What never will: what stands in a file.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.flight.recording import SUFFIX

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where recordings lie. Several processes may share it: no two have a session in common."""

    folder: Path
    keep: int

    def put(self, name: str, data: bytes) -> None:
        """Write one, in the place of an older one of that name. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(prefix=".", suffix=SUFFIX, dir=self.folder)  # mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(beside).replace(self.folder / f"{name}{SUFFIX}")
        except OSError:
            Path(beside).unlink(missing_ok=True)
            raise
        self._forget()

    def newest_of(self, session_id: str) -> Path | None:
        """The last recording that was written of a session."""
        if _NAME.fullmatch(session_id) is None:
            return None
        found = [self.folder / f"{session_id}{SUFFIX}", *self.folder.glob(f"{session_id}-*{SUFFIX}")]
        return max((one for one in found if one.is_file()), key=_written, default=None)

    def _forget(self) -> None:
        for path in sorted(self.folder.glob(f"[!.]*{SUFFIX}"), key=_written)[: -self.keep]:
            with contextlib.suppress(FileNotFoundError):  # another process was first
                path.unlink()


def _written(path: Path) -> float:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0
