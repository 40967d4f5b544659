"""One cell of the matrix: a scene of a client with an upstream, and how it went."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Cell:
    """One scene of one client with one upstream: how it went."""

    client: str
    scene: str
    upstream: str
    killed: bool
    failed: str = ""
    skipped: str = ""
    wrong: list[str] = field(default_factory=list)
    said: str = ""
    events: int = 0

    @property
    def passed(self) -> bool:
        """Whether the client was content and nothing was wrong on the wire."""
        return not (self.failed or self.skipped or self.wrong)
