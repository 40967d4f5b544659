"""What counts samples in these tests finds each planted difference."""

from __future__ import annotations

import numpy as np
import pytest

from tests.e2e.given import Samples, assert_arrived, assert_goes_on, missing_between
from tests.e2e.sound import RATE, noise

BROUGHT: Samples = np.concatenate(
    [np.zeros(300, np.int16), (noise(4.0, rate=RATE) * 32_767).astype(np.int16)]
)


def test_what_was_given_later_or_earlier_in_silence_is_whole() -> None:
    assert_arrived(BROUGHT, BROUGHT[120:], 3)
    assert_arrived(BROUGHT, np.concatenate([np.zeros(960, np.int16), BROUGHT]), 3)


@pytest.mark.parametrize(
    "heard",
    [
        np.delete(BROUGHT, 30_000),
        np.insert(BROUGHT, 30_000, BROUGHT[30_000]),
        np.concatenate([BROUGHT[:24_000], BROUGHT[24_480:24_960], BROUGHT[24_000:24_480], BROUGHT[24_960:]]),
        np.concatenate([BROUGHT[:24_000], BROUGHT[24_000:] // 2]),
        BROUGHT[400:],
        BROUGHT[: 2 * RATE],
    ],
    ids=["lost", "doubled", "swapped", "altered", "a lost beginning", "a lost end"],
)
def test_a_planted_difference_is_found(heard: Samples) -> None:
    with pytest.raises(AssertionError):
        assert_arrived(BROUGHT, heard, 3)


def test_a_second_place_may_repeat_and_may_not_leave_out() -> None:
    before = BROUGHT[:RATE]
    assert_goes_on(BROUGHT, before, BROUGHT[RATE - 480 :], 2)
    assert missing_between(BROUGHT, before, BROUGHT[RATE - 480 :]) == -480
    assert missing_between(BROUGHT, before, BROUGHT[RATE + 480 :]) == 480
    with pytest.raises(AssertionError, match="480 samples are missing"):
        assert_goes_on(BROUGHT, before, BROUGHT[RATE + 480 :], 2)
    with pytest.raises(AssertionError, match="never given"):
        assert_goes_on(BROUGHT, before, BROUGHT[::-1], 2)
