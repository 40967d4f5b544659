"""How much audio is joined follows how busy we are, slowly, and within its bound."""

from __future__ import annotations

import pytest

from holdfast.core.joining import ENTER, LEAVE, SAMPLES, STEPS_MS, Joining


def feel(joining: Joining, busy: float, samples: int) -> list[int]:
    return [joining.sample(busy) for _ in range(samples)]


def test_while_there_is_time_each_frame_goes_as_it_comes() -> None:
    assert set(feel(Joining(100), ENTER, 100)) == {0}


def test_the_busier_for_longer_the_more_is_joined() -> None:
    joining = Joining(100)
    steps = [feel(joining, ENTER + 0.01, SAMPLES)[-1] for _ in range(5)]
    assert steps == [40, 60, 100, 100, 100]


def test_one_busy_moment_changes_nothing() -> None:
    joining = Joining(100)
    assert set(feel(joining, 1.0, SAMPLES - 1) + feel(joining, 0.5, 1) + feel(joining, 1.0, SAMPLES - 1)) == {
        0
    }


def test_it_stays_where_joining_has_brought_the_load_down_and_goes_when_there_is_less_to_do() -> None:
    joining = Joining(100, step=2)
    assert set(feel(joining, LEAVE, 100)) == {STEPS_MS[2]}
    assert feel(joining, LEAVE - 0.01, 2 * SAMPLES)[-1] == 0


@pytest.mark.parametrize("most", [0, 50])
def test_no_more_than_the_limit_is_joined(most: int) -> None:
    assert max(feel(Joining(most), 1.0, 40)) == most
