"""The reserve of descriptors: refused early, and what fresh sessions have yet to take is counted."""

from __future__ import annotations

from holdfast.core.reserve import COMING_S, Reserve


def test_a_burst_is_counted_before_it_has_taken_anything() -> None:
    reserve = Reserve(kept=10)
    answers = []
    for _ in range(8):
        answers.append(reserve.refusal(left=15, now=0.0))
        if answers[-1] is None:
            reserve.admitted(now=0.0)

    assert [one is None for one in answers] == [True] * 5 + [False] * 3
    assert answers[-1] is not None
    assert answers[-1].code == "gateway.overloaded"
    assert "15 file descriptors" in answers[-1].evidence[0]
    assert reserve.refusal(left=11, now=COMING_S) is None


def test_who_is_refused_is_not_counted() -> None:
    reserve = Reserve(kept=10)
    assert reserve.refusal(left=10, now=0.0) is not None
    assert reserve.has_room(left=11, now=0.0)


def test_the_second_half_is_for_running_sessions_alone() -> None:
    reserve = Reserve(kept=10)
    assert [reserve.is_spent(left) for left in (10, 6, 5, 0)] == [False, False, True, True]
    assert not Reserve(kept=0).is_spent(1)
