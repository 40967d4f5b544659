"""Telling callgrind, from inside the program that it counts, when to count.

What lives here: valgrind's client requests on x86-64, as its manual documents them.
What never will: reading what was counted (`counts`).

A request is a row of rotations that together change nothing and the exchange of a register with itself. A
processor passes over it; valgrind, which reads instructions before it carries them out, knows it by that.
Python cannot say it, and a compiler is not at hand everywhere, so its thirty bytes stand here.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_CODE: Final = bytes.fromhex(
    "4889f8"  # mov rax, rdi: where the request stands
    "31d2"  # xor edx, edx: the answer where nobody listens
    "48c1c703 48c1c70d 48c1c73d 48c1c733"  # rol rdi by 3, 13, 61 and 51: 128 in all
    "4887db"  # xchg rbx, rbx
    "4889d0"  # mov rax, rdx
    "c3"  # ret
)
_RUNNING: Final = 0x1001
_CALLGRIND: Final = ord("C") << 24 | ord("T") << 16
_ZERO, _TOGGLE, _DUMP_AT, _START, _STOP = (_CALLGRIND + number for number in (1, 2, 3, 4, 5))

MACHINE: Final = "x86_64"
"""Where the code above means what it says."""


class Counter:
    """Callgrind's, started with `--instr-atstart=no --collect-atstart=no`. Elsewhere it does nothing."""

    def __init__(self) -> None:
        if platform.machine() != MACHINE:
            raise RuntimeError(f"client requests are written for {MACHINE} only")
        self._page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self._page.write(_CODE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._page))
        self._ask = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)(start)
        self._asked = (ctypes.c_uint64 * 6)(_TOGGLE)
        self._toggle = ctypes.addressof(self._asked)
        self.is_there = bool(self._request(_RUNNING))
        """Whether anybody counts."""

    def _request(self, number: int, argument: int = 0) -> int:
        asked = (ctypes.c_uint64 * 6)(number, argument)
        answer: int = self._ask(ctypes.addressof(asked))
        return answer

    def toggle(self) -> None:
        """Count, or count no longer. Half of what this costs is counted, the same each time."""
        self._ask(self._toggle)

    @contextmanager
    def written_as(self, name: str) -> Iterator[None]:
        """What is counted inside is written to a file of its own, under this name."""
        named = ctypes.create_string_buffer(name.encode())
        self._request(_START)
        self._request(_ZERO)
        yield
        self._request(_DUMP_AT, ctypes.addressof(named))
        self._request(_STOP)
