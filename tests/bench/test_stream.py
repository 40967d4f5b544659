"""Sound that comes back, byte by byte: each fault has its name, and only its own."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

import pytest

from holdfast.bench import frames
from holdfast.bench.stream import Faults, Stream
from tests.bench import hostile

COUNT = 20


def spoken(fault: hostile.Fault) -> list[bytes]:
    return [pcm for at in range(COUNT) for pcm in fault(at, frames.frame(3, at))]


def heard(pieces: list[bytes]) -> tuple[int, int, int, int]:
    """Lost, doubled, swapped, altered."""
    faults = Faults()
    stream = Stream(3, frames.FRAME_BYTES, faults, sent=COUNT)
    for piece in pieces:
        stream.take(piece)
    stream.end()
    return stream.unanswered, faults.doubled, faults.swapped, faults.altered


FAULTS: Final[dict[str, tuple[Callable[[], hostile.Fault], tuple[int, int, int, int]]]] = {
    "none": (lambda: hostile.none, (0, 0, 0, 0)),
    "lost": (lambda: hostile.lost, (1, 0, 0, 0)),
    "doubled": (lambda: hostile.doubled, (0, 1, 0, 0)),
    "swapped": (hostile.swapped, (0, 0, 1, 0)),
    "altered": (lambda: hostile.altered, (0, 0, 0, 1)),
    "cut": (lambda: hostile.cut, (0, 0, 0, 1)),
    "joined": (hostile.joined, (0, 0, 0, 0)),
}
"""Who plants it, and what must be counted: lost, doubled, swapped, altered."""


@pytest.mark.parametrize(("fault", "expected"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named(fault: Callable[[], hostile.Fault], expected: tuple[int, int, int, int]) -> None:
    assert heard(spoken(fault())) == expected


@pytest.mark.parametrize(("fault", "expected"), FAULTS.values(), ids=FAULTS)
def test_it_is_no_matter_how_the_sound_is_cut_into_messages(
    fault: Callable[[], hostile.Fault], expected: tuple[int, int, int, int]
) -> None:
    whole, chance = b"".join(spoken(fault())), random.Random(5)
    pieces = []
    while whole:
        size = chance.choice((1, 7, 31, 480, 960, 2880, 5000))
        pieces.append(whole[:size])
        whole = whole[size:]
    assert heard(pieces) == expected


def test_the_end_is_missed_and_the_sound_of_others_is_no_answer() -> None:
    sent = [frames.frame(3, at) for at in range(COUNT)]
    assert heard(sent[:-2]) == (2, 0, 0, 0)
    assert heard([*sent[:-1], sent[-1][:100]]) == (0, 0, 0, 1)
    assert heard([*sent[:5], frames.frame(4, 5), *sent[6:]]) == (0, 0, 0, 1)
    assert heard([*sent, frames.frame(3, COUNT)]) == (0, 0, 0, 1)
    assert heard([*sent[:3], *sent[8:]]) == (5, 0, 0, 0)
