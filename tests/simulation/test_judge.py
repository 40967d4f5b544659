"""The simulation's judge itself: what it may hold against a session."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from holdfast.core.events import SessionOptions
from tests.properties.books import Ranges
from tests.simulation.judge import Judge
from tests.simulation.truth import Truth, Violation


def test_an_answer_of_a_dead_process_is_judged_by_what_does_not_come_again() -> None:
    judge = Judge(Truth(SessionOptions(), position=4_000, spoken={1: (500, 900), 2: (1_500, 1_900)}))
    judge.known = [(1, Ranges([(500, 900)])), (2, Ranges([(1_600, 1_900)]))]
    judge.begins_again(1_000, set())
    judge.knew_all()

    judge.known = [(1, Ranges([(600, 900)]))]
    judge.begins_again(1_000, set())
    with pytest.raises(Violation):
        judge.knew_all()


@pytest.mark.parametrize(
    ("kept", "comes_to", "is_whole"),
    [({"item_1"}, 25_600, True), ({"item_1"}, 25_598, False), (set[str](), 25_600, False)],
)
def test_what_a_dead_process_named_lost_stays_named_where_words_are_kept(
    kept: set[str], comes_to: int, *, is_whole: bool
) -> None:
    judge = Judge(Truth(SessionOptions(), position=90_000, spoken={1: (40_000, 50_000)}))
    judge.finals = [("item_1", "user", "u1 said the user")]
    judge.delivered.add(45_000, 90_000)
    judge.loses(0, 45_000)
    judge.begins_again(10_000, kept)
    judge.delivered.add(10_000, comes_to)

    with nullcontext() if is_whole else pytest.raises(Violation):
        judge.account(90_000)
