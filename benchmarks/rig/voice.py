"""Input audio that can be found again: every sample of every person is known by its position.

What lives here: PCM16 by position, loud while a turn is spoken, quiet between; finding it in a recording.
What never will: sockets.

Loud and quiet are noise without a period shorter than 125 s, so that any 40 samples say where they belong.
Quiet stays below what an ear takes for speech, and is told apart all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

RATE_HZ: Final = 24_000
FRAME_MS: Final = 100
FRAME: Final = RATE_HZ * FRAME_MS // 1000
_PERIOD: Final = 2_503 * FRAME // 2
_STEP: Final = 7_919 * FRAME
_KEY: Final = 40

Samples = npt.NDArray[np.int16]
Range = tuple[int, int]


def _noise(amplitude: int) -> Samples:
    noise = np.random.default_rng(amplitude).integers(-amplitude, amplitude, _PERIOD + FRAME)
    noise[_PERIOD:] = noise[:FRAME]
    return noise.astype("<i2")


_LOUD: Final = _noise(9_000)
_QUIET: Final = _noise(60)


@dataclass(frozen=True, slots=True)
class Voice:
    """One person's input: turns of `loud_ms`, each followed by `quiet_ms`, beginning with a pause.

    `turns`: after so many only quiet follows; None goes on for ever. Times are whole frames.
    """

    number: int
    loud_ms: int = 1_000
    quiet_ms: int = 2_000
    turns: int | None = None

    def is_loud(self, frame: int) -> bool:
        """Whether speech fills that frame."""
        quiet, loud = self.quiet_ms // FRAME_MS, self.loud_ms // FRAME_MS
        turn, at = divmod(frame, quiet + loud)
        return at >= quiet and (self.turns is None or turn < self.turns)

    def frame(self, index: int) -> bytes:
        """The PCM of 100 ms."""
        start = (self.number * _STEP + index * FRAME) % _PERIOD
        table = _LOUD if self.is_loud(index) else _QUIET
        return table[start : start + FRAME].tobytes()

    def whole(self, frames: int) -> Samples:
        """Everything up to a frame."""
        return np.frombuffer(b"".join(self.frame(index) for index in range(frames)), dtype="<i2")

    def loud_ranges(self, frames: int) -> list[Range]:
        """The turns, in samples."""
        found: list[Range] = []
        for index in range(frames):
            if self.is_loud(index):
                start = index * FRAME
                if found and found[-1][1] == start:
                    found[-1] = (found[-1][0], start + FRAME)
                else:
                    found.append((start, start + FRAME))
        return found


@dataclass(frozen=True, slots=True)
class CuedVoice(Voice):
    """One person's input, loud where it was told to be: `loud` are frames."""

    loud: set[int] = field(default_factory=set)

    def is_loud(self, frame: int) -> bool:
        return frame in self.loud


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recording holds of somebody's input, as positions in order of arrival."""

    ranges: list[Range]
    foreign: int
    """Samples that are nobody's."""

    @property
    def doubled(self) -> int:
        """Samples that came more than once."""
        marks = np.zeros(max((end for _, end in self.ranges), default=0), dtype=np.int32)
        for start, end in self.ranges:
            marks[start:end] += 1
        return int((marks[marks > 1] - 1).sum())

    def missing(self, wanted: list[Range]) -> int:
        """Samples of `wanted` that did not come."""
        length = max((end for _, end in (*self.ranges, *wanted)), default=0)
        came = np.zeros(length, dtype=bool)
        for start, end in self.ranges:
            came[start:end] = True
        return sum(int((~came[start:end]).sum()) for start, end in wanted)

    @property
    def is_in_order(self) -> bool:
        """Whether no earlier sample came after a later one."""
        return all(before[1] <= after[0] for before, after in zip(self.ranges, self.ranges[1:], strict=False))


def find(recording: bytes, produced: Samples) -> Heard:
    """Where the samples of a recording stand in what was produced."""
    came = np.frombuffer(recording[: len(recording) // 2 * 2], dtype="<i2")
    raw = produced.tobytes()
    places = {raw[at * 2 : (at + _KEY) * 2]: at for at in range(0, len(produced) - _KEY + 1, _KEY)}
    ranges: list[Range] = []
    foreign = at = 0
    while at < len(came):
        place, skipped = _next(came, at, places)
        foreign += skipped
        at += skipped
        if place is None:
            break
        back = _common(came[:at][::-1], produced[:place][::-1], min(skipped, _KEY))
        foreign -= back
        length = _common(came[at:], produced[place:], len(came))
        ranges.append((place - back, place + length))
        at += length
    return Heard(ranges, foreign)


def _next(came: Samples, at: int, places: dict[bytes, int]) -> tuple[int | None, int]:
    """The next place that is known, and how many samples before it are not."""
    raw = came[at:].tobytes()
    for skipped in range(len(raw) // 2 - _KEY + 1):
        place = places.get(raw[skipped * 2 : (skipped + _KEY) * 2])
        if place is not None:
            return place, skipped
    return None, len(raw) // 2


def _common(one: Samples, other: Samples, most: int) -> int:
    """How many samples both begin with."""
    length = min(len(one), len(other), most)
    differs = np.flatnonzero(one[:length] != other[:length])
    return int(differs[0]) if len(differs) else length
