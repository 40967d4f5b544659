"""This process's file descriptors: how many it may have and how many are left, for the rule that keeps some.

What lives here: the process's limit, raised as far as the system lets us, and the count.
What never will: judging (`core.reserve`).
"""

from __future__ import annotations

import errno
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from holdfast.core.faults import Fault
from holdfast.core.limits import Limits
from holdfast.core.reserve import Reserve

OPEN: Final = Path("/proc/self/fd")
PER_SESSION: Final = 5
"""A client's socket, an upstream's, a successor's; and where `express` is built, its own of two of them."""
HOUSE: Final = 128
"""Files, pipes, engine workers, pages."""
RECOUNT_S: Final = 0.25
"""Where the kernel does not tell the number by itself, it is counted no oftener than that."""
TOLD_S: Final = 0.005
"""Where the kernel tells it, it is asked no oftener than that: a set-up has two questions."""
_UNKNOWN: Final = 1 << 30
_NONE_LEFT: Final = frozenset({errno.EMFILE, errno.ENFILE})

log = structlog.get_logger()


@dataclass(slots=True)
class Descriptors:
    """Answers for each new session and each new connection whether there is room."""

    limit: int
    reserve: Reserve
    clock: Callable[[], float] = time.monotonic
    _is_low: bool = False
    _counted: tuple[float, int] = field(default=(float("-inf"), 0))
    _holds_s: float = 0.0
    """For how long the count is taken for the truth."""
    _accepted: int = 0
    """Connections since it was counted."""

    @classmethod
    def of(cls, limits: Limits) -> Descriptors:
        """This process's; its soft limit is raised to what its sessions may need."""
        wanted = limits.sessions * PER_SESSION + limits.descriptors_reserved + HOUSE
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = _UNKNOWN if hard == resource.RLIM_INFINITY else hard
        if resource.RLIM_INFINITY != soft < wanted:
            soft = min(wanted, most)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        limit = _UNKNOWN if soft == resource.RLIM_INFINITY else soft
        if limit < wanted:
            told = {"limit": limit, "wanted": wanted, "sessions": limits.sessions}
            log.warning("descriptors.few", category="server", source="descriptors", **told)
        return cls(limit, Reserve(limits.descriptors_reserved))

    @property
    def left(self) -> int:
        """How many may still be opened."""
        return self.limit - self._used()

    @property
    def is_low(self) -> bool:
        """Whether new sessions are refused."""
        return not self.reserve.has_room(self.left, self.clock())

    def refusal(self) -> Fault | None:
        """Why one more session may not begin now; None when it may. Tell `admitted` when it does."""
        left = self.left
        refused = self.reserve.refusal(left, self.clock())
        if (refused is not None) is not self._is_low:
            self._is_low = refused is not None
            level = log.warning if self._is_low else log.info
            level("descriptors.low", category="server", source="descriptors", low=self._is_low, left=left)
        return refused

    def admitted(self) -> None:
        """A session begins."""
        self.reserve.admitted(self.clock())

    def may_accept(self) -> bool:
        """Whether a new connection, which has its descriptor, may be spoken with at all."""
        self._accepted += 1
        return not self.reserve.is_spent(self.left)

    def _used(self) -> int:
        """Newer kernels tell the number as the folder's size; elsewhere it is counted. Not for each question:
        in between, what has been accepted is added.
        """
        at, used = self._counted
        now = self.clock()
        if now - at < self._holds_s:
            return used + self._accepted
        try:
            told = OPEN.stat().st_size
            used = told or sum(1 for _ in OPEN.iterdir())
        except OSError as error:
            # To count takes one. But for that, a system that does not say has other bounds.
            return self.limit if error.errno in _NONE_LEFT else 0
        self._counted, self._accepted = (now, used), 0
        self._holds_s = TOLD_S if told else RECOUNT_S
        return used
