"""How many messages the echoing upstream got and gave, where the load can read it at any moment.

What lives here: two numbers in a file that both processes map: no question is asked while it is measured.
What never will: counting for several candidates at once. Each that is measured abreast has its own upstream.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NUMBERS: Final = struct.Struct("=QQ")


@dataclass(frozen=True, slots=True)
class Counts:
    """Whole messages since the upstream began."""

    received: int = 0
    sent: int = 0

    @classmethod
    def read(cls, path: str) -> Counts:
        """What stands there now; zeros without a path."""
        return cls(*_NUMBERS.unpack(Path(path).read_bytes()[: _NUMBERS.size])) if path else cls()


class Counter:
    """The upstream's own side."""

    __slots__ = ("_mapped", "_received", "_sent")

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(_NUMBERS.size))
        with path.open("r+b") as file:
            self._mapped = mmap.mmap(file.fileno(), _NUMBERS.size)
        self._received = self._sent = 0

    def count(self, *, received: int = 0, sent: int = 0) -> None:
        """So many more."""
        self._received += received
        self._sent += sent
        _NUMBERS.pack_into(self._mapped, 0, self._received, self._sent)
