"""What is left to say to somebody who heard the beginning. Words alone."""

from __future__ import annotations

import time

import pytest

from holdfast.engine.carrying_on import BRIDGE, CLOSE, METADATA_CHARS, rest_of
from holdfast.engine.spoken import LONGEST_TEXT

ANSWER = "Your next payment of €342.50 is due on 5 May 2027. After that, 11 instalments are left."


@pytest.mark.parametrize("count", range(1, len(ANSWER.split())))
def test_wherever_it_was_cut_between_words_exactly_the_rest_is_said(count: int) -> None:
    words = ANSWER.split()
    assert rest_of(ANSWER, " ".join(words[:count])) == " ".join(words[count:])


@pytest.mark.parametrize(
    ("heard", "rest"),
    [
        # in the middle of a word: the word is said again
        ("Your next pay", "payment of €342.50 is due on 5 May 2027. After that, 11 instalments are left."),
        # in the middle of a figure: it is said again, whole
        (
            "Your next payment of €342",
            "€342.50 is due on 5 May 2027. After that, 11 instalments are left.",
        ),
        # spelled otherwise: case, punctuation, figures as words
        (
            "your next payment of three hundred forty two euros and fifty cents is due",
            "on 5 May 2027. After that, 11 instalments are left.",
        ),
        # a word too few
        ("Your payment of €342.50 is due on", "5 May 2027. After that, 11 instalments are left."),
        # a word too many
        ("Your very next payment of €342.50 is due on", "5 May 2027. After that, 11 instalments are left."),
        # another word
        ("Your next instalment of €342.50 is due on", "5 May 2027. After that, 11 instalments are left."),
    ],
)
def test_the_place_is_found_though_words_differ(heard: str, rest: str) -> None:
    assert rest_of(ANSWER, heard) == rest


def test_nothing_heard_means_the_whole_answer() -> None:
    assert rest_of(ANSWER, "") == ANSWER
    assert rest_of(ANSWER, " ... ") == ANSWER


@pytest.mark.parametrize("heard", [ANSWER, ANSWER.rstrip("."), f"{ANSWER} Bye"])
def test_nothing_left_is_said_politely(heard: str) -> None:
    assert rest_of(ANSWER, heard) == CLOSE


def test_another_beginning_is_bridged_from_the_first_sentence_that_was_not_heard() -> None:
    answer = "You still owe €20. Your next payment is due on Monday. Anything else?"
    assert rest_of(answer, "Let me have a look at that for") == f"{BRIDGE} {answer}"
    assert (
        rest_of(answer, "Sure, gladly. I see that you still owe €20. Your next")
        == f"{BRIDGE} Your next payment is due on Monday. Anything else?"
    )
    assert rest_of(answer, f"Well then: {answer}") == CLOSE
    assert rest_of(answer, "Let me have a look", bridge="") == answer


@pytest.mark.parametrize(
    "heard", ["You still owe €30.", "You still owe €30. Your next payment", "You still owe thirty"]
)
def test_another_figure_was_never_heard_and_is_not_taken_for_ours(heard: str) -> None:
    answer = "You still owe €20. Your next payment is due on Monday."
    assert rest_of(answer, heard) == f"{BRIDGE} {answer}"


def test_long_words_may_come_without_their_beginning() -> None:
    sentences = [f"Point {number} is about the matter of item {number * 7}." for number in range(1, 60)]
    answer = " ".join(sentences)
    heard = " ".join(sentences[:40])[-METADATA_CHARS:]
    assert rest_of(answer, heard) == " ".join(sentences[40:])


def test_a_sentence_that_returns_is_counted_from_the_beginning() -> None:
    sentence = "This answer is long. "
    rest = f"is long. {sentence * 22}".strip()
    assert rest_of(sentence * 30, f"{sentence * 7}This answer") == rest


@pytest.mark.parametrize("heard_of_it", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("joint", [" ", ". "])
def test_the_longest_answer_holds_nobody_up(joint: str, heard_of_it: float) -> None:
    words = [
        f"{chr(97 + number % 26)}{chr(97 + number % 23)}{chr(97 + number % 19)}" for number in range(4000)
    ]
    answer = joint.join(words)[:LONGEST_TEXT]
    began = time.process_time()
    rest_of(answer, answer[: int(len(answer) * heard_of_it)])
    rest_of(answer, joint.join(reversed(words)))
    assert time.process_time() - began < 0.5
