"""The front's directory: limits over all workers, with a stand-in for each conversation that runs in one.

What lives here: the stand-in; asking the workers' load before somebody is let in.
What never will: choosing a worker (`staff`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.core.faults import Fault
from holdfast.core.limits import Limits
from holdfast.runtime.directory import Directory


@dataclass(slots=True, eq=False)
class Elsewhere:
    """A conversation in a worker, as the limits see it: it is parked or not, and may be asked to end."""

    ticket: int
    worker: int
    since: float
    ask_to_end: Callable[[Elsewhere], None]
    is_parked: bool = False
    session_id: str = ""
    goodbye: Callable[[], None] | None = None
    """While no worker has it yet: ends its socket."""

    def give_way(self) -> None:
        """End, if it is parked: somebody needs its place."""
        self.ask_to_end(self)

    def drain(self, *, at_once: bool = False) -> None:  # noqa: ARG002 - either way nobody has begun
        """Its worker is told once for all; without one it is ended here."""
        if self.goodbye is not None:
            self.goodbye()

    def visit(self) -> None:
        """Nothing is due here."""

    def shed(self) -> None:
        """Its worker looks after its own memory."""

    def budget_spent(self, cause: Fault) -> None:
        """Its worker keeps the books of its own sessions."""


class StaffedDirectory(Directory):
    """`room` says why no worker could take one more, or None and then it is counted there."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.room: Callable[[], Fault | None] = lambda: None

    def judged(self, peer: str, user: str) -> Fault | None:
        return super().judged(peer, user) or self.room()
