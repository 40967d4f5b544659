"""Whose a sample is: the kernel's, by what it was asked for, or a library's.

What lives here: the layers in their order, and the rules. Pure.
What never will: taking samples.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

SEND: Final = "kernel: send"
WAKE: Final = "kernel: wake the receiver"
RECEIVE: Final = "kernel: receive"
POLL: Final = "kernel: poll and sleep"
FAULTS: Final = "kernel: new memory"
KERNEL: Final = "kernel: other"
INTERPRETER: Final = "interpreter and our Python"
COMPILED: Final = "our compiled code"
OTHER: Final = "other"
LAYERS: Final = (
    SEND,
    WAKE,
    RECEIVE,
    POLL,
    FAULTS,
    KERNEL,
    "uvloop",
    "picows",
    "msgspec",
    "pybase64",
    "libc",
    COMPILED,
    INTERPRETER,
    "nginx",
    OTHER,
)

_IN_KERNEL: Final = "[kernel.kallsyms]"
_ASKED: Final = (
    # the first that stands anywhere in the stack
    (re.compile(r"sock_def_readable|try_to_wake_up"), WAKE),
    (re.compile(r"_sys_(sendto|sendmsg|write|writev)$|^ksys_write"), SEND),
    (re.compile(r"_sys_(recvfrom|recvmsg|read|readv)$|^ksys_read"), RECEIVE),
    (re.compile(r"_sys_epoll_|do_epoll_"), POLL),
    (re.compile(r"exc_page_fault|_sys_(brk|mmap|munmap|madvise)$"), FAULTS),
    (re.compile(r"^__schedule$|finish_task_switch"), POLL),
)
_LIBRARIES: Final = (
    ("_express", COMPILED),
    ("picows", "picows"),
    ("uvloop", "uvloop"),
    ("msgspec", "msgspec"),
    ("pybase64", "pybase64"),
    ("libpython", INTERPRETER),
    ("lib-dynload", INTERPRETER),
    ("/bin/python", INTERPRETER),
    ("nginx", "nginx"),
    ("libc.so", "libc"),
    ("[vdso]", "libc"),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """One call of a stack."""

    name: str
    library: str

    @property
    def is_kernel(self) -> bool:
        """Whether it is the kernel's."""
        return self.library == _IN_KERNEL


Stack = Sequence[Frame]
"""The innermost call first."""


def layer(stack: Stack) -> str:
    """Whose the innermost call is."""
    if not stack:
        return OTHER
    if not stack[0].is_kernel:
        return library_layer(stack[0].library)
    names = [frame.name for frame in stack if frame.is_kernel]
    return next((found for rule, found in _ASKED if any(map(rule.search, names))), KERNEL)


def library_layer(library: str) -> str:
    """Whose a library is."""
    return next((found for part, found in _LIBRARIES if part in library), OTHER)


def by_layer(stacks: Iterable[Stack]) -> Counter[str]:
    """How many samples each layer has."""
    return Counter(map(layer, stacks))


# what py-spy tells: Python's frames and compiled ones in one stack, the outermost first

_TOLD: Final = re.compile(r"^(?P<name>.*) \((?P<file>[^()]*?)(?::\d+)?\)$")
_LOOP: Final = re.compile(r"^(uv_run|uv__io_poll)$")
_ANSWERED_WITH: Final = {
    "send": SEND,
    "write": SEND,
    "sendmsg": SEND,
    "read": RECEIVE,
    "recv": RECEIVE,
    "recvmsg": RECEIVE,
    "epoll_pwait": POLL,
    "epoll_wait": POLL,
}
_UVLOOP_FILES: Final = re.compile(r"(^|/)(loop|core|linux|stream|uv-common|udp|tcp|timer|epoll)\.[ch]$")
_NOISE: Final = re.compile(r"^(Py_X?(DEC|INC)REF|0x[0-9a-f]+|_Py_.*|)$")


@dataclass(frozen=True, slots=True)
class Told:
    """One frame as py-spy names it."""

    name: str
    file: str

    @property
    def is_python(self) -> bool:
        """Whether it is a function of Python's."""
        return self.file.endswith(".py")

    @property
    def title(self) -> str:
        """How a picture names it."""
        if self.is_python:
            return f"{self.name} ({self.file})"
        return f"{self.name} [libc]" if "libc.so" in self.file else self.name


def told(line: str) -> list[Told]:
    """A stack from the loop inwards; nothing for one that is outside of it."""
    frames = []
    for text in line.split(";"):
        found = _TOLD.match(text)
        frames.append(Told(found["name"], found["file"]) if found else Told(text, ""))
    starts = [at for at, frame in enumerate(frames) if _LOOP.match(frame.name)]
    return frames[starts[-1] :] if starts else []


def told_layer(stack: Sequence[Told]) -> str:
    """Whose the innermost call is, so far as it can be seen from outside of the kernel."""
    last = stack[-1]
    if "libc" in last.file and last.name.lstrip("_") in _ANSWERED_WITH:
        return _ANSWERED_WITH[last.name.lstrip("_")]
    if _UVLOOP_FILES.search(last.file):
        return "uvloop"
    found = library_layer(last.file)
    return INTERPRETER if found is OTHER and re.search(r"\.(py|c|h)$", last.file) else found


def shown(stack: Sequence[Told]) -> list[str]:
    """A stack as a picture names it, without what says nothing."""
    return [frame.title for frame in stack if not _NOISE.match(frame.name)]


def module(stack: Sequence[Told]) -> str:
    """Which Python module had the interpreter."""
    return next((frame.file for frame in reversed(stack) if frame.is_python), "none: called by compiled code")


def parted(total: float, shares: Mapping[str, int]) -> dict[str, float]:
    """`total` in parts as large as these shares, the largest first."""
    whole = sum(shares.values()) or 1
    ordered = sorted(shares.items(), key=lambda one: -one[1])
    return {name: total * share / whole for name, share in ordered}
