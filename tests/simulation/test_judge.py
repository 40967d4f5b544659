"""The simulation's judge itself: what it may hold against a session."""

from __future__ import annotations

from contextlib import nullcontext
from random import Random

import pytest

from holdfast.core.events import SessionOptions
from holdfast.core.faults import Fault
from tests.properties.books import Ranges
from tests.simulation.clock import Clock
from tests.simulation.conversation import Answer, Call, Known
from tests.simulation.judge import Judge
from tests.simulation.matrix import At
from tests.simulation.truth import Truth, Violation
from tests.simulation.upstream import Link

WORDS = {"item_1": "u1 said the user"}
NO_WORDS = dict[str, str]()


def test_an_answer_of_a_dead_process_is_judged_by_what_does_not_come_again() -> None:
    judge = Judge(Truth(SessionOptions(), position=4_000, spoken={1: (500, 900), 2: (1_500, 1_900)}))
    judge.known = [(1, Ranges([(500, 900)])), (2, Ranges([(1_600, 1_900)]))]
    judge.begins_again(1_000, {})
    judge.knew_all()

    judge.known = [(1, Ranges([(600, 900)]))]
    judge.begins_again(1_000, {})
    with pytest.raises(Violation):
        judge.knew_all()


@pytest.mark.parametrize(
    ("kept", "comes_to", "is_whole"),
    [(WORDS, 25_600, True), (WORDS, 25_598, False), (NO_WORDS, 25_600, False)],
)
def test_what_a_dead_process_named_lost_stays_named_where_words_are_kept(
    kept: dict[str, str], comes_to: int, *, is_whole: bool
) -> None:
    judge = Judge(Truth(SessionOptions(), position=90_000, spoken={1: (40_000, 50_000)}))
    judge.finals = [("item_1", "user", "u1 said the user")]
    judge.delivered.add(45_000, 90_000)
    judge.loses(0, 45_000)
    judge.begins_again(10_000, kept)
    judge.delivered.add(10_000, comes_to)

    with nullcontext() if is_whole else pytest.raises(Violation):
        judge.account(90_000)


class Nobody:
    """Who dialled, and does not listen."""

    def hears(self, link: Link, event: object, *, is_again: bool) -> None:
        """Nothing comes of it."""

    def loses(self, link: Link, cause: Fault) -> None:
        """Nor of this."""

    def stands(self, at: At) -> None:
        """Nor of this."""


def link_of(judge: Judge, uid: int) -> Link:
    known = Known({}, open_marks=[1, 2, 3])
    return Link(Clock(), Random(0), judge, Nobody(), known, uid=uid, generation=1)


@pytest.mark.parametrize(
    ("kept", "received", "returns", "is_right"),
    [
        (NO_WORDS, 0, False, True),
        (WORDS, 0, False, False),
        (NO_WORDS, 900, False, False),
        (NO_WORDS, 0, True, False),
    ],
    ids=["heard again", "told by its words", "not told again", "its tool had returned"],
)
def test_a_turn_that_was_answered_beside_a_tool_may_be_heard_again_by_who_has_no_words_of_it(
    kept: dict[str, str], received: int, *, returns: bool, is_right: bool
) -> None:
    judge = Judge(Truth(SessionOptions(), position=4_000, spoken={1: (500, 900), 2: (1_500, 1_900)}))
    judge.truth.forgets = True
    link, call = link_of(judge, 1), Call("slow", "{}", 2)
    called = Answer("resp_1", "item_2", [1, 2], 1, calls=[call], is_called=True)
    judge.answering(link, called, None)
    link.known.made["call_1"] = call
    if returns:
        link.known.result("call_1", "done")
    said = Answer("resp_2", "item_3", [1, 3], 2, samples=7_200)
    judge.answering(link, said, None)
    judge.answers["item_3"].status = "completed"
    judge.begins_again(received, kept)

    again = Answer("resp_3", "item_4", [1], 3, samples=7_200)
    with nullcontext() if is_right else pytest.raises(Violation, match="answered twice"):
        judge.answering(link_of(judge, 2), again, None)
    judge.answers["item_4"].status = "completed"
    with pytest.raises(Violation, match="answered twice"):
        judge.answering(link_of(judge, 3), Answer("resp_4", "item_5", [1], 4), None)
