"""Which conversations are running, and whether one more may begin.

What lives here: counting by address and by customer against the limits; draining.
What never will: a session's inside.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from holdfast.core.faults import Fault, fault
from holdfast.core.limits import Limits


class Running(Protocol):
    """Something that can be told to finish."""

    def drain(self) -> None:
        """The process stops."""
        ...


@dataclass(slots=True)
class Directory:
    """The running conversations of this process."""

    limits: Limits
    is_draining: bool = False
    _running: dict[Running, tuple[str, str]] = field(default_factory=dict)
    _by_peer: Counter[str] = field(default_factory=Counter)
    _by_user: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self._running)

    def refusal(self, peer: str, user: str) -> Fault | None:
        """Why one more from this address and for this customer may not begin now; None when it may."""
        if self.is_draining:
            return fault("gateway.draining")
        if len(self._running) >= self.limits.sessions:
            return fault("gateway.overloaded", [f"{len(self._running)} sessions"])
        if self._by_peer[peer] >= self.limits.sessions_per_ip:
            return fault("application.rate_limited", [f"sessions_per_ip {self.limits.sessions_per_ip}"])
        if user and self._by_user[user] >= self.limits.sessions_per_user:
            return fault("application.rate_limited", [f"sessions_per_user {self.limits.sessions_per_user}"])
        return None

    def enter(self, one: Running, peer: str, user: str) -> None:
        """It runs. An empty `user` is not counted by customer."""
        self._running[one] = (peer, user)
        self._by_peer[peer] += 1
        self._by_user[user] += 1

    def leave(self, one: Running) -> None:
        """It has ended. Twice is harmless."""
        entry = self._running.pop(one, None)
        if entry is None:
            return
        for counter, key in ((self._by_peer, entry[0]), (self._by_user, entry[1])):
            counter[key] -= 1
            if counter[key] <= 0:
                del counter[key]

    def drain(self) -> None:
        """Take no more and tell all."""
        self.is_draining = True
        for one in list(self._running):
            one.drain()
