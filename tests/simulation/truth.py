"""What really happened on the caller's side, for the judge: the audio as it was spoken.

What lives here: facts.
What never will: rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from holdfast.core.events import SessionOptions
from tests.simulation.voice import mark_at, place, silence, spoken


class Violation(AssertionError):  # noqa: N818 - it is what the rules call it
    """A rule is broken."""

    def __init__(self, rule: str, what: str) -> None:
        super().__init__(f"{rule}: {what}")
        self.rule = rule
        self.what = what


@dataclass(slots=True)
class Truth:
    """One caller's input, and what may be expected."""

    options: SessionOptions
    position: int = 0
    """Samples that the microphone has made."""
    spoken: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Where each spoken turn begins and ends."""
    said: list[int] = field(default_factory=list)
    """Turns that were said to the end, and handed over."""
    refused: set[int] = field(default_factory=set)
    """Turns of which the caller was told that they came to nothing."""
    split: set[int] = field(default_factory=set)
    """Turns that an absence cut in two: the session may have ended the first half for itself."""
    killed: bool = False
    homes: int = 0
    """Processes that the session has lived in."""
    forgets: bool = False
    """Whether the conversation is bounded so tightly that items are forgotten."""
    expiries: list[Any] = field(default_factory=list)

    def pcm(self, first: int, last: int) -> bytes:
        """The audio as it was spoken."""
        out = b""
        at = first
        for mark, (begin, end) in self.spoken.items():
            if end <= at or begin >= last:
                continue
            if at < begin:
                out += silence(at, begin)
            out += spoken(max(at, begin), min(end, last), mark)
            at = min(end, last)
        return out + silence(at, last) if at < last else out

    def is_over(self, mark: int) -> bool:
        """Whether the turn was spoken to its end."""
        return mark in self.said

    @staticmethod
    def place_of(pcm: bytes) -> tuple[int, int]:
        """Where audio of an answer belongs, and to which."""
        return place(pcm), mark_at(pcm, 0)
