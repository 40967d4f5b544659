"""What the page was given by its microphone, sample by sample: the measure of what must arrive.

What lives here: the comparison with what the page's taps kept (`?taps=1`). What never will: how alike two
sounds are (`sound.py`).

Chromium's fake device is late by a block when the machine is busy, and drops one when it is busier: what was
*spoken* is then not what the page got. What the page got must arrive exactly, however busy the machine is.
"""

from __future__ import annotations

import base64
from typing import Final

import numpy as np
from playwright.sync_api import Page

from tests.e2e.sound import RATE

Samples = np.ndarray[tuple[int], np.dtype[np.int16]]

_KEY: Final = RATE // 10
"""So many samples of noise lie in one place only."""


def given(page: Page) -> Samples:
    """What the page's newest microphone has brought so far, as it must be on the wire: PCM16 at 24 kHz."""
    brought = np.frombuffer(base64.b64decode(page.evaluate("__holdfast.given()")), dtype="<f4")
    scaled = np.floor(brought.astype(np.float64) * 32_768 + 0.5)
    return np.clip(scaled, -32_768, 32_767).astype(np.int16)


def assert_arrived(brought: Samples, heard: Samples, seconds: float) -> None:
    """What the page was given, from its first sound on, arrived: each sample once and in its order.

    Args:
        brought: what the page was given.
        heard: what arrived, from its first sample.
        seconds: how much of it, counted from the first sound, is looked at.
    """
    begun = heard[np.flatnonzero(heard)[0] :]
    _assert_same(begun, brought[np.flatnonzero(brought)[0] :], seconds)


def assert_goes_on(brought: Samples, before: Samples, after: Samples, seconds: float) -> None:
    """What arrived in a second place leaves nothing out behind what arrived in the first; it may repeat
    a part of that.

    Args:
        brought: what the page was given.
        before: what arrived in the first place.
        after: what arrived in the second.
        seconds: how much behind the end of the first is looked at.
    """
    told = after[np.flatnonzero(after)[0] :]
    begin, end = _place_of(told, brought), _end_of(before, brought)
    assert begin <= end, f"{begin - end} samples are missing"
    _assert_same(told, brought[begin:], (end - begin) / RATE + seconds)


def missing_between(brought: Samples, before: Samples, after: Samples) -> int:
    """How many samples the page was given between the end of one recording and the begin of the next."""
    return _place_of(after, brought) - _end_of(before, brought)


def _assert_same(heard: Samples, brought: Samples, seconds: float) -> None:
    count = int(seconds * RATE)
    assert min(len(heard), len(brought)) >= count, f"{len(heard)} of {len(brought)}, not {count}"
    wrong = np.flatnonzero(heard[:count] != brought[:count])
    assert not wrong.size, f"from sample {wrong[0]} of {count} on it is not what the page was given"


def _end_of(heard: Samples, brought: Samples) -> int:
    return _place_of(heard[-_KEY:], brought) + _KEY


def _place_of(heard: Samples, brought: Samples) -> int:
    """Where in what the page was given a recording begins; fails when it lies nowhere."""
    key, bytes_given = heard[:_KEY].tobytes(), brought.tobytes()
    at = bytes_given.find(key)
    while at > 0 and at % 2 == 1:
        at = bytes_given.find(key, at + 1)
    assert at >= 0, "the page was never given what arrived"
    return at // 2
