"""Whoever joins is told when the measure changes, and only then."""

from __future__ import annotations

from holdfast.core.joining import ENTER, SAMPLES, Joining
from holdfast.core.overload import LoadSample
from holdfast.runtime.joiner import Joiner


def test_changes_alone_are_told() -> None:
    told: list[int] = []
    joiner = Joiner(Joining(100), told.append)
    for busy in [ENTER + 0.1] * (2 * SAMPLES) + [0.0] * (2 * SAMPLES):
        joiner.heard(LoadSample(busy, 0.0, 0.1, 10))
    assert told == [40, 60, 40, 0]
