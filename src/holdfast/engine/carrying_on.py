"""The rest of an answer that was cut: what is left to say to somebody who heard its beginning.

What lives here: finding the place by words, though they may be spelled otherwise; the sentences that
bridge or close. Pure.
What never will: which answer it was (`agenda`), or how much of it was heard.

Figures are not treated tolerantly: a sentence with another sum than the one that was heard was not heard.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from holdfast.engine.spoken import LONGEST_TEXT, said
from holdfast.engine.words import NUMBER_WORDS, expanded, tokens

BRIDGE: Final = "As I was saying:"
"""Before an answer that goes on otherwise than it began."""
CLOSE: Final = "That was all."
"""When nothing is left to say."""
METADATA_CHARS: Final = 512
"""The dialect's bound on what a client can tell in one value: longer words come without their beginning."""

_PIECE: Final = re.compile(r"\S+\s*")
_SPELLED: Final = re.compile(r"[\d€$£%]")
"""What is said otherwise than it is written."""
_SENTENCE: Final = re.compile(r"[^.!?]+(?:[.!?](?=\S)[^.!?]*)*[.!?]*\s*")
_ASTRAY: Final = 4
"""So many words may be other, missing or too many before the two texts meet again."""
_TOLERATED: Final = 0.2
_HEARD_WHOLE: Final = 0.8
_LONGEST_TAIL: Final = 12
_SHORTEST_TAIL: Final = 4
_COMPARED: Final = 600
"""The last words of what was heard; a sentence is looked for among them."""


@dataclass(frozen=True, slots=True)
class _Word:
    """A word as it sounds, and where the written piece begins that it is part of."""

    sound: str
    at: int

    @property
    def is_figure(self) -> bool:
        return self.sound in NUMBER_WORDS


def rest_of(answer: str, heard: str, *, bridge: str = BRIDGE) -> str:
    """What is left of `answer` for who heard `heard`: its remaining words, or - where it does not begin
    like that - the answer from the first sentence that was not heard whole, after the bridge.
    """
    answer, heard = answer[:LONGEST_TEXT], heard[-LONGEST_TEXT:]
    whole, known = _words(answer), _words(heard)
    if not known:
        return answer
    end = _end_of_beginning(whole, known)
    if end is None and len(heard) >= METADATA_CHARS - 1:
        end = _end_of_tail(whole, known)
    if end is not None:
        return answer[whole[end].at :].strip() if end < len(whole) else CLOSE
    rest = _from_first_unheard(answer, known)
    return f"{bridge} {rest}".strip() if rest else CLOSE


def _words(text: str) -> list[_Word]:
    return [
        _Word(sound, piece.start())
        for piece in _PIECE.finditer(text)
        for sound in expanded(tokens(_spoken(piece.group())))
    ]


def _spoken(piece: str) -> str:
    return said(piece) if _SPELLED.search(piece) else piece


def _end_of_beginning(whole: Sequence[_Word], known: Sequence[_Word]) -> int | None:
    """Index of the first word of `whole` after what is known; None when the two do not begin alike."""
    at, seen, missed = 0, 0, 0
    while at < len(whole) and seen < len(known):
        if whole[at].sound == known[seen].sound:
            at, seen = at + 1, seen + 1
            continue
        if seen and seen == len(known) - 1 and _is_cut(whole[at], known[seen]):
            break
        step = _meeting(whole[at:], known[seen:])
        if step is None:
            return None
        skipped = (*whole[at : at + step[0]], *known[seen : seen + step[1]])
        if any(word.is_figure for word in skipped):
            return None
        missed += max(step)
        at, seen = at + step[0], seen + step[1]
    if at == len(whole):
        missed += len(known) - seen
    return _begin_of_piece(whole, at) if at and missed <= _TOLERATED * len(known) else None


def _is_cut(word: _Word, heard: _Word) -> bool:
    """Whether the last that was heard may be the beginning of the word. It is said again then; but another
    figure than ours is no beginning of ours.
    """
    return word.sound.startswith(heard.sound) or not heard.is_figure


def _meeting(whole: Sequence[_Word], known: Sequence[_Word]) -> tuple[int, int] | None:
    """How many words to skip on either side until two in a row are alike; the least first."""
    steps = [(mine, theirs) for mine in range(_ASTRAY + 1) for theirs in range(_ASTRAY + 1)]
    for mine, theirs in sorted(steps, key=lambda step: (max(step), sum(step))):
        here = [word.sound for word in whole[mine : mine + 2]]
        there = [word.sound for word in known[theirs : theirs + 2]]
        if here and there and here[: len(there)] == there[: len(here)]:
            return mine, theirs
    return None


def _end_of_tail(whole: Sequence[_Word], known: Sequence[_Word]) -> int | None:
    """The same where the beginning of what was heard is missing: its last words, if they stand in the
    answer just once.
    """
    sounds = [word.sound for word in whole]
    for last in (len(known), len(known) - 1):  # the very last word may have been cut off in the middle
        tail = [word.sound for word in known[max(0, last - _LONGEST_TAIL) : last]]
        ends = [at + len(tail) for at in range(len(sounds)) if sounds[at : at + len(tail)] == tail]
        if len(tail) >= _SHORTEST_TAIL and len(ends) == 1:
            return _begin_of_piece(whole, ends[0])
    return None


def _begin_of_piece(whole: Sequence[_Word], at: int) -> int:
    """A written piece of several words ("€20") is said whole or not at all."""
    while 0 < at < len(whole) and whole[at].at == whole[at - 1].at:
        at -= 1
    return at


def _from_first_unheard(answer: str, known: Sequence[_Word]) -> str:
    heard = [word.sound for word in known[-_COMPARED:]]
    for sentence in _SENTENCE.finditer(answer):
        if not _was_heard(_words(sentence.group()), heard):
            return answer[sentence.start() :].strip()
    return ""


def _was_heard(sentence: Sequence[_Word], heard: Sequence[str]) -> bool:
    sounds = [word.sound for word in sentence]
    found: set[int] = set()
    for block in SequenceMatcher(None, sounds, heard, autojunk=False).get_matching_blocks():
        found.update(range(block.a, block.a + block.size))
    figures = {index for index, word in enumerate(sentence) if word.is_figure}
    return figures <= found and len(found) >= _HEARD_WHOLE * len(sounds)
