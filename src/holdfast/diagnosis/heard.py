"""One answer of an upstream, as far as it was heard, and whether it is one.

What lives here: what is kept of an answer, and its judgement. What never will: waiting for it (`visit`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast.core.events import ToolCalled
from holdfast.diagnosis.checks import Answer
from holdfast.diagnosis.ear import found


@dataclass(slots=True)
class Heard:
    """One answer."""

    sound: bytearray = field(default_factory=bytearray)
    words: str = ""
    first_s: float | None = None
    calls: list[ToolCalled] = field(default_factory=list)
    is_transcribed: bool = False


def judged(heard: Heard, what: str) -> Answer:
    """Whether it is whole and says something. Raises FoundError."""
    if not (heard.sound or heard.words or heard.calls):
        raise found("provider.response_failed", "the answer is empty")
    first = "" if heard.first_s is None else f"{what} after {ms(heard.first_s)}, "
    sound = f"{len(heard.sound) // 48} ms of sound" if heard.sound else "no sound"
    return Answer.ok(f"{first}{sound}")


def ms(seconds: float) -> str:
    """For people."""
    return f"{seconds * 1000:.0f} ms"
