"""Audio whose every sample says where it comes from, so that nothing has to be believed.

What lives here: pairs of samples that tell their position and a mark. For the user's voice the mark is the
turn (0: silence), for the assistant's the answer.
What never will: who speaks when.

The sample at an even position bears the position's low 16 bits; its neighbour the high ones and the mark.
Whoever cuts between the two halves of a pair is found out, for nobody here begins or ends at an odd position.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np

from holdfast.core.audio import SAMPLE_BYTES

POSITIONS: Final = 1 << 23
"""So many samples can be told apart: 349 s."""
MARKS: Final = 255
"""And so many turns, or answers; then they come round again."""
_PAGE: Final = 1 << 17


class CutInTwoError(AssertionError):
    """A piece that begins or ends between the halves of a pair."""


@lru_cache(maxsize=POSITIONS // _PAGE)
def _page(number: int) -> bytes:
    positions = np.arange(number * _PAGE, (number + 1) * _PAGE, 2, dtype=np.uint32)
    pairs = (positions & 0xFFFE) | 1 << 16 | (positions >> 16) << 17
    return pairs.astype("<u4").tobytes()


def silence(first: int, last: int) -> bytes:
    """The samples from `first` to `last`, with no mark."""
    page, at = divmod(first % POSITIONS, _PAGE)
    end = at + last - first
    if end <= _PAGE:
        return _page(page)[at * SAMPLE_BYTES : end * SAMPLE_BYTES]
    middle = first + _PAGE - at
    return silence(first, middle) + silence(middle, last)


@lru_cache(maxsize=4096)
def spoken(first: int, last: int, mark: int) -> bytes:
    """The samples from `first` to `last`, all bearing `mark`."""
    pcm = silence(first, last)
    if not mark:
        return pcm
    return (np.frombuffer(pcm, "<u4") | np.uint32(mark << 24)).tobytes()


def place(pcm: bytes) -> int:
    """Position of the first sample."""
    if pcm[0] & 1 or not pcm[2] & 1:
        raise CutInTwoError
    return pcm[0] | pcm[1] << 8 | (pcm[2] & 0xFE) << 15


def mark_at(pcm: bytes, index: int) -> int:
    """The mark of the pair that begins at this even index."""
    return pcm[SAMPLE_BYTES * index + 3]


def pieces(pcm: bytes) -> list[tuple[int, int, int]]:
    """What a piece of audio is made of: (first position, last, mark) for as long as both continue."""
    if len(pcm) % 4 or pcm[0] & 1:
        raise CutInTwoError
    pairs = np.frombuffer(pcm, "<u4")
    if not (pairs & 1 << 16).all():
        raise CutInTwoError
    positions = (pairs & 0xFFFE) | (pairs >> 17 & 0x7F) << 16
    marks = pairs >> 24
    breaks = np.flatnonzero((np.diff(positions.astype(np.int64)) != 2) | (np.diff(marks) != 0)) + 1
    edges = [0, *breaks.tolist(), len(pairs)]
    return [(int(positions[a]), int(positions[a]) + 2 * (b - a), int(marks[a])) for a, b in pairwise(edges)]


def marks_of(found: list[tuple[int, int, int]]) -> list[int]:
    """The marks of some pieces, in order, without silence."""
    return list(dict.fromkeys(mark for _, _, mark in found if mark))
