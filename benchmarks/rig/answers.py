"""Questions and what came back: each answered once, to the sample.

What lives here: finding a question's answer among the replies, whole or cut and carried on.
What never will: times, the user's own audio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.rig.caller import Reply
from holdfast.emulator.voice import spoken

CHAR_MS: Final = 60
_SAMPLE: Final = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one question. Samples."""

    replies: list[Reply] = field(default_factory=list)
    answers: int = 0
    """How often the whole answer was given."""
    lost: int = 0
    """Of what the upstream said and the listener should have had."""
    doubled: int = 0
    unsaid: int = 0
    """Of a word that was being said when the answer was cut: named by `incomplete`, and said by nobody."""


def answer_to(words: str, replies: Sequence[Reply]) -> Answer:
    """The replies that begin as these words do, and those that carry them on."""
    found: list[Reply] = []
    answers = lost = doubled = unsaid = 0
    said = ""
    for reply in replies:
        told = reply.words.strip()
        rest = words[len(said) :].strip()
        if not told or not rest.startswith(told):
            continue
        found.append(reply)
        due, came = spoken(told, char_ms=CHAR_MS), bytes(reply.pcm)
        is_whole = reply.status == "completed"
        if not is_whole and due.startswith(came):
            unsaid += (len(due) - len(came)) // _SAMPLE
        else:
            lost += max(0, len(due) - len(came)) // _SAMPLE
            doubled += max(0, len(came) - len(due)) // _SAMPLE
            lost += _differing(due, came)
        said = f"{said} {told}".strip()
        if is_whole:
            answers += said == words
            said = ""
    return Answer(found, answers, lost, doubled, unsaid)


def _differing(due: bytes, came: bytes) -> int:
    """Samples that are others than they should be, of those that both have."""
    pairs = zip(memoryview(due), memoryview(came), strict=False)
    return sum(one != other for one, other in pairs) // _SAMPLE
